//! A trained network as an ONNX model, in its form of evaluation: operators of [`OPSET`], IR version [`IR_VERSION`].

mod activation;
mod graph;
pub mod proto;

use prost::Message;

use self::graph::{Graph, Name, float, integer, integer_list};
use self::proto::{
    DimensionProto, FLOAT_TENSOR, ModelProto, OperatorSetIdProto, StringStringEntryProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use crate::kernels::activation::{Activation, Form};
use crate::kernels::residual::Scale;
use crate::nn::{BatchNormSite, Layer, Network, Node, Parameter, ShortcutSite};
use crate::{Error, Result};

/// Version of ONNX's own operators that models use.
pub const OPSET: i64 = 17;
/// Version of the file format.
pub const IR_VERSION: i64 = 8;
/// The name of the input: f32, N x C x H x W, N any number, standardised as the network's images were in training.
pub const INPUT: &str = "images";
/// The name of the output: f32, N x classes.
pub const OUTPUT: &str = "logits";

/// A parameter's values in PyTorch's order of elements.
pub type Tensors<'a> = &'a dyn Fn(&Parameter) -> Result<&'a [f32]>;

/// The bytes of an ONNX file: the network with these values, and remarks (name, text) in its metadata.
///
/// # Errors
/// A layer or activation without an ONNX form, or what `tensors` gives.
pub fn export(network: &Network, tensors: Tensors, remarks: &[(&str, String)]) -> Result<Vec<u8>> {
    Ok(model(network, tensors, remarks)?.encode_to_vec())
}

/// The same before it becomes bytes.
///
/// # Errors
/// As [`export`].
pub fn model(network: &Network, tensors: Tensors, remarks: &[(&str, String)]) -> Result<ModelProto> {
    let mut graph = Graph::default();
    for parameter in network.parameters.iter().chain(&network.statistics) {
        graph.tensor(&parameter.name, &parameter.shape, tensors(parameter)?);
    }
    let mut writer = Writer { network, values: vec![INPUT.to_owned()], graph };
    for node in &network.nodes {
        writer.graph.enter(&node.name);
        let value = writer.node(node)?;
        writer.values.push(value);
    }
    let flat = writer.is_flat(network.logits());
    let Writer { values, mut graph, .. } = writer;
    let mut logits = values[network.logits()].clone();
    graph.enter("output");
    if !flat {
        logits = graph.op("Flatten", &[&logits], vec![integer("axis", 1)]);
    }
    let last = graph.unary("Identity", &logits);
    // The model's output carries its own name.
    for node in &mut graph.proto.node {
        node.output.iter_mut().filter(|name| **name == last).for_each(|name| OUTPUT.clone_into(name));
    }
    let [height, width, channels] = network.input;
    let mut proto = graph.proto;
    proto.name.clone_from(&network.name);
    proto.input = vec![tensor_info(INPUT, &[channels, height, width])];
    proto.output = vec![tensor_info(OUTPUT, &[network.classes])];
    let remarks = remarks
        .iter()
        .map(|(key, value)| StringStringEntryProto { key: (*key).into(), value: value.clone() });
    Ok(ModelProto {
        ir_version: IR_VERSION,
        producer_name: "wgrad".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: format!(
            "{INPUT}: N,C,H,W, standardised as in training (see metadata); {OUTPUT}: N,classes"
        ),
        graph: Some(proto),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        metadata_props: remarks.collect(),
    })
}

fn tensor_info(name: &str, sizes: &[usize]) -> ValueInfoProto {
    let any = DimensionProto { dim_value: None, dim_param: Some("N".into()) };
    let number = |&size: &usize| DimensionProto { dim_value: Some(size as i64), dim_param: None };
    let shape = TensorShapeProto { dim: std::iter::once(any).chain(sizes.iter().map(number)).collect() };
    let tensor = TensorTypeProto { elem_type: FLOAT_TENSOR, shape: Some(shape) };
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

/// A network on its way into a graph.
struct Writer<'a> {
    network: &'a Network,
    /// The name of each of the network's values.
    values: Vec<Name>,
    graph: Graph,
}

impl Writer<'_> {
    /// Appends a layer and gives its output.
    fn node(&mut self, node: &Node) -> Result<Name> {
        let x = self.values[node.input].clone();
        let parameter = |index: usize| self.network.parameters[index].name.as_str();
        Ok(match &node.layer {
            Layer::Conv { weight, kernel, stride, padding } => {
                let [kernel, stride, padding] = [*kernel, *stride, *padding].map(|n| n as i64);
                let attributes = vec![
                    integer_list("kernel_shape", &[kernel; 2]),
                    integer_list("strides", &[stride; 2]),
                    integer_list("pads", &[padding; 4]),
                ];
                let weight = self.connected(*weight);
                self.graph.op("Conv", &[&x, &weight], attributes)
            }
            Layer::BatchNorm(site) => self.batchnorm(node, site, &x)?,
            Layer::Bias { bias } => {
                let bias = self.per_channel(*bias, node);
                self.graph.binary("Add", &x, &bias)
            }
            Layer::Activation { activation, learned: Some(learned), .. }
                if activation.row.name == "prelu" =>
            {
                let slope = self.per_channel(*learned, node);
                self.graph.binary("PRelu", &x, &slope)
            }
            Layer::Activation { activation, .. } => match activation.row.form {
                Form::Doubled => self.doubled(activation, &x)?,
                Form::Pieces => self.greatest(activation, node, &x)?,
                _ => activation::eval_form(&mut self.graph, activation, &x)?,
            },
            Layer::Dropout { always: true, .. } | Layer::Add { always: true, .. } => {
                let name = &node.name;
                return Err(Error::usage(format!("layer {name}: noise in evaluation has no ONNX form")));
            }
            Layer::Dropout { .. } => x,
            Layer::Add { shortcut, scale, .. } => {
                let branch = match scale {
                    Scale::One => x,
                    Scale::StochasticDepth { survival } | Scale::ShakeDrop { survival } => {
                        self.graph.with("Mul", &x, f64::from(*survival))
                    }
                };
                self.sum(&branch, *shortcut, node.shape[2])
            }
            Layer::Flatten => self.graph.op("Flatten", &[&x], vec![integer("axis", 1)]),
            Layer::GlobalAveragePool => self.graph.unary("GlobalAveragePool", &x),
            Layer::MaxPool { window } => {
                let sides = [*window as i64; 2];
                let attributes = ["kernel_shape", "strides"].map(|name| integer_list(name, &sides));
                self.graph.op("MaxPool", &[&x], attributes.to_vec())
            }
            Layer::Linear { weight } => {
                let bias = parameter(*weight + 1);
                let weight = self.connected(*weight);
                let flat = self.graph.op("Flatten", &[&x], vec![integer("axis", 1)]);
                self.graph.op("Gemm", &[&flat, &weight, bias], vec![integer("transB", 1)])
            }
        })
    }

    fn batchnorm(&mut self, node: &Node, site: &BatchNormSite, x: &str) -> Result<Name> {
        let (parameters, statistics) = (&self.network.parameters, &self.network.statistics);
        let names = [
            &parameters[site.gamma].name,
            &parameters[site.gamma + 1].name,
            &statistics[site.running].name,
            &statistics[site.running + 1].name,
        ];
        let [gamma, beta, mean, variance] = names.map(String::as_str);
        let eps = vec![float("epsilon", f64::from(self.network.bn_eps))];
        let z = self.graph.op("BatchNormalization", &[x, gamma, beta, mean, variance], eps);
        let z = self.sum(&z, site.shortcut, node.shape[2]);
        activation::eval_form(&mut self.graph, &site.activation, &z)
    }

    /// A value of this many channels and what a shortcut adds to it.
    fn sum(&mut self, z: &str, shortcut: ShortcutSite, channels: usize) -> Name {
        match shortcut {
            ShortcutSite::None => z.to_owned(),
            ShortcutSite::Same(value) => self.graph.binary("Add", z, &self.values[value]),
            ShortcutSite::Padded(value) => {
                let added = self.option_a(value, channels);
                self.graph.binary("Add", z, &added)
            }
        }
    }

    /// The weights as evaluation uses them: times what DropConnect keeps, where it acts.
    fn connected(&mut self, weight: usize) -> Name {
        let parameter = &self.network.parameters[weight];
        match self.network.dropconnect.filter(|site| site.acts_on(parameter)) {
            Some(site) => self.graph.with("Mul", &parameter.name, f64::from(1.0 - site.rate)),
            None => parameter.name.clone(),
        }
    }

    /// Whether a node's input has lost its pixels: N x C in ONNX.
    fn is_flat(&self, mut value: usize) -> bool {
        while let Some(before) = value.checked_sub(1) {
            let node = &self.network.nodes[before];
            match node.layer {
                Layer::Flatten | Layer::Linear { .. } => return true,
                Layer::Conv { .. } | Layer::GlobalAveragePool | Layer::MaxPool { .. } => return false,
                _ => value = node.input,
            }
        }
        false
    }

    /// A number a channel, or one, in the shape that goes with a node's input.
    fn per_channel(&mut self, parameter: usize, node: &Node) -> Name {
        let name = &self.network.parameters[parameter].name;
        if self.is_flat(node.input) {
            return name.clone();
        }
        let shape = self.graph.integers(&[-1, 1, 1]);
        self.graph.binary("Reshape", name, &shape)
    }

    /// (activation(x), activation(-x)) over the channels.
    fn doubled(&mut self, act: &Activation, x: &str) -> Result<Name> {
        let negative = self.graph.unary("Neg", x);
        let halves = [x, &negative].map(|half| activation::eval_form(&mut self.graph, act, half));
        let [first, second] = halves;
        Ok(self.graph.op("Concat", &[&first?, &second?], vec![integer("axis", 1)]))
    }

    /// The greatest of the pieces of each channel.
    fn greatest(&mut self, act: &Activation, node: &Node, x: &str) -> Result<Name> {
        let [height, width, channels] = node.shape.map(|size| size as i64);
        let mut shape = vec![0, channels, act.pieces() as i64];
        if !self.is_flat(node.input) {
            shape.extend([height, width]);
        }
        let shape = self.graph.integers(&shape);
        let pieces = self.graph.binary("Reshape", x, &shape);
        let attributes = vec![integer_list("axes", &[2]), integer("keepdims", 0)];
        let best = self.graph.op("ReduceMax", &[&pieces], attributes);
        activation::eval_form(&mut self.graph, act, &best)
    }

    /// Every second pixel, zero channels on both sides.
    fn option_a(&mut self, value: usize, channels: usize) -> Name {
        let before = (channels - self.network.shape(value)[2]) / 2;
        let after = channels - self.network.shape(value)[2] - before;
        let g = &mut self.graph;
        let (starts, ends) = (g.integers(&[0, 0]), g.integers(&[i64::MAX, i64::MAX]));
        let (axes, steps) = (g.integers(&[2, 3]), g.integers(&[2, 2]));
        let pixels = g.op("Slice", &[&self.values[value], &starts, &ends, &axes, &steps], Vec::new());
        let pads = g.integers(&[0, before as i64, 0, 0, 0, after as i64, 0, 0]);
        g.binary("Pad", &pixels, &pads)
    }
}
