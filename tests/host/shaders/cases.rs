//! The shader texts that are checked: each kernel with many sets of constants, those of real networks among them.

use wgrad::gpu::{Constants, Kernel, ShaderText};
use wgrad::kernels::activation::{Form, Kind};
use wgrad::kernels::conv::{Candidate, Conv, Direction};
use wgrad::kernels::{ACTIVATIONS, Activation};
use wgrad::nn::models::{self, Settings, ShortcutOption};
use wgrad::nn::{Layer, Network, Node, ShortcutSite};

/// A kernel's text with fixed constants.
pub struct Case {
    pub kernel: &'static Kernel,
    /// The kernel, its constants and its activation, for messages.
    pub label: String,
    /// What the kernel declares to be appended.
    pub constants: Constants,
    pub activation: Option<ShaderText>,
    /// Invocations of a workgroup.
    pub workgroup: u32,
}

impl Case {
    pub fn text(&self) -> String {
        self.kernel.text(&self.constants, self.activation.as_deref())
    }
}

/// Values for every constant that a kernel may ask for.
#[derive(Clone, Copy, Debug)]
struct Setting {
    /// Height, width, input channels, output channels, kernel, stride, padding.
    conv: [u32; 7],
    accumulate: bool,
    channels: u32,
    /// SHORTCUT and SHORTCUT_C.
    shortcut: (u32, u32),
    train: bool,
    rate: f32,
    classes: u32,
    /// HEIGHT, WIDTH, CROP, NORMALIZE.
    gather: [u32; 4],
    flip: bool,
}

/// The first convolution of a network for CIFAR-10, and what goes with it.
const CIFAR: Setting = Setting {
    conv: [32, 32, 3, 16, 3, 1, 1],
    accumulate: false,
    channels: 16,
    shortcut: (0, 0),
    train: true,
    rate: 0.5,
    classes: 10,
    gather: [32, 32, 4, 1],
    flip: true,
};

impl Setting {
    fn constant(&self, all: Constants, name: &'static str) -> Constants {
        let [height, width, inputs, outputs, kernel, stride, padding] = self.conv;
        let out = |size: u32| (size + 2 * padding - kernel) / stride + 1;
        let c4 = self.channels.div_ceil(4);
        match name {
            "KERNEL" => all.u32(name, kernel),
            "STRIDE" => all.u32(name, stride),
            "PAD" => all.u32(name, padding),
            "H_IN" => all.u32(name, height),
            "W_IN" => all.u32(name, width),
            "H_OUT" => all.u32(name, out(height)),
            "W_OUT" => all.u32(name, out(width)),
            "C_IN4" => all.u32(name, inputs.div_ceil(4)),
            "C_OUT4" => all.u32(name, outputs.div_ceil(4)),
            "ACCUMULATE" | "AGAIN" => all.bool(name, self.accumulate),
            "SCALED" | "CLIP_VALUE" | "DECOUPLED" => all.bool(name, self.accumulate),
            "CLIP_NORM" | "L1" => all.bool(name, self.train),
            "STATISTICS" => all.bool(name, self.train),
            "C4" => all.u32(name, c4),
            "RUN" => all.u32(name, 8),
            "BATCH" => all.u32(name, height),
            "IN4" => all.u32(name, inputs.div_ceil(4)),
            "OUT4" => all.u32(name, outputs.div_ceil(4)),
            "BIAS_OFFSET" => all.u32(name, 4 * inputs.div_ceil(4) * outputs.div_ceil(4)),
            "WINDOW" => all.u32(name, kernel),
            "PIXELS" => all.u32(name, height * width),
            "CHANNELS" => all.u32(name, self.channels),
            "SHORTCUT" => all.u32(name, self.shortcut.0),
            "SHORTCUT_C" => all.u32(name, self.shortcut.1),
            "TRAIN" => all.bool(name, self.train),
            "RATE" => all.f32(name, self.rate),
            "BRANCH" => all.u32(name, self.shortcut.0),
            "SURVIVAL" => all.f32(name, 1.0 - self.rate),
            "VARIANCE" | "BACKWARD" => all.bool(name, self.train),
            "BLOCK" => all.u32(name, height.min(width).min(3)),
            "GAMMA" => all.f32(name, self.rate / 9.0),
            "MIXUP" | "FIRST" | "ALTERNATE" | "GATHERED" => all.bool(name, self.accumulate),
            "SHIFT" => all.u32(name, self.gather[3]),
            "FILL" => all.u32(name, 2 - self.gather[3].min(2)),
            "CUTOUT" => all.u32(name, self.gather[2]),
            "CLASSES" => all.u32(name, self.classes),
            "HEIGHT" => all.u32(name, self.gather[0]),
            "WIDTH" => all.u32(name, self.gather[1]),
            "CROP" => all.u32(name, self.gather[2]),
            "NORMALIZE" => all.u32(name, self.gather[3]),
            "FLIP" => all.bool(name, self.flip),
            _ => panic!("constant {name}: add plausible values for it to tests/host/shaders/cases.rs"),
        }
    }
}

