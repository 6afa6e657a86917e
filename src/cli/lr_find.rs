//! `wgrad lr-find`

use std::path::PathBuf;

use wgrad::data::{Source, load_sized};
use wgrad::kernels::Activation;
use wgrad::measure::tune::tune;
use wgrad::train::{Sweep, build_network, lr_find, precision};
use wgrad::{Error, Result, report};

use super::settings::SettingsArgs;
use super::tune::{TuneArgs, check_precision};
use super::{Context, signal};

#[derive(clap::Args)]
pub(super) struct LrFindArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// First learning rate
    #[arg(long, value_name = "LR", default_value_t = 1e-5)]
    from: f64,
    /// Last learning rate; the sweep ends earlier where the loss explodes
    #[arg(long, value_name = "LR", default_value_t = 10.0)]
    to: f64,
    /// Plot of the loss over the learning rate
    #[arg(long, value_name = "FILE.svg", default_value = "lr-find.svg")]
    out: PathBuf,
    #[command(flatten)]
    tune: TuneArgs,
}

pub(super) fn run(context: &Context, args: &LrFindArgs) -> Result<()> {
    let stop = signal::stop_flag()?;
    if args.settings.epochs.is_some() {
        return Err(Error::usage("lr-find counts steps, not epochs: set --steps"));
    }
    let config = args.settings.config()?;
    Activation::parse(&config.activation)?;
    let sweep = Sweep::new(args.from, args.to)?;
    let dataset = load_sized(&config.data.source.parse::<Source>()?, config.data.size)?;
    let input = [dataset.train.height as usize, dataset.train.width as usize, 3];
    let network = build_network(&config, input, dataset.classes.len())?;
    let gpu = context.open()?;
    check_precision(&gpu, &config)?;
    let choices = tune(&gpu, &network, config.batch as usize, precision(&config), args.tune.effort())?;
    let found = lr_find(&gpu, &config, &network, &dataset, choices, sweep, &stop)?;
    let points: Vec<_> = found.points.iter().map(|point| [point.lr, point.loss, point.smoothed]).collect();
    let svg = report::lr_svg(&points, found.suggestion);
    std::fs::write(&args.out, svg).map_err(Error::io("write", &args.out))?;
    context.output.result(&found, || {
        let last = found.points.last().map_or(0.0, |point| point.lr);
        format!(
            "{} steps from {:e} to {last:.1e}; lowest loss {:.3} at {:.1e}\nlearning rate, a tenth of that: {:.1e}",
            found.points.len(),
            args.from,
            found.lowest_loss,
            found.lowest,
            found.suggestion
        )
    })?;
    context.output.note(format!("plot: {}", args.out.display()));
    Ok(())
}
