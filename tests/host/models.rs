//! Sizes and names of the models.

use wgrad::config::RunConfig;
use wgrad::kernels::Activation;
use wgrad::nn::models::{self, Settings};
use wgrad::nn::{Layer, Network, Role, initial};
use wgrad::train::build_network;

fn network(model: &str, sets: &[&str]) -> Network {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let mut config = RunConfig::from_layers(None, &sets, &toml::Table::new()).unwrap();
    model.clone_into(&mut config.model);
    build_network(&config, [32, 32, 3], 10).unwrap()
}

/// Trained numbers of all tensors that `keep` takes.
fn count(network: &Network, keep: impl Fn(&str, Role) -> bool) -> usize {
    network.parameters.iter().filter(|p| keep(&p.name, p.role)).map(|p| p.len()).sum()
}

/// He et al. 2015, table 6, to the digit: the sizes of the usual PyTorch checkpoints.
#[test]
fn resnets_have_their_published_sizes() {
    let sizes = [("resnet20", 269_722), ("resnet32", 464_154), ("resnet44", 658_586), ("resnet56", 853_018)];
    for (model, parameters) in sizes {
        assert_eq!(network(model, &[]).parameter_count(), parameters, "{model}");
    }
    assert_eq!(network("resnet56", &[]).macs(), 125_485_696);
}

/// Sizes that their authors print (trained and, for Keras, all numbers: batch norm's statistics too).
#[test]
fn other_models_have_their_published_sizes() {
    let all = |network: &Network| {
        network.parameter_count() + network.statistics.iter().map(|p| p.len()).sum::<usize>()
    };
    let seed = network("resnet56_seed", &[]);
    assert_eq!((seed.parameter_count(), all(&seed)), (855_834, 859_898));
    assert_eq!(seed.macs(), 115_766_592);
    let sites = |layer: &Layer| matches!(layer, Layer::BatchNorm(_));
    let sites: Vec<_> = seed.nodes.iter().filter(|node| sites(&node.layer)).collect();
    assert_eq!(sites.len(), 55);
    assert_eq!(sites.iter().map(|node| node.shape.iter().product::<usize>()).sum::<usize>(), 476_928);
    assert_eq!(network("mlp", &[]).parameter_count(), 500_210);
    assert_eq!(network("wrn_28_10", &[]).parameter_count(), 36_479_194);
    let keras = network("resnet_v1_20", &[]);
    assert_eq!((all(&keras), keras.parameter_count()), (274_442, 273_066));
}

/// Where a network would be wrong at run time it is refused when it is built.
#[test]
fn wrong_models_are_named() {
    let build = |model: &str, sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let mut config = RunConfig::from_layers(None, &sets, &toml::Table::new()).unwrap();
        model.clone_into(&mut config.model);
        build_network(&config, [32, 32, 3], 10).unwrap_err().to_string()
    };
    for name in [
        "resnet21",
        "resnet",
        "resnet_v2_20x",
        "wrn_28",
        "wrn_28_0",
        "mlp_0x5x",
        "mlp_3x0",
        "vgg16",
        "résnet20",
    ] {
        let message = build(name, &[]);
        assert!(message.contains(name) || message.contains("hidden.0"), "{name}: {message}");
    }
    assert!(build("resnet20", &["regularize.drop=\"relu\""]).contains("drops nothing"));
    assert!(build("resnet20", &["regularize.drop=\"dropblock:block=0\""]).contains("block=0"));
    assert!(build("resnet20", &["weights.kernels=xavier"]).contains("glorot_uniform"));
    assert!(build("resnet8_seed", &["activation=\"maxout:pieces=3\""]).contains("multiple of its 3 pieces"));
}

