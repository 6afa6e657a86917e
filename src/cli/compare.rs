//! `wgrad compare`

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use wgrad::config::{self, Published, RunConfig, published};
use wgrad::data::{Dataset, Source, load_sized};
use wgrad::gpu::Gpu;
use wgrad::kernels::conv::Choices;
use wgrad::nn::Weights;
use wgrad::report::{self, CompareRow, Compared, ComparedRun, Measure};
use wgrad::train::{
    Checkpoint, MonteCarlo, Run, RunFolder, Summary, TrainedImages, TrainedNetwork, build_network, metrics,
    split_kind,
};
use wgrad::{Error, Result};

use super::output::Output;
use super::tune::{TuneArgs, tune_run};
use super::{Context, signal, watch};

#[derive(clap::Args)]
pub(super) struct CompareArgs {
    /// Recipes: names of `wgrad recipes`, or TOML files
    #[arg(required = true, value_name = "RECIPE")]
    recipes: Vec<String>,
    /// Runs of each recipe, with its own seed and the following ones
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    seeds: u32,
    /// Data of all runs, as for `wgrad train`
    #[arg(long, value_name = "NAME|DIR")]
    data: Option<String>,
    /// Passes over the training images, of all runs
    #[arg(long)]
    epochs: Option<u32>,
    /// Most optimizer steps, of all runs
    #[arg(long)]
    steps: Option<u32>,
    /// Any other setting, for all runs; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder of the runs and of compare.md, compare.json, accuracy.svg and loss.svg; runs that are done in it are kept, others
    /// go on
    #[arg(long, value_name = "DIR", default_value = "compare")]
    out: PathBuf,
    #[command(flatten)]
    tune: TuneArgs,
}

/// A run that the comparison needs.
struct Planned {
    config: RunConfig,
    folder: PathBuf,
}

/// A recipe with its runs.
struct Group {
    name: String,
    published: Option<Published>,
    runs: Vec<Planned>,
}

/// `monte_carlo.json` of a run folder: what the passes gave.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Passes {
    samples: u32,
    validation_accuracy: Option<f64>,
    test_accuracy: f64,
}

impl CompareArgs {
    fn plan(&self) -> Result<Vec<Group>> {
        let mut groups: Vec<Group> = Vec::new();
        for recipe in &self.recipes {
            let stem = Path::new(recipe).file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let name = stem.unwrap_or_else(|| recipe.clone());
            if groups.iter().any(|group| group.name == name) {
                return Err(Error::usage(format!(
                    "recipe {name} is named twice: give its runs more --seeds"
                )));
            }
            let first = self.config(recipe, None)?;
            let run = |seed: u32| {
                let seed = first.seed.wrapping_add(seed);
                let folder = self.out.join(format!("{name}-{seed}"));
                Ok(Planned { config: self.config(recipe, Some(seed))?, folder })
            };
            let runs = (0..self.seeds).map(run).collect::<Result<_>>()?;
            groups.push(Group { published: published(recipe)?, name, runs });
        }
        Ok(groups)
    }

    fn config(&self, recipe: &str, seed: Option<u32>) -> Result<RunConfig> {
        let mut flags = toml::Table::new();
        if let Some(data) = &self.data {
            config::put(&mut flags, "data.source", data.as_str());
        }
        for (key, value) in [("epochs", self.epochs), ("steps", self.steps), ("seed", seed)] {
            if let Some(value) = value {
                config::put(&mut flags, key, i64::from(value));
            }
        }
        RunConfig::from_layers(Some(recipe), &self.set, &flags)
    }
}

/// The data sets that were read, by source and size.
#[derive(Default)]
struct Datasets(Vec<(String, u32, Dataset)>);

impl Datasets {
    fn load(&mut self, config: &RunConfig) -> Result<()> {
        let (source, size) = (&config.data.source, config.data.size);
        if !self.0.iter().any(|row| row.0 == *source && row.1 == size) {
            let dataset = load_sized(&source.parse::<Source>()?, size)?;
            self.0.push((source.clone(), size, dataset));
        }
        Ok(())
    }

    fn of(&self, config: &RunConfig) -> Option<&Dataset> {
        let row = self.0.iter().find(|row| row.0 == config.data.source && row.1 == config.data.size);
        row.map(|row| &row.2)
    }
}

pub(super) fn run(context: &Context, args: &CompareArgs) -> Result<()> {
    let stop = signal::stop_flag()?;
    let groups = args.plan()?;
    let mut datasets = Datasets::default();
    for planned in groups.iter().flat_map(|group| &group.runs) {
        datasets.load(&planned.config)?;
        check(planned, datasets.of(&planned.config))?;
    }
    let gpu = context.open()?;
    let mut all = Vec::new();
    for group in groups {
        let mut runs = Vec::new();
        for planned in &group.runs {
            let Some(dataset) = datasets.of(&planned.config) else { continue };
            let summary = finished(context, &gpu, planned, dataset, args, &stop)?;
            let samples = group.published.as_ref().and_then(|published| published.mc_samples);
            let passes = samples.map(|samples| passes(&gpu, planned, dataset, samples)).transpose()?;
            let monte_carlo = passes.map(|passes| (passes.validation_accuracy, passes.test_accuracy));
            runs.push(ComparedRun {
                summary,
                metrics: metrics::read(&RunFolder::at(&planned.folder).metrics())?,
                monte_carlo,
            });
        }
        all.push(Compared { name: group.name, runs, published: group.published });
        write(&args.out, &all)?;
    }
    let rows: Vec<CompareRow> = all.iter().map(CompareRow::of).collect();
    context.output.result(&serde_json::json!({ "rows": rows }), || report::compare_markdown(&rows))?;
    let out = args.out.display();
    context
        .output
        .note(format!("{out}: compare.md, compare.json, accuracy.svg, loss.svg and the runs' folders"));
    Ok(())
}

