//! The recipes that are part of the program, and finding one by name or file.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::suggest::did_you_mean;
use crate::error::{Error, Result};

/// A configuration that ships with the program.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// The name after `--recipe`.
    pub name: &'static str,
    /// One line: what is trained, and after whom.
    pub about: &'static str,
    /// The TOML text.
    pub toml: &'static str,
}

macro_rules! recipe {
    ($name:literal, $about:literal) => {
        Recipe {
            name: $name,
            about: $about,
            toml: include_str!(concat!("../../assets/recipes/", $name, ".toml")),
        }
    };
}

/// What was published for a recipe, in its file's `[published]`: not a setting of the run, and not inherited by recipes that
/// build on it. Accuracies are percents, as printed there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Published {
    /// Where.
    pub source: String,
    /// Accuracy on validation images.
    pub validation: Option<f64>,
    /// Accuracy on the test images.
    pub test: Option<f64>,
    /// The checkpoint that these are of.
    pub which: Which,
    /// Monte Carlo passes that were averaged for them.
    pub mc_samples: Option<u32>,
    /// What else to know, in a few words.
    pub note: String,
    /// Name of the run's curve in `assets/published/seed000_histories.csv`.
    pub history: Option<String>,
}

/// Which of a run's checkpoints a number is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The epoch that was best in validation.
    #[default]
    Best,
    /// The last epoch.
    Last,
}

/// The key of [`Published`] in a file.
pub(super) const PUBLISHED: &str = "published";

/// What a recipe's file says about its publication; `None` where it says nothing.
///
/// # Errors
/// An unknown recipe, an unreadable file, or a `[published]` with other keys.
pub fn published(name_or_file: &str) -> Result<Option<Published>> {
    let (text, origin) = load(name_or_file)?;
    let bad = |error: &dyn std::fmt::Display| {
        Error::usage(format!("{origin}: [{PUBLISHED}]: {}", error.to_string().trim().replace('\n', ", ")))
    };
    let mut table: toml::Table = text.parse().map_err(|error| bad(&error))?;
    match table.remove(PUBLISHED) {
        None => Ok(None),
        Some(value) => value.try_into().map(Some).map_err(|error: toml::de::Error| bad(&error.message())),
    }
}

