//! Dispatches over large batches, cut into runs of images so that none keeps a slow device busy for long. The kernels are the same,
//! on views that start later, and so are the results, bit for bit.

use super::{Candidate, Conv};
use crate::Result;
use crate::gpu::{Dispatch, Groups, View};

/// Words of the step at which WebGPU lets a view start.
const ALIGN: usize = 64;

impl Conv {
    /// [`Conv::forward`] in as few dispatches as keep each below `most_flops` operations, as far as runs can begin where
    /// views may and a chunk of the statistics does.
    ///
    /// # Errors
    /// As [`Conv::forward`].
    pub fn forward_cut(
        &self,
        candidate: &Candidate,
        [x, weight]: [&View; 2],
        y: &View,
        partial: &View,
        statistics: bool,
        most_flops: u64,
    ) -> Result<Vec<Dispatch>> {
        let whole = self.forward(candidate, [x, weight], y, partial, statistics)?;
        let chunk = self.statistics_chunk(candidate).filter(|_| statistics);
        // Words of a chunk: mean and squared deviations.
        let (pixels, words) = (self.out_height() * self.out_width(), 8 * self.out4());
        let step = chunk.map_or(1, |rows| {
            let common = gcd(rows, pixels);
            rows / common * (ALIGN / gcd(ALIGN, pixels / common * words))
        });
        let part = |first: usize, part: &Conv, dispatch: &mut Dispatch| {
            let [one_x, one_y] = self.image_words();
            dispatch.bindings[0] = x.part(first * one_x, part.input_words());
            dispatch.bindings[2] = y.part(first * one_y, part.output_words());
            if let (Some(rows), Some(bound)) = (chunk, dispatch.bindings.get_mut(3)) {
                let from = first * pixels / rows * words;
                *bound = partial.part(from, partial.len_words() - from);
            }
            dispatch.groups = (candidate.groups)(part, candidate);
        };
        Ok(self.runs(self.run(step, most_flops), whole, part))
    }

    /// [`Conv::input_gradient`], as [`Conv::forward_cut`].
    ///
    /// # Errors
    /// As [`Conv::input_gradient`].
    pub fn input_gradient_cut(
        &self,
        candidate: &Candidate,
        [dy, weight]: [&View; 2],
        dx: &View,
        accumulate: bool,
        most_flops: u64,
    ) -> Result<Vec<Dispatch>> {
        let whole = self.input_gradient(candidate, [dy, weight], dx, accumulate)?;
        let part = |first: usize, part: &Conv, dispatch: &mut Dispatch| {
            let [one_x, one_y] = self.image_words();
            dispatch.bindings[0] = dy.part(first * one_y, part.output_words());
            dispatch.bindings[2] = dx.part(first * one_x, part.input_words());
            dispatch.groups = (candidate.groups)(part, candidate);
        };
        Ok(self.runs(self.run(1, most_flops), whole, part))
    }

    /// [`Conv::weight_gradient`], as [`Conv::forward_cut`]: a run holds whole splits, which must begin with an image.
    ///
    /// # Errors
    /// As [`Conv::weight_gradient`].
    pub fn weight_gradient_cut(
        &self,
        candidate: &Candidate,
        [x, dy]: [&View; 2],
        partial: &View,
        stride: usize,
        most_flops: u64,
    ) -> Result<Vec<Dispatch>> {
        let whole = self.weight_gradient(candidate, [x, dy], partial, stride)?;
        let (units, unit) = (self.units_per_image(candidate), self.units_per_split(candidate));
        // The fewest splits that are whole images, and whose sums end where a view may start.
        let fewest = lcm(units / gcd(unit, units), ALIGN / gcd(ALIGN, stride));
        let step = fewest * unit / units;
        let splits = self.splits();
        let part = |first: usize, part: &Conv, dispatch: &mut Dispatch| {
            let [one_x, one_y] = self.image_words();
            let split = first * units / unit;
            let last = first + part.batch == self.batch;
            let end = if last { splits } else { (first + part.batch) * units / unit };
            dispatch.bindings[0] = x.part(first * one_x, part.input_words());
            dispatch.bindings[1] = dy.part(first * one_y, part.output_words());
            dispatch.bindings[2] = partial.part(split * stride, partial.len_words() - split * stride);
            let Groups([x, y, _]) = dispatch.groups;
            dispatch.groups = Groups([x, y, (end - split) as u32]);
        };
        Ok(self.runs(self.run(step, most_flops), whole, part))
    }

    /// Images of a run: a multiple of `step` and of what makes views aligned, about as many in each run.
    fn run(&self, step: usize, most_flops: u64) -> usize {
        let aligned = self.image_words().map(|words| ALIGN / gcd(ALIGN, words));
        let step = aligned.into_iter().fold(step, lcm);
        let one = (self.flops() / self.batch as u64).max(1);
        let most = ((most_flops / one) as usize / step).max(1) * step;
        self.batch.div_ceil(self.batch.div_ceil(most)).next_multiple_of(step)
    }

    /// The whole dispatch, or one for each run of `images`: a copy that `change` fits to the run's first image and shape.
    fn runs(
        &self,
        images: usize,
        whole: Dispatch,
        change: impl Fn(usize, &Conv, &mut Dispatch),
    ) -> Vec<Dispatch> {
        if images >= self.batch {
            return vec![whole];
        }
        let run = |first: usize| {
            let part = Conv { batch: images.min(self.batch - first), ..*self };
            let mut dispatch = whole.clone();
            dispatch.params[..4].copy_from_slice(&(part.batch as u32).to_le_bytes());
            dispatch.flops = part.flops();
            change(first, &part, &mut dispatch);
            dispatch
        };
        (0..self.batch).step_by(images).map(run).collect()
    }

    /// Words of one image of x and of y.
    fn image_words(&self) -> [usize; 2] {
        [self.input_words() / self.batch, self.output_words() / self.batch]
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn lcm(a: usize, b: usize) -> usize {
    a / gcd(a, b) * b
}
