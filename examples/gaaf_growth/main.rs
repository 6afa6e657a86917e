//! How much gradients grow on their way back through residual networks with gradient acceleration (Hahn, Choi, arXiv
//! 1806.09783), beside the numbers of a simulation in NumPy: 64 units wide, standard normal inputs and output gradients.
//! `cargo run --release --example gaaf_growth`; fails where a growth is more than a factor of 2 off.

mod network;

use network::{Order, growth, model_growth};
use wgrad::data::{Source, load};
use wgrad::gpu::{Gpu, Limits, Selection};
use wgrad::kernels::Activation;

/// Order, blocks, and the simulation's growth for activations; ResNet-20 has 9 blocks, ResNet-56 27.
type Row = (Order, usize, &'static [(&'static str, f64)]);

const SIMULATED: [Row; 3] = [
    (
        Order::Post,
        27,
        &[
            ("relu", 25.0),
            ("gaaf_relu:shape=paper", 1.2e13),
            ("gaaf_relu:shape=repo,shift=4", 4e13),
            ("gaaf_relu:shape=repo,shift=-1", 1.7e10),
            ("gaaf_relu:shape=none", 5e13),
            ("gaaf_relu:shape=paper,side=negative", 89.0),
            ("gaaf_relu:shape=paper,scale=0.1", 681.0),
            ("gaaf_relu:shape=paper,scale=0.03", 71.0),
        ],
    ),
    (
        Order::Post,
        9,
        &[
            ("relu", 6.8),
            ("gaaf_relu:shape=paper", 1.9e5),
            ("gaaf_relu:shape=repo,shift=4", 4e5),
            ("gaaf_relu:shape=repo,shift=-1", 5.6e3),
            ("gaaf_relu:shape=none", 4.8e5),
        ],
    ),
    (
        Order::Pre,
        27,
        &[
            ("relu", 18.0),
            ("gaaf_relu:shape=paper", 1.1e9),
            ("gaaf_relu:shape=repo,shift=4", 2e10),
            ("gaaf_relu:shape=repo,shift=-1", 5e4),
            ("gaaf_relu:shape=none", 3e10),
            ("gaaf_relu:shape=paper,side=negative", 62.0),
            ("gaaf_relu:shape=paper,scale=0.1", 55.0),
            ("gaaf_relu:shape=paper,scale=0.03", 26.0),
        ],
    ),
];

/// Seeds of the initial weights; what is printed is the geometric mean.
const SEEDS: u32 = 3;
/// Images for the models.
const IMAGES: usize = 64;

fn mean_of(mut of: impl FnMut(u32) -> wgrad::Result<f64>) -> wgrad::Result<f64> {
    let logs = (0..SEEDS).map(|seed| of(seed).map(f64::ln)).collect::<wgrad::Result<Vec<_>>>()?;
    Ok((logs.iter().sum::<f64>() / f64::from(SEEDS)).exp())
}

fn main() -> anyhow::Result<()> {
    let gpu = Gpu::open(&Selection::default(), Limits::Adapter)?;
    println!("device: {}", gpu.description());
    println!(
        "\nNorm of the inputs' gradient over that of the outputs', geometric mean of {SEEDS} seeds, 64 units wide:\n"
    );
    println!("| network | activation | wgrad | simulation | ratio |\n|---|---|---|---|---|");
    let mut off = Vec::new();
    for (order, blocks, cases) in SIMULATED {
        for &(spec, simulated) in cases {
            let act = Activation::parse(spec)?;
            let got = mean_of(|seed| growth(&gpu, order, blocks, &act, seed))?;
            let order = if order == Order::Post { "post" } else { "pre" };
            let name = format!("{order}-activation, {blocks} blocks");
            println!("| {name} | `{spec}` | {got:.3e} | {simulated:.1e} | {:.2} |", got / simulated);
            if !(0.5..=2.0).contains(&(got / simulated)) {
                off.push(format!("{name}, {spec}"));
            }
        }
    }
    models(&gpu)?;
    anyhow::ensure!(off.is_empty(), "more than a factor of 2 off: {}", off.join("; "));
    Ok(())
}

/// Convolutional networks have no such simulation: printed for comparison.
fn models(gpu: &Gpu) -> anyhow::Result<()> {
    let dataset = load(&Source::Sample)?;
    let pixel = |v: &[u8]| [v[0], v[1], v[2], 0].map(|v| (f32::from(v) / 255.0 - 0.47) / 0.25);
    let bytes = &dataset.train.pixels[..IMAGES * dataset.train.image_bytes()];
    let mut images: Vec<f32> = bytes.chunks_exact(3).flat_map(pixel).collect();
    images.chunks_exact_mut(4).for_each(|pixel| pixel[3] = 0.0);
    let labels: Vec<u32> = dataset.train.labels[..IMAGES].iter().map(|&label| label.into()).collect();
    println!(
        "\nThe same in convolutional models on {IMAGES} images, from the stem's convolution to the last block's last:\n"
    );
    println!("| model | activation | growth |\n|---|---|---|");
    for model in ["resnet20", "resnet56"] {
        for &(spec, _) in SIMULATED[1].2 {
            let act = Activation::parse(spec)?;
            let got = mean_of(|seed| model_growth(gpu, model, &act, &images, &labels, seed))?;
            println!("| {model} | `{spec}` | {got:.2e} |");
        }
    }
    Ok(())
}
