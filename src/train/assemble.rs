//! A run's side on the device: its data, its trainer, its evaluators.

use super::dataset::DeviceImages;
use super::evaluate::{Evaluator, EvaluatorParts};
use super::run::Run;
use super::trainer::{StepSettings, Trainer};
use crate::config::Residence;
use crate::nn::Network;
use crate::{Error, Result};

/// The device's side of a run.
pub(super) struct Device<'a> {
    pub(super) trainer: Trainer<'a>,
    pub(super) validation: Option<Evaluator<'a>>,
    pub(super) test: Evaluator<'a>,
}

/// The run's images.
pub(super) struct RunData<'a> {
    /// Those of training and validation.
    pub(super) train: DeviceImages<'a>,
    pub(super) test: DeviceImages<'a>,
}

impl<'a> Run<'a> {
    /// Puts everything onto the device, the images where the estimate has them. Where `data.resident` is `"auto"` and the driver has
    /// no memory for them after all, they stay with the host.
    pub(super) fn assemble<'d>(
        &self,
        network: &'d Network,
        settings: &StepSettings,
    ) -> Result<(RunData<'a>, Device<'d>)>
    where
        'a: 'd,
    {
        let first = self.assemble_with(network, settings, self.memory.streamed);
        let auto = self.config.data.resident == Residence::Auto && !self.memory.streamed;
        match first {
            Err(Error::Memory { wanted, .. }) if auto => {
                tracing::warn!(
                    "{} had no memory for {wanted}: the images stay in this machine's memory",
                    self.gpu.name()
                );
                // What was dropped is freed by the next poll.
                self.gpu.wait()?;
                self.assemble_with(network, settings, true)
            }
            first => first,
        }
    }

    fn assemble_with<'d>(
        &self,
        network: &'d Network,
        settings: &StepSettings,
        streamed: bool,
    ) -> Result<(RunData<'a>, Device<'d>)>
    where
        'a: 'd,
    {
        let dataset = self.dataset;
        let place = |images| match streamed {
            true => DeviceImages::stream(self.gpu, images),
            false => DeviceImages::upload(self.gpu, images),
        };
        let data = RunData { train: place(&dataset.train)?, test: place(&dataset.test)? };
        let device = self.device(network, &data, settings)?;
        Ok((data, device))
    }

    fn device<'d>(
        &self,
        network: &'d Network,
        data: &RunData<'a>,
        settings: &StepSettings,
    ) -> Result<Device<'d>>
    where
        'a: 'd,
    {
        let images = self.split.train.len();
        let mut trainer = Trainer::new(self.gpu, network, &data.train, images, settings.clone())?;
        let (validation_images, test_images) = (self.split.val.len(), self.dataset.test.len());
        let mut evaluator = |data: &DeviceImages<'a>, images: usize| {
            let parts = EvaluatorParts {
                gpu: self.gpu,
                network,
                weights: &trainer.weights,
                workspace: &mut trainer.workspace,
                data,
                batch: settings.eval_batch,
                normalize: settings.normalize.clone(),
                choices: &settings.choices,
            };
            Evaluator::new(parts, images)
        };
        let validation =
            if validation_images > 0 { Some(evaluator(&data.train, validation_images)?) } else { None };
        let test = evaluator(&data.test, test_images)?;
        let largest = [trainer.weights.weight.bytes(), test.result_bytes()];
        let validation_bytes = validation.as_ref().map_or(0, Evaluator::result_bytes);
        self.gpu.reserve_readback(largest.into_iter().fold(validation_bytes, u64::max))?;
        Ok(Device { trainer, validation, test })
    }
}
