//! The weights that a training begins with.

use std::path::Path;

use super::checkpoint::Checkpoint;
use super::dataset::DeviceImages;
use super::lsuv::Lsuv;
use super::normalize::normalize;
use super::whitening::Whitening;
use crate::config::RunConfig;
use crate::data::Images;
use crate::gpu::Gpu;
use crate::kernels::conv::Choices;
use crate::nn::{Network, Weights};
use crate::{Error, Result};

/// What the first weights are made of.
pub(super) struct Beginning<'a> {
    pub(super) gpu: &'a Gpu,
    pub(super) config: &'a RunConfig,
    pub(super) network: &'a Network,
    pub(super) weights: &'a Weights,
    /// The training images, and on the device.
    pub(super) images: &'a Images,
    pub(super) data: &'a DeviceImages<'a>,
    pub(super) choices: &'a Choices,
}

impl Beginning<'_> {
    /// Sets those of the file that the run names, which [`initial_weights`] read. Where there is none, initial weights of the run's
    /// seed, and what they take from the training images: whitening, then LSUV by the first batch.
    pub(super) fn set(&self, initial: Option<Checkpoint>, train: &[u32]) -> Result<()> {
        let &Self { gpu, config, network, weights, images, data, choices } = self;
        if let Some(initial) = initial {
            let path = config.init.as_deref().unwrap_or_default();
            return initial.restore_weights(Path::new(path), gpu, network, weights);
        }
        weights.initialize(gpu, network, config.seed)?;
        let normalize = normalize(config, images, train);
        Whitening { gpu, network, weights, data, normalize: &normalize }.set(train)?;
        if config.weights.kernels == "lsuv" {
            let lsuv = Lsuv { gpu, network, weights, data, normalize, seed: config.seed, choices };
            for (name, variance) in lsuv.scale(&train[..train.len().min(config.batch as usize)])? {
                tracing::debug!("LSUV: {name} gives variance {variance:.3}");
            }
        }
        Ok(())
    }
}

/// The file of weights that a run begins with, where one is named.
pub(super) fn initial_weights(config: &RunConfig, network: &Network) -> Result<Option<Checkpoint>> {
    let Some(init) = &config.init else { return Ok(None) };
    let path = Path::new(init);
    let checkpoint = Checkpoint::read(path)?;
    checkpoint.check(path, network)?;
    if let Some(name) = checkpoint.not_finite() {
        let reason = format!("tensor {name} has elements that are not finite: no run can begin with them");
        return Err(Error::checkpoint(path, reason));
    }
    Ok(Some(checkpoint))
}
