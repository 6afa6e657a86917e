//! Batch norm with shortcut and activation: the setting, and its forward pass.

use super::batchnorm::{WORKGROUPS, norm_of, pair};
use super::noise::{NOISE, STEP, Site, specs};
use crate::Result;
use crate::kernels::Rows;
use crate::kernels::batchnorm::{self, BatchNorm, Context, Statistics as Given};
use crate::kernels::residual::Shortcut;
use crate::measure::check::case::Case;
use crate::measure::check::compare::Comparison;
use crate::measure::check::lab::{Lab, errors, make_extreme, normals, pack, pack_vectors, uniforms};
use crate::measure::check::tolerance::Approx;
use crate::reference::batchnorm::{Fused, Statistics};
use crate::reference::{self, Mode, Shape};

/// What is added before the activation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    None,
    Same,
    /// Option A of a tensor of this shape.
    Padded(Shape),
}

/// A fused block with its inputs: statistics are given, not computed.
pub(super) struct Block {
    pub(super) site: Site,
    pub(super) shape: Shape,
    pub(super) x: Vec<f64>,
    invstd: Vec<f64>,
    statistics: Statistics,
    gamma: Vec<f64>,
    beta: Vec<f64>,
    kind: Kind,
    source: Vec<f64>,
    shortcut: Option<Vec<f64>>,
    workgroup: u32,
}

impl Block {
    fn new(setting: &Setting) -> Result<Self> {
        let &Setting { ref spec, mode, shape, kind, workgroup, extreme } = setting;
        let c = shape.c;
        let mut x = normals(120, shape.len());
        if extreme {
            make_extreme(&mut x, 1e-40, 1e4);
        }
        let (mean, invstd) = (normals(121, c), uniforms(122, c, 0.5, 2.0));
        let eps = f64::from(norm_of(shape, workgroup).eps);
        // The variance whose 1/sqrt(variance + eps) is invstd.
        let variance = invstd.iter().map(|invstd| 1.0 / (invstd * invstd) - eps).collect();
        let (source, shortcut) = match kind {
            Kind::None => (Vec::new(), None),
            Kind::Same => (normals(125, shape.len()), Some(normals(125, shape.len()))),
            Kind::Padded(from) => {
                let source = normals(125, from.len());
                let shortcut = reference::residual::shortcut_forward(&source, from, c);
                (source, Some(shortcut))
            }
        };
        Ok(Self {
            site: Site::new(spec, mode)?,
            shape,
            x,
            statistics: Statistics { mean, variance },
            invstd,
            gamma: uniforms(123, c, -1.5, 1.5),
            beta: normals(124, c),
            kind,
            source,
            shortcut,
            workgroup,
        })
    }

    pub(super) fn norm(&self) -> BatchNorm {
        norm_of(self.shape, self.workgroup)
    }

