//! Batch norm's backward pass: gradients before the activation, of gamma and beta, and of the input.

use super::batchnorm::{norm_of, pair};
use super::batchnorm_forward::{Block, Kind, Setting, settings};
use crate::Result;
use crate::kernels::batchnorm;
use crate::measure::check::case::Case;
use crate::measure::check::compare::{Comparison, compare, untouched};
use crate::measure::check::lab::{Lab, errors, normals, pack, pack_vectors};
use crate::measure::check::tolerance::Approx;
use crate::reference::{Mode, Shape};

fn reduce(lab: &Lab, block: &Block) -> Result<Vec<Comparison>> {
    let (shape, norm) = (block.shape, block.norm());
    let c = shape.c;
    let gradient = normals(130, shape.len());
    let x = lab.values("x", &pack(&block.x, shape))?;
    let dy = lab.values("dz", &pack(&gradient, shape))?;
    let partial = lab.poisoned("partial", norm.partial_words())?;
    lab.run([norm.backward_reduce(&block.context(lab)?, &x.view, &dy.view, &partial.view)])?;

    let bound = |i: usize| Approx::exact(gradient[i]) * block.activated(i)[1];
    let bounds: Vec<Approx> = (0..shape.len()).map(bound).collect();
    let dz = block.twin().backward_fused(&gradient, &block.x, shape).dshortcut;
    let mut comparisons = lab.check(&dy, &pack(&dz, shape), &pack(&errors(&bounds), shape))?;

    // The chunks' sums of dz and dz*xhat.
    let xhat = block.twin().norm.normalize(&block.x, shape, block.twin().statistics);
    let (mut expected, mut tolerance) = (Vec::new(), Vec::new());
    let chunk = norm.rows().reduction_chunk();
    for first in (0..shape.rows()).step_by(chunk) {
        let rows = || first..(first + chunk).min(shape.rows());
        let mut sums = [vec![0.0; c], vec![0.0; c]];
        let mut errors = [vec![0.0; c], vec![0.0; c]];
        for channel in 0..c {
            let elements = || rows().map(move |row| row * c + channel);
            sums[0][channel] = elements().map(|i| dz[i]).sum();
            sums[1][channel] = elements().map(|i| dz[i] * xhat[i]).sum();
            errors[0][channel] = Approx::sum(elements().map(|i| bounds[i])).error;
            errors[1][channel] = Approx::sum(elements().map(|i| bounds[i] * block.xhat(i))).error;
        }
        sums.iter().for_each(|sums| expected.extend(pack_vectors(sums, c)));
        errors.iter().for_each(|errors| tolerance.extend(pack_vectors(errors, c)));
    }
    comparisons.extend(lab.check(&partial, &expected, &tolerance)?);
    Ok(comparisons)
}

fn finalize(lab: &Lab, shape: Shape) -> Result<Vec<Comparison>> {
    let norm = norm_of(shape);
    let (width, chunks) = (shape.c.next_multiple_of(4), norm.rows().reduction_chunks());
    let stored = normals(131, chunks * 2 * width);
    let partial = lab.values("partial", &stored)?;
    let gradient = lab.poisoned("affine_gradient", norm.stride + width)?;
    lab.run([norm.backward_finalize(&partial.view, &gradient.view)])?;
    let sums = |k: usize| -> Vec<Approx> {
        let terms = |c: usize| (0..chunks).map(move |chunk| (2 * chunk + k) * width + c);
        (0..width).map(|c| Approx::sum(terms(c).map(|i| Approx::exact(stored[i])))).collect()
    };
    let (dbeta, dgamma) = (sums(0), sums(1));
    let values = |sums: &[Approx]| sums.iter().map(|sum| sum.value).collect::<Vec<_>>();
    let (got, guard) = lab.read(&gradient)?;
    Ok(vec![
        compare("dgamma", &got[..width], &values(&dgamma), &errors(&dgamma)),
        compare("dbeta", &got[norm.stride..], &values(&dbeta), &errors(&dbeta)),
        untouched("between dgamma and dbeta", &got[width..norm.stride]),
        guard,
    ])
}

fn backward(lab: &Lab, block: &Block) -> Result<Vec<Comparison>> {
    let (shape, norm) = (block.shape, block.norm());
    let c = shape.c;
    let gradient = normals(132, shape.len());
    let x = lab.values("dx", &pack(&block.x, shape))?;
    let dz = lab.values("dz", &pack(&gradient, shape))?;
    let mode = block.site.mode;
    let twin = block.twin();
    let exact = twin.norm.backward(&gradient, &block.x, shape, twin.statistics, mode);
    let affine_gradient = lab.values("affine_gradient", &pair(&exact.dgamma, &exact.dbeta, norm.stride))?;
    let train = mode == Mode::Train;
    lab.run([norm.backward(train, &dz.view, &block.context(lab)?, &affine_gradient.view, &x.view)])?;
    let rows = Approx::exact(shape.rows() as f64);
    // The device gets dgamma and dbeta rounded to f32.
    let share = |sum: f64| Approx::rounded(sum) / rows;
    let bound = |i: usize| {
        let dz = Approx::exact(gradient[i]);
        let through = share(exact.dgamma[i % c]) * block.xhat(i);
        block.scale(i % c) * if train { dz - share(exact.dbeta[i % c]) - through } else { dz }
    };
    let bounds: Vec<Approx> = (0..shape.len()).map(bound).collect();
    lab.check(&x, &pack(&exact.dx, shape), &pack(&errors(&bounds), shape))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for setting in settings() {
        let name = setting.name();
        cases.push(Case::new(&batchnorm::BACKWARD_REDUCE, name, move |lab| reduce(lab, &setting.block()?)));
    }
    let large = Shape::new(128, 32, 32, 16);
    let shapes = [Shape::new(3, 7, 5, 5), Shape::new(33, 7, 5, 18), Shape::new(2, 3, 1, 260), large];
    for shape in shapes {
        let Shape { n, h, w, c } = shape;
        let name = format!("{n}x{h}x{w}x{c}");
        cases.push(Case::new(&batchnorm::BACKWARD_FINALIZE, name, move |lab| finalize(lab, shape)));
        for mode in [Mode::Train, Mode::Eval] {
            let setting = Setting { spec: "identity".to_owned(), mode, shape, kind: Kind::None };
            let name = format!("{n}x{h}x{w}x{c}, {mode:?}");
            cases.push(Case::new(&batchnorm::BACKWARD, name, move |lab| backward(lab, &setting.block()?)));
        }
    }
    cases
}
