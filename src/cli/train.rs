//! `wgrad train`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wgrad::data::{Dataset, Source, load};
use wgrad::kernels::Activation;
use wgrad::kernels::conv::Precision;
use wgrad::measure::check::cooperative_matrices;
use wgrad::measure::tune::tune;
use wgrad::train::{Run, RunFolder, Summary, metrics, precision};
use wgrad::{Error, Result, report};

use super::Context;
use super::progress::Progress;
use super::settings::SettingsArgs;
use super::tune::TuneArgs;

#[derive(clap::Args)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Folder of the run [default: runs/NAME-1, -2, ...]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    tune: TuneArgs,
    /// Go on with the run of this folder
    #[arg(long, value_name = "DIR", conflicts_with_all = [
        "recipe", "data", "model", "activation", "epochs", "steps", "batch", "seed", "set", "out", "tune",
    ])]
    resume: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: TrainArgs) -> Result<()> {
    let stop = stop_on_signal()?;
    let (config, folder) = match &args.resume {
        Some(folder) => (RunFolder::open(folder)?.1, folder.clone()),
        None => {
            let config = args.settings.config()?;
            let unused = || RunFolder::unused(Path::new("runs"), &args.settings.name(&config));
            let folder = args.out.clone().unwrap_or_else(unused);
            (config, folder)
        }
    };
    Activation::parse(&config.activation)?;
    config.warnings().iter().for_each(|warning| context.output.note(format!("warning: {warning}")));
    let source: Source = config.data.source.parse()?;
    let dataset = load(&source)?;
    if source == Source::Sample {
        context.output.note(
            "data: the bundled 2,000 + 1,000 images of CIFAR-10; all 60,000 with --data DIR, a folder with the \
             binary version of https://www.cs.toronto.edu/~kriz/cifar.html",
        );
    }
    let gpu = context.open()?;
    if precision(&config) == Precision::Mixed {
        cooperative_matrices(&gpu)?;
    }
    let mut run = match args.resume {
        Some(_) => Run::resume(&gpu, &folder, config, &dataset)?,
        None => {
            let (batch, precision) = (config.batch as usize, precision(&config));
            let mut run = Run::create(&gpu, config, &dataset, &folder)?;
            run.choose(tune(&gpu, run.network(), batch, precision, args.tune.effort())?);
            run
        }
    };
    introduce(context, &run);
    let mut progress = Progress::new(context.output);
    let done = run.train(&mut progress, &stop);
    progress.finish();
    conclude(context, &folder, &done?, &dataset)
}

fn introduce(context: &Context, run: &Run) {
    let (train, validation) = run.split_sizes();
    let network = run.network();
    context.output.note(format!(
        "{}: {} parameters, {:.1} M multiply-adds an image; {train} training and {validation} validation images",
        network.name,
        network.parameter_count(),
        network.macs() as f64 / 1e6,
    ));
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

/// The first signal asks the run to stop after its step; the second ends the program at once.
pub(super) fn stop_on_signal() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let handler = move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!("\nstopping after this step; once more to stop at once");
    };
    ctrlc::set_handler(handler).map_err(|e| Error::usage(format!("cannot watch for Ctrl-C: {e}")))?;
    Ok(stop)
}
