//! Models that a TOML file describes, layer by layer.

use serde::Deserialize;

use super::{Settings, SiteDrop};
use crate::kernels::Activation;
use crate::kernels::residual::Scale;
use crate::nn::{Builder, Dropout, Init, Network, ShortcutSite, Value};
use crate::{Error, Result};

/// Most layers that a description may grow to.
const MOST_LAYERS: usize = 10_000;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    layers: Vec<Item>,
}

/// A layer: one of the first keys, and what belongs to it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Item {
    /// Convolution with so many channels.
    conv: Option<usize>,
    /// Batch norm, and the activation behind it.
    batchnorm: Option<String>,
    /// An activation by itself.
    activation: Option<String>,
    /// What drops elements, as `regularize.drop`.
    drop: Option<String>,
    /// Fully connected layer with so many outputs.
    linear: Option<usize>,
    /// The fully connected layer that gives the classes.
    classifier: Option<bool>,
    /// All numbers of an image as one row.
    flatten: Option<bool>,
    /// Pooling: `"average"` over all pixels, `"max"` in windows.
    pool: Option<String>,
    /// Layers whose result is added to their input.
    residual: Option<Vec<Item>>,
    /// Layers that are repeated.
    layers: Option<Vec<Item>>,

    /// Of a convolution: pixels of its side. Default 3.
    kernel: Option<usize>,
    /// Of a convolution. Default 1.
    stride: Option<usize>,
    /// Of a convolution: zeros around the image. Default kernel / 2.
    padding: Option<usize>,
    /// Of a convolution. Default false.
    bias: Option<bool>,
    /// Of a max pooling: pixels of a window's side. Default 2.
    window: Option<usize>,
    /// Of a residual: `"identity"`, `"a"` (option A) or `"projection"` (1x1 convolution and batch norm). Default identity.
    shortcut: Option<String>,
    /// Of a residual: the activation behind the sum. Default the run's own.
    end: Option<String>,
    /// Of layers: how often. Default 1.
    repeat: Option<usize>,
}

impl Item {
    /// The names of the keys that say what it is.
    fn kinds(&self) -> Vec<&'static str> {
        [
            ("conv", self.conv.is_some()),
            ("batchnorm", self.batchnorm.is_some()),
            ("activation", self.activation.is_some()),
            ("drop", self.drop.is_some()),
            ("linear", self.linear.is_some()),
            ("classifier", self.classifier.is_some()),
            ("flatten", self.flatten.is_some()),
            ("pool", self.pool.is_some()),
            ("residual", self.residual.is_some()),
            ("layers", self.layers.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, given)| given.then_some(name))
        .collect()
    }

    /// The keys that belong to another kind of layer.
    fn strangers(&self, kind: &str) -> Vec<&'static str> {
        [
            ("kernel", self.kernel.is_some(), "conv"),
            ("stride", self.stride.is_some(), "conv"),
            ("padding", self.padding.is_some(), "conv"),
            ("bias", self.bias.is_some(), "conv"),
            ("window", self.window.is_some(), "pool"),
            ("shortcut", self.shortcut.is_some(), "residual"),
            ("end", self.end.is_some(), "residual"),
            ("repeat", self.repeat.is_some(), "layers"),
        ]
        .into_iter()
        .filter_map(|(name, given, owner)| (given && owner != kind).then_some(name))
        .collect()
    }
}

/// Builds the network that `text` describes; `path` names it.
///
/// # Errors
/// What is no TOML, an unknown key, a layer that is nothing or two things, a shape that does not fit: at its place.
pub(super) fn described(path: &str, text: &str, settings: &Settings) -> Result<Network> {
    let fail = |error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        Error::usage(format!("model {path}:{line}: {}", error.message().replace('\n', ", ")))
    };
    let description: Description = toml::from_str(text).map_err(fail)?;
    let name = std::path::Path::new(path).file_stem().map_or(path.into(), |stem| stem.to_string_lossy());
    let builder = settings.builder(&name, Init::HE_NORMAL, Init::HE_NORMAL);
    let mut writer = Writer { path, settings, builder, layers: 0 };
    let image = writer.builder.image();
    writer.items("layers", &description.layers, image)?;
    writer.builder.finish()
}

struct Writer<'a> {
    path: &'a str,
    settings: &'a Settings,
    builder: Builder,
    layers: usize,
}