/// A slip of the finger gets the name that was meant.
#[test]
fn misspelt_names_get_the_closest_one() {
    let message = |set: &str| {
        let config = RunConfig::from_layers(None, &[set.to_owned()], &toml::Table::new()).unwrap();
        build_network(&config, [32, 32, 3], 10).unwrap_err().to_string()
    };
    for (set, meant) in [
        ("model=resent20", "resnet20"),
        ("model=resent26", "resnet26"),
        ("model=ResNet-56", "resnet56"),
        ("model=resnet21", "resnet20"),
        ("model=resnet56_sed", "resnet56_seed"),
        ("model=resnet-v1-32", "resnet_v1_32"),
        ("model=wnr_16_4", "wrn_16_4"),
        ("model=wrn_28x10", "wrn_28_10"),
        ("model=mlp_bn3x64", "mlp_bn_3x64"),
        ("model=airbench95", "airbench94"),
        ("activation=rellu", "relu"),
        ("activation=leakyrelu", "leaky_relu"),
        ("activation=dropactt:retain=0.9", "dropact"),
        ("activation=dropact:retian=0.9", "retain"),
        ("activation=gelu:form=tahn", "tanh"),
        ("activation=mix:first=sliu", "silu"),
        ("regularize.drop=dropblok:rate=0.1", "dropblock"),
        ("regularize.drop=dropuot", "dropout"),
    ] {
        let text = message(set);
        assert!(text.contains(&format!("; did you mean {meant}?")), "{set}: {text}");
    }
    for set in ["model=vgg16", "activation=swiglu_gated", "regularize.drop=nothing_at_all"] {
        assert!(!message(set).contains("did you mean"), "{set}: {}", message(set));
    }
}

/// Channels as an activation wants them, in every model.
#[test]
fn channels_follow_the_activation() {
    for model in ["resnet8", "resnet8_seed", "resnet_v1_8", "resnet_v2_11", "wrn_10_2", "mlp_bn_3x18"] {
        let plain = network(model, &["activation=relu"]);
        let last = |network: &Network| network.parameters[network.parameters.len() - 2].shape.clone();
        let doubled = network(model, &["activation=crelu"]);
        assert_eq!(
            last(&doubled)[1],
            2 * last(&plain)[1],
            "{model}: crelu doubles what the classifier reads"
        );
        network(model, &["activation=maxout"]);
        let learned = network(model, &["activation=\"prelu:share=channel\""]);
        let sites = count(&learned, |_, role| role == Role::Activation);
        assert_eq!(
            learned.parameter_count() - sites,
            plain.parameter_count(),
            "{model}: prelu adds its slopes"
        );
        assert!(
            sites > 0
                && learned
                    .parameters
                    .iter()
                    .all(|p| p.role != Role::Activation || p.name.ends_with(".weight"))
        );
    }
}

/// A convolution between two widened layers grows with the square of the width, all else with the width itself.
#[test]
fn width_multiplies_every_stage() {
    let narrow = network("resnet20", &[]);
    for width in [1, 2, 3, 16] {
        let wide = network("resnet20", &[&format!("width={width}")]);
        let inner = |name: &str, role| role == Role::ConvWeight && name != "conv1.weight";
        let outer = |name: &str, role| !inner(name, role) && name != "linear.bias";
        assert_eq!(count(&wide, inner), width * width * count(&narrow, inner), "width {width}");
        assert_eq!(count(&wide, outer), width * count(&narrow, outer), "width {width}");
        assert_eq!(count(&wide, |name, _| name == "linear.bias"), 10);
        for (a, b) in narrow.nodes.iter().zip(&wide.nodes).filter(|(a, _)| a.name != "linear") {
            assert_eq!([a.shape[0], a.shape[1], a.shape[2] * width], b.shape, "{} at width {width}", a.name);
        }
    }
}

fn described(text: &str) -> wgrad::Result<Network> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, text).unwrap();
    let settings = Settings::cifar10(Activation::parse("elu").unwrap());
    models::build(path.to_str().unwrap(), &settings)
}

