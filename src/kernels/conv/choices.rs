//! Which candidate computes which shape, by the kind of device, by the tuner or by a checkpoint.

use std::collections::BTreeMap;

use super::{Candidate, Conv, Direction, MadeFor, Precision};
use crate::gpu::{Gpu, MOST_FLOPS};
use crate::{Error, Result};

/// Which candidate computes each direction of each shape, measured by the tuner or what is made for the device, and in how
/// large dispatches.
#[derive(Clone, Debug)]
pub struct Choices {
    made_for: MadeFor,
    precision: Precision,
    fixed: BTreeMap<String, &'static Candidate>,
    most_flops: u64,
}

impl Choices {
    /// What is made for this kind of device, without measuring. `MadeFor::Comparison` takes the first rung everywhere.
    pub fn made_for(kind: MadeFor) -> Self {
        Self { made_for: kind, precision: Precision::F32, fixed: BTreeMap::new(), most_flops: MOST_FLOPS }
    }

    /// What is made for this device, without measuring.
    pub fn of_device(gpu: &Gpu) -> Self {
        Self::made_for(if gpu.is_software() { MadeFor::Cpu } else { MadeFor::Gpu })
    }

    /// What is made for this device and computes with this precision, without measuring.
    ///
    /// # Errors
    /// A device without the matrices that mixed precision takes.
    pub fn with_precision(gpu: &Gpu, precision: Precision) -> Result<Self> {
        if precision == Precision::Mixed {
            gpu.cooperative_side()?;
        }
        Ok(Self { precision, ..Self::of_device(gpu) })
    }

    /// How exact the candidates are.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Whether a candidate may be taken for a shape: it computes it, and with this precision.
    pub fn allows(&self, conv: &Conv, candidate: &Candidate) -> bool {
        candidate.precision() == self.precision && (candidate.fits)(conv)
    }

    /// Cuts dispatches of more operations into runs of the batch, in the place of [`MOST_FLOPS`].
    #[must_use]
    pub fn cutting(self, most_flops: u64) -> Self {
        Self { most_flops, ..self }
    }

    /// Most operations of a dispatch, as far as it can be cut.
    pub fn most_flops(&self) -> u64 {
        self.most_flops
    }

    /// Takes `candidate` for this direction of this shape, at any batch.
    pub fn fix(&mut self, direction: Direction, conv: &Conv, candidate: &'static Candidate) {
        self.fixed.insert(key(direction, conv), candidate);
    }

    /// The candidate for a shape.
    pub fn get(&self, direction: Direction, conv: &Conv) -> &'static Candidate {
        let all = direction.candidates();
        let allowed = |candidate: &&Candidate| self.allows(conv, candidate);
        if let Some(fixed) = self.fixed.get(&key(direction, conv)).copied().filter(allowed) {
            return fixed;
        }
        let suits = |candidate: &&Candidate| {
            let made_for = candidate.made_for;
            let kind = made_for == self.made_for || made_for == MadeFor::Any;
            (kind || self.precision == Precision::Mixed) && allowed(candidate)
        };
        match self.made_for {
            MadeFor::Comparison => &all[0],
            _ => all.iter().rfind(suits).unwrap_or(&all[0]),
        }
    }

    /// Shape and direction, and the name of the candidate, as a checkpoint keeps them.
    pub fn names(&self) -> BTreeMap<String, String> {
        self.fixed.iter().map(|(key, candidate)| (key.clone(), candidate.name.to_owned())).collect()
    }

    /// Takes what [`Choices::names`] gave.
    ///
    /// # Errors
    /// A direction or candidate that this version does not have.
    pub fn fix_names(&mut self, names: &BTreeMap<String, String>) -> Result<()> {
        for (key, name) in names {
            let direction = Direction::ALL.into_iter().find(|d| key.starts_with(&format!("{} ", d.name())));
            let found =
                direction.and_then(|d| d.candidates().iter().find(|candidate| candidate.name == name));
            let Some(candidate) = found else {
                return Err(Error::usage(format!(
                    "convolution {key}: there is no kernel {name:?} in this version of wgrad"
                )));
            };
            self.fixed.insert(key.clone(), candidate);
        }
        Ok(())
    }
}

fn key(direction: Direction, conv: &Conv) -> String {
    format!("{} {conv}", direction.name())
}
