//! `wgrad recipes`

use serde_json::json;
use wgrad::Result;
use wgrad::config::RECIPES;

use super::Context;

pub(super) fn run(context: &Context) -> Result<()> {
    let rows: Vec<_> =
        RECIPES.iter().map(|recipe| json!({"name": recipe.name, "about": recipe.about})).collect();
    context.output.result(&rows, || {
        RECIPES
            .iter()
            .map(|recipe| format!("{:<20} {}", recipe.name, recipe.about))
            .collect::<Vec<_>>()
            .join("\n")
    })
}
