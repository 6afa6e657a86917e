//! Layers, ranges, recipes and messages of the configuration.

use toml::Table;
use wgrad::Error;
use wgrad::config::{
    DecayOn, LastBatch, Normalization, RunConfig, ScheduleKind, Shortcut, Split, closest, keys,
    optional_keys, put,
};

fn set(sets: &[&str]) -> wgrad::Result<RunConfig> {
    let sets: Vec<String> = sets.iter().map(|s| s.to_string()).collect();
    RunConfig::from_layers(None, &sets, &Table::new())
}

/// The message of a failure that must be the user's, exit code 2, in one line.
pub fn refused(result: wgrad::Result<RunConfig>) -> String {
    let error = result.expect_err("must be refused");
    assert!(matches!(error, Error::Usage(_)), "{error}");
    assert_eq!(error.exit_code(), 2);
    let text = error.to_string();
    assert!(!text.contains('\n'), "one line: {text}");
    text
}

#[track_caller]
pub fn names_all(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}

#[test]
fn unknown_keys_name_the_closest_one() {
    for (given, meant) in [
        ("optimizer.lrr=0.1", "optimizer.lr"),
        ("lr=0.1", "optimizer.lr"),
        ("optimiser.lr=0.1", "optimizer.lr"),
        ("bacth=3", "batch"),
        ("data.validaton=0.1", "data.validation"),
        ("weight-decay=0", "optimizer.weight_decay"),
        ("Seed=1", "seed"),
        ("optimizer.weight_decay.x=1", "optimizer.weight_decay"),
    ] {
        let text = refused(set(&[given]));
        names_all(&text, &["--set", "there is no key", &format!("did you mean {meant}?")]);
    }
    let text = refused(set(&["xyzzyxyzzy=1"]));
    assert!(!text.contains("did you mean"), "{text}");
    names_all(&text, &["xyzzyxyzzy", "optimizer.lr", "schedule.milestones"]);
}

#[test]
fn the_closest_name_must_be_close() {
    assert_eq!(closest("mometnum", ["momentum", "lr"]), Some("momentum"));
    assert_eq!(closest("MOMENTUM", ["momentum", "lr"]), Some("momentum"));
    assert_eq!(closest("abcdef", ["uvwxyz"]), None);
    assert_eq!(closest("", ["lr"]), None);
    assert_eq!(closest(&"a".repeat(1_000_000), ["lr"]), None);
}

