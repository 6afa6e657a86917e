//! Forward and backward draw the same numbers: shown by outputs alone. What the backward pass gives must be the slope of
//! what the forward pass gives with its noise held, element by element; and it is not with another step's noise.

use wgrad::gpu::{Dispatch, Gpu, Recorder, View};
use wgrad::kernels::activation::Learned;
use wgrad::kernels::dropconnect::DropConnect;
use wgrad::kernels::dropout::DropBlock;
use wgrad::kernels::optimizer::State;
use wgrad::kernels::residual::{Branch, Scale, Shortcut};
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
        assert!(differ > 0 || act.row.name.starts_with("probact"), "{spec}: another step has the same noise");
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

/// Which values are 0 after a dispatch on values that are not.
fn zeros(lab: &Lab, value: f32, dispatches: impl Fn(&View) -> Vec<Dispatch>) -> Vec<bool> {
    let x = lab.gpu.upload("x", &vec![value; ROWS.words()]).expect("a buffer").view();
    dispatches(&x).into_iter().for_each(|dispatch| lab.run(dispatch));
    let values: Vec<f32> = lab.gpu.read(&x).expect("values");
    values.iter().map(|v| *v == 0.0).collect()
}

#[test]
fn dropblock_redraws_in_the_backward_pass() {
    let lab = Lab::new(7);
    let drop = DropBlock { rate: 0.3, block: 3, rows: ROWS, width: 7, noise: NOISE };
    let counts = lab.gpu.buffer("counts", drop.counts()).expect("a buffer").view();
    let mask = |lab: &Lab, value: f32| {
        zeros(lab, value, |x| vec![drop.count(&lab.state, &counts), drop.apply(&counts, &lab.state, x)])
    };
    assert_eq!(mask(&lab, 3.0), mask(&lab, -0.125));
    assert_ne!(mask(&lab, 3.0), mask(&Lab::new(8), 3.0));
}

/// The factor of each image, from outputs alone: forward from 1 with nothing added, backward from 1.
fn factors(lab: &Lab, scale: Scale) -> [Vec<f32>; 2] {
    let branch = Branch { scale, train: true, noise: NOISE };
    let ones = vec![1.0f32; ROWS.words()];
    let [x, dy] = ["x", "dy"].map(|name| lab.gpu.upload(name, &ones).expect("a buffer").view());
    let dx = lab.gpu.buffer("dx", ROWS.words()).expect("a buffer").view();
    lab.run(branch.add(ROWS, [5, 7], &Shortcut::None, &lab.state, &x));
    lab.run(branch.backward(ROWS, &dy, &lab.state, &dx));
    let image = ROWS.words() / ROWS.batch;
    [x, dx].map(|view| {
        let values: Vec<f32> = lab.gpu.read(&view).expect("values");
        values.chunks_exact(image).map(|image| image[0]).collect()
    })
}

#[test]
fn branches_redraw_in_the_backward_pass() {
    let scale = Scale::StochasticDepth { survival: 0.5 };
    let [forward, backward] = factors(&Lab::new(7), scale);
    assert_eq!(forward, backward);
    let differs = (8..16).any(|step| factors(&Lab::new(step), scale)[0] != forward);
    assert!(differs, "nine steps have the same noise");
    // ShakeDrop draws another factor backward by its definition, for the same images; which ones is drawn once.
    let [forward, backward] = factors(&Lab::new(7), Scale::ShakeDrop { survival: 0.5 });
    let survive = |factors: &[f32]| factors.iter().map(|factor| *factor == 1.0).collect::<Vec<_>>();
    assert_eq!(survive(&forward), survive(&backward));
    assert!(survive(&forward).contains(&false) && forward != backward);
}

#[test]
fn dropconnect_redraws_in_the_backward_pass() {
    let drop = DropConnect { rate: 0.4, noise: NOISE };
    let lab = Lab::new(7);
    let words = ROWS.words().next_multiple_of(64);
    let dropped = lab.gpu.upload("dropped", &vec![1.0f32; words / 64]).expect("a buffer").view();
    let [weight, gradient] =
        [2.0f32, -0.5].map(|value| lab.gpu.upload("weight", &vec![value; words]).expect("a buffer").view());
    let connected = lab.gpu.buffer("connected", words).expect("a buffer").view();
    lab.run(drop.weights(true, [&weight, &dropped, &lab.state], &connected));
    lab.run(drop.gradient(true, &dropped, &lab.state, &gradient));
    let [forward, backward] = [connected, gradient].map(|view| {
        let values: Vec<f32> = lab.gpu.read(&view).expect("values");
        values.iter().map(|value| *value == 0.0).collect::<Vec<_>>()
    });
    assert_eq!(forward, backward);
    assert!(forward.contains(&true) && forward.contains(&false));
}

/// The slope by which a's gradient is weighed is the noise that the forward pass added: both are probact's normal times a
/// known factor.
#[test]
fn learned_sigma_redraws_in_the_backward_pass() {
    let lab = Lab::new(7);
    let act = Activation::parse("probact_learned:share=channel,steepness=1,bound=2").expect("a SPEC");
    // One row, so that a part of the gradient is one element's.
    let rows = Rows { batch: 1, pixels: 1, ..ROWS };
    let learned = Learned { activation: &act, train: true, noise: NOISE, rows };
    let upload = |value: f32| lab.gpu.upload("x", &vec![value; rows.words()]).expect("a buffer").view();
    let (x, a, dy) = (upload(-1.0), upload(0.0), upload(1.0));
    let [y, partial] = [rows.words(), 64].map(|words| lab.gpu.buffer("y", words).expect("a buffer").view());
    lab.run(learned.forward([&x, &a, &lab.state], &y));
    lab.run(learned.backward([&x, &a, &lab.state], &dy, &partial, 64));
    let [y, gradient]: [Vec<f32>; 2] = [y, partial].map(|view| lab.gpu.read(&view).expect("values"));
    // sigma = 2/(1 + e^-0) = 1; d sigma / da = 2 * 1/4.
    for (c, (y, gradient)) in y.iter().zip(&gradient).enumerate().take(rows.channels) {
        assert!(
            (y - 2.0 * gradient).abs() <= 4.0 * f32::EPSILON * y.abs(),
            "channel {c}: {y} and {gradient}"
        );
        assert!(*y != 0.0);
    }
}
