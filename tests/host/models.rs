//! Sizes and names of the models.

use wgrad::config::RunConfig;
use wgrad::nn::{Network, Role};
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
