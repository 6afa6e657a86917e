//! The recipes that come with the program.

use toml::Table;
use wgrad::config::{DecayOn, OptimizerKind, RECIPES, RunConfig, Split, Which, published};

use wgrad::train::build_network;

use super::config::{names_all, refused};

#[test]
fn an_unknown_recipe_gets_a_hint_and_the_list() {
    let text = refused(RunConfig::from_layers(Some("quikstart"), &[], &Table::new()));
    names_all(&text, &["quikstart", "did you mean quickstart?", "he_resnet56", "seed000_rrelu"]);
    let text = refused(RunConfig::from_layers(Some("zzz"), &[], &Table::new()));
    names_all(&text, &["zzz", "akamaster_resnet56"]);
    assert!(!text.contains("did you mean"), "{text}");
}

#[test]
fn every_recipe_is_valid_and_resolves_to_itself() {
    let mut names = std::collections::HashSet::new();
    for recipe in RECIPES {
        assert!(names.insert(recipe.name), "{} is listed twice", recipe.name);
        assert!(!recipe.about.is_empty() && !recipe.about.contains('\n'));
        let config = RunConfig::from_layers(Some(recipe.name), &[], &Table::new())
            .unwrap_or_else(|error| panic!("{}: {error}", recipe.name));
        assert_eq!(config.warnings(), Vec::<String>::new(), "{}", recipe.name);
        let text = config.to_toml();
        assert_eq!(RunConfig::from_toml(&text, "resolved").unwrap(), config, "{}", recipe.name);
    }
}

#[test]
fn every_recipe_file_is_in_the_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/recipes");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut listed: Vec<String> = RECIPES.iter().map(|recipe| recipe.name.to_string()).collect();
    found.sort();
    listed.sort();
    assert_eq!(found, listed);
}

#[test]
fn recipes_hold_the_published_constants() {
    let recipe = |name| RunConfig::from_layers(Some(name), &[], &Table::new()).unwrap();
    let he = recipe("he_resnet56");
    assert_eq!((he.epochs, he.batch, he.data.validation), (182, 128, 0.1));
    assert_eq!(he.schedule.milestones, [91.0, 136.0]);
    assert_eq!((he.optimizer.weight_decay, he.optimizer.decay_on), (1e-4, DecayOn::All));
    let akamaster = recipe("akamaster_resnet56");
    assert_eq!((akamaster.epochs, akamaster.data.split), (200, Split::None));
    assert_eq!(akamaster.schedule.milestones, [100.0, 150.0]);
    assert_eq!(akamaster.augment.std, Some([0.229, 0.224, 0.225]));
    let airbench = recipe("airbench94");
    // airbench94's hyp: rates for a sum over the batch, decoupled from momentum and decay.
    let (lr, momentum, decay) = (11.5, 0.85, 0.0153);
    let per_sum = lr / (1024.0 * (1.0 + 1.0 / (1.0 - momentum)));
    assert!((airbench.optimizer.lr - 1024.0 * per_sum).abs() < 1e-12, "{}", 1024.0 * per_sum);
    assert!((airbench.optimizer.weight_decay - decay / lr).abs() < 1e-7, "{}", decay / lr);
    assert_eq!((airbench.optimizer.momentum, airbench.optimizer.norm_bias_lr), (momentum, 64.0));
    let relu = recipe("seed000_relu");
    assert_eq!((relu.optimizer.weight_decay, relu.optimizer.decay_on), (4e-4, DecayOn::Kernels));
    for (name, activation) in [
        ("seed000_dropact", "dropact:retain=0.95"),
        ("seed000_dropout", "dropout:of=relu,rate=0.4"),
        ("seed000_rrelu", "rrelu:mode=seed"),
    ] {
        assert_eq!(recipe(name), RunConfig { activation: activation.into(), ..relu.clone() }, "{name}");
    }
    let quick = recipe("quickstart");
    assert_eq!((quick.model.as_str(), quick.data.source.as_str()), ("resnet56", "sample"));
    assert_eq!(quick.activation, "dropact:retain=0.95");
}

/// Every recipe but the quick one says where its numbers are from, and builds the model that it names.
#[test]
fn every_recipe_has_its_source_and_its_model() {
    for recipe in RECIPES {
        let config = RunConfig::from_layers(Some(recipe.name), &[], &Table::new()).unwrap();
        build_network(&config, [32, 32, 3], 10).unwrap_or_else(|error| panic!("{}: {error}", recipe.name));
        let published = published(recipe.name).unwrap();
        assert_eq!(published.is_none(), recipe.name == "quickstart", "{}", recipe.name);
        let Some(published) = published else { continue };
        assert!(!published.source.is_empty(), "{}", recipe.name);
        for number in [published.validation, published.test].into_iter().flatten() {
            assert!((40.0..100.0).contains(&number), "{}: {number} percent", recipe.name);
        }
        if config.data.split == Split::None {
            assert!(published.test.is_none() || published.which == Which::Last, "{}: no best", recipe.name);
        }
    }
}

#[test]
fn the_tables_of_the_seeds_are_whole() {
    let recipe = |name: &str| RunConfig::from_layers(Some(name), &[], &Table::new()).unwrap();
    let gaaf: Vec<_> =
        RECIPES.iter().filter(|r| r.name.starts_with("gaaf_") && r.name != "gaaf_relu").collect();
    assert_eq!(gaaf.len(), 13);
    let relu = recipe("gaaf_relu");
    assert_eq!(
        (relu.model.as_str(), relu.optimizer.kind, relu.optimizer.lr),
        ("resnet_v1_20", OptimizerKind::Adam, 1e-3)
    );
    assert_eq!((relu.augment.pad, relu.augment.flip, relu.batch), (0, false, 128));
    for row in gaaf {
        let config = recipe(row.name);
        assert!(config.activation.starts_with("gaaf_relu:shape="), "{}", row.name);
        assert_eq!(RunConfig { activation: "relu".into(), ..config }, relu, "{}", row.name);
    }
    for what in ["elu", "bn", "selu", "alpha_dropout", "mc", "1cycle"] {
        let [faithful, clean] = ["faithful", "clean"].map(|kind| recipe(&format!("seed003_{what}_{kind}")));
        assert_eq!((faithful.data.split, clean.data.split), (Split::Random, Split::Stratified), "{what}");
        assert!(faithful.model.starts_with("mlp") && faithful.model == clean.model);
    }
    assert_eq!(recipe("seed003_bn_faithful").optimizer.steps_before, 37 * 1047);
    assert_eq!(recipe("seed003_selu_clean").optimizer.kind, OptimizerKind::Nadam);
    assert_eq!(recipe("seed003_1cycle_clean").early_stopping.patience, None);
    let network = build_network(&recipe("seed003_elu_clean"), [32, 32, 3], 10).unwrap();
    assert_eq!(network.parameter_count(), 500_210);
    let network = build_network(&recipe("seed000_relu"), [32, 32, 3], 10).unwrap();
    assert_eq!((network.parameter_count(), network.macs()), (855_834, 115_766_592));
}

#[test]
fn a_wrong_publication_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let load = |text: &str| {
        std::fs::write(&file, text).unwrap();
        RunConfig::from_layers(file.to_str(), &[], &Table::new())
    };
    load("[published]\nsource = \"me\"\ntest = 93.0\n").unwrap();
    names_all(&refused(load("[published]\nsuorce = \"me\"\n")), &["mine.toml", "[published]", "suorce"]);
    names_all(&refused(load("published = 3\n")), &["mine.toml", "[published]"]);
}
