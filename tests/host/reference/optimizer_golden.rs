//! The f64 optimizers against PyTorch's and Keras' own, in float64.

use wgrad::config::{OptimizerConfig, OptimizerKind};
use wgrad::reference::optimizer::{Adam, AdamForm, RmsProp, Sgd, clip_factor};

use crate::support::golden_optimizers::{Golden, ROWS, config};

/// Float64 on both sides, ten steps of a few operations each on values near 1.
const BOUND: f64 = 1e-13;

fn treated(config: &OptimizerConfig, gradient: &[f64]) -> Vec<f64> {
    let factor = config.clip_norm.map_or(1.0, |most| clip_factor(gradient, most).0);
    let most = config.clip_value.unwrap_or(f64::INFINITY);
    gradient.iter().map(|g| (g * factor).clamp(-most, most)).collect()
}

/// The weights after each step.
fn run(golden: &Golden, config: &OptimizerConfig) -> Vec<Vec<f64>> {
    let mut weight = golden.weight.clone();
    let [mut a, mut b] = [vec![0.0; weight.len()], vec![0.0; weight.len()]];
    let (mut states, decay) = (Vec::new(), config.weight_decay);
    for (index, (gradient, &lr)) in golden.gradient.iter().zip(&golden.lr).enumerate() {
        let mut gradient = treated(config, gradient);
        if config.kind == OptimizerKind::Adamw {
            weight.iter_mut().for_each(|w| *w *= 1.0 - lr * decay);
        } else {
            gradient.iter_mut().zip(&weight).for_each(|(g, w)| *g += decay * w);
        }
        let &OptimizerConfig { momentum, nesterov, beta1, beta2, eps, psi, rho, .. } = config;
        let adam = |form| Adam { lr, beta1, beta2, eps, form };
        let t = index as u32 + 1;
        match config.kind {
            OptimizerKind::Sgd => {
                Sgd { lr, momentum, weight_decay: 0.0, nesterov }.step(&mut weight, &mut a, &gradient);
            }
            OptimizerKind::Nadam => {
                adam(AdamForm::Nadam { psi }).step(t, &mut weight, &mut a, &mut b, &gradient);
            }
            OptimizerKind::Rmsprop => {
                RmsProp { lr, rho, eps, momentum }.step(&mut weight, &mut a, &mut b, &gradient);
            }
            _ => {
                let form = if config.eps_hat { AdamForm::EpsilonHat } else { AdamForm::Corrected };
                adam(form).step(t, &mut weight, &mut a, &mut b, &gradient);
            }
        }
        states.push(weight.clone());
    }
    states
}

fn farthest(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn every_optimizer_agrees_with_its_original() {
    let golden = Golden::load();
    assert_eq!(golden.after.len(), ROWS.len(), "a row of settings for each golden");
    for (name, settings) in ROWS {
        let states = run(&golden, &config(settings).optimizer);
        for (step, expected) in &golden.after[*name] {
            let error = farthest(&states[step - 1], expected);
            assert!(error < BOUND, "{name}, step {step}: {error:e}");
        }
    }
}

/// Forms that differ by where epsilon stands or how fast the momentum rises are told apart.
#[test]
fn a_neighbouring_form_does_not_agree() {
    let golden = Golden::load();
    for (name, settings) in [
        ("torch.adam", &["kind=adam", "weight_decay=0.01", "eps_hat=true"][..]),
        ("keras.adam", &["kind=adam", "weight_decay=0", "eps=1e-7"]),
        ("keras.nadam", &["kind=nadam", "weight_decay=0", "eps=1e-7"]),
        ("keras_legacy.nadam", &["kind=nadam", "weight_decay=0"]),
        ("torch.adamw", &["kind=adam", "weight_decay=0.01"]),
        ("torch.rmsprop", &["kind=rmsprop", "weight_decay=0.01", "rho=0.9"]),
    ] {
        let states = run(&golden, &config(settings).optimizer);
        let errors = golden.after[name].iter().map(|(step, expected)| farthest(&states[step - 1], expected));
        let error = errors.fold(0.0, f64::max);
        assert!(error > 100.0 * BOUND, "{name} with {settings:?}: {error:e}");
    }
}