/// ResNet-8 of He et al., written as a file.
#[test]
fn a_file_describes_a_model() {
    let small = described(include_str!("../../assets/models/small.toml")).unwrap();
    assert_eq!(small.name, "mine");
    let conv = |inputs: usize, outputs: usize| 9 * inputs * outputs + 2 * outputs;
    let blocks = 4 * conv(16, 16) + conv(16, 32) + conv(32, 32) + 16 * 32 + 2 * 32;
    assert_eq!(small.parameter_count(), conv(3, 16) + blocks + 330);
    let resnet = described(
        r#"layers = [
            { conv = 16 }, { batchnorm = "activation" },
            { residual = [{ conv = 16 }, { batchnorm = "activation" }, { conv = 16 }, { batchnorm = "none" }] },
            { residual = [{ conv = 32, stride = 2 }, { batchnorm = "activation" }, { conv = 32 }, { batchnorm = "none" }], shortcut = "a" },
            { residual = [{ conv = 64, stride = 2 }, { batchnorm = "activation" }, { conv = 64 }, { batchnorm = "none" }], shortcut = "a" },
            { pool = "average" }, { classifier = true },
        ]"#,
    )
    .unwrap();
    let ours = network("resnet8", &[]);
    assert_eq!((resnet.parameter_count(), resnet.macs()), (ours.parameter_count(), ours.macs()));
    let shapes = |network: &Network| network.parameters.iter().map(|p| p.shape.clone()).collect::<Vec<_>>();
    assert_eq!(shapes(&resnet), shapes(&ours));
}

#[test]
fn wrong_descriptions_are_named_at_their_place() {
    for (text, place, what) in [
        ("layers = [{ conv = 16 }", "mine.toml:1", ""),
        ("layers = [\n{ conv = 16 },\n{ konv = 3 }]", "mine.toml:3", "konv"),
        ("layers = [{ conv = 16, linear = 3 }]", "layers.0", "conv and linear"),
        ("layers = [{}]", "layers.0", "nothing"),
        (
            "layers = [{ batchnorm = \"none\", stride = 2 }]",
            "layers.0",
            "stride does not belong to batchnorm",
        ),
        ("layers = [{ conv = 16 }, { activation = \"rulu\" }]", "layers.1", "unknown activation"),
        ("layers = [{ conv = 16 }]", "layers.0", "[1, 1, 10]"),
        ("layers = [{ linear = 10 }]", "layers.0", "pool or flatten"),
        (
            "layers = [{ residual = [{ conv = 4 }] }, { pool = \"average\" }, { classifier = true }]",
            "layers.0.add",
            "[32, 32, 4]",
        ),
        ("layers = [{ residual = [] }]", "layers.0", "needs layers"),
        ("layers = [{ conv = 0 }]", "layers.0", "at least 1"),
        ("layers = [{ conv = 8, kernel = 35 }]", "layers.0", "kernel"),
        ("layers = [{ pool = \"least\" }]", "layers.0", "average"),
        ("layers = [{ pool = \"max\", window = 33 }]", "layers.0", "1 to 32 pixels"),
        ("layers = [{ pool = \"average\", window = 2 }]", "layers.0", "window belongs to"),
        ("layers = [{ repeat = 99999999, layers = [{ conv = 4 }] }]", "layers.0", "more than"),
        ("layers = []", "(none)", "[1, 1, 10]"),
    ] {
        let message = described(text).unwrap_err().to_string();
        assert!(message.contains(place) && message.contains(what), "{text}: {message}");
    }
    let settings = Settings::cifar10(Activation::identity());
    assert!(
        models::build("nowhere/to/be.toml", &settings)
            .unwrap_err()
            .to_string()
            .contains("nowhere/to/be.toml")
    );
}