/// For every number: a value below, a value above, and the ends that still count.
#[test]
fn every_range_is_checked_at_both_ends() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("epochs", &["0", "100001"], &["1", "100000"]),
        ("steps", &["0", "4000000001"], &["1", "4000000000"]),
        ("batch", &["0", "65537"], &["1", "65536"]),
        ("width", &["0", "17"], &["1", "16"]),
        ("eval_batch", &["0", "65537"], &["1", "65536"]),
        ("data.validation", &["0", "1", "-0.1", "nan", "inf"], &["0.0001", "0.9999"]),
        ("data.train_count", &["0", "100000001"], &["1", "100000000"]),
        ("augment.pad", &["17"], &["0", "16"]),
        ("augment.range", &["-0.1", "0.51", "nan"], &["0", "0.5"]),
        ("augment.cutout", &["65"], &["0", "64"]),
        ("augment.mixup", &["-0.1", "101", "nan"], &["0", "100"]),
        ("optimizer.lr", &["0", "-1", "100.5", "nan", "inf"], &["1e-9", "100"]),
        ("optimizer.momentum", &["-0.1", "1", "nan"], &["0", "0.999"]),
        ("optimizer.weight_decay", &["-1e-9", "1.1", "nan"], &["0", "1"]),
        ("optimizer.beta1", &["-0.1", "1", "nan"], &["0", "0.9999"]),
        ("optimizer.beta2", &["-0.1", "1", "nan"], &["0", "0.9999"]),
        ("optimizer.rho", &["-0.1", "1", "nan"], &["0", "0.9999"]),
        ("optimizer.eps", &["0", "1.1", "nan"], &["1e-12", "1"]),
        ("optimizer.psi", &["0", "101", "nan"], &["0.004", "100"]),
        ("optimizer.l1", &["-1e-9", "1.1", "nan"], &["0", "1"]),
        ("optimizer.clip_norm", &["0", "1000001", "nan"], &["1e-6", "1000000"]),
        ("optimizer.clip_value", &["0", "1000001", "nan"], &["1e-6", "1000000"]),
        ("optimizer.average", &["0", "1", "nan"], &["0.5", "0.9999"]),
        ("optimizer.norm_bias_lr", &["0", "1001", "nan"], &["0.5", "1000"]),
        ("schedule.start", &["-0.1", "1.1", "nan"], &["0", "1"]),
        ("schedule.peak", &["-0.1", "1.1", "nan"], &["0", "1"]),
        ("schedule.end", &["-0.1", "1.1", "nan"], &["0", "1"]),
        // Its good values take a warm-up.
        ("schedule.warmup_share", &["0", "1.1", "nan"], &[]),
        ("optimizer.steps_before", &["4000000001"], &["0", "4000000000"]),
        ("schedule.gamma", &["0", "1.1", "nan"], &["0.001", "1"]),
        ("schedule.factors", &["[0]", "[1.1]", "[nan]"], &["[1, 0.5, 0.5]"]),
        ("schedule.decay_epochs", &["0", "1000001", "nan"], &["0.5", "1000000"]),
        ("schedule.patience", &["0", "100001"], &["1", "100000"]),
        ("schedule.min_delta", &["-1", "1001", "nan"], &["0", "1000"]),
        ("schedule.cooldown", &["100001"], &["0", "100000"]),
        ("schedule.min_lr", &["-1", "101", "nan"], &["0", "100"]),
        ("early_stopping.patience", &["0", "100001"], &["1", "100000"]),
        ("prune.share", &["0", "1", "nan"], &["0.01", "0.99"]),
        ("prune.from_epoch", &["100001"], &["0", "100000"]),
        ("prune.over_epochs", &["100001"], &["0", "100000"]),
        ("early_stopping.min_delta", &["-1", "1001", "nan"], &["0", "1000"]),
        ("schedule.warmup_epochs", &["-1", "1001", "nan"], &["0", "1000"]),
        ("schedule.milestones", &["[0]", "[-1]", "[1e7]", "[nan]"], &["[]", "[0.5, 1000000]"]),
        ("batchnorm.momentum", &["0", "1.1", "nan"], &["0.003", "1"]),
        ("batchnorm.eps", &["0", "2", "nan"], &["1e-12", "1"]),
        ("loss.label_smoothing", &["-0.1", "1", "nan"], &["0", "0.99"]),
    ];
    for (key, bad, good) in cases {
        // Stratified splits take no count.
        let with = if *key == "data.train_count" { "data.split=random" } else { "data.split=stratified" };
        for value in *bad {
            let text = refused(set(&[with, &format!("{key}={value}")]));
            names_all(&text, &[key, "out of range", "must be"]);
        }
        for value in *good {
            set(&[with, &format!("{key}={value}")]).unwrap_or_else(|e| panic!("{key}={value}: {e}"));
        }
    }
    let channels =
        ["augment.normalization=per_channel", "augment.mean=[0.5, 0, 1]", "augment.std=[0.2, 1e-3, 1]"];
    set(&channels).unwrap();
    for (bad, key) in [
        ("augment.mean=[0.5, -0.1, 1]", "augment.mean"),
        ("augment.mean=[0.5, nan, 1]", "augment.mean"),
        ("augment.std=[0.5, 0, 1]", "augment.std"),
        ("augment.std=[0.5, 1.5, 1]", "augment.std"),
    ] {
        names_all(&refused(set(&[&channels[..], &[bad]].concat())), &[key, "out of range"]);
    }
}

/// A new number without a range check would pass unseen: every numeric key must refuse something absurd.
#[test]
fn no_number_is_without_a_range() {
    let text = RunConfig::default().to_toml();
    let defaults: Table = text.parse().unwrap();
    for key in keys().filter(|key| *key != "seed") {
        let value = match key.split_once('.') {
            Some((section, rest)) => defaults[section].get(rest),
            None => defaults.get(key),
        };
        if value.is_some_and(|v| v.is_integer() || v.is_float()) {
            refused(set(&[&format!("{key}=4294967295")]));
            refused(set(&[&format!("{key}=-1")]));
        }
    }
}

