//! `wgrad recipes`

use std::time::Instant;

use serde::Serialize;
use wgrad::Result;
use wgrad::config::{Published, RECIPES, Recipe, RunConfig, published};
use wgrad::measure::bench;
use wgrad::measure::tune::Effort;
use wgrad::train::build_network;

use super::Context;

/// Training images of CIFAR-10.
const IMAGES: f64 = 50_000.0;
/// Those of the sample.
const SAMPLE: f64 = 2_000.0;

#[derive(clap::Args)]
pub(super) struct RecipesArgs {
    /// Measure this device for a few seconds and estimate each recipe's time on it
    #[arg(long)]
    cost: bool,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    about: &'static str,
    #[serde(flatten)]
    published: Option<Published>,
    /// 10^15 floating-point operations of convolutions and linear layers in training, forward and backward.
    petaflop: f64,
    /// Hours on this device, by the rate of a ResNet-20's steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<f64>,
}

pub(super) fn run(context: &Context, args: &RecipesArgs) -> Result<()> {
    let rate = if args.cost { Some(measured(context)?) } else { None };
    let rows = RECIPES.iter().map(|recipe| row(recipe, rate)).collect::<Result<Vec<_>>>()?;
    context.output.result(&rows, || rows.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// 10^9 operations a second of this device in training a ResNet-20.
fn measured(context: &Context) -> Result<f64> {
    let config = RunConfig { model: "resnet20".into(), batch: 32, steps: Some(10), ..RunConfig::default() };
    let gpu = context.open()?;
    let started = Instant::now();
    let row = bench::step(&gpu, &config, Effort::Quick)?;
    let seconds = started.elapsed().as_secs_f64();
    context.output.note(format!("{:.0} GFLOP/s with ResNet-20, measured in {seconds:.0} s", row.gflops));
    Ok(row.gflops)
}

fn row(recipe: &'static Recipe, gflops: Option<f64>) -> Result<Row> {
    let config = RunConfig::from_layers(Some(recipe.name), &[], &toml::Table::new())?;
    let network = build_network(&config, [32, 32, 3], 10)?;
    let all = if recipe.name == "quickstart" { SAMPLE } else { IMAGES };
    let share = match config.data.split {
        wgrad::config::Split::None => 1.0,
        _ => 1.0 - config.data.validation,
    };
    // A multiply-add counts two, and the backward pass twice the forward one.
    let operations = 6.0 * network.macs() as f64 * all * share * f64::from(config.epochs);
    Ok(Row {
        name: recipe.name,
        about: recipe.about,
        published: published(recipe.name)?,
        petaflop: operations / 1e15,
        hours: gflops.map(|gflops| operations / (gflops * 1e9) / 3600.0),
    })
}

fn line(row: &Row) -> String {
    let number = |name: &str, value: Option<f64>| value.map(|v| format!("{name} {v:.2} %"));
    let published = row.published.as_ref().map_or(String::new(), |published| {
        let numbers = [number("validation", published.validation), number("test", published.test)];
        let numbers: Vec<String> = numbers.into_iter().flatten().collect();
        let numbers = if numbers.is_empty() { String::new() } else { format!("{}; ", numbers.join(", ")) };
        format!("\n{:<32} {numbers}{}", "", published.source)
    });
    let hours = row.hours.map_or(String::new(), |hours| format!(", {hours:.1} h here"));
    format!("{:<32} {} ({:.2} PFLOP{hours}){published}", row.name, row.about, row.petaflop)
}
