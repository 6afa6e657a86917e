//! The names of models: families, numbers, and what a misspelt one is close to.

use crate::Error;
use crate::config::did_you_mean;

/// What a family's names look like, for help and errors.
pub const FAMILIES: &[(&str, &str)] = &[
    ("FILE.toml", "your own, layer by layer: see assets/models/small.toml"),
    (
        "resnet{6n+2}",
        "He et al. 2015 for CIFAR: resnet20, resnet32, resnet44, resnet56, resnet110, resnet1202",
    ),
    ("resnet{6n+2}_seed", "pre-activation, VALID stem, 1x1 projections in every stage: resnet56_seed"),
    ("resnet_v1_{6n+2}", "Keras' CIFAR example, version 1: biases, projections without batch norm"),
    ("resnet_v2_{9n+2}", "Keras' CIFAR example, version 2: pre-activation bottlenecks"),
    ("wrn_{6n+4}_{k}", "wide ResNets, Zagoruyko and Komodakis 2016: wrn_28_10"),
    ("airbench94, airbench_{channels}", "Jordan's airbench: whitening stem, three groups of convolutions"),
    (
        "mlp, mlp_bn, mlp_{layers}x{units}",
        "dense layers, with mlp_bn batch norm before each; 20x100 unless named",
    ),
];

/// A name of each kind; in a misspelt name its own numbers are tried in their place.
const EXAMPLES: &[&str] = &[
    "resnet20",
    "resnet32",
    "resnet44",
    "resnet56",
    "resnet110",
    "resnet1202",
    "resnet56_seed",
    "resnet_v1_20",
    "resnet_v2_29",
    "wrn_28_10",
    "airbench94",
    "airbench_64",
    "mlp",
    "mlp_bn",
    "mlp_20x100",
    "mlp_bn_20x100",
];

/// The error for a name that no family has: with the closest one, or else with what there is.
pub(super) fn unknown(name: &str) -> Error {
    let near: Vec<String> = EXAMPLES.iter().filter_map(|example| with_numbers(example, name)).collect();
    let near = near.iter().map(String::as_str).chain(EXAMPLES.iter().copied()).filter(|near| *near != name);
    let hint = did_you_mean(name, near);
    if !hint.is_empty() {
        let families: Vec<_> = FAMILIES.iter().map(|(family, _)| *family).collect();
        return Error::usage(format!("unknown model {name:?}{hint} There are {}", families.join("; ")));
    }
    let families: Vec<_> = FAMILIES.iter().map(|(family, what)| format!("{family} ({what})")).collect();
    Error::usage(format!("unknown model {name:?}: there are {}", families.join("; ")))
}

/// `example` with the numbers of `name`, where they are as many and make a depth that the family has.
fn with_numbers(example: &str, name: &str) -> Option<String> {
    let (family, own) = parse(example)?;
    let (_, given) = parse(&name.replace('-', "_"))?;
    let fits = |step: usize, rest: usize| {
        given.first().is_some_and(|&n| (step + rest..=1202).contains(&n) && n % step == rest)
    };
    let possible = match family.as_str() {
        "resnet" | "resnet_seed" | "resnet_v1_" => fits(6, 2),
        "resnet_v2_" => fits(9, 2),
        "wrn__" => fits(6, 4) && given.get(1).is_some_and(|k| (1..=64).contains(k)),
        "mlp_x" | "mlp_bn_x" => true,
        _ => false,
    };
    if !possible || own.len() != given.len() {
        return None;
    }
    let mut text = example.to_owned();
    // From the end, so that a number that was put in is not taken for one of the example's.
    for (old, new) in own.iter().zip(&given).rev() {
        let old = old.to_string();
        text.replace_range(text.rfind(&old)?.., &(new.to_string() + &text[text.rfind(&old)? + old.len()..]));
    }
    Some(text)
}

/// A name without its numbers, and the numbers. The versions of Keras' example count as letters.
pub(super) fn parse(name: &str) -> Option<(String, Vec<usize>)> {
    let (mut letters, mut numbers) = (String::new(), Vec::new());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let version = letters.ends_with("_v") && digits == 1;
        if digits == 0 || version {
            letters.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            numbers.push(rest[..digits].parse().ok()?);
            rest = &rest[digits..];
        }
    }
    Some((letters, numbers))
}
