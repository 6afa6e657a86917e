//! The profile as text.

use std::fmt::{Display, Formatter, Result};

use super::{KernelRow, Profile};

impl Display for KernelRow {
    fn fmt(&self, f: &mut Formatter) -> Result {
        let flops = self.gflop_per_s.map_or("-".to_owned(), |g| format!("{g:.1}"));
        write!(
            f,
            "{:<30} {:>5} {:>10.3} {:>6.1} % {:>8.2} {flops:>9} {:>6.0} % of {}",
            self.kernel,
            self.calls,
            self.total_ms,
            100.0 * self.share,
            self.gb_per_s,
            100.0 * self.of_ceiling,
            self.bound
        )
    }
}

impl Display for Profile {
    fn fmt(&self, f: &mut Formatter) -> Result {
        let ms = |seconds: f64| format!("{:.2} ms", seconds * 1e3);
        let Self { model, activation, batch, device, repeats, clock, .. } = self;
        writeln!(f, "{model}, {activation}, batch {batch} on {device}")?;
        writeln!(f, "medians of {repeats}, clock: {clock}")?;
        write!(f, "ceilings measured here: {:.1} GFLOP/s; GB/s of copies", self.ceilings.gflop_per_s)?;
        for copy in &self.ceilings.copies {
            write!(f, ", {} MiB {:.2}", copy.bytes >> 20, copy.gb_per_s)?;
        }
        writeln!(f)?;
        writeln!(
            f,
            "{:<30} {:>5} {:>10} {:>8} {:>8} {:>9} {:>8}",
            "kernel", "calls", "ms", "share", "GB/s", "GFLOP/s", "ceiling"
        )?;
        for row in &self.kernels {
            writeln!(f, "{row}")?;
        }
        for row in &self.phases {
            writeln!(
                f,
                "{:<30} {:>5} {:>10.3} {:>6.1} %",
                row.phase.name(),
                "",
                row.total_ms,
                100.0 * row.share
            )?;
        }
        let direction = if self.sum_excess < 0.0 { "less" } else { "more" };
        writeln!(
            f,
            "a sum of dispatches timed one by one can exceed the step in one pass: here {} against {}, {:.1} % {direction}",
            ms(self.sum_s),
            ms(self.step_s),
            100.0 * self.sum_excess.abs()
        )?;
        write!(
            f,
            "host {} a step, {} with several under way",
            ms(self.host_step_s),
            ms(self.pipelined_step_s)
        )?;
        match self.gpu_idle {
            Some(idle) => write!(f, ": the device has nothing to do for {:.1} % of it", 100.0 * idle),
            None => write!(
                f,
                "\ntimed by the host: each dispatch is submitted and waited for by itself, which takes {} alone",
                ms(self.submission_s)
            ),
        }
    }
}
