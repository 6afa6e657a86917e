//! Forward and backward draw the same numbers: shown by outputs alone. What the backward pass gives must be the slope of
//! what the forward pass gives with its noise held, element by element; and it is not with another step's noise.

use wgrad::gpu::{Dispatch, Gpu, Recorder, View};
use wgrad::kernels::optimizer::State;
use wgrad::kernels::{ACTIVATIONS, Activation, Noise, Rows, activation, dropout};

use crate::support::gpu;

const ROWS: Rows = Rows { batch: 6, pixels: 35, channels: 18, workgroup: Rows::WIDE };
const NOISE: Noise = Noise { seed: 99, layer: 4 };
/// Half the distance of the difference quotient's points, exact in f32.
const H: f32 = 1.0 / 64.0;
/// Truncation: h^2/6 times a third derivative below 4; rounding: two ULP of values below 8 over 2h.
const TOLERANCE: f32 = H * H / 6.0 * 4.0 + 2.0 * 8.0 * f32::EPSILON / (2.0 * H);

struct Lab {
    gpu: &'static Gpu,
    state: View,
}

impl Lab {
    fn new(step: u32) -> Self {
        let gpu = gpu();
        let state = gpu.upload("state", &[State { step, ..State::default() }]).expect("a buffer").view();
        Self { gpu, state }
    }

    fn run(&self, dispatch: Dispatch) {
        let mut recorder = Recorder::new();
        recorder.push(dispatch);
        recorder.finish(self.gpu).expect("a plan").run(self.gpu).expect("it runs");
    }

    /// The activation's output for an input that is `x` everywhere.
    fn forward(&self, act: &Activation, x: f32) -> Vec<f32> {
        let input = self.gpu.upload("x", &vec![x; ROWS.words()]).expect("a buffer").view();
        let y = self.gpu.buffer("y", ROWS.words()).expect("a buffer").view();
        self.run(activation::forward(act, true, NOISE, ROWS, &input, &self.state, &y));
        self.gpu.read(&y).expect("values")
    }

    /// Its derivative there.
    fn backward(&self, act: &Activation, x: f32) -> Vec<f32> {
        let input = self.gpu.upload("x", &vec![x; ROWS.words()]).expect("a buffer").view();
        let dy = self.gpu.upload("dy", &vec![1.0f32; ROWS.words()]).expect("a buffer").view();
        self.run(activation::backward(act, true, NOISE, ROWS, &input, &self.state, &dy));
        self.gpu.read(&dy).expect("values")
    }

    /// How many elements' slopes differ from `derivative`, of those that stay on one side of a kink.
    fn disagreements(&self, act: &Activation, x: f32, derivative: &[f32]) -> (usize, usize) {
        let (low, high) = (self.forward(act, x - H), self.forward(act, x + H));
        let (mut wrong, mut all) = (0, 0);
        for (i, derivative) in derivative.iter().enumerate() {
            // Where a noisy relu cuts off, one of both is exactly 0.
            if (low[i] == 0.0) != (high[i] == 0.0) {
                continue;
            }
            all += 1;
            let slope = (high[i] - low[i]) / (2.0 * H);
            wrong += usize::from((slope - derivative).abs() > TOLERANCE);
        }
        (wrong, all)
    }
}

#[test]
fn stochastic_activations_redraw_in_the_backward_pass() {
    let (lab, other) = (Lab::new(7), Lab::new(8));
    let mut specs: Vec<String> =
        ACTIVATIONS.iter().filter(|row| row.stochastic()).map(|row| row.name.to_owned()).collect();
    let more = ["dropact:retain=0.5,unit=channel", "dropact:retain=0.5,unit=sample", "rrelu:mode=paper"];
    specs.extend(more.iter().map(|spec| (*spec).to_owned()));
    for spec in specs {
        let act = Activation::parse(&spec).expect("a SPEC");
        let mut differ = 0;
        for x in [-1.0, -0.25, 0.75] {
            let derivative = lab.backward(&act, x);
            let (wrong, all) = lab.disagreements(&act, x, &derivative);
            assert!(all > ROWS.words() / 4, "{spec}: only {all} elements compared");
            assert_eq!(wrong, 0, "{spec} at {x}: {wrong} of {all} slopes are not those of the forward pass");
            differ += other.disagreements(&act, x, &derivative).0;
        }
        // The same comparison with the next step's noise fails, so it can; probact's slope has no noise in it.
        assert!(differ > 0 || act.row.name == "probact", "{spec}: another step has the same noise");
    }
}

#[test]
fn probact_adds_the_same_noise_everywhere() {
    let lab = Lab::new(7);
    let act = Activation::parse("probact:sigma=0.5").expect("a SPEC");
    let [a, b] = [-1.0, 1.0].map(|x| lab.forward(&act, x));
    let (mut sum, mut squares) = (0.0, 0.0);
    let real = ROWS.batch * ROWS.pixels * ROWS.channels;
    for (a, b) in a.iter().zip(&b) {
        assert!((b - a - 1.0).abs() < 1e-6 || (*a, *b) == (0.0, 0.0), "noise {a} at -1, {} at 1", b - 1.0);
        sum += f64::from(*a);
        squares += f64::from(*a).powi(2);
    }
    // Five standard deviations of mean and variance of `real` normals of deviation 1/2.
    let n = real as f64;
    assert!((sum / n).abs() < 5.0 * 0.5 / n.sqrt(), "mean {}", sum / n);
    assert!((squares / n - 0.25).abs() < 5.0 * 0.25 * (2.0 / n).sqrt(), "variance {}", squares / n);
}

#[test]
fn dropout_redraws_in_the_backward_pass() {
    let mask = |step: u32, value: f32| {
        let lab = Lab::new(step);
        let x = lab.gpu.upload("x", &vec![value; ROWS.words()]).expect("a buffer").view();
        lab.run(dropout::apply(0.4, NOISE, ROWS, &lab.state, &x));
        let values: Vec<f32> = lab.gpu.read(&x).expect("values");
        values.iter().map(|v| *v != 0.0).collect::<Vec<_>>()
    };
    // Forward on values, backward on gradients of another size: the same kernel, the same mask.
    assert_eq!(mask(7, 3.0), mask(7, -0.125));
    assert_ne!(mask(7, 3.0), mask(8, 3.0));
}
