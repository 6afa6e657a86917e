//! Picks the fastest candidate for each convolution of a network on this device, and remembers it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::convolutions::{Subject, shapes};
use crate::Result;
use crate::gpu::{Gpu, cache_folder, keep};
use crate::kernels::conv::{Candidate, Choices, Direction, MadeFor, Precision};
use crate::nn::{Layer, Network};

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Nothing: what is made for the kind of device.
    Off,
    /// The candidates made for the kind of device, a few milliseconds each; what was measured before is taken as it is.
    Quick,
    /// Every candidate but the naive ones, longer, and anew.
    Full,
}

impl Effort {
    fn tries(self, candidate: &Candidate, gpu: &Gpu) -> bool {
        let kind = match candidate.made_for {
            MadeFor::Comparison => return false,
            MadeFor::Any => true,
            MadeFor::Cpu => gpu.is_software(),
            MadeFor::ScalarCpu => gpu.keeps_scalars(),
            MadeFor::Gpu => !gpu.is_software() || candidate.precision() == Precision::Mixed,
        };
        self == Self::Full || kind
    }

    /// Turns of each candidate, and dispatches of a turn.
    fn repeats(self, software: bool) -> (u32, u32) {
        match (self, software) {
            (Self::Full, _) => (7, 8),
            (_, true) => (5, 1),
            (_, false) => (5, 10),
        }
    }
}

/// The choices for training `network` with batches of `batch` images; the log has each measured candidate.
///
/// # Errors
/// A device without what the precision takes, not enough device memory, a shader that does not compile, or a lost device.
pub fn tune(
    gpu: &Gpu,
    network: &Network,
    batch: usize,
    precision: Precision,
    effort: Effort,
) -> Result<Choices> {
    let mut choices = Choices::with_precision(gpu, precision)?;
    if effort == Effort::Off {
        return Ok(choices);
    }
    let mut memory = Memory::read(gpu);
    let before = memory.names.clone();
    let normalized = network.nodes.iter().any(|node| matches!(node.layer, Layer::BatchNorm(_)));
    for conv in shapes(network, batch) {
        // Made when something is measured, and kept for the other directions.
        let mut subject = None;
        for direction in Direction::ALL {
            let key = match precision {
                Precision::F32 => format!("{} {conv}, batch {batch}", direction.name()),
                Precision::Mixed => format!("{} {conv}, batch {batch}, mixed", direction.name()),
            };
            let allowed = |candidate: &&Candidate| choices.allows(&conv, candidate);
            let fitting = || direction.candidates().iter().filter(allowed);
            let known = memory.names.get(&key).filter(|_| effort == Effort::Quick);
            let known = known.and_then(|name| fitting().find(|candidate| candidate.name == name));
            let best = match known {
                Some(candidate) => candidate,
                None => {
                    let tried = fitting().filter(|candidate| effort.tries(candidate, gpu));
                    let subject = match &mut subject {
                        Some(subject) => subject,
                        none => none.insert(Subject::new(gpu, conv, normalized)?),
                    };
                    let best = fastest(subject, direction, tried, effort.repeats(gpu.is_software()), &key)?;
                    best.unwrap_or_else(|| choices.get(direction, &conv))
                }
            };
            tracing::info!("{key}: takes {}", best.name);
            memory.names.insert(key, best.name.to_owned());
            choices.fix(direction, &conv, best);
        }
    }
    if memory.names != before {
        memory.write();
    }
    Ok(choices)
}

fn fastest(
    subject: &Subject,
    direction: Direction,
    tried: impl Iterator<Item = &'static Candidate>,
    (turns, calls): (u32, u32),
    key: &str,
) -> Result<Option<&'static Candidate>> {
    let tried: Vec<_> = tried.collect();
    if let [only] = tried[..] {
        return Ok(Some(only));
    }
    let timed = subject.seconds(direction, &tried, turns, calls)?;
    for (candidate, seconds) in &timed {
        tracing::info!("{key}: {} {:.3} ms", candidate.name, seconds * 1e3);
    }
    Ok(timed.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)).map(|row| row.0))
}

/// Eight digits for the candidates' names, constants and kernels: what was measured of other ones counts no more.
fn checksum() -> String {
    let mut hash = Sha256::new();
    for candidate in Direction::ALL.iter().flat_map(|direction| direction.candidates()) {
        hash.update(format!("{} {:?} {:?}", candidate.name, candidate.constants, candidate.kernel));
    }
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// The choices of earlier runs on the same adapter and driver with the same kernels, in the user's cache folder.
struct Memory {
    file: Option<PathBuf>,
    names: BTreeMap<String, String>,
}

impl Memory {
    fn read(gpu: &Gpu) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let device: String = gpu.description().chars().map(plain).collect();
        let name = format!("kernels-{}-{}-{device}.json", env!("CARGO_PKG_VERSION"), checksum());
        let file = cache_folder().map(|folder| folder.join(name));
        // A file that is missing or damaged is measured anew.
        let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        let names = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Self { file, names }
    }

    fn write(&self) {
        let Some(file) = &self.file else { return };
        let Ok(text) = serde_json::to_string_pretty(&self.names) else { return };
        keep(file, text.as_bytes());
    }
}