    /// The twin of the block.
    pub(super) fn twin(&self) -> Fused<'_> {
        Fused {
            norm: reference::batchnorm::BatchNorm {
                gamma: &self.gamma,
                beta: &self.beta,
                eps: f64::from(self.norm().eps),
            },
            statistics: &self.statistics,
            shortcut: self.shortcut.as_deref(),
            site: self.site.reference(),
        }
    }

    pub(super) fn context(&self, lab: &Lab) -> Result<Context> {
        let c = self.shape.c;
        let saved = [pack_vectors(&self.statistics.mean, c), pack_vectors(&self.invstd, c)].concat();
        let affine = pair(&self.gamma, &self.beta, self.norm().stride);
        let shortcut = match self.kind {
            Kind::None => Shortcut::None,
            Kind::Same => Shortcut::Same(lab.values("shortcut", &pack(&self.source, self.shape))?.view),
            Kind::Padded(from) => {
                let Shape { h: height, w: width, c: channels, .. } = from;
                let view = lab.values("shortcut", &pack(&self.source, from))?.view;
                Shortcut::Padded { view, height, width, channels }
            }
        };
        Ok(Context {
            saved: lab.values("saved", &saved)?.view,
            affine: lab.values("affine", &affine)?.view,
            shortcut,
            state: lab.state(STEP)?.view,
            activation: self.site.activation.clone(),
            train: self.site.train(),
            noise: NOISE,
        })
    }

    /// xhat of element i.
    pub(super) fn xhat(&self, i: usize) -> Approx {
        let c = i % self.shape.c;
        (Approx::exact(self.x[i]) - Approx::exact(self.statistics.mean[c])) * Approx::exact(self.invstd[c])
    }

    /// gamma * invstd of channel c.
    pub(super) fn scale(&self, c: usize) -> Approx {
        Approx::exact(self.gamma[c]) * Approx::exact(self.invstd[c])
    }

    /// Value and derivative of the activation at element i.
    pub(super) fn activated(&self, i: usize) -> [Approx; 2] {
        self.activated_with(i, Approx::exact(self.invstd[i % self.shape.c]))
    }

    /// The same where the device computes invstd from the variance: it gets squared deviations, rounded to f32, divides by
    /// the rows, adds eps and takes 1/sqrt.
    fn activated_from_partials(&self, i: usize) -> [Approx; 2] {
        let rows = Approx::exact(self.shape.rows() as f64);
        let variance = self.statistics.variance[i % self.shape.c];
        let stored = Approx::rounded(variance * rows.value) / rows;
        let eps = Approx::exact(f64::from(self.norm().eps));
        self.activated_with(i, Approx::exact(1.0) / (stored + eps).sqrt())
    }

    fn activated_with(&self, i: usize, invstd: Approx) -> [Approx; 2] {
        let c = i % self.shape.c;
        let xhat = (Approx::exact(self.x[i]) - Approx::exact(self.statistics.mean[c])) * invstd;
        let mut z = xhat * Approx::exact(self.gamma[c]) + Approx::exact(self.beta[c]);
        if let Some(shortcut) = &self.shortcut {
            z = z + Approx::exact(shortcut[i]);
        }
        self.site.apply(z, self.shape, i / self.shape.c, c)
    }

    /// The batch's statistics as the forward kernel gets them: one chunk whose mean and variance are the block's; in
    /// evaluation the running ones.
    fn given(&self, lab: &Lab) -> Result<Given> {
        let (c, rows) = (self.shape.c, self.shape.rows());
        let Statistics { mean, variance } = &self.statistics;
        let running = lab.values("running", &pair(mean, variance, self.norm().stride))?.view;
        let squares: Vec<f64> = variance.iter().map(|variance| variance * rows as f64).collect();
        let stored = [pack_vectors(mean, c), pack_vectors(&squares, c)].concat();
        Ok(Given { partial: lab.values("partial", &stored)?.view, chunk: rows, running })
    }

    /// With `again`, y is what comes when it is computed once more, without what the first time read.
    fn forward(&self, lab: &Lab, again: bool) -> Result<Vec<Comparison>> {
        let x = lab.values("x", &pack(&self.x, self.shape))?;
        let words = self.norm().rows().words();
        let (first, y) = (lab.poisoned("first y", words)?, lab.poisoned("y", words)?);
        let (norm, context, given) = (self.norm(), self.context(lab)?, self.given(lab)?);
        if again {
            lab.run([norm.forward(&context, &given, &x.view, &first.view)])?;
            let running = lab.poisoned("running", given.running.len_words())?.view;
            let partial = lab.poisoned("partial", given.partial.len_words())?.view;
            let gone = Given { partial, running, ..given };
            lab.run([norm.forward_again(&context, &gone, &x.view, &y.view)])?;
        } else {
            lab.run([norm.forward(&context, &given, &x.view, &y.view)])?;
        }
        let bounds: Vec<Approx> = (0..self.shape.len()).map(|i| self.activated_from_partials(i)[0]).collect();
        let expected = self.twin().forward_fused(&self.x, self.shape);
        lab.check(&y, &pack(&expected, self.shape), &pack(&errors(&bounds), self.shape))
    }
}

