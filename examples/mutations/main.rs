//! Tries the checks: puts one deliberate fault after another into the kernels' texts and runs the checks of that kernel, then
//! the whole networks, until one sees it. Writes a report; ends with 1 where a fault that is no race is not seen.
//!
//! `cargo run --release --example mutations [-- REPORT.md [PART OF A KERNEL'S NAME]]`

mod faults;
mod report;

use std::process::ExitCode;

use faults::Fault;
use wgrad::gpu::{Gpu, Limits, Mutation, Selection, WORDS64};
use wgrad::measure::check::{Case, NetworkCase, Outcome, cases, network_cases};
use wgrad::{Error, Result};

/// What became of a fault.
pub enum Found {
    /// The first check that failed.
    By(Box<Outcome>),
    /// All that were run passed: so many.
    Not(usize),
    /// The device does not run the kernel.
    NotRun,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(args.first().map(String::as_str), args.get(1).map_or("", String::as_str)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(report: Option<&str>, only: &str) -> Result<bool> {
    let gpu = Gpu::open(&Selection::default(), Limits::Adapter)?;
    eprintln!("device: {}", gpu.description());
    let (cases, networks) = (cases(), network_cases());
    let mut rows = Vec::new();
    for fault in faults::all().filter(|fault| fault.kernel.contains(only)) {
        let found = try_fault(&gpu, &cases, &networks, &fault)?;
        let line = match &found {
            Found::By(outcome) => format!("seen: {outcome}"),
            Found::Not(checks) => format!("NOT SEEN by {checks} checks"),
            Found::NotRun => "the device does not run this kernel".to_owned(),
        };
        eprintln!("{}: {}: {line}", fault.kernel, fault.what);
        rows.push((fault, found));
    }
    let text = report::markdown(&gpu.description(), &rows);
    match report {
        Some(path) => std::fs::write(path, text).map_err(Error::io("write", path.as_ref()))?,
        None => println!("{text}"),
    }
    Ok(rows.iter().all(|(fault, found)| fault.race || !matches!(found, Found::Not(_))))
}

fn try_fault(gpu: &Gpu, cases: &[Case], networks: &[NetworkCase], fault: &Fault) -> Result<Found> {
    let Fault { kernel, from, to, .. } = *fault;
    let own = |case: &&Case| case.kernel == kernel;
    if cases.iter().any(|case| own(&case)) && !cases.iter().filter(own).any(|case| case.fits(gpu)) {
        return Ok(Found::NotRun);
    }
    gpu.set_mutation(Some(Mutation { kernel: kernel.to_owned(), from: from.to_owned(), to: to.to_owned() }));
    let found = first_failure(gpu, cases, networks, kernel);
    let texts = gpu.mutated();
    gpu.set_mutation(None);
    // Only some devices have the texts that take another's place.
    let elsewhere = WORDS64.iter().any(|(_, other)| other.contains(from));
    match texts {
        0 if elsewhere => Ok(Found::NotRun),
        0 => Err(Error::kernel(kernel, format!("no text holds {from:?}"))),
        _ => found,
    }
}

fn first_failure(gpu: &Gpu, cases: &[Case], networks: &[NetworkCase], kernel: &str) -> Result<Found> {
    let mut checks = 0;
    for case in cases.iter().filter(|case| case.kernel == kernel && case.fits(gpu)) {
        let outcome = case.run(gpu)?;
        checks += 1;
        if !outcome.ok {
            return Ok(Found::By(Box::new(outcome)));
        }
    }
    for case in networks {
        for outcome in case.run(gpu)? {
            checks += 1;
            if !outcome.ok {
                return Ok(Found::By(Box::new(outcome)));
            }
        }
    }
    Ok(Found::Not(checks))
}
