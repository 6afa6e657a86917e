//! The command line: raw arguments to checked configuration, one file per subcommand.

mod activations;
mod bench;
mod check;
mod compare;
mod completions;
mod data;
mod devices;
mod eval;
mod export;
mod lr_find;
mod monitor;
mod output;
mod page;
mod predict;
mod profile;
mod progress;
mod recipes;
mod settings;
mod signal;
mod source;
mod step;
mod subject;
mod tally;
mod train;
mod tune;
mod version;
mod watch;

use std::ffi::OsString;
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
    /// Run recipes one after another, with one or more seeds, and put them side by side with what was published
    Compare(compare::CompareArgs),
    /// Watch a run from another terminal: loss, accuracy, learning rate, speed and what is left
    Monitor(monitor::MonitorArgs),
    /// Accuracy, loss and confusion matrix of a run or checkpoint
    Eval(eval::EvalArgs),
    /// Classes of image files
    Predict(predict::PredictArgs),
    /// Write a network for other programs: safetensors or ONNX
    Export(export::ExportArgs),
    /// One forward and backward pass on given images, to compare with other frameworks
    Step(step::StepArgs),
    /// Compare every kernel, and whole networks, with their CPU references on this device
    Check(check::CheckArgs),
    /// Measure throughput
    Bench(bench::BenchArgs),
    /// Time every kernel of a training step by the device's clock
    Profile(profile::ProfileArgs),
    /// Get data sets, and check them
    Data(data::DataArgs),
    /// List the recipes with their sources, published numbers and cost
    Recipes(recipes::RecipesArgs),
    /// List the activations, with formulas, parameters and sources; draw them
    Activations(activations::ActivationsArgs),
    /// Print the completions of a shell: bash, zsh, fish, elvish or powershell
    Completions(completions::CompletionsArgs),
    /// Print the manual, or write a page for each command
    Man(completions::ManArgs),
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

    /// This device, and where its driver runs on the CPU, further ones up to the cores: it compiles in one thread a device.
    fn devices_for_compiling(&self, gpu: Gpu) -> Result<Vec<Gpu>> {
        const MOST: usize = 4;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let all = if gpu.is_software() { cores.min(MOST) } else { 1 };
        let more = (1..all).map(|_| Gpu::open(&self.selection, Limits::Adapter));
        std::iter::once(Ok(gpu)).chain(more).collect()
    }
}

/// The long help of `--activation`, from the table.
fn activation_help() -> String {
    format!("Activation: {}", wgrad::kernels::activation::help())
}

/// Runs the command line and gives the exit code: 0 ok, 1 failure, 2 usage, 130 or 143 stopped.
pub fn main() -> ExitCode {
    // Names of files need not be UTF-8.
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    // clap's own flag prints a fixed text.
    let version = |word: &OsString| word == "--version" || word == "-V";
    if words.iter().find(|word| *word != "--json").is_some_and(version) {
        let output = Output { json: words.iter().any(|word| word == "--json"), quiet: false };
        return exit(version::run(output));
    }
    let args = Args::parse();
    start_log(args.global.verbose);
    let output = Output { json: args.global.json, quiet: args.global.quiet };
    let selection = Selection { device: args.global.device, backend: args.global.backend };
    let context = Context { output, selection };
    let done = match args.command {
        Command::Devices => devices::run(&context),
        Command::Train(args) => train::run(&context, args),
        Command::LrFind(args) => lr_find::run(&context, &args),
        Command::Compare(args) => compare::run(&context, &args),
        Command::Monitor(args) => monitor::run(&context, &args),
        Command::Eval(args) => eval::run(&context, &args),
        Command::Predict(args) => predict::run(&context, &args),
        Command::Export(args) => export::run(&context, &args),
        Command::Step(args) => step::run(&context, &args),
        Command::Check(args) => check::run(&context, &args),
        Command::Bench(args) => bench::run(&context, &args),
        Command::Profile(args) => profile::run(&context, &args),
        Command::Data(args) => data::run(&context, &args),
        Command::Recipes(args) => recipes::run(&context, &args),
        Command::Completions(args) => completions::run(&context, &args),
        Command::Man(args) => completions::run_man(&context, &args),
        Command::Activations(args) => activations::run(&context, &args),
    };
    exit(done)
}

/// Prints what went wrong and gives the exit code.
fn exit(done: Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if matches!(error, Error::Interrupted(_)) {
                output::remark(&error);
                return ExitCode::from(signal::exit_code());
            }
            output::remark(format_args!("error: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}

fn start_log(verbose: u8) {
    let default = ["wgrad=warn", "wgrad=info", "wgrad=debug,wgpu=info"][usize::from(verbose.min(2))];
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
}