/// A setting of a fused kernel.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) spec: String,
    pub(super) mode: Mode,
    pub(super) shape: Shape,
    pub(super) kind: Kind,
    pub(super) workgroup: u32,
    /// Whether there are zeros, denormals and large numbers in x.
    pub(super) extreme: bool,
}

impl Setting {
    pub(super) fn name(&self) -> String {
        let Shape { n, h, w, c } = self.shape;
        let shortcut = match self.kind {
            Kind::None => "no shortcut".to_owned(),
            Kind::Same => "shortcut".to_owned(),
            Kind::Padded(from) => format!("shortcut padded from {}x{}x{}", from.h, from.w, from.c),
        };
        let Self { spec, mode, workgroup, .. } = self;
        let values = if self.extreme { ", extreme values" } else { "" };
        format!("{spec}, {mode:?}, {n}x{h}x{w}x{c}, {shortcut}, workgroups of {workgroup}{values}")
    }

    pub(super) fn block(&self) -> Result<Block> {
        Block::new(self)
    }
}

/// Activations that meet all modes, workgroups and shortcuts together.
const TOGETHER: [&str; 4] = ["relu", "silu", "dropact:unit=channel", "rrelu:mode=torch"];

/// All activations on a small shape, each in both modes, with workgroups and shortcuts by turns; and one on the others.
pub(super) fn settings() -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut add = |spec: &str, mode, shape, kind, workgroup| {
        settings.push(Setting { spec: spec.to_owned(), mode, shape, kind, workgroup, extreme: false });
    };
    let kinds = [Kind::None, Kind::Same, Kind::Padded(Shape::new(3, 7, 5, 5))];
    for (index, spec) in specs().iter().enumerate() {
        for (turn, mode) in [Mode::Train, Mode::Eval].into_iter().enumerate() {
            let at = index + turn;
            let (workgroups, kinds) = match TOGETHER.contains(&spec.as_str()) {
                true => (&WORKGROUPS[..], &kinds[..]),
                false => (&WORKGROUPS[at % WORKGROUPS.len()..][..1], &kinds[at % kinds.len()..][..1]),
            };
            for &workgroup in workgroups {
                kinds.iter().for_each(|&kind| add(spec, mode, Shape::new(3, 4, 3, 18), kind, workgroup));
            }
        }
    }
    let mut add = |spec: &str, shape, kind| WORKGROUPS.map(|w| add(spec, Mode::Train, shape, kind, w));
    for shape in [Shape::new(3, 7, 5, 3), Shape::new(11, 7, 5, 16), Shape::new(2, 3, 1, 260)] {
        add("dropact", shape, Kind::Same);
    }
    add("relu", Shape::new(2, 4, 3, 32), Kind::Padded(Shape::new(2, 8, 6, 16)));
    add("leaky_relu", Shape::new(2, 4, 3, 6), Kind::Padded(Shape::new(2, 7, 6, 3)));
    add("dropact", Shape::new(128, 32, 32, 16), Kind::None);
    for spec in ["relu", "leaky_relu", "elu", "silu", "dropact", "rrelu"] {
        let (spec, shape, workgroup) = (spec.to_owned(), Shape::new(3, 4, 3, 18), Rows::WIDE);
        settings.push(Setting { spec, mode: Mode::Train, shape, kind: Kind::Same, workgroup, extreme: true });
    }
    settings
}

pub(super) fn cases() -> Vec<Case> {
    let case = |setting: Setting, again: bool| {
        let name = if again { format!("{}, again", setting.name()) } else { setting.name() };
        Case::new(&batchnorm::FORWARD, name, move |lab| setting.block()?.forward(lab, again))
    };
    // Only what has no shortcut is computed again.
    let cheap = |own: &Setting| TOGETHER.contains(&own.spec.as_str()) && matches!(own.kind, Kind::None);
    let again: Vec<Setting> = settings().into_iter().filter(cheap).collect();
    let all = settings().into_iter().map(|own| case(own, false));
    all.chain(again.into_iter().map(|own| case(own, true))).collect()
}
