//! The recipes that come with the program.

use toml::Table;
use wgrad::config::{DecayOn, RECIPES, RunConfig, Split};

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
