//! The faults: one change of one kernel's text each.

mod added;
mod batchnorm;
mod conv;
mod layers;
mod more;
mod tiles;

/// A deliberate fault.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The kernel whose text is changed and whose cases are run; the text may be a library's that it uses.
    pub kernel: &'static str,
    /// What the fault breaks.
    pub what: &'static str,
    /// The text that is replaced.
    pub from: &'static str,
    /// What stands there instead.
    pub to: &'static str,
    /// Whether it is a race: a driver that runs a workgroup's invocations in one vector, one after another or in a lucky order
    /// cannot show it.
    pub race: bool,
}

pub const fn fault(kernel: &'static str, what: &'static str, from: &'static str, to: &'static str) -> Fault {
    Fault { kernel, what, from, to, race: false }
}

pub const fn race(kernel: &'static str, what: &'static str, from: &'static str, to: &'static str) -> Fault {
    Fault { kernel, what, from, to, race: true }
}

/// All of them.
pub fn all() -> impl Iterator<Item = Fault> {
    [conv::FAULTS, tiles::FAULTS, batchnorm::FAULTS, layers::FAULTS, added::FAULTS, more::FAULTS]
        .into_iter()
        .flatten()
        .copied()
}