/// Odd sizes, extremes and each value of each choice.
fn odd_settings() -> Vec<Setting> {
    vec![
        CIFAR,
        Setting { accumulate: true, train: false, gather: [32, 32, 0, 2], flip: false, ..CIFAR },
        Setting {
            conv: [7, 5, 13, 6, 3, 1, 1],
            channels: 1,
            shortcut: (1, 0),
            rate: 0.0,
            classes: 1,
            ..CIFAR
        },
        Setting {
            conv: [9, 11, 1, 257, 3, 2, 1],
            channels: 3,
            classes: 100,
            gather: [17, 13, 2, 0],
            ..CIFAR
        },
        Setting { gather: [32, 32, 0, 3], accumulate: true, ..CIFAR },
        Setting { conv: [8, 8, 64, 1000, 1, 2, 0], channels: 257, shortcut: (1, 0), rate: 0.999, ..CIFAR },
        Setting { conv: [5, 3, 3, 7, 5, 1, 2], channels: 30, shortcut: (2, 13), train: false, ..CIFAR },
        Setting { conv: [1, 1, 4, 4, 1, 1, 0], channels: 1026, shortcut: (2, 1024), classes: 1000, ..CIFAR },
    ]
}

fn node_setting(network: &Network, node: &Node) -> Option<Setting> {
    let [height, width, inputs] = network.shape(node.input).map(|size| size as u32);
    let channels = node.shape[2] as u32;
    match &node.layer {
        Layer::Conv { kernel, stride, padding, .. } => {
            let [kernel, stride, padding] = [kernel, stride, padding].map(|size| *size as u32);
            Some(Setting { conv: [height, width, inputs, channels, kernel, stride, padding], ..CIFAR })
        }
        Layer::BatchNorm(site) => {
            let shortcut = match site.shortcut {
                ShortcutSite::None => (0, 0),
                ShortcutSite::Same(_) => (1, 0),
                ShortcutSite::Padded(value) => (2, network.shape(value)[2] as u32),
            };
            Some(Setting { channels, shortcut, ..CIFAR })
        }
        _ => None,
    }
}

/// The shapes of ResNet-20 (those of all deeper ones too), with both kinds of shortcuts.
fn network_settings() -> Vec<Setting> {
    let mut settings = Vec::new();
    for option in [ShortcutOption::A, ShortcutOption::B] {
        let cifar = Settings { option, ..Settings::cifar10(Activation::identity()) };
        let network = models::build("resnet20", &cifar).unwrap();
        settings.extend(network.nodes.iter().filter_map(|node| node_setting(&network, node)));
    }
    settings
}

/// Every row with its defaults, and every word of its choices.
pub fn activations() -> Vec<Activation> {
    let mut specs: Vec<String> = FEW.iter().map(|spec| (*spec).to_owned()).collect();
    for row in ACTIVATIONS {
        specs.push(row.name.to_owned());
        for parameter in row.parameters {
            let words: Vec<&str> = match parameter.kind {
                Kind::Number { .. } | Kind::Count { .. } => continue,
                Kind::Choice(words) => words[1..].to_vec(),
                Kind::Function(_) => {
                    ACTIVATIONS.iter().filter(|row| row.plain()).map(|row| row.name).collect()
                }
            };
            specs.extend(words.iter().map(|word| format!("{}:{}={word}", row.name, parameter.name)));
        }
    }
    specs.iter().map(|spec| Activation::parse(spec).unwrap()).collect()
}

