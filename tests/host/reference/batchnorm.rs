use super::{assert_all_close, assert_close, differences, differences::assert_gradient, normals, uniforms};
use wgrad::reference::{
    Mode, Noise, Shape,
    activation::{ACTIVATIONS, Site},
    batchnorm::{BatchNorm, Fused, Statistics, running_update, statistics},
};
use wgrad::rng::Stream;

const SHAPE: Shape = Shape::new(2, 3, 2, 5);
const EPS: f64 = 1e-5;

/// gamma, beta and running statistics away from 1 and 0.
fn parameters(seed: u32) -> (Vec<f64>, Vec<f64>, Statistics) {
    let running =
        Statistics { mean: normals(seed, 12, SHAPE.c), variance: uniforms(seed, 13, SHAPE.c, 0.5, 2.0) };
    (uniforms(seed, 10, SHAPE.c, 0.5, 1.5), normals(seed, 11, SHAPE.c), running)
}

#[test]
fn statistics_by_hand() {
    // Channel 0: 1, 2, 6; channel 1: -1, -1, 5.
    let batch = statistics(&[1.0, -1.0, 2.0, -1.0, 6.0, 5.0], Shape::new(1, 3, 1, 2));
    assert_all_close("mean", &batch.mean, &[3.0, 1.0], 1e-15);
    assert_all_close("variance", &batch.variance, &[14.0 / 3.0, 8.0], 1e-14);

    let mut running = Statistics { mean: vec![0.0, 0.0], variance: vec![1.0, 1.0] };
    running_update(&mut running, &batch, 3, 0.1);
    assert_all_close("running mean", &running.mean, &[0.3, 0.1], 1e-15);
    assert_all_close("running variance", &running.variance, &[0.9 + 0.7, 0.9 + 1.2], 1e-14);
}

/// The sample standard deviation of 1000 normalised values prints as 1.0005: sqrt(1000/999), because the normalisation
/// divides by the biased one.
#[test]
fn normalised_values_have_biased_deviation_one() {
    let shape = Shape::new(1000, 1, 1, 1);
    let x: Vec<f64> = normals(5, 0, 1000).iter().map(|x| 3.0 * x + 7.0).collect();
    let batch = statistics(&x, shape);
    let norm = BatchNorm { gamma: &[1.0], beta: &[0.0], eps: EPS };
    let z = norm.forward(&x, shape, &batch);
    let mean = z.iter().sum::<f64>() / 1000.0;
    let deviation = (z.iter().map(|z| (z - mean) * (z - mean)).sum::<f64>() / 999.0).sqrt();
    assert_close("mean", mean, 0.0, 1e-12);
    let shrink = (batch.variance[0] / (batch.variance[0] + EPS)).sqrt();
    assert_close("deviation", deviation, (1000.0_f64 / 999.0).sqrt() * shrink, 1e-12);
    assert_eq!(format!("{deviation:.4}"), "1.0005");
}

#[test]
fn forward_by_hand() {
    // Mean 3 and variance 4 + eps = 5: (x - 3)/sqrt(5)*2 + 10.
    let norm = BatchNorm { gamma: &[2.0], beta: &[10.0], eps: 1.0 };
    let given = Statistics { mean: vec![3.0], variance: vec![4.0] };
    let z = norm.forward(&[3.0, 8.0], Shape::new(2, 1, 1, 1), &given);
    assert_all_close("z", &z, &[10.0, 10.0 + 2.0 * 5.0_f64.sqrt()], 1e-14);
}

#[test]
fn gradients_agree_with_differences() {
    let seed = 6;
    let (gamma, beta, running) = parameters(seed);
    let (x, dz) = (normals(seed, 0, SHAPE.len()), normals(seed, 1, SHAPE.len()));
    for mode in [Mode::Train, Mode::Eval] {
        let forward = |x: &[f64], gamma: &[f64], beta: &[f64]| {
            let used = if mode == Mode::Train { statistics(x, SHAPE) } else { running.clone() };
            BatchNorm { gamma, beta, eps: EPS }.forward(x, SHAPE, &used)
        };
        let used = if mode == Mode::Train { statistics(&x, SHAPE) } else { running.clone() };
        let norm = BatchNorm { gamma: &gamma, beta: &beta, eps: EPS };
        let got = norm.backward(&dz, &x, SHAPE, &used, mode);
        let name = format!("{mode:?}");
        assert_gradient(&name, seed, &got.dx, &x, &dz, |x| forward(x, &gamma, &beta));
        assert_gradient(&name, seed, &got.dgamma, &gamma, &dz, |gamma| forward(&x, gamma, &beta));
        assert_gradient(&name, seed, &got.dbeta, &beta, &dz, |beta| forward(&x, &gamma, beta));
    }
}

