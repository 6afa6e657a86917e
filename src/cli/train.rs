//! `wgrad train`

use std::path::{Path, PathBuf};

use wgrad::Result;
use wgrad::config;
use wgrad::data::{Dataset, Source, load_sized};
use wgrad::kernels::Activation;
use wgrad::train::{Run, RunFolder, Summary};

use super::settings::SettingsArgs;
use super::tune::{TuneArgs, tune_run};
use super::{Context, signal, watch};

#[derive(clap::Args)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Folder of the run [default: runs/NAME-1, -2, ...]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    tune: TuneArgs,
    /// Write events for TensorBoard, to `tensorboard/` of the run folder
    #[arg(long)]
    tensorboard: bool,
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
        let mut flags = self.settings.flags();
        if self.tensorboard {
            config::put(&mut flags, "tensorboard", true);
        }
        flags
    }
}

pub(super) fn run(context: &Context, args: TrainArgs) -> Result<()> {
    let stop = signal::stop_flag()?;
    let (config, folder) = match &args.resume {
        Some(folder) => (RunFolder::open(folder)?.1.with(&args.settings.set, &args.flags())?, folder.clone()),
        None => {
            let mut config = args.settings.config()?;
            config.tensorboard |= args.tensorboard;
            let unused = || RunFolder::unused(Path::new("runs"), &args.settings.name(&config));
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
    let mut run = match args.resume {
        Some(_) if args.force => Run::resume_changed(&gpu, &folder, config, &dataset)?,
        Some(_) => Run::resume(&gpu, &folder, config, &dataset)?,
        None => Run::create(&gpu, config, &dataset, &folder)?,
    };
    tune_run(&gpu, &mut run, args.tune.effort())?;
    introduce(context, &run)?;
    let summary = watch::train(&mut run, &dataset, context.output, &stop)?;
    conclude(context, &folder, &summary, &dataset)
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
    context.output.note(format!("memory: {}", run.memory().describe()));
    context.output.note(match run.memory().streamed {
        true => "images: in this machine's memory, each batch uploaded while earlier steps are under way",
        false => "images: on the device",
    });
    Ok(())
}

fn conclude(context: &Context, folder: &Path, summary: &Summary, dataset: &Dataset) -> Result<()> {
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
