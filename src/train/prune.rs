//! Pruning by magnitude (Han et al. 2015; Zhu, Gupta, arXiv 1710.01878): which weights become 0.

use super::run::Run;
use super::trainer::Trainer;
use super::watch::Watch;
use crate::Result;
use crate::config::PruneScope;
use crate::nn::Parameter;

/// For each parameter the mask of its weights: 0 for the smallest magnitudes of the kernels, `share` of them (rounded), and
/// 1 for the rest. Weights that are 0 already are the smallest; of equal ones the first go first.
pub fn masks(parameters: &[Parameter], values: &[Vec<f32>], share: f64, scope: PruneScope) -> Vec<Vec<f32>> {
    let mut masks: Vec<Vec<f32>> = values.iter().map(|values| vec![1.0; values.len()]).collect();
    let kernels: Vec<usize> = (0..parameters.len()).filter(|&i| parameters[i].role.is_kernel()).collect();
    match scope {
        PruneScope::Layer => kernels.iter().for_each(|&i| prune(&[i], values, share, &mut masks)),
        PruneScope::Network => prune(&kernels, values, share, &mut masks),
    }
    masks
}

/// Prunes these tensors together.
fn prune(tensors: &[usize], values: &[Vec<f32>], share: f64, masks: &mut [Vec<f32>]) {
    let of = |&tensor: &usize| (0..values[tensor].len()).map(move |element| (tensor, element));
    let mut places: Vec<(usize, usize)> = tensors.iter().flat_map(of).collect();
    let count = (share * places.len() as f64).round() as usize;
    let size = |&(tensor, element): &(usize, usize)| values[tensor][element].abs();
    places.sort_by(|a, b| size(a).total_cmp(&size(b)));
    for (tensor, element) in places.into_iter().take(count) {
        masks[tensor][element] = 0.0;
    }
}

impl Run<'_> {
    /// At the beginning of an epoch whose share of pruned weights is larger than that of the one before, prunes.
    pub(super) fn prune(&mut self, trainer: &Trainer) -> Result<()> {
        let (config, epoch) = (&self.config.prune, self.progress.epoch);
        let before = epoch.checked_sub(1).map_or(0.0, |last| config.share_after(last));
        let share = config.share_after(epoch);
        if self.progress.record > 0 || share <= before {
            return Ok(());
        }
        trainer.optimizer.prune(self.gpu, &self.network, &trainer.weights, share, config.scope)?;
        // An epoch of a fuller network is no rival to those that follow.
        (self.progress.best, self.progress.stopping) = (Watch::default(), Watch::default());
        Ok(())
    }
}