#[test]
fn a_range_message_names_key_value_and_range() {
    assert_eq!(
        refused(set(&["optimizer.lr=-1"])),
        "optimizer.lr = -1 is out of range: it must be above 0 and at most 100"
    );
    names_all(&refused(set(&["batch=-3"])), &["batch = -3"]);
    names_all(&refused(set(&["seed=4294967296"])), &["seed = 4294967296"]);
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    for (sets, words) in [
        (&["schedule.milestones=[5, 5]"][..], &["schedule.milestones", "ascend", "5"][..]),
        (&["schedule.milestones=[9, 3]"], &["9", "3"]),
        (&["optimizer.nesterov=true", "optimizer.momentum=0"], &["nesterov", "momentum"]),
        (&["schedule.factors=[0.1]"], &["factors", "milestones", "1", "3"]),
        (&["schedule.kind=one_cycle", "schedule.warmup_epochs=1"], &["warmup_epochs", "one_cycle"]),
        (&["schedule.kind=triangle", "schedule.warmup_epochs=1"], &["warmup_epochs", "triangle"]),
        (&["schedule.warmup_share=0.1"], &["warmup_share", "warmup_epochs"]),
        (&["schedule.kind=plateau", "data.split=none"], &["plateau", "split"]),
        (&["early_stopping.patience=3", "data.split=none"], &["early_stopping.patience", "split"]),
        (&["optimizer.kind=adam", "optimizer.nesterov=true"], &["nesterov", "sgd", "nadam"]),
        (&["optimizer.eps_hat=true"], &["eps_hat", "adam"]),
        (&["optimizer.kind=adamw", "optimizer.l2=keras"], &["l2", "adamw", "torch"]),
        (&["optimizer.clip_norm=1", "optimizer.clip_value=1"], &["clip_norm", "clip_value"]),
        (&["augment.normalization=per_channel", "augment.mean=[0.5,0.5,0.5]"], &["augment.std", "both"]),
        (&["augment.mean=[0.5,0.5,0.5]", "augment.std=[0.5,0.5,0.5]"], &["per_channel"]),
        (&["augment.alternate=true", "augment.flip=false"], &["alternate", "flip"]),
        (&["data.split=none", "data.train_count=100"], &["data.train_count = 100", "split"]),
        (&["data.train_count=100"], &["data.train_count = 100", "stratified", "validation", "random"]),
        (&["model=''"], &["model", "empty"]),
        (&["activation=' '"], &["activation", "empty"]),
    ] {
        names_all(&refused(set(sets)), words);
    }
}

#[test]
fn wrong_types_and_words_name_the_key() {
    for (given, words) in [
        ("batch=many", &["batch takes a whole number", "many"][..]),
        ("batch=1.5", &["batch takes a whole number", "1.5"]),
        ("augment.flip=1", &["augment.flip takes true or false"]),
        ("optimizer.lr=fast", &["optimizer.lr takes a number", "fast"]),
        ("schedule.milestones=5", &["schedule.milestones takes a list"]),
        ("schedule.milestones=[1, \"two\"]", &["schedule.milestones takes a list"]),
        ("schedule.milestones=[1,", &["--set"]),
        ("augment.mean=[1, 2]", &["augment.mean"]),
        ("optimizer=sgd", &["optimizer is a section", "optimizer."]),
        ("data.split=stratifed", &["data.split", "stratifed", "stratified", "head", "none"]),
        ("schedule.kind=1cycle", &["schedule.kind", "cosine"]),
        ("schedule.kind=consine", &["schedule.kind", "did you mean cosine?"]),
        ("optimizer.kind=nadma", &["optimizer.kind", "did you mean nadam?"]),
        ("data.split=stratifed", &["did you mean stratified?"]),
        ("option=c", &["option", "\"a\"", "\"b\""]),
        ("batch", &["KEY=VALUE"]),
        ("=3", &["KEY=VALUE"]),
        ("batch=", &["KEY=VALUE"]),
    ] {
        names_all(&refused(set(&[given])), words);
    }
}

