//! Times training steps of a CIFAR ResNet in Burn on wgpu, with fusion and autotuning, on random images that lie on the
//! device: what wgrad is measured against. One JSON line a measurement.

mod model;

use std::io::BufRead;
use std::time::Instant;

use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::prelude::*;
use burn::tensor::Distribution;
use clap::Parser;
use model::ResNet;
use serde_json::{Value, json};

/// As Cargo.toml pins it.
const VERSION: &str = "0.22.1";

#[derive(Parser)]
struct Args {
    /// Layers: 6n + 2, at least 8
    #[arg(long, default_value = "56", value_parser = depth)]
    depth: usize,
    /// Images of a step
    #[arg(long, default_value = "32", value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// Steps that are timed
    #[arg(long, default_value = "5", value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Steps before them: kernels are compiled and tuned
    #[arg(long, default_value = "3", value_parser = clap::value_parser!(u32).range(1..))]
    warmup: u32,
    /// Time again for each number of steps that comes on stdin
    #[arg(long)]
    listen: bool,
}

fn depth(text: &str) -> Result<usize, String> {
    let depth = text.parse().ok().filter(|depth| *depth >= 8 && depth % 6 == 2);
    depth.ok_or_else(|| "expected 6n + 2 from 8 on, such as 20 or 56".into())
}

/// A network in training.
struct Subject {
    device: Device,
    model: Option<ResNet>,
    optimizer: ModuleOptimizer,
    loss: CrossEntropyLoss,
    images: Tensor<4>,
    labels: Tensor<1, Int>,
}

impl Subject {
    fn new(args: &Args) -> Self {
        let device = Device::wgpu(Default::default()).autodiff();
        device.seed(1);
        let batch = args.batch as usize;
        let images = Tensor::random([batch, 3, 32, 32], Distribution::Normal(0.0, 1.0), &device);
        let labels: Vec<i32> = (0..batch as i32).map(|n| n * 7 % 10).collect();
        // Burn's momentum is damped by default; 0 is the usual one.
        let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
        let optimizer = SgdConfig::new()
            .with_momentum(Some(momentum))
            .with_weight_decay(Some(WeightDecayConfig::new(1e-4)))
            .init();
        Self {
            model: Some(ResNet::new(args.depth, &device)),
            optimizer,
            loss: CrossEntropyLossConfig::new().init(&device),
            images,
            labels: Tensor::from_data(labels.as_slice(), &device),
            device,
        }
    }

    fn wait(&self) {
        self.device.sync().expect("the device works");
    }

    /// One step, not waited for; gives its loss.
    fn step(&mut self) -> Tensor<1> {
        let model = self.model.take().expect("there is a model between steps");
        let loss = self.loss.forward(model.forward(self.images.clone()), self.labels.clone());
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        self.model = Some(self.optimizer.step(1e-3, model, gradients));
        loss.detach()
    }

    /// Times steps that are waited for, and as many that are not.
    fn measure(&mut self, args: &Args, steps: u32, ready: &Value) -> Value {
        let mut times: Vec<f64> = (0..steps)
            .map(|_| {
                let started = Instant::now();
                self.step();
                self.wait();
                started.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let started = Instant::now();
        let last = (0..steps).map(|_| self.step()).last();
        self.wait();
        let pipelined = started.elapsed().as_secs_f64() / f64::from(steps);
        let mut row = json!({
            "peer": "burn", "version": VERSION,
            "device": self.device.identity().map(|identity| identity.name),
            "model": format!("resnet{}", args.depth), "activation": "relu", "batch": args.batch,
            "steps": steps, "median_step_s": median, "images_per_second": f64::from(args.batch) / median,
            "pipelined_step_s": pipelined,
            "last_loss": last.map(|loss| loss.into_scalar::<f32>()),
            // The pool keeps what it once reserved.
            "peak_device_bytes": self.device.memory_pool_usage().map(|usage| usage.bytes_reserved),
        });
        for key in ["warmup_s", "first_step_s", "first_loss"] {
            row[key] = ready[key].clone();
        }
        row
    }
}

fn main() {
    let args = Args::parse();
    let started = Instant::now();
    let mut subject = Subject::new(&args);
    let first_loss = subject.step().into_scalar::<f32>();
    let first_step_s = started.elapsed().as_secs_f64();
    (1..args.warmup).for_each(|_| drop(subject.step()));
    subject.wait();
    let warmup_s = started.elapsed().as_secs_f64();
    let ready = json!({
        "peer": "burn", "ready": true,
        "warmup_s": warmup_s, "first_step_s": first_step_s, "first_loss": first_loss,
    });
    if !args.listen {
        return println!("{}", subject.measure(&args, args.steps, &ready));
    }
    println!("{ready}");
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let steps = line.trim().parse().unwrap_or(args.steps).max(1);
        println!("{}", subject.measure(&args, steps, &ready));
    }
}
