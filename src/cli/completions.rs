//! `wgrad completions` and `wgrad man`: the command line described for shells and for `man`.

use std::path::PathBuf;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use wgrad::{Error, Result};

use super::{Args, Context};

#[derive(clap::Args)]
pub(super) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(clap::Args)]
pub(super) struct ManArgs {
    /// Folder that gets a page for each command [default: the first page, on stdout]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// Prints the completions of a shell.
pub(super) fn run(context: &Context, args: &CompletionsArgs) -> Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "wgrad", &mut text);
    context.output.text(&String::from_utf8_lossy(&text))
}

/// Prints the manual, or writes all of its pages.
pub(super) fn run_man(context: &Context, args: &ManArgs) -> Result<()> {
    let command = Args::command();
    let Some(folder) = &args.to else {
        return context.output.text(&page(&command)?);
    };
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    clap_mangen::generate_to(command, folder).map_err(Error::io("write manual pages to", folder))?;
    context.output.note(format!("manual: man -l {}", folder.join("wgrad.1").display()));
    Ok(())
}

fn page(command: &Command) -> Result<String> {
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(command.clone());
    page.render(&mut text).map_err(|error| Error::usage(format!("no manual page: {error}")))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