/// Everything that can be wrong with a run is, before any of them starts.
fn check(planned: &Planned, dataset: Option<&Dataset>) -> Result<()> {
    let (Some(dataset), config) = (dataset, &planned.config) else { return Ok(()) };
    let input = [dataset.train.height as usize, dataset.train.width as usize, 3];
    build_network(config, input, dataset.classes.len())?;
    split_kind(config)?.split(&dataset.train.labels, dataset.classes.len(), config.seed)?;
    let written = planned.folder.join("config.toml");
    if !written.exists() {
        return Ok(());
    }
    let text = std::fs::read_to_string(&written).map_err(Error::io("read", &written))?;
    let differences: Vec<String> = config
        .differences(&text, false)
        .iter()
        // A run that goes on does not need the weights that it began with; one that is compared is another with others.
        .filter(|difference| difference.effect != config::Effect::None || difference.key == "init")
        .map(ToString::to_string)
        .collect();
    let folder = planned.folder.display();
    if !differences.is_empty() {
        let differences = differences.join("; ");
        return Err(Error::usage(format!(
            "folder {folder} holds a run with other settings: {differences}; choose another --out"
        )));
    }
    let last = RunFolder::at(&planned.folder).last();
    // One that cannot be read is a matter of going on.
    let progress = Checkpoint::read(&last).ok().and_then(|checkpoint| checkpoint.progress);
    if progress.is_some_and(|progress| progress.dataset != dataset.train.sha256()) {
        let source = &config.data.source;
        return Err(Error::usage(format!(
            "folder {folder} holds a run of other images than those of data.source = {source}: choose another --out"
        )));
    }
    Ok(())
}

/// The summary of a run: it is there, or the run goes on or begins.
fn finished(
    context: &Context,
    gpu: &Gpu,
    planned: &Planned,
    dataset: &Dataset,
    args: &CompareArgs,
    stop: &AtomicBool,
) -> Result<Summary> {
    let Planned { config, folder } = planned;
    let name = folder.display();
    if folder.join("config.toml").exists() {
        let summary = RunFolder::open(folder)?.0.summary();
        // The report comes last.
        if summary.exists() && folder.join("report.html").exists() {
            context.output.note(format!("{name}: done"));
            return Summary::read(&summary);
        }
    }
    context.output.note(format!("{name}:"));
    let mut run = if folder.join("config.toml").exists() {
        Run::resume(gpu, folder, config.clone(), dataset)?
    } else {
        Run::create(gpu, config.clone(), dataset, folder)?
    };
    tune_run(gpu, &mut run, args.tune.effort())?;
    let output = Output { json: false, ..context.output };
    watch::train(&mut run, dataset, output, stop).map_err(|error| match error {
        Error::Interrupted(text) => {
            Error::Interrupted(format!("{text}, or all runs with the same `wgrad compare`"))
        }
        other => other,
    })
}

/// What the run's Monte Carlo passes give, of its best checkpoint; kept in its folder.
fn passes(gpu: &Gpu, planned: &Planned, dataset: &Dataset, samples: u32) -> Result<Passes> {
    let path = planned.folder.join("monte_carlo.json");
    let kept =
        std::fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str::<Passes>(&text).ok());
    if let Some(kept) = kept.filter(|kept| kept.samples == samples) {
        return Ok(kept);
    }
    let config = &planned.config;
    let input = [dataset.train.height as usize, dataset.train.width as usize, 3];
    let plain = build_network(config, input, dataset.classes.len())?;
    let weights = Weights::new(gpu, &plain, 1)?;
    let best = RunFolder::open(&planned.folder)?.0.best();
    let checkpoint = Checkpoint::read(&best)?;
    checkpoint.restore_weights(&best, gpu, &plain, &weights)?;
    let mut choices = Choices::of_device(gpu);
    if let Some(progress) = &checkpoint.progress {
        choices.fix_names(&progress.kernels)?;
    }
    let network = plain.with_noise_in_evaluation()?;
    let own = TrainedNetwork { gpu, config, network: &network, weights: &weights, choices: &choices };
    let accuracy = |images: TrainedImages| -> Result<f64> {
        let (logits, labels) = images.samples(&own, dataset, samples)?;
        Ok(MonteCarlo::of(&logits, &labels, network.classes).evaluation.accuracy)
    };
    let validates = config.data.split != config::Split::None;
    let result = Passes {
        samples,
        validation_accuracy: if validates { Some(accuracy(TrainedImages::Validation)?) } else { None },
        test_accuracy: accuracy(TrainedImages::Test)?,
    };
    let text = serde_json::to_string(&result).map_err(|e| Error::usage(format!("no JSON form: {e}")))?;
    std::fs::write(&path, text + "\n").map_err(Error::io("write", &path))?;
    Ok(result)
}

/// Writes what is known so far: an interrupted comparison leaves the finished recipes.
fn write(out: &Path, all: &[Compared]) -> Result<()> {
    let rows: Vec<CompareRow> = all.iter().map(CompareRow::of).collect();
    let json = serde_json::to_string_pretty(&serde_json::json!({ "rows": rows }))
        .map_err(|e| Error::usage(format!("no JSON form: {e}")))?;
    for (name, text) in [
        ("compare.md", report::compare_markdown(&rows)),
        ("compare.json", json + "\n"),
        ("accuracy.svg", report::compare_svg(all, Measure::Accuracy)),
        ("loss.svg", report::compare_svg(all, Measure::Loss)),
    ] {
        let path = out.join(name);
        std::fs::write(&path, text).map_err(Error::io("write", &path))?;
    }
    Ok(())
}
