//! `wgrad recipes`

use std::time::Instant;

use serde::Serialize;
use wgrad::Result;
use wgrad::config::{Published, RECIPES, Recipe, RunConfig, Split, published};
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
    /// Measure this device for a minute or less and estimate each recipe's time on it
    #[arg(long)]
    cost: bool,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    about: &'static str,
    #[serde(flatten)]
    published: Option<Published>,
    /// 10^15 floating-point operations of convolutions and linear layers: training, forward and backward, and validation.
    petaflop: f64,
    /// Hours on this device for all epochs: convolutional networks by the rate of a ResNet-20's steps, dense ones by that of their
    /// own.
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<f64>,
}

/// 10^9 operations a second of this device in training.
struct Rates {
    convolutional: f64,
    /// Of dense networks, by model and batch: their layers are too small to be compared with others.
    dense: Vec<((String, u32), f64)>,
}

pub(super) fn run(context: &Context, args: &RecipesArgs) -> Result<()> {
    let configs: Vec<RunConfig> = RECIPES
        .iter()
        .map(|recipe| RunConfig::from_layers(Some(recipe.name), &[], &toml::Table::new()))
        .collect::<Result<_>>()?;
    let rates = if args.cost { Some(measured(context, &configs)?) } else { None };
    let pairs = RECIPES.iter().zip(&configs);
    let rows =
        pairs.map(|(recipe, config)| row(recipe, config, rates.as_ref())).collect::<Result<Vec<_>>>()?;
    context.output.result(&rows, || rows.iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn is_dense(config: &RunConfig) -> bool {
    config.model.starts_with("mlp")
}

fn measured(context: &Context, configs: &[RunConfig]) -> Result<Rates> {
    let gpu = context.open()?;
    let started = Instant::now();
    let rate = |model: &str, batch: u32| -> Result<f64> {
        let config = RunConfig { model: model.into(), batch, steps: Some(10), ..RunConfig::default() };
        Ok(bench::step(&gpu, &config, Effort::Quick)?.gflops)
    };
    let mut rates = Rates { convolutional: rate("resnet20", 32)?, dense: Vec::new() };
    for config in configs.iter().filter(|config| is_dense(config)) {
        let key = (config.model.clone(), config.batch);
        if !rates.dense.iter().any(|row| row.0 == key) {
            rates.dense.push((key, rate(&config.model, config.batch)?));
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let dense = rates.dense.iter().map(|((model, batch), rate)| format!("{rate:.1} with {model} by {batch}"));
    context.output.note(format!(
        "GFLOP/s: {:.1} with ResNet-20 by 32, {}; measured in {seconds:.0} s",
        rates.convolutional,
        dense.collect::<Vec<_>>().join(", ")
    ));
    Ok(rates)
}

fn row(recipe: &'static Recipe, config: &RunConfig, rates: Option<&Rates>) -> Result<Row> {
    let network = build_network(config, [32, 32, 3], 10)?;
    let images = if recipe.name == "quickstart" { SAMPLE } else { IMAGES };
    let trained = match (config.data.split, config.data.train_count) {
        (Split::None, _) => images,
        (_, Some(count)) => f64::from(count).min(images),
        _ => (1.0 - config.data.validation) * images,
    };
    // A multiply-add counts two, and the backward pass twice the forward one; validation has only that.
    let macs = (3.0 * trained + (images - trained)) * network.macs() as f64;
    let operations = 2.0 * macs * f64::from(config.epochs);
    let rate = |rates: &Rates| {
        let own = rates.dense.iter().find(|row| row.0.0 == config.model && row.0.1 == config.batch);
        own.map_or(rates.convolutional, |row| row.1)
    };
    Ok(Row {
        name: recipe.name,
        about: recipe.about,
        published: published(recipe.name)?,
        petaflop: operations / 1e15,
        hours: rates.map(|rates| operations / (rate(rates) * 1e9) / 3600.0),
    })
}

/// Minutes below two hours.
fn time(hours: f64) -> String {
    if hours < 2.0 { format!("{:.1} min", 60.0 * hours) } else { format!("{hours:.1} h") }
}

fn line(row: &Row) -> String {
    let number = |name: &str, value: Option<f64>| value.map(|v| format!("{name} {v:.2} %"));
    let published = row.published.as_ref().map_or(String::new(), |published| {
        let numbers = [number("validation", published.validation), number("test", published.test)];
        let numbers: Vec<String> = numbers.into_iter().flatten().collect();
        let numbers = if numbers.is_empty() { String::new() } else { format!("{}; ", numbers.join(", ")) };
        format!("\n{:<32} {numbers}{}", "", published.source)
    });
    let hours = row.hours.map_or(String::new(), |hours| format!(", {} here", time(hours)));
    let petaflop = row.petaflop;
    let digits = if petaflop < 0.1 { 4 } else { 2 };
    format!("{:<32} {} ({petaflop:.digits$} PFLOP{hours}){published}", row.name, row.about)
}