impl Writer<'_> {
    fn fail<T>(&self, at: &str, what: &str) -> Result<T> {
        Err(Error::usage(format!("model {}: {at}: {what}", self.path)))
    }

    /// `"activation"` is the run's own, `"none"` the identity.
    fn named(&self, at: &str, word: &str) -> Result<Activation> {
        match word {
            "activation" => Ok(self.settings.activation.clone()),
            "none" => Ok(Activation::identity()),
            spec => Activation::parse(spec).or_else(|error| self.fail(at, &error.to_string())),
        }
    }

    fn items(&mut self, at: &str, items: &[Item], mut x: Value) -> Result<Value> {
        for (number, item) in items.iter().enumerate() {
            x = self.item(&format!("{at}.{number}"), item, x)?;
        }
        Ok(x)
    }

    fn item(&mut self, at: &str, item: &Item, x: Value) -> Result<Value> {
        self.layers += 1;
        if self.layers > MOST_LAYERS {
            return self.fail(at, &format!("the model has more than {MOST_LAYERS} layers"));
        }
        let kinds = item.kinds();
        let [kind] = *kinds.as_slice() else {
            let got = if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(" and ") };
            return self.fail(at, &format!("a layer is one of conv, batchnorm, activation, drop, linear, classifier, flatten, pool, residual, layers; got {got}"));
        };
        if let Some(stranger) = item.strangers(kind).first() {
            return self.fail(at, &format!("{stranger} does not belong to {kind}"));
        }
        match item {
            Item { conv: Some(channels), .. } => self.conv(at, item, *channels, x),
            Item { batchnorm: Some(word), .. } => {
                let activation = self.named(at, word)?;
                self.builder.batchnorm(at, x, &activation, ShortcutSite::None)
            }
            Item { activation: Some(word), .. } => {
                let activation = self.named(at, word)?;
                self.builder.activation(at, x, &activation)
            }
            Item { drop: Some(spec), .. } => self.drop(at, spec, x),
            Item { linear: Some(outputs), .. } => self.builder.linear(at, x, *outputs),
            Item { classifier: Some(true), .. } => self.builder.classifier(at, x),
            Item { flatten: Some(true), .. } => Ok(self.builder.flatten(at, x)),
            Item { pool: Some(word), window: None, .. } if word == "average" => {
                Ok(self.builder.global_average_pool(at, x))
            }
            Item { pool: Some(word), window, .. } if word == "max" => {
                self.builder.max_pool(at, x, window.unwrap_or(2))
            }
            Item { pool: Some(word), window: Some(_), .. } if word == "average" => {
                self.fail(at, "window belongs to pool = \"max\": \"average\" is over all pixels")
            }
            Item { pool: Some(word), .. } => {
                self.fail(at, &format!("pool = {word:?}: expected \"average\" or \"max\""))
            }
            Item { residual: Some(branch), .. } => self.residual(at, item, branch, x),
            Item { layers: Some(layers), .. } => self.repeated(at, layers, item.repeat.unwrap_or(1), x),
            _ => self.fail(at, &format!("{kind} = false is no layer: leave it out")),
        }
    }

    fn conv(&mut self, at: &str, item: &Item, channels: usize, x: Value) -> Result<Value> {
        let kernel = item.kernel.unwrap_or(3);
        let (stride, padding) = (item.stride.unwrap_or(1), item.padding.unwrap_or(kernel / 2));
        if channels > 65_536 || kernel > 31 || padding > 64 {
            return self.fail(
                at,
                "expected at most 65,536 channels, a kernel of at most 31 and a padding of at most 64",
            );
        }
        if item.bias == Some(true) {
            return self.builder.conv_with_bias(at, x, channels, kernel, stride, padding);
        }
        self.builder.conv(at, x, channels, kernel, stride, padding)
    }

    fn drop(&mut self, at: &str, spec: &str, x: Value) -> Result<Value> {
        match SiteDrop::parse(spec).or_else(|error| self.fail(at, &error.to_string()))? {
            SiteDrop::Activation(activation) => self.builder.activation(at, x, &activation),
            SiteDrop::Blocks { rate, block } => {
                let copy = self.builder.activation(&format!("{at}.input"), x, &Activation::identity())?;
                self.builder.drop(at, copy, Dropout::Blocks { rate, block })
            }
        }
    }

    fn repeated(&mut self, at: &str, layers: &[Item], times: usize, mut x: Value) -> Result<Value> {
        for time in 0..times.min(MOST_LAYERS) {
            x = self.items(&format!("{at}.{time}"), layers, x)?;
        }
        Ok(x)
    }

    fn residual(&mut self, at: &str, item: &Item, branch: &[Item], x: Value) -> Result<Value> {
        let y = self.items(&format!("{at}.branch"), branch, x)?;
        if y == x {
            return self.fail(at, "a residual needs layers");
        }
        let channels = self.builder.shape(y)[2];
        let shortcut = match item.shortcut.as_deref() {
            None | Some("identity") => ShortcutSite::Same(x),
            Some("a") => ShortcutSite::Padded(x),
            Some("projection") => {
                let stride = self.builder.shape(x)[0].div_ceil(self.builder.shape(y)[0]);
                let skip = self.builder.conv(&format!("{at}.shortcut.0"), x, channels, 1, stride, 0)?;
                let name = format!("{at}.shortcut.1");
                let identity = Activation::identity();
                ShortcutSite::Same(self.builder.batchnorm(&name, skip, &identity, ShortcutSite::None)?)
            }
            Some(word) => {
                return self.fail(at, &format!("shortcut = {word:?}: expected identity, a or projection"));
            }
        };
        let sum = self.builder.add(&format!("{at}.add"), y, shortcut, Scale::One)?;
        match self.named(at, item.end.as_deref().unwrap_or("activation"))? {
            none if none.row.name == "identity" => Ok(sum),
            activation => self.builder.activation(&format!("{at}.end"), sum, &activation),
        }
    }
}
