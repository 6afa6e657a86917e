//! LSUV (Mishkin, Matas, arXiv 1511.06422): orthonormal weights, each layer then scaled so that what it gives has variance 1.

use super::dataset::DeviceImages;
use crate::Result;
use crate::gpu::{Gpu, Recorder};
use crate::kernels::augment::Normalize;
use crate::kernels::conv::Choices;
use crate::kernels::optimizer::State;
use crate::nn::{Layer, Mode, Network, Pass, Trained, Weights, Workspace, initial};

/// How far from 1 a variance may be, and how often a layer is scaled at most: those of the paper.
const TOLERANCE: f64 = 0.1;
const MOST_TRIES: usize = 10;

/// What LSUV runs the network on.
pub struct Lsuv<'a> {
    /// The device.
    pub gpu: &'a Gpu,
    /// The network.
    pub network: &'a Network,
    /// Its parameters, with the initial values of `seed`; their statistics are put back in the end.
    pub weights: &'a Weights,
    /// The data.
    pub data: &'a DeviceImages<'a>,
    /// What becomes of the bytes.
    pub normalize: Normalize,
    /// The run's seed.
    pub seed: u32,
    /// Which kernels compute the convolutions.
    pub choices: &'a Choices,
}

impl Lsuv<'_> {
    /// Scales all convolutions and linear layers that are trained, in the order of the forward pass, by their outputs for these images. Gives the
    /// variance that each ended with, by the parameter's name.
    ///
    /// # Errors
    /// Not enough device memory, or a lost device.
    pub fn scale(&self, images: &[u32]) -> Result<Vec<(String, f64)>> {
        let (gpu, network) = (self.gpu, self.network);
        let mut workspace = Workspace::new(gpu, network, images.len(), images.len(), false)?;
        let batch = workspace.value(network, 0, images.len());
        self.data.gather_plain(gpu, images, &self.normalize, batch)?;
        let mut variances = Vec::new();
        for (index, node) in network.nodes.iter().enumerate() {
            let (Layer::Conv { weight, .. } | Layer::Linear { weight }) = node.layer else { continue };
            let parameter = &network.parameters[weight];
            if parameter.trained == Trained::Never {
                continue;
            }
            let mut values = initial(parameter, weight, self.seed);
            let mut variance = self.variance(index, images.len(), &mut workspace)?;
            for _ in 0..MOST_TRIES {
                // A layer that gives one number for all cannot be scaled.
                if (variance - 1.0).abs() < TOLERANCE || variance <= f64::from(f32::MIN_POSITIVE) {
                    break;
                }
                values.iter_mut().for_each(|value| *value = (f64::from(*value) / variance.sqrt()) as f32);
                self.weights.set(gpu, parameter, &values)?;
                variance = self.variance(index, images.len(), &mut workspace)?;
            }
            variances.push((parameter.name.clone(), variance));
        }
        for (index, parameter) in network.statistics.iter().enumerate() {
            self.weights.set(gpu, parameter, &initial(parameter, index, self.seed))?;
        }
        Ok(variances)
    }

    /// Variance over all that node `index` gives.
    fn variance(&self, index: usize, batch: usize, workspace: &mut Workspace) -> Result<f64> {
        let state = self.gpu.upload("state", &[State::default()])?.view();
        let mut recorder = Recorder::new();
        let mut pass = Pass {
            gpu: self.gpu,
            network: self.network,
            weights: self.weights,
            workspace,
            state,
            seed: self.seed,
            batch,
            mode: Mode::Train,
            choices: self.choices,
        };
        pass.forward_to(index + 1, &mut recorder)?;
        recorder.finish(self.gpu)?.run(self.gpu)?;
        let stored: Vec<f32> = self.gpu.read(&workspace.value(self.network, index + 1, batch))?;
        Ok(variance(&self.network.real_values(index + 1, &stored)))
    }
}

fn variance(values: &[f32]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count
}
