//! The `wgrad` program: reads the command line, runs one command, prints errors in one place.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
