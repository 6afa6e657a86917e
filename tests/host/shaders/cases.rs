//! The shader texts that are checked: each kernel with many sets of constants, those of real networks among them.

use wgrad::gpu::{Constants, Kernel};
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
    pub activation: Option<String>,
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
            "BLOCKS" => all.u32(name, 2),
            "ACCUMULATE" => all.bool(name, self.accumulate),
            "STATISTICS" => all.bool(name, self.train),
            "C4" => all.u32(name, c4),
            "PIXELS" => all.u32(name, height * width),
            "CHANNELS" => all.u32(name, self.channels),
            "SHORTCUT" => all.u32(name, self.shortcut.0),
            "SHORTCUT_C" => all.u32(name, self.shortcut.1),
            "TRAIN" => all.bool(name, self.train),
            "RATE" => all.f32(name, self.rate),
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

/// Every row with its defaults, and every other word of its choices.
pub fn activations() -> Vec<Activation> {
    let mut all: Vec<_> = ACTIVATIONS.iter().map(|row| Activation::parse(row.name).unwrap()).collect();
    for spec in ["rrelu:mode=paper", "rrelu:mode=seed", "dropact:retain=0", "leaky_relu:negative_slope=-0.5"]
    {
        all.push(Activation::parse(spec).unwrap());
    }
    all
}

/// Whether this kernel takes the setting's convolution and shortcut.
fn fits(kernel: &Kernel, setting: &Setting) -> bool {
    match (kernel.name, setting.conv) {
        (
            "conv/forward_direct"
            | "conv/input_gradient_direct"
            | "conv/forward_winograd2"
            | "conv/input_gradient_winograd2"
            | "conv/forward_winograd4"
            | "conv/input_gradient_winograd4",
            [.., size, stride, padding],
        ) => (size, stride, padding) == (3, 1, 1),
        ("conv/weight_gradient_direct", [.., size, _, _]) => size == 3,
        ("residual/backward", _) => setting.shortcut.0 == 2,
        _ => true,
    }
}

/// All different texts of a kernel.
pub fn cases(kernel: &'static Kernel) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let settings = odd_settings().into_iter().chain(network_settings());
    for setting in settings.filter(|setting| fits(kernel, setting)) {
        let from_activation = |name: &str| kernel.activation && matches!(name, "TRAIN" | "STOCHASTIC");
        let own = kernel.constants.iter().filter(|name| !from_activation(name));
        let constants = own.fold(Constants::new(), |all, name| match (kernel.name, *name) {
            ("conv/forward_winograd2" | "conv/input_gradient_winograd2", "BLOCKS") => all.u32(name, 8),
            _ => setting.constant(all, name),
        });
        let mut push = |constants: Constants, activation: Option<&Activation>, train: bool| {
            let source = activation.map(Activation::source);
            if cases.iter().any(|case| case.constants == constants && case.activation == source) {
                return;
            }
            let spec = activation
                .map_or(String::new(), |activation| format!("{}, train {train}, ", activation.spec()));
            let label = format!("{} ({spec}{setting:?})", kernel.name);
            cases.push(Case { kernel, label, constants, activation: source });
        };
        if !kernel.activation {
            push(constants, None, setting.train);
            continue;
        }
        for activation in activations() {
            for train in [true, false] {
                push(constants.clone().with(&activation.constants(train)), Some(&activation), train);
            }
        }
    }
    assert!(!cases.is_empty(), "{}: no setting fits", kernel.name);
    cases
}
