//! A case of `wgrad check`, and what it gave.

use std::time::Instant;

use serde::Serialize;

use super::compare::Comparison;
use super::lab::Lab;
use crate::gpu::{Gpu, Kernel};
use crate::{Error, Result};

type Run = Box<dyn Fn(&Lab) -> Result<Vec<Comparison>> + Send + Sync>;

/// Which devices leave a case out unless all are asked for.
pub(super) type Spare = fn(&Gpu) -> bool;

/// One use of one kernel, with what it must give.
pub struct Case {
    /// The kernel's name in the registry.
    pub kernel: &'static str,
    /// What is special about this use: shape, variant, activation, mode.
    pub name: String,
    needs: &'static Kernel,
    heavy: bool,
    spare: Spare,
    run: Run,
}

/// What a case gave, as `wgrad check --json` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The kernel's name.
    pub kernel: String,
    /// The case's name.
    pub case: String,
    /// Error of the element that comes nearest to its tolerance, or lies furthest beyond.
    pub max_error: f64,
    /// Tolerance of that element.
    pub tolerance: f64,
    /// Whether every element of every output is within its tolerance.
    pub ok: bool,
    /// The output that the element belongs to.
    pub tensor: String,
    /// Its number in the output as stored.
    pub element: usize,
    /// What the device gave for it.
    pub got: f64,
    /// What the f64 twin gives for it.
    pub expected: f64,
    /// What is wrong, in one sentence; empty where nothing is.
    pub reason: String,
    /// Wall-clock seconds of the case: compiling, running, and its twin. Of a network's tensors the first has them all.
    pub seconds: f64,
}

impl Case {
    pub(super) fn new(
        kernel: &'static Kernel,
        name: impl Into<String>,
        run: impl Fn(&Lab) -> Result<Vec<Comparison>> + Send + Sync + 'static,
    ) -> Self {
        let (name, run) = (name.into(), Box::new(run));
        Self { kernel: kernel.name, name, needs: kernel, heavy: false, spare: |_| false, run }
    }

    /// For GPUs alone: a driver that runs on the CPU would take minutes.
    pub(super) fn heavy(self, heavy: bool) -> Self {
        Self { heavy, ..self }
    }

    /// One more size for a candidate that others try: drivers that take a second or more to compile each leave it out.
    pub(super) fn spare(self, spare: Spare) -> Self {
        Self { spare, ..self }
    }

    /// The part of the kernel's name before the slash: `conv`, `batchnorm`, ...
    pub fn family(&self) -> &'static str {
        self.kernel.split('/').next().unwrap_or(self.kernel)
    }

    /// Whether the device has what the kernel's language extensions need, and is no software driver where those take minutes.
    pub fn fits(&self, gpu: &Gpu) -> bool {
        gpu.takes(self.needs) && !self.too_heavy(gpu)
    }

    /// Whether the device is a software driver that would take minutes for the case.
    pub fn too_heavy(&self, gpu: &Gpu) -> bool {
        self.heavy && gpu.is_software()
    }

    /// Whether the device is a software driver, and the case one that those leave out unless all are asked for.
    pub fn is_spare(&self, gpu: &Gpu) -> bool {
        (self.spare)(gpu)
    }

    /// Runs the case on a device; wrong results are an [`Outcome`] that is not ok.
    ///
    /// # Errors
    /// A shader that does not compile, a device that is lost or has too little memory.
    pub fn run(&self, gpu: &Gpu) -> Result<Outcome> {
        let started = Instant::now();
        let comparisons = (self.run)(&Lab { gpu })?;
        let outcome = Outcome::worst(self.kernel, &self.name, comparisons)?;
        Ok(Outcome { seconds: started.elapsed().as_secs_f64(), ..outcome })
    }
}

impl Outcome {
    /// The worst of a case's comparisons.
    ///
    /// # Errors
    /// No comparison at all: a fault of the case.
    pub(super) fn worst(kernel: &str, case: &str, comparisons: Vec<Comparison>) -> Result<Self> {
        let worst = comparisons.into_iter().max_by(|a, b| a.severity().total_cmp(&b.severity()));
        let Some(worst) = worst else {
            return Err(Error::kernel(kernel, format!("case {case} compares nothing")));
        };
        Ok(Self {
            kernel: kernel.to_owned(),
            case: case.to_owned(),
            max_error: worst.max_error,
            tolerance: worst.tolerance,
            ok: worst.ok,
            tensor: worst.tensor,
            element: worst.element,
            got: worst.got,
            expected: worst.expected,
            reason: worst.reason,
            seconds: 0.0,
        })
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} [{}] ", self.kernel, self.case)?;
        if self.ok {
            write!(f, "ok: error {:.3e}, tolerance {:.3e}", self.max_error, self.tolerance)
        } else {
            write!(f, "WRONG: {}", self.reason)
        }
    }
}
