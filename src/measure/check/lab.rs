//! Inputs, poisoned outputs and layouts of the cases.

use super::compare::{Comparison, POISON, compare, compare_words, untouched};
use super::tolerance::Approx;
use crate::Result;
use crate::gpu::{Buffer, Dispatch, Gpu, Plan, Recorder, View};
use crate::kernels::optimizer::State;
use crate::kernels::{Rows, groups_of_four, pack_planes};
use crate::reference::Shape;
use crate::rng::{Sequence, Stream};

/// Poisoned words behind every tensor: reads beyond its end give NaN, writes beyond it are found.
const GUARD: usize = 64;

/// The words that inputs come from.
const SEED: u32 = 20_260;

/// A device with what a case needs.
pub(super) struct Lab<'a> {
    pub(super) gpu: &'a Gpu,
}

/// A tensor on the device with its guard.
pub(super) struct Tensor {
    name: &'static str,
    buffer: Buffer,
    pub(super) view: View,
}

impl Lab<'_> {
    /// A tensor with this content.
    pub(super) fn words(&self, name: &'static str, content: &[u32]) -> Result<Tensor> {
        let mut words = content.to_vec();
        words.resize(content.len() + GUARD, POISON);
        let buffer = self.gpu.upload(name, &words)?;
        let view = buffer.view().first(content.len());
        Ok(Tensor { name, buffer, view })
    }

    /// A tensor with this content.
    pub(super) fn floats(&self, name: &'static str, content: &[f32]) -> Result<Tensor> {
        self.words(name, bytemuck::cast_slice(content))
    }

    /// A tensor of values that f32 holds exactly.
    pub(super) fn values(&self, name: &'static str, content: &[f64]) -> Result<Tensor> {
        self.floats(name, &narrow(content))
    }

    /// An output of this many words.
    pub(super) fn poisoned(&self, name: &'static str, words: usize) -> Result<Tensor> {
        self.words(name, &vec![POISON; words])
    }

    /// A tensor as rows, for workgroups of this device.
    pub(super) fn rows(&self, shape: Shape) -> Rows {
        let workgroup = Rows::workgroup_of(self.gpu);
        Rows { batch: shape.n, pixels: shape.h * shape.w, channels: shape.c, workgroup }
    }

    /// The step's state with only the step set.
    pub(super) fn state(&self, step: u32) -> Result<Tensor> {
        self.words("state", bytemuck::cast_slice(&[State { step, ..State::default() }]))
    }

    /// Runs the dispatches once.
    pub(super) fn run(&self, dispatches: impl IntoIterator<Item = Dispatch>) -> Result<()> {
        self.plan(dispatches)?.run(self.gpu)
    }

    /// A plan of the dispatches, bound to their tensors and the guards behind them: drivers drop what goes beyond a binding.
    pub(super) fn plan(&self, dispatches: impl IntoIterator<Item = Dispatch>) -> Result<Plan> {
        let mut recorder = Recorder::new();
        for mut dispatch in dispatches {
            dispatch.bindings.iter_mut().for_each(|view| *view = view.to_end());
            recorder.push(dispatch);
        }
        recorder.finish(self.gpu)
    }

    /// The content, and the guard's comparison.
    pub(super) fn read(&self, tensor: &Tensor) -> Result<(Vec<f32>, Comparison)> {
        let mut content: Vec<f32> = self.gpu.read(&tensor.buffer.view())?;
        let guard = content.split_off(tensor.view.len_words());
        Ok((content, untouched(&format!("{} beyond its end", tensor.name), &guard)))
    }

    /// Compares all of a tensor, and its guard.
    pub(super) fn check(
        &self,
        tensor: &Tensor,
        expected: &[f64],
        tolerance: &[f64],
    ) -> Result<Vec<Comparison>> {
        let (got, guard) = self.read(tensor)?;
        Ok(vec![compare(tensor.name, &got, expected, tolerance), guard])
    }

    /// Compares all of a tensor with the words it must hold, and its guard.
    pub(super) fn check_words(&self, tensor: &Tensor, expected: &[u32]) -> Result<Vec<Comparison>> {
        let (got, guard) = self.read(tensor)?;
        Ok(vec![compare_words(tensor.name, bytemuck::cast_slice(&got), expected), guard])
    }
}

/// f32 values; those drawn below are exact.
pub(super) fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

/// Splits into values and errors.
pub(super) fn errors(values: &[Approx]) -> Vec<f64> {
    values.iter().map(|value| value.error).collect()
}

/// Standard normals that f32 holds exactly; `part` tells tensors apart.
pub(super) fn normals(part: u32, len: usize) -> Vec<f64> {
    let mut sequence = Sequence::new(SEED, Stream::Test, 0, part);
    (0..len).map(|_| f64::from(sequence.normal() as f32)).collect()
}

/// Uniforms in low..high that f32 holds exactly.
pub(super) fn uniforms(part: u32, len: usize, low: f64, high: f64) -> Vec<f64> {
    let mut sequence = Sequence::new(SEED, Stream::Test, 1, part);
    (0..len).map(|_| f64::from((low + (high - low) * sequence.uniform()) as f32)).collect()
}

/// Overwrites some of the values: zeros of both signs, numbers below f32's normal range of size `tiny`, both signs of `large`, and
/// a run of zeros.
pub(super) fn make_extreme(values: &mut [f64], tiny: f64, large: f64) {
    let special = [0.0, -0.0, tiny, -tiny, large, -large].map(|value| f64::from(value as f32));
    for (i, value) in special.into_iter().cycle().take(values.len().div_ceil(5)).enumerate() {
        if let Some(place) = values.get_mut(i * 5) {
            *place = value;
        }
    }
    let run = values.len() / 2..values.len() / 2 + values.len() / 8;
    values[run].fill(0.0);
}

/// Whole numbers below `bound`.
pub(super) fn below(part: u32, len: usize, bound: u32) -> Vec<u32> {
    let mut sequence = Sequence::new(SEED, Stream::Test, 2, part);
    (0..len).map(|_| sequence.below(bound)).collect()
}

/// Magnitudes.
pub(super) fn abs(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| value.abs()).collect()
}

/// A tensor as stored, in planes of four channels.
pub(super) fn pack(values: &[f64], shape: Shape) -> Vec<f64> {
    pack_planes(values, shape.h * shape.w, shape.c)
}

/// Vectors of `channels` as stored: filled up to a multiple of four with zeros.
pub(super) fn pack_vectors(values: &[f64], channels: usize) -> Vec<f64> {
    pack_planes(values, 1, channels)
}

/// OIHW filters as stored: tap, in, out with channels filled up with zeros.
pub(super) fn pack_filters(values: &[f64], outputs: usize, inputs: usize, kernel: usize) -> Vec<f64> {
    let (width, taps) = (groups_of_four(outputs) * 4, kernel * kernel);
    let mut packed = vec![0.0; taps * groups_of_four(inputs) * 4 * width];
    for (index, &value) in values.iter().enumerate() {
        let (o, i, tap) = (index / (inputs * taps), index / taps % inputs, index % taps);
        packed[(tap * groups_of_four(inputs) * 4 + i) * width + o] = value;
    }
    packed
}