#[test]
fn words_numbers_and_lists_arrive_as_meant() {
    let config = set(&[
        "activation=dropact:retain=0.95",
        "model=123",
        "data.source=/data/cifar 10#1",
        "optimizer.lr=1",
        "schedule.milestones=[1, 2.5]",
        "option=b",
        "data.split = head",
        "augment.normalization=\"per_channel\"",
        "data.last_batch='drop'",
        "optimizer.decay_on=kernels",
        "steps=7",
    ])
    .unwrap();
    assert_eq!(config.activation, "dropact:retain=0.95");
    assert_eq!(config.model, "123");
    assert_eq!(config.data.source, "/data/cifar 10#1");
    assert_eq!(config.optimizer.lr, 1.0);
    assert_eq!(config.schedule.milestones, [1.0, 2.5]);
    assert_eq!(config.option, Shortcut::B);
    assert_eq!(config.data.split, Split::Head);
    assert_eq!(config.data.last_batch, LastBatch::Drop);
    assert_eq!(config.augment.normalization, Normalization::PerChannel);
    assert_eq!(config.optimizer.decay_on, DecayOn::Kernels);
    assert_eq!(config.steps, Some(7));
    assert_eq!(set(&["steps=7", "steps=none"]).unwrap().steps, None);
}

#[test]
fn later_layers_win() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(
        &file,
        "base = \"seed000_relu\"\nbatch = 64\nepochs = 50\nseed = 5\n[optimizer]\nlr = 0.3\n",
    )
    .unwrap();
    let mut flags = Table::new();
    put(&mut flags, "seed", 9);
    put(&mut flags, "data.source", "there");
    let sets = ["epochs=20", "seed=7", "optimizer.momentum=0.5", "optimizer.momentum=0.6"].map(String::from);
    let config = RunConfig::from_layers(file.to_str(), &sets, &flags).unwrap();
    assert_eq!(config.optimizer.weight_decay, 4e-4, "recipe over default");
    assert_eq!(config.batchnorm.momentum, 0.003, "a section of the recipe that the file leaves alone");
    assert_eq!((config.batch, config.optimizer.lr), (64, 0.3), "file over recipe");
    assert_eq!(config.epochs, 20, "--set over file");
    assert_eq!(config.optimizer.momentum, 0.6, "the later --set");
    assert_eq!(config.seed, 9, "flag over --set");
    assert_eq!(config.data.source, "there", "flag over default");
    assert_eq!(RunConfig::from_layers(None, &[], &Table::new()).unwrap(), RunConfig::default());
}

#[test]
fn files_that_are_not_recipes_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let load = |text: &str| {
        std::fs::write(&file, text).unwrap();
        RunConfig::from_layers(file.to_str(), &[], &Table::new())
    };
    names_all(&refused(load("batch = 4\nepochs = = 3\n")), &["mine.toml", "line 2"]);
    names_all(&refused(load("[optimizer]\nlearning = 1\n")), &["mine.toml", "optimizer.learning"]);
    names_all(&refused(load("base = \"seed000\"\n")), &["mine.toml", "no recipe seed000"]);
    names_all(&refused(load("base = 3\n")), &["mine.toml", "base = 3"]);
    let missing = RunConfig::from_layers(Some("no/such.toml"), &[], &Table::new());
    names_all(&refused(missing), &["no/such.toml", "does not exist"]);
    names_all(&refused(RunConfig::from_layers(folder.path().to_str(), &[], &Table::new())), &["folder"]);
    std::fs::write(&file, b"batch = \xff").unwrap();
    let error = RunConfig::from_file(&file).unwrap_err();
    names_all(&error.to_string(), &["cannot read", "mine.toml"]);
}

#[test]
fn a_resolved_configuration_holds_every_key() {
    let text = RunConfig::default().to_toml();
    let table: Table = text.parse().unwrap();
    for key in keys().filter(|key| !optional_keys().any(|optional| optional == *key)) {
        let found = match key.split_once('.') {
            Some((section, rest)) => table.get(section).and_then(|inner| inner.get(rest)).is_some(),
            None => table.contains_key(key),
        };
        assert!(found, "{key} is missing in\n{text}");
    }
    let optional: Vec<&str> = optional_keys().collect();
    let expected = [
        "augment.mean",
        "augment.std",
        "checkpoint.steps",
        "data.train_count",
        "early_stopping.patience",
        "init",
        "memory_limit",
        "optimizer.average",
        "optimizer.clip_norm",
        "optimizer.clip_value",
        "prune.share",
        "schedule.factors",
        "schedule.warmup_share",
        "steps",
    ];
    assert_eq!(optional, expected);
}

