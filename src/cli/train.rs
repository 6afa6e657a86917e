//! `wgrad train`

use std::path::{Path, PathBuf};

use wgrad::config::{self, RunConfig};
use wgrad::data::{Dataset, Source, load_sized};
use wgrad::kernels::Activation;
use wgrad::kernels::conv::Precision;
use wgrad::measure::check::cooperative_matrices;
use wgrad::measure::tune::tune;
use wgrad::train::{Run, RunFolder, Summary, metrics, precision};
use wgrad::{Result, report};

use super::events::Watch;
use super::progress::Progress;
use super::tune::TuneArgs;
use super::{Context, activation_help, signal};

#[derive(clap::Args)]
pub(super) struct TrainArgs {
    /// Recipe: a name of `wgrad recipes`, or a TOML file
    #[arg(long, value_name = "NAME|FILE")]
    recipe: Option<String>,
    /// Data: `sample` (bundled with the program), `cifar10` or `cifar100` (from `wgrad data fetch`), or a folder: CIFAR's
    /// files, or train/ and test/ with a folder of images for each class
    #[arg(long, value_name = "NAME|DIR")]
    data: Option<String>,
    /// Model, for example resnet20 or resnet56
    #[arg(long)]
    model: Option<String>,
    /// Activation, for example relu or dropact:retain=0.95; --help lists them
    #[arg(long, value_name = "SPEC", long_help = activation_help())]
    activation: Option<String>,
    /// Passes over the training images
    #[arg(long)]
    epochs: Option<u32>,
    /// Most optimizer steps, whatever the epochs
    #[arg(long)]
    steps: Option<u32>,
    /// Images of a step
    #[arg(long)]
    batch: Option<u32>,
    /// Seed of weights, masks, augmentation and order
    #[arg(long)]
    seed: Option<u32>,
    /// Weights to begin with: a safetensors file by PyTorch's names, or a checkpoint of wgrad's
    #[arg(long, value_name = "FILE.safetensors")]
    init: Option<String>,
    /// Any other setting, for example optimizer.lr=0.05; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder of the run [default: runs/NAME-1, -2, ...]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    tune: TuneArgs,
    /// Write events for TensorBoard, to `tensorboard/` of the run folder
    #[arg(long)]
    tensorboard: bool,
    /// When a loss is no longer finite: stop, or rollback to the last checkpoint with half the learning rate
    #[arg(long, value_name = "stop|rollback")]
    on_nan: Option<String>,
    /// Go on with the run of this folder; --data, --epochs, --steps, --on-nan and --set may change it, mostly with --force
    #[arg(long, value_name = "DIR", conflicts_with_all = [
        "recipe", "model", "activation", "batch", "seed", "init", "out", "tune",
    ])]
    resume: Option<PathBuf>,
    /// Print the resolved configuration and do nothing else
    #[arg(long)]
    print_config: bool,
    /// Go on although settings, device or version differ from those the run was written with
    #[arg(long, requires = "resume")]
    force: bool,
}

impl TrainArgs {
    /// What the command line's own flags say.
    fn flags(&self) -> toml::Table {
        let mut flags = toml::Table::new();
        let words = [
            ("data.source", &self.data),
            ("model", &self.model),
            ("activation", &self.activation),
            ("init", &self.init),
            ("on_nan", &self.on_nan),
        ];
        for (key, value) in words {
            if let Some(value) = value {
                config::put(&mut flags, key, value.as_str());
            }
        }
        let numbers =
            [("epochs", self.epochs), ("steps", self.steps), ("batch", self.batch), ("seed", self.seed)];
        for (key, value) in numbers {
            if let Some(value) = value {
                config::put(&mut flags, key, i64::from(value));
            }
        }
        if self.tensorboard {
            config::put(&mut flags, "tensorboard", true);
        }
        flags
    }

    fn name(&self, config: &RunConfig) -> String {
        let stem = |path: &str| Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let activation = config.activation.split(".wgsl").next().unwrap_or_default();
        let activation = stem(activation.split(':').next().unwrap_or_default()).unwrap_or_default();
        self.recipe.as_deref().and_then(stem).unwrap_or_else(|| format!("{}-{activation}", config.model))
    }
}

pub(super) fn run(context: &Context, args: TrainArgs) -> Result<()> {
    let stop = signal::stop_flag()?;
    let (config, folder) = match &args.resume {
        Some(folder) => (RunFolder::open(folder)?.1.with(&args.set, &args.flags())?, folder.clone()),
        None => {
            let config = RunConfig::from_layers(args.recipe.as_deref(), &args.set, &args.flags())?;
            let unused = || RunFolder::unused(Path::new("runs"), &args.name(&config));
            let folder = args.out.clone().unwrap_or_else(unused);
            (config, folder)
        }
    };
    Activation::parse(&config.activation)?;
    if args.print_config {
        return context.output.result(&config, || config.to_toml().trim_end().to_owned());
    }
    config.warnings().iter().for_each(|warning| context.output.note(format!("warning: {warning}")));
    let source: Source = config.data.source.parse()?;
    let dataset = load_sized(&source, config.data.size)?;
    if source == Source::Sample {
        context.output.note(
            "data: the bundled 2,000 + 1,000 images of CIFAR-10; all 60,000 with `wgrad data fetch cifar10` and \
             --data cifar10",
        );
    }
    let gpu = context.open()?;
    if precision(&config) == Precision::Mixed {
        cooperative_matrices(&gpu)?;
    }
    let mut run = match args.resume {
        Some(_) if args.force => Run::resume_changed(&gpu, &folder, config, &dataset)?,
        Some(_) => Run::resume(&gpu, &folder, config, &dataset)?,
        None => {
            let (batch, precision) = (config.batch as usize, precision(&config));
            let mut run = Run::create(&gpu, config, &dataset, &folder)?;
            run.choose(tune(&gpu, run.network(), batch, precision, args.tune.effort())?);
            run
        }
    };
    introduce(context, &run)?;
    let events = run.config().tensorboard.then(|| run.folder().tensorboard());
    let mut watch = Watch::new(Progress::new(context.output), events.as_deref(), &dataset)?;
    let done = run.train(&mut watch, &stop);
    watch.progress.finish();
    conclude(context, &folder, &done?, &dataset)
}

fn introduce(context: &Context, run: &Run) -> Result<()> {
    let (train, validation) = run.split_sizes();
    let network = run.network();
    context.output.note(format!(
        "{}: {} parameters, {:.1} M multiply-adds an image; {train} training and {validation} validation images",
        network.name,
        network.parameter_count(),
        network.macs() as f64 / 1e6,
    ));
    context.output.note(format!("memory: {}", run.memory()?.describe()));
    Ok(())
}

fn conclude(context: &Context, folder: &Path, summary: &Summary, dataset: &Dataset) -> Result<()> {
    let (run, config) = RunFolder::open(folder)?;
    report::write(folder, &metrics::read(&run.metrics())?, summary, &config.to_toml())?;
    context.output.result(summary, || {
        format!(
            "test accuracy {:.2} % (loss {:.4}, {} images), best epoch {} of {}",
            100.0 * summary.test_accuracy,
            summary.test_loss,
            dataset.test.len(),
            summary.best_epoch,
            summary.epochs
        )
    })?;
    let name = folder.display();
    context.output.note(format!(
        "run folder: {name} (curves.svg, report.html)\nnext: wgrad eval {name}    wgrad predict {name} IMAGE    \
         wgrad train --help"
    ));
    Ok(())
}
