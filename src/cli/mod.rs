//! The command line: raw arguments to checked configuration, one file per subcommand.

mod activations;
mod bench;
mod check;
mod devices;
mod eval;
mod lr_find;
mod output;
mod predict;
mod profile;
mod progress;
mod recipes;
mod settings;
mod source;
mod step;
mod subject;
mod train;
mod tune;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use wgrad::gpu::{Gpu, Limits, Selection};
use wgrad::{Error, Result};

use output::Output;

/// Train convolutional networks on any Vulkan, Metal or DX12 GPU.
#[derive(Parser)]
#[command(version, about, max_term_width = 100, propagate_version = true)]
struct Args {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Args)]
struct Global {
    /// Device: its index in `wgrad devices`, or a part of its name [env: WGPU_ADAPTER_NAME]
    #[arg(long, global = true, value_name = "INDEX|NAME-PART")]
    device: Option<String>,
    /// Backend: vulkan, metal or dx12
    #[arg(long, global = true)]
    backend: Option<String>,
    /// Print JSON on stdout and everything for people on stderr
    #[arg(long, global = true)]
    json: bool,
    /// Print results only
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Print more; twice for everything (RUST_LOG works too)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// List the adapters that could be used, and which one is
    Devices,
    /// Train a model and write a run folder
    Train(train::TrainArgs),
    /// Try learning rates from small to large in one short training, plot the loss, suggest one
    LrFind(lr_find::LrFindArgs),
    /// Accuracy, loss and confusion matrix of a run or checkpoint
    Eval(eval::EvalArgs),
    /// Classes of image files
    Predict(predict::PredictArgs),
    /// One forward and backward pass on given images, to compare with other frameworks
    Step(step::StepArgs),
    /// Compare every kernel, and whole networks, with their CPU references on this device
    Check(check::CheckArgs),
    /// Measure throughput
    Bench(bench::BenchArgs),
    /// Time every kernel of a training step by the device's clock
    Profile(profile::ProfileArgs),
    /// List the recipes
    Recipes,
    /// List the activations, with formulas, parameters and sources; draw them
    Activations(activations::ActivationsArgs),
}

/// What every command needs: where to print, and how to open the device.
struct Context {
    output: Output,
    selection: Selection,
}

impl Context {
    fn open(&self) -> Result<Gpu> {
        let gpu = Gpu::open(&self.selection, Limits::Adapter)?;
        self.output.note(format!("device: {}", gpu.description()));
        Ok(gpu)
    }
}

/// The long help of `--activation`, from the table.
fn activation_help() -> String {
    format!("Activation: {}", wgrad::kernels::activation::help())
}

/// Runs the command line and gives the exit code: 0 ok, 1 failure, 2 usage, 130 stopped.
pub fn main() -> ExitCode {
    let args = Args::parse();
    start_log(args.global.verbose);
    let output = Output { json: args.global.json, quiet: args.global.quiet };
    let selection = Selection { device: args.global.device, backend: args.global.backend };
    let context = Context { output, selection };
    let done = match args.command {
        Command::Devices => devices::run(&context),
        Command::Train(args) => train::run(&context, args),
        Command::LrFind(args) => lr_find::run(&context, &args),
        Command::Eval(args) => eval::run(&context, &args),
        Command::Predict(args) => predict::run(&context, &args),
        Command::Step(args) => step::run(&context, &args),
        Command::Check(args) => check::run(&context, &args),
        Command::Bench(args) => bench::run(&context, &args),
        Command::Profile(args) => profile::run(&context, &args),
        Command::Recipes => recipes::run(&context),
        Command::Activations(args) => activations::run(&context, &args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let prefix = if matches!(error, Error::Interrupted(_)) { "" } else { "error: " };
            eprintln!("{prefix}{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn start_log(verbose: u8) {
    let default = ["wgrad=warn", "wgrad=info", "wgrad=debug,wgpu=info"][usize::from(verbose.min(2))];
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
}