/// Rows of orthogonal weights are orthonormal, or their columns where there are more rows; variances are those of the fans.
#[test]
fn initial_weights_are_what_their_names_say() {
    let with = |kernels: &str| network("resnet8", &[&format!("weights.kernels={kernels}")]);
    let values = |network: &Network, name: &str| {
        let index = network.parameters.iter().position(|p| p.name == name).unwrap();
        (initial(&network.parameters[index], index, 9), network.parameters[index].shape.clone())
    };
    for name in ["layer1.0.conv1.weight", "layer3.0.conv2.weight", "conv1.weight"] {
        let (weights, shape) = values(&with("orthogonal"), name);
        let columns = weights.len() / shape[0];
        let row = |o: usize| &weights[o * columns..(o + 1) * columns];
        for a in 0..shape[0] {
            for b in 0..shape[0] {
                let dot: f64 = row(a).iter().zip(row(b)).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                let expected = if a == b { 1.0 } else { 0.0 };
                // Rounding to f32 of unit vectors.
                assert!((dot - expected).abs() < 1e-6, "{name}: {a} {b} {dot}");
            }
        }
    }
    let fan_in = 9.0 * 64.0;
    let variances = [
        ("he_normal", 2.0 / fan_in, f64::INFINITY),
        ("he_truncated", 2.0 / fan_in, 2.0 / 0.879_625_66 * (2.0f64 / fan_in).sqrt()),
        ("he_uniform", 2.0 / fan_in, (6.0f64 / fan_in).sqrt()),
        ("glorot_uniform", 1.0 / fan_in, (3.0f64 / fan_in).sqrt()),
        ("lecun_normal", 1.0 / fan_in, f64::INFINITY),
    ];
    for (name, variance, most) in variances {
        let (weights, _) = values(&with(name), "layer3.0.conv2.weight");
        let count = weights.len() as f64;
        let got = weights.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>() / count;
        // Five standard deviations of the variance of n normals; the others' are smaller.
        assert!(
            (got / variance - 1.0).abs() < 5.0 * (2.0 / count).sqrt(),
            "{name}: {got}, expected {variance}"
        );
        assert!(weights.iter().all(|&w| f64::from(w).abs() <= most * (1.0 + 1e-6)), "{name}");
    }
    let (dirac, shape) = values(&with("dirac"), "layer1.0.conv1.weight");
    assert_eq!(dirac.iter().filter(|&&w| w == 1.0).count(), shape[0]);
    assert_eq!(dirac[4], 1.0);
}

/// The same seed gives the same weights for every activation.
#[test]
fn weights_do_not_depend_on_the_activation() {
    let of = |activation: &str| {
        let network = network("resnet8", &[&format!("activation={activation}")]);
        initial(&network.parameters[0], 0, 4)
    };
    assert_eq!(of("relu"), of("dropact"));
    assert_eq!(of("relu"), of("elu"));
}

/// The size of airbench94's `make_net()` as PyTorch counts it, and 0.36 PFLOP in 9.9 epochs of 48 batches of 1,024, forward and
/// backward (its header), within the two digits given.
#[test]
fn airbench_is_as_its_author_builds_it() {
    let network = network("airbench94", &["activation=gelu"]);
    assert_eq!(network.parameter_count(), 1_972_792);
    let petaflop = 6.0 * network.macs() as f64 * 1024.0 * 48.0 * 9.9 / 1e15;
    assert!((petaflop - 0.36).abs() < 0.02, "{petaflop}");
    let trained = |epoch: u32| -> Vec<&str> {
        let all = network.parameters.iter().filter(|parameter| !parameter.trained.in_epoch(epoch));
        all.map(|parameter| parameter.name.as_str()).collect()
    };
    let gammas = ["layer1", "layer2", "layer3"]
        .iter()
        .flat_map(|layer| ["bn1", "bn2"].map(|bn| format!("{layer}.{bn}.weight")));
    let frozen: Vec<String> = std::iter::once("conv1.weight".to_owned()).chain(gammas).collect();
    assert_eq!(trained(2), frozen);
    assert_eq!(trained(3).len(), frozen.len() + 1, "the stem's bias is trained in the first three epochs");
    // The first filters, as many as inputs, are the identity; the others are PyTorch's default.
    let index = network.parameters.iter().position(|p| p.name == "layer2.conv1.weight").unwrap();
    let values = initial(&network.parameters[index], index, 1);
    for (filter, values) in values.chunks_exact(64 * 9).enumerate() {
        let ones: Vec<usize> = (0..64 * 9).filter(|&i| values[i] != 0.0).collect();
        if filter < 64 {
            assert_eq!((ones, values[filter * 9 + 4]), (vec![filter * 9 + 4], 1.0));
        } else {
            assert!(ones.len() > 500 && values.iter().all(|v| v.abs() <= 1.0 / 24.0));
        }
    }
}
