//! The recipes that are part of the program, and finding one by name or file.

use std::path::Path;

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

/// All recipes, in the order in which they are listed.
pub const RECIPES: &[Recipe] = &[
    recipe!(
        "quickstart",
        "ResNet-56 with DropActivation on the bundled images, a few minutes on any machine"
    ),
    recipe!("he_resnet56", "ResNet-56 as He et al. 2015 trained it: 45k/5k images, 182 epochs"),
    recipe!("akamaster_resnet56", "ResNet-56 after akamaster's PyTorch code: all 50k images, 200 epochs"),
    recipe!("seed000_relu", "ReLU baseline of the Keras DropActivation replication, on He's ResNet-56"),
    recipe!("seed000_dropact", "DropActivation (retain 0.95) of that replication, on He's ResNet-56"),
    recipe!("seed000_dropout", "Dropout before every ReLU of that replication, on He's ResNet-56"),
    recipe!("seed000_rrelu", "Randomized ReLU of that replication, on He's ResNet-56"),
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
