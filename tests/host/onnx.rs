//! ONNX files: they decode, hold the network's graph and tensors, and compute every activation's form in evaluation.

use std::collections::HashMap;

use prost::Message;
use wgrad::interop::onnx::proto::{ModelProto, NodeProto, TensorProto};
use wgrad::interop::onnx::{INPUT, OPSET, OUTPUT, export};
use wgrad::kernels::activation::Form;
use wgrad::kernels::{ACTIVATIONS, Activation};
use wgrad::nn::models::{Settings, ShortcutOption, WeightDrop, build};
use wgrad::nn::{Builder, Network, Parameter, initial};
use wgrad::reference::activation as reference;

fn model_of(network: &Network) -> ModelProto {
    let all = network.parameters.iter().chain(&network.statistics);
    let values: HashMap<String, Vec<f32>> =
        all.enumerate().map(|(i, p)| (p.name.clone(), initial(p, i, 7))).collect();
    let tensors = |parameter: &Parameter| Ok(values[&parameter.name].as_slice());
    let bytes = export(network, &tensors, &[("model", network.name.clone())]).expect("it has an ONNX form");
    let model = ModelProto::decode(bytes.as_slice()).expect("the bytes decode");
    for (name, want) in &values {
        let tensor = tensor(&model, name);
        assert_eq!(floats(tensor), *want, "{name}");
    }
    model
}

fn tensor<'a>(model: &'a ModelProto, name: &str) -> &'a TensorProto {
    let graph = model.graph.as_ref().expect("a graph");
    let found: Vec<_> = graph.initializer.iter().filter(|tensor| tensor.name == name).collect();
    assert_eq!(found.len(), 1, "{name}");
    found[0]
}

fn floats(tensor: &TensorProto) -> Vec<f32> {
    assert_eq!(tensor.data_type, 1, "{} is f32", tensor.name);
    tensor.raw_data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes"))).collect()
}

fn integers(tensor: &TensorProto) -> Vec<i64> {
    assert_eq!(tensor.data_type, 7, "{} is i64", tensor.name);
    tensor.raw_data.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().expect("eight bytes"))).collect()
}

fn count(model: &ModelProto, kind: &str) -> usize {
    model.graph.as_ref().expect("a graph").node.iter().filter(|node| node.op_type == kind).count()
}

fn resnet(option: ShortcutOption, activation: &str) -> Network {
    let activation = Activation::parse(activation).expect("an activation");
    build("resnet20", &Settings { option, ..Settings::cifar10(activation) }).expect("a model")
}

#[test]
fn a_resnet_is_the_graph_that_it_should_be() {
    for (option, convolutions, pads) in [(ShortcutOption::A, 19, 2), (ShortcutOption::B, 21, 0)] {
        let network = resnet(option, "relu");
        let model = model_of(&network);
        assert_eq!(model.opset_import.len(), 1);
        assert_eq!((model.opset_import[0].version, model.ir_version), (OPSET, 8));
        assert_eq!(model.metadata_props[0].value, "resnet20");
        for (kind, want) in [
            ("Conv", convolutions),
            ("BatchNormalization", convolutions),
            ("Relu", 19),
            ("Add", 9),
            ("Pad", pads),
            ("Slice", pads),
            ("GlobalAveragePool", 1),
            ("Gemm", 1),
        ] {
            assert_eq!(count(&model, kind), want, "{option:?}: {kind}");
        }
        let graph = model.graph.as_ref().expect("a graph");
        let sizes = |info: &wgrad::interop::onnx::proto::ValueInfoProto| -> Vec<Option<i64>> {
            let tensor = info.r#type.as_ref().and_then(|t| t.tensor_type.as_ref()).expect("a tensor");
            tensor.shape.as_ref().expect("a shape").dim.iter().map(|dim| dim.dim_value).collect()
        };
        assert_eq!((graph.input.len(), graph.output.len()), (1, 1));
        assert_eq!(graph.input[0].name, INPUT);
        assert_eq!(sizes(&graph.input[0]), [None, Some(3), Some(32), Some(32)]);
        assert_eq!(sizes(&graph.output[0]), [None, Some(10)]);
        assert_eq!(tensor(&model, "layer2.0.conv1.weight").dims, [32, 16, 3, 3]);
    }
}

/// Every operator reads what is there before it, and every name is written once.
#[test]
fn nodes_stand_in_the_order_of_computation() {
    let model = model_of(&resnet(ShortcutOption::A, "gaaf_relu:variant=round,side=negative"));
    let graph = model.graph.as_ref().expect("a graph");
    let mut known: Vec<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    known.push(INPUT);
    for node in &graph.node {
        for input in &node.input {
            assert!(known.contains(&input.as_str()), "{} reads {input}", node.name);
        }
        for output in &node.output {
            assert!(!known.contains(&output.as_str()), "{output} is written twice");
            known.push(output);
        }
    }
    assert!(known.contains(&OUTPUT));
}