/// All recipes, in the order in which they are listed.
pub const RECIPES: &[Recipe] = &[
    recipe!(
        "quickstart",
        "ResNet-56 with DropActivation on the bundled images, a few minutes on any machine"
    ),
    recipe!("seed000_relu", "ReLU baseline of the Keras DropActivation replication"),
    recipe!("seed000_dropact", "DropActivation (retain 0.95) of that replication"),
    recipe!("seed000_dropout", "Dropout before every ReLU of that replication"),
    recipe!("seed000_rrelu", "Randomized ReLU of that replication"),
    recipe!("gaaf_relu", "ReLU baseline of GAAF-keras: ResNet-20 v1, Adam, no augmentation"),
    recipe!("gaaf_shift_5", "GAAF-keras: shift 5"),
    recipe!("gaaf_shift_4", "GAAF-keras: shift 4"),
    recipe!("gaaf_shift_3", "GAAF-keras: shift 3"),
    recipe!("gaaf_shift_2", "GAAF-keras: shift 2"),
    recipe!("gaaf_shift_1", "GAAF-keras: shift 1"),
    recipe!("gaaf_shift_0", "GAAF-keras: shift 0"),
    recipe!("gaaf_shift_m05", "GAAF-keras: shift -0.5"),
    recipe!("gaaf_shift_m1", "GAAF-keras: shift -1, its best"),
    recipe!("gaaf_shift_m2", "GAAF-keras: shift -2"),
    recipe!("gaaf_shift_m3", "GAAF-keras: shift -3"),
    recipe!("gaaf_shift_m4", "GAAF-keras: shift -4"),
    recipe!("gaaf_no_shape", "GAAF-keras: no shape function"),
    recipe!("gaaf_round_m1", "GAAF-keras: shift -1, rounded"),
    recipe!("seed003_elu_faithful", "20x100 ELU MLP on raw pixels, as in the notebook"),
    recipe!("seed003_elu_clean", "20x100 ELU MLP on raw pixels, as its author solves it"),
    recipe!("seed003_bn_faithful", "The same with batch norm, as in the notebook"),
    recipe!("seed003_bn_clean", "The same with batch norm, as its author solves it"),
    recipe!("seed003_selu_faithful", "SELU MLP, as in the notebook"),
    recipe!("seed003_selu_clean", "SELU MLP, as its author solves it"),
    recipe!("seed003_alpha_dropout_faithful", "SELU MLP with AlphaDropout, as in the notebook"),
    recipe!("seed003_alpha_dropout_clean", "SELU MLP with AlphaDropout, as its author solves it"),
    recipe!("seed003_mc_faithful", "That, by the mean of 10 Monte Carlo passes, as in the notebook"),
    recipe!("seed003_mc_clean", "That, by the mean of 10 Monte Carlo passes, as its author solves it"),
    recipe!("seed003_1cycle_faithful", "That, trained in one cycle, as in the notebook"),
    recipe!("seed003_1cycle_clean", "That, trained in one cycle, as its author solves it"),
    recipe!("he_resnet20", "ResNet-20 as He et al. 2015 trained it: 45k/5k images, 182 epochs"),
    recipe!("he_resnet32", "ResNet-32 as He et al. 2015 trained it: 45k/5k images, 182 epochs"),
    recipe!("he_resnet44", "ResNet-44 as He et al. 2015 trained it: 45k/5k images, 182 epochs"),
    recipe!("he_resnet56", "ResNet-56 as He et al. 2015 trained it: 45k/5k images, 182 epochs"),
    recipe!("he_resnet110", "ResNet-110 as He et al. 2015 trained it: 45k/5k images, 182 epochs"),
    recipe!("akamaster_resnet20", "ResNet-20 after akamaster's PyTorch code: all 50k images, 200 epochs"),
    recipe!("akamaster_resnet32", "ResNet-32 after akamaster's PyTorch code: all 50k images, 200 epochs"),
    recipe!("akamaster_resnet44", "ResNet-44 after akamaster's PyTorch code: all 50k images, 200 epochs"),
    recipe!("akamaster_resnet56", "ResNet-56 after akamaster's PyTorch code: all 50k images, 200 epochs"),
    recipe!("akamaster_resnet110", "ResNet-110 after akamaster's PyTorch code: all 50k images, 200 epochs"),
    recipe!("keras_resnet20_v1", "ResNet-20 version 1 of Keras' CIFAR-10 example"),
    recipe!("keras_resnet56_v2", "ResNet-56 version 2 of that example"),
    recipe!(
        "airbench94",
        "Made for 94 % in seconds on a GPU, after Jordan's airbench: whitening, TTA, ten epochs"
    ),
    recipe!("dropact_wrn_28_10", "WRN-28-10 with DropActivation, by its authors' script"),
];

/// The text of a recipe and what to call it in messages: an existing file first, else an embedded recipe.
pub(super) fn load(name_or_file: &str) -> Result<(String, String)> {
    let path = Path::new(name_or_file);
    if path.is_file() {
        return Ok((read(path)?, format!("file {name_or_file}")));
    }
    if path.is_dir() && find(name_or_file).is_err() {
        return Err(Error::usage(format!(
            "recipe {name_or_file} is a folder: give a TOML file or the name of a recipe ({})",
            names()
        )));
    }
    if path.extension().is_some_and(|e| e == "toml") || path.components().count() > 1 {
        return Err(Error::usage(format!("recipe file {name_or_file} does not exist: check the path")));
    }
    let recipe = find(name_or_file)?;
    Ok((recipe.toml.to_string(), format!("recipe {}", recipe.name)))
}

/// Reads a configuration file.
pub(super) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(Error::io("read", path))
}

/// The embedded recipe of this name.
pub(super) fn find(name: &str) -> Result<&'static Recipe> {
    RECIPES.iter().find(|recipe| recipe.name == name).ok_or_else(|| {
        Error::usage(format!(
            "there is no recipe {name}{} The recipes are {}; a path to a TOML file works as well",
            match did_you_mean(name, RECIPES.iter().map(|recipe| recipe.name)) {
                hint if hint.is_empty() => ".".into(),
                hint => hint,
            },
            names()
        ))
    })
}

fn names() -> String {
    RECIPES.iter().map(|recipe| recipe.name).collect::<Vec<_>>().join(", ")
}
