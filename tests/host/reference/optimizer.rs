use super::assert_close;
use wgrad::reference::optimizer::Sgd;

/// Runs three steps from weight 1 with gradients 0.3, -0.2, 0.5 beside a second weight that must not disturb it.
fn three_steps(sgd: Sgd, weights: [f64; 3]) {
    let (mut weight, mut buffer) = ([1.0, -4.0], [0.0, 0.0]);
    for (gradient, expected) in [0.3, -0.2, 0.5].into_iter().zip(weights) {
        sgd.step(&mut weight, &mut buffer, &[gradient, 2.0]);
        assert_close(&format!("{sgd:?}"), weight[0], expected, 1e-15);
    }
}

#[test]
fn plain() {
    let sgd = Sgd { lr: 0.5, momentum: 0.0, weight_decay: 0.0, nesterov: false };
    three_steps(sgd, [0.85, 0.95, 0.70]);
}

/// d = 0.4, -0.12, 0.568; buffer = 0.4, 0.24, 0.784.
#[test]
fn momentum_and_weight_decay() {
    let sgd = Sgd { lr: 0.5, momentum: 0.9, weight_decay: 0.1, nesterov: false };
    three_steps(sgd, [0.8, 0.68, 0.288]);
}

/// d = 0.4, -0.138, 0.55891; buffer = 0.4, 0.222, 0.75871; update = 0.76, 0.0618, 1.241749.
#[test]
fn nesterov() {
    let sgd = Sgd { lr: 0.5, momentum: 0.9, weight_decay: 0.1, nesterov: true };
    three_steps(sgd, [0.62, 0.5891, -0.0317745]);
}