/// Option A's zeros go on both sides of the channels.
#[test]
fn option_a_pads_channels_and_takes_every_second_pixel() {
    let model = model_of(&resnet(ShortcutOption::A, "relu"));
    let graph = model.graph.as_ref().expect("a graph");
    let of_kind = |kind: &str| graph.node.iter().filter(|node| node.op_type == kind).collect::<Vec<_>>();
    let list = |node: &NodeProto, input: usize| integers(tensor(&model, &node.input[input]));
    let pads: Vec<_> = of_kind("Pad").into_iter().map(|node| list(node, 1)).collect();
    assert_eq!(pads, [vec![0, 8, 0, 0, 0, 8, 0, 0], vec![0, 16, 0, 0, 0, 16, 0, 0]]);
    for node in of_kind("Slice") {
        assert_eq!([list(node, 1), list(node, 3), list(node, 4)], [vec![0, 0], vec![2, 3], vec![2, 2]]);
    }
}

/// A network that is one activation of one number, and a linear layer.
fn single(activation: &Activation) -> ModelProto {
    let mut b = Builder::new("single", [1, 1, 1], 1);
    let x = b.activation("act", b.image(), activation).expect("one channel is enough");
    b.linear("linear", x, 1).expect("a linear layer");
    model_of(&b.finish().expect("a network"))
}

/// The activation's operators in f64, by the definitions of <https://onnx.ai/onnx/operators>.
fn evaluate(model: &ModelProto, x: f64) -> f64 {
    let graph = model.graph.as_ref().expect("a graph");
    let mut known: HashMap<String, f64> = HashMap::from([(INPUT.to_owned(), x)]);
    for tensor in graph.initializer.iter().filter(|tensor| tensor.dims.is_empty()) {
        known.insert(tensor.name.clone(), f64::from(floats(tensor)[0]));
    }
    let mut last = x;
    for node in graph.node.iter().filter(|node| node.name.starts_with("act/")) {
        let input: Vec<f64> = node.input.iter().map(|name| known[name]).collect();
        let setting = |name: &str| {
            let found = node.attribute.iter().find(|attribute| attribute.name == name);
            f64::from(found.and_then(|attribute| attribute.f).expect("a number"))
        };
        last = operator(&node.op_type, &input, &setting);
        known.insert(node.output[0].clone(), last);
    }
    last
}

fn operator(kind: &str, input: &[f64], setting: &dyn Fn(&str) -> f64) -> f64 {
    let x = input[0];
    let elu = |alpha: f64| if x > 0.0 { x } else { alpha * x.exp_m1() };
    match (kind, input) {
        ("Relu", [_]) => x.max(0.0),
        ("LeakyRelu", [_]) if x >= 0.0 => x,
        ("LeakyRelu", [_]) => setting("alpha") * x,
        ("Elu", [_]) => elu(setting("alpha")),
        ("Selu", [_]) => setting("gamma") * elu(setting("alpha")),
        ("Celu", [_]) => x.max(0.0) + (setting("alpha") * (x / setting("alpha")).exp_m1()).min(0.0),
        ("Sigmoid", [_]) => 1.0 / (1.0 + (-x).exp()),
        ("Tanh", [_]) => x.tanh(),
        ("Softplus", [_]) => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        ("HardSwish", [_]) => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        ("Exp", [_]) => x.exp(),
        ("Sqrt", [_]) => x.sqrt(),
        ("Abs", [_]) => x.abs(),
        ("Floor", [_]) => x.floor(),
        ("Erf", [_]) => erf(x),
        ("Add", [a, b]) => a + b,
        ("Sub", [a, b]) => a - b,
        ("Mul", [a, b]) => a * b,
        ("Div", [a, b]) => a / b,
        ("Max", [a, b]) => a.max(*b),
        ("Min", [a, b]) => a.min(*b),
        ("GreaterOrEqual", [a, b]) => f64::from(u8::from(a >= b)),
        ("LessOrEqual", [a, b]) => f64::from(u8::from(a <= b)),
        ("Where", [condition, a, b]) => {
            if *condition == 0.0 {
                *b
            } else {
                *a
            }
        }
        other => panic!("an operator that no activation needs: {other:?}"),
    }
}

/// 2/sqrt(pi) times the integral of exp(-t^2), by Simpson's rule with 2,000 steps: within 1e-12 on [0, 6].
fn erf(x: f64) -> f64 {
    let end = x.abs().min(6.0);
    let step = end / 2000.0;
    let term = |i: u32| {
        let weight = if i == 0 || i == 2000 { 1.0 } else { 2.0 + 2.0 * f64::from(i % 2) };
        weight * (-(f64::from(i) * step).powi(2)).exp()
    };
    let sum: f64 = (0..=2000).map(term).sum();
    sum * step / 3.0 * 2.0 / std::f64::consts::PI.sqrt() * x.signum()
}

/// Constants are rounded to f32 and a form has up to five of them one after the other, each a factor on x or on a power of it:
/// five roundings of 2^-24 of a value or slope times x, and of the exponents' size where there is a square.
fn tolerance(x: f64) -> f64 {
    5.0 * 2f64.powi(-24) * (1.0 + x.abs()).powi(2)
}