/// Those that are combined with every shape.
const FEW: &[&str] = &[
    "identity",
    "relu",
    "leaky_relu",
    "dropact",
    "rrelu",
    "rrelu:mode=paper",
    "rrelu:mode=seed",
    "dropact:retain=0",
    "leaky_relu:negative_slope=-0.5",
    "dropact:unit=channel",
    "probact",
];

/// The form of activations that a kernel is for, where not for all of them element by element.
fn forms(kernel: &Kernel) -> Option<Form> {
    match kernel.name {
        "activation/learned_forward" | "activation/learned_backward" => Some(Form::Learned),
        "activation/doubled_forward" | "activation/doubled_backward" => Some(Form::Doubled),
        "activation/maxout_forward" | "activation/maxout_backward" => Some(Form::Pieces),
        _ => None,
    }
}

fn takes(kernel: &Kernel, activation: &Activation) -> bool {
    forms(kernel).is_none_or(|form| activation.row.form == form)
}

/// Whether this kernel takes the setting's shortcut.
fn fits(kernel: &Kernel, setting: &Setting) -> bool {
    match kernel.name {
        "residual/backward" => setting.shortcut.0 == 2,
        "activation/doubled_forward" => setting.channels.is_multiple_of(2),
        _ => true,
    }
}

/// The candidates that use this kernel and take the setting's convolution; `None` for a kernel that has none.
fn candidates(kernel: &'static Kernel, setting: &Setting) -> Vec<Option<&'static Candidate>> {
    let all = Direction::ALL.iter().flat_map(|direction| direction.candidates());
    let own: Vec<_> = all.filter(|candidate| std::ptr::eq(candidate.kernel, kernel)).collect();
    if own.is_empty() {
        return vec![None];
    }
    let [height, width, in_channels, out_channels, kernel, stride, padding] =
        setting.conv.map(|n| n as usize);
    let conv = Conv { batch: 1, height, width, in_channels, out_channels, kernel, stride, padding };
    own.into_iter().filter(|candidate| (candidate.fits)(&conv)).map(Some).collect()
}

/// All different texts of a kernel.
pub fn cases(kernel: &'static Kernel) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let settings = odd_settings().into_iter().chain(network_settings());
    let uses = settings.filter(|setting| fits(kernel, setting)).flat_map(|setting| {
        candidates(kernel, &setting).into_iter().map(move |candidate| (setting, candidate))
    });
    for (number, (setting, candidate)) in uses.enumerate() {
        let from_activation =
            |name: &str| kernel.activation && matches!(name, "TRAIN" | "STOCHASTIC" | "SHARE" | "PIECES");
        let given = |name: &str| candidate.and_then(|candidate| candidate.constant(name));
        let own = kernel.constants.iter().filter(|name| !from_activation(name)).chain(&["WORKGROUP"]);
        let constants = own.fold(Constants::new(), |all, name| match given(name) {
            Some(value) => all.u32(name, value),
            None if *name == "WORKGROUP" => all,
            None => setting.constant(all, name),
        });
        let workgroup = candidate.map_or(kernel.workgroup, Candidate::workgroup);
        let mut push = |constants: Constants, activation: Option<&Activation>, train: bool| {
            let source = activation.map(Activation::source);
            if cases.iter().any(|case| case.constants == constants && case.activation == source) {
                return;
            }
            let spec = activation
                .map_or(String::new(), |activation| format!("{}, train {train}, ", activation.spec()));
            let which = candidate.map_or("", |candidate| candidate.name);
            let label = format!("{} {which} ({spec}{setting:?})", kernel.name);
            cases.push(Case { kernel, label, constants, activation: source, workgroup });
        };
        if !kernel.activation {
            push(constants, None, setting.train);
            continue;
        }
        let all: Vec<_> = activations().into_iter().filter(|activation| takes(kernel, activation)).collect();
        let few = if forms(kernel).is_some() { all.len() } else { FEW.len() };
        for activation in if number == 0 { &all } else { &all[..few] } {
            for train in [true, false] {
                push(constants.clone().with(&activation.constants(train)), Some(activation), train);
            }
        }
    }
    assert!(!cases.is_empty(), "{}: no setting fits", kernel.name);
    cases
}