#[test]
fn some_defaults_are_these() {
    let d = RunConfig::default();
    d.validate().unwrap();
    assert_eq!((d.model.as_str(), d.activation.as_str(), d.seed), ("resnet56", "relu", 0));
    assert_eq!((d.option, d.width), (Shortcut::A, 1));
    assert_eq!((d.epochs, d.batch, d.eval_batch, d.steps), (200, 128, 100, None));
    assert_eq!((d.optimizer.lr, d.optimizer.momentum, d.optimizer.weight_decay), (0.1, 0.9, 1e-4));
    assert_eq!((d.schedule.kind, d.schedule.gamma), (ScheduleKind::Steps, 0.1));
    assert_eq!((d.batchnorm.momentum, d.batchnorm.eps), (0.1, 1e-5));
}

#[test]
fn evaluation_has_its_documented_batch() {
    let (before, _) = include_str!("../../src/config/run.rs").split_once("pub eval_batch:").expect("the key");
    let documented = before.rsplit("Default ").next().and_then(|rest| rest.split('.').next());
    assert_eq!(documented, Some(RunConfig::default().eval_batch.to_string().as_str()));
}

#[test]
fn a_schedule_past_the_end_is_warned_about() {
    let config = set(&["epochs=100"]).unwrap();
    let text = config.warnings().join(" ");
    names_all(&text, &["136, 182", "100"]);
    assert!(!text.contains("91,"), "{text}");
    assert!(set(&["epochs=100", "schedule.kind=cosine"]).unwrap().warnings().is_empty());
    names_all(&set(&["epochs=200", "schedule.warmup_epochs=200"]).unwrap().warnings()[0], &["warmup_epochs"]);
}

/// Milestones that a file itself puts past its end are refused; a longer recipe may be cut short, and its resolved
/// configuration is taken again.
#[test]
fn a_schedule_past_the_end_of_its_own_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let load = |text: &str, sets: &[&str]| {
        std::fs::write(&file, text).unwrap();
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        RunConfig::from_layers(file.to_str(), &sets, &Table::new())
    };
    let late = "epochs = 50\n[schedule]\nmilestones = [20, 50, 60]\n";
    load(late, &["epochs=80"]).unwrap();
    let text = refused(load(late, &[]));
    names_all(&text, &["mine.toml", "schedule.milestones 50, 60", "epochs = 50"]);
    let text = "epochs = 100\n[schedule]\nmilestones = [20, 50]\nfactors = [0.5, 0.1]\n";
    let short = load(text, &["epochs=30"]).unwrap();
    assert_eq!(short.warnings().len(), 1);
    assert_eq!(load(&short.to_toml(), &[]).unwrap(), short, "what it resolved to is taken again");
    names_all(
        &refused(load("", &["epochs=30"]).and_then(|c| c.refuse_past_the_end("here").map(|()| c))),
        &["here"],
    );
    load("epochs = 5\n[schedule]\nkind = \"cosine\"\nmilestones = [9]\n", &[]).unwrap();
}

proptest::proptest! {
    /// Whatever is typed after --set: an answer, never a panic.
    #[test]
    fn any_set_is_answered(text in "\\PC{0,40}", key in "[a-z_.]{0,20}", value in "\\PC{0,20}") {
        for set in [text.clone(), format!("{key}={value}"), format!("optimizer.lr={value}"), format!("data={value}")] {
            if let Ok(config) = RunConfig::from_layers(None, &[set], &Table::new()) {
                config.validate().unwrap();
                let again = RunConfig::from_toml(&config.to_toml(), "resolved").unwrap();
                proptest::prop_assert_eq!(again, config);
            }
        }
    }

    /// Whatever stands in a file: an answer, never a panic.
    #[test]
    fn any_file_is_answered(text in "[a-z_=\\[\\]\\.\"0-9\n ]{0,80}") {
        if let Err(error) = RunConfig::from_toml(&text, "file") {
            proptest::prop_assert!(!error.to_string().contains('\n'));
        }
    }
}
