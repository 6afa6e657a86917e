//! `wgrad activations`

use std::path::{Path, PathBuf};

use wgrad::kernels::activation::{self, ACTIVATIONS, Activation};
use wgrad::reference;
use wgrad::report::{FunctionPlot, Sample};
use wgrad::rng::{Sequence, Stream};
use wgrad::{Error, Result};

use super::Context;

#[derive(clap::Args)]
pub(super) struct ActivationsArgs {
    /// Draw value, derivative and spread of each as DIR/NAME.svg
    #[arg(long, value_name = "DIR")]
    plot: Option<PathBuf>,
    /// Print the README's table
    #[arg(long)]
    markdown: bool,
}

pub(super) fn run(context: &Context, args: &ActivationsArgs) -> Result<()> {
    if let Some(folder) = &args.plot {
        plot(context, folder)?;
    }
    let rows: Vec<_> = ACTIVATIONS.iter().map(|row| row.json()).collect();
    context.output.result(&rows, || {
        if args.markdown { activation::markdown().trim_end().to_owned() } else { activation::listing() }
    })
}

fn plot(context: &Context, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    for row in ACTIVATIONS {
        let Some(twin) = reference::activation::find(row.name) else { continue };
        let path = folder.join(format!("{}.svg", row.name));
        let svg = draw(&Activation::parse(row.name)?, twin).svg();
        std::fs::write(&path, svg).map_err(Error::io("write", &path))?;
    }
    context.output.note(format!("plots: {} files in {}", ACTIVATIONS.len(), folder.display()));
    Ok(())
}

/// The evaluation form from the f64 twin, with mean and deviation of the training form over draws of the noise.
fn draw(act: &Activation, twin: &reference::activation::Activation) -> FunctionPlot {
    use reference::activation::Draws;
    const DRAWS: usize = 2000;
    let parameters: Vec<f64> = act.values().iter().map(|&value| f64::from(value)).collect();
    let mut sequence = Sequence::new(0, Stream::Test, 0, 0);
    let noise: Vec<f64> = match twin.draws {
        Draws::Nothing => Vec::new(),
        Draws::Uniform => (0..DRAWS).map(|_| sequence.uniform()).collect(),
        Draws::Normal => (0..DRAWS).map(|_| sequence.normal()).collect(),
    };
    let sample = |x: f64| Sample {
        x,
        value: (twin.eval_value)(x, 0.0, &parameters),
        derivative: (twin.eval_derivative)(x, 0.0, &parameters),
        spread: deviation(noise.iter().map(|&noise| (twin.value)(x, noise, &parameters))),
        derivative_spread: deviation(noise.iter().map(|&noise| (twin.derivative)(x, noise, &parameters))),
    };
    FunctionPlot { title: act.spec(), samples: (-400..=400).map(|i| sample(f64::from(i) / 100.0)).collect() }
}

/// Mean and standard deviation; nothing of nothing.
fn deviation(values: impl Iterator<Item = f64> + Clone) -> Option<(f64, f64)> {
    let count = values.clone().count() as f64;
    if count == 0.0 {
        return None;
    }
    let mean = values.clone().sum::<f64>() / count;
    let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    Some((mean, variance.sqrt()))
}