#[test]
fn fused_gradients_agree_with_differences() {
    // Gradient acceleration's derivative is not that of its value.
    for activation in ACTIVATIONS.iter().filter(|row| !row.name.starts_with("gaaf")) {
        for mode in [Mode::Train, Mode::Eval] {
            for with_shortcut in [false, true] {
                fused_case(
                    Site {
                        activation,
                        parameters: &activation.defaults(),
                        noise: Noise { seed: 7, stream: Stream::Activation, step: 2, layer: 9 },
                        mode,
                    },
                    with_shortcut,
                );
            }
        }
    }
}

fn fused_case(site: Site, with_shortcut: bool) {
    // dz/dx <= gamma*invstd <= 1.5/0.5, and |dz/dgamma| = |xhat| < 4: z moves by less than 5 times the input does.
    let margin = 5.0 * differences::REACH;
    let seed = (0..100)
        .find(|&seed| {
            let case = FusedCase::new(seed, with_shortcut, site);
            case.used(&case.x).variance.iter().all(|&variance| variance > 0.25)
                && case.preactivation().iter().all(|z| z.abs() > margin && (z.abs() - 3.0).abs() > margin)
                && case.noisy_signs(margin) == case.noisy_signs(-margin)
        })
        .expect("a seed whose values keep away from the kink");
    let case = FusedCase::new(seed, with_shortcut, site);
    let dy = normals(seed, 2, SHAPE.len());
    let used = case.used(&case.x);
    let got = case.fused(&case.gamma, &case.beta, &case.shortcut, &used).backward_fused(&dy, &case.x, SHAPE);
    let name = format!("{}, {:?}, shortcut {with_shortcut}", site.activation.name, site.mode);
    let (x, gamma, beta, shortcut) = (&case.x, &case.gamma, &case.beta, &case.shortcut);
    assert_gradient(&name, seed, &got.norm.dx, x, &dy, |x| case.forward(x, gamma, beta, shortcut));
    assert_gradient(&name, seed, &got.norm.dgamma, gamma, &dy, |gamma| {
        case.forward(x, gamma, beta, shortcut)
    });
    assert_gradient(&name, seed, &got.norm.dbeta, beta, &dy, |beta| case.forward(x, gamma, beta, shortcut));
    if with_shortcut {
        let forward = |shortcut: &[f64]| case.forward(x, gamma, beta, shortcut);
        assert_gradient(&name, seed, &got.dshortcut, shortcut, &dy, forward);
    }
}

/// The inputs of one fused block.
struct FusedCase<'a> {
    x: Vec<f64>,
    gamma: Vec<f64>,
    beta: Vec<f64>,
    running: Statistics,
    shortcut: Vec<f64>,
    with_shortcut: bool,
    site: Site<'a>,
}

impl<'a> FusedCase<'a> {
    fn new(seed: u32, with_shortcut: bool, site: Site<'a>) -> Self {
        let (gamma, beta, running) = parameters(seed);
        let (x, shortcut) = (normals(seed, 0, SHAPE.len()), normals(seed, 1, SHAPE.len()));
        Self { x, gamma, beta, running, shortcut, with_shortcut, site }
    }

    fn used(&self, x: &[f64]) -> Statistics {
        if self.site.mode == Mode::Train { statistics(x, SHAPE) } else { self.running.clone() }
    }

    fn fused<'b>(
        &'b self,
        gamma: &'b [f64],
        beta: &'b [f64],
        shortcut: &'b [f64],
        statistics: &'b Statistics,
    ) -> Fused<'b> {
        Fused {
            norm: BatchNorm { gamma, beta, eps: EPS },
            statistics,
            shortcut: self.with_shortcut.then_some(shortcut),
            site: self.site,
        }
    }

    fn forward(&self, x: &[f64], gamma: &[f64], beta: &[f64], shortcut: &[f64]) -> Vec<f64> {
        self.fused(gamma, beta, shortcut, &self.used(x)).forward_fused(x, SHAPE)
    }

    /// Which outputs are above 0 where every preactivation is larger by `offset`: a noisy relu has its kink elsewhere than
    /// at 0.
    fn noisy_signs(&self, offset: f64) -> Vec<bool> {
        let z: Vec<f64> = self.preactivation().iter().map(|z| z + offset).collect();
        let y = self.site.forward(&z, SHAPE);
        y.iter().map(|y| self.site.activation.name == "noisy_relu" && *y > 0.0).collect()
    }

    fn preactivation(&self) -> Vec<f64> {
        self.fused(&self.gamma, &self.beta, &self.shortcut, &self.used(&self.x)).preactivation(&self.x, SHAPE)
    }
}