#[test]
fn every_activation_computes_its_form_in_evaluation() {
    let mut specs: Vec<String> = ACTIVATIONS
        .iter()
        .filter(|row| row.form == Form::Elementwise)
        .map(|row| row.name.to_owned())
        .collect();
    specs.extend(
        [
            "leaky_relu:negative_slope=-0.3",
            "elu:alpha=2",
            "celu:alpha=0.5",
            "gelu:form=tanh",
            "softplus:beta=3",
            "dropact:retain=0.7",
            "rrelu:mode=paper",
            "rrelu:mode=seed,lower=0.2",
            "mix:first=gelu,second=selu,retain=0.3",
            "dropout:of=mish",
            "gaaf_relu:shape=repo,shift=2,variant=round",
            "gaaf_tanh:shape=repo,side=negative,scale=3,frequency=7",
            "gaaf_sigmoid:shape=none,variant=round,frequency=3",
        ]
        .map(str::to_owned),
    );
    for spec in specs {
        let activation = Activation::parse(&spec).expect("an activation");
        let model = single(&activation);
        let row = reference::find(activation.row.name).expect("a reference");
        let parameters: Vec<f64> = activation.values().iter().map(|&value| f64::from(value)).collect();
        for i in -97..=97 {
            let x = f64::from(i) * 0.1237;
            let (got, want) = (evaluate(&model, x), (row.eval_value)(x, 0.0, &parameters));
            assert!((got - want).abs() <= tolerance(x), "{spec} at {x}: got {got}, expected {want}");
        }
    }
}

#[test]
fn an_activation_of_the_users_is_refused() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/activations/swish.wgsl");
    let network = resnet(ShortcutOption::A, file);
    let error = export(&network, &|_| Ok(&[]), &[]).expect_err("no ONNX form").to_string();
    assert!(error.contains("swish.wgsl") && error.contains("ONNX"), "{error}");
}

/// Activations that a layer of their own computes: the operators of each in a residual network.
#[test]
fn activations_with_learned_numbers_or_other_channels() {
    for row in ACTIVATIONS.iter().filter(|row| row.form != Form::Elementwise) {
        let kinds: &[(&str, usize)] = match row.name {
            "prelu" => &[("PRelu", 19), ("Relu", 0)],
            "probact_learned" => &[("Relu", 19)],
            "crelu" => &[("Neg", 19), ("Relu", 38), ("Concat", 19)],
            "maxout" => &[("ReduceMax", 19), ("Relu", 0)],
            other => panic!("{other}: say which operators it becomes"),
        };
        let model = model_of(&resnet(ShortcutOption::B, row.name));
        for (kind, want) in kinds {
            assert_eq!(count(&model, kind), *want, "{}: {kind}", row.name);
        }
    }
}

/// Every family of models has a graph; DropConnect's weights are those of evaluation.
#[test]
fn families_of_models_have_a_graph() {
    let settings = || Settings::cifar10(Activation::parse("relu").expect("an activation"));
    for (name, kind, want) in [
        ("resnet20_seed", "Conv", 22),
        ("resnet_v1_20", "Conv", 21),
        ("resnet_v2_11", "Conv", 13),
        ("wrn_10_2", "Conv", 10),
        ("mlp_3x20", "Gemm", 4),
        ("mlp_bn_3x20", "BatchNormalization", 4),
    ] {
        let network = build(name, &settings()).expect("a model");
        assert_eq!(count(&model_of(&network), kind), want, "{name}: {kind}");
    }
    let mut dropped = settings();
    dropped.regularize.dropconnect = Some(WeightDrop { rate: 0.25, linear_only: true, gaussian: true });
    let model = model_of(&build("resnet8", &dropped).expect("a model"));
    let graph = model.graph.as_ref().expect("a graph");
    let kept: Vec<&NodeProto> = graph.node.iter().filter(|node| node.op_type == "Mul").collect();
    assert_eq!(kept.len(), 1, "the linear layer's weights alone");
    assert_eq!(kept[0].input[0], "linear.weight");
    assert_eq!(floats(tensor(&model, &kept[0].input[1])), [0.75]);
}

/// Max pooling, a bias of its own, and logits with a factor.
#[test]
fn airbench_has_an_onnx_form() {
    let settings = Settings::cifar10(Activation::parse("gelu").expect("an activation"));
    let model = model_of(&build("airbench94", &settings).expect("a model"));
    for (kind, want) in [("Conv", 8), ("MaxPool", 4), ("BatchNormalization", 6), ("Gemm", 0), ("Flatten", 1)]
    {
        assert_eq!(count(&model, kind), want, "{kind}");
    }
    let graph = model.graph.as_ref().expect("a graph");
    let sides = |node: &NodeProto| -> Vec<i64> {
        node.attribute.iter().flat_map(|attribute| attribute.ints.clone()).collect()
    };
    let pools: Vec<_> = graph.node.iter().filter(|node| node.op_type == "MaxPool").map(sides).collect();
    assert_eq!(pools, [vec![2; 4], vec![2; 4], vec![2; 4], vec![3; 4]]);
}
