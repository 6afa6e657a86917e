//! Batch norm's backward pass: gradients before the activation, of gamma and beta, and of the input.

use super::batchnorm::WORKGROUPS;
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
    let partial = lab.poisoned("partial", norm.partial_words(norm.rows().reduction_chunk()))?;
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

/// dx with the gradients of gamma and beta, from partial sums that add up to the exact ones.
fn backward(lab: &Lab, block: &Block) -> Result<Vec<Comparison>> {
    let (shape, norm) = (block.shape, block.norm());
    let c = shape.c;
    let gradient = normals(132, shape.len());
    let x = lab.values("dx", &pack(&block.x, shape))?;
    let dz = lab.values("dz", &pack(&gradient, shape))?;
    let mode = block.site.mode;
    let twin = block.twin();
    let exact = twin.norm.backward(&gradient, &block.x, shape, twin.statistics, mode);
    let (stored, [dbeta, dgamma]) = parts(&[&exact.dbeta, &exact.dgamma], norm.rows().reduction_chunks());
    let partial = lab.values("partial", &stored)?;
    let affine_gradient = lab.poisoned("affine_gradient", norm.stride + c.next_multiple_of(4))?;
    let context = block.context(lab)?;
    lab.run([norm.backward(&context, &dz.view, &partial.view, &affine_gradient.view, &x.view)])?;

    let values = |sums: &[Approx]| pack_vectors(&sums.iter().map(|sum| sum.value).collect::<Vec<_>>(), c);
    let bounds = |sums: &[Approx]| pack_vectors(&errors(sums), c);
    let (got, guard) = lab.read(&affine_gradient)?;
    let width = c.next_multiple_of(4);
    let mut comparisons = vec![
        compare("dgamma", &got[..width], &values(&dgamma), &bounds(&dgamma)),
        compare("dbeta", &got[norm.stride..], &values(&dbeta), &bounds(&dbeta)),
        untouched("between dgamma and dbeta", &got[width..norm.stride]),
        guard,
    ];
    let train = mode == Mode::Train;
    let rows = Approx::exact(shape.rows() as f64);
    let bound = |i: usize| {
        let dz = Approx::exact(gradient[i]);
        let through = dgamma[i % c] / rows * block.xhat(i);
        block.scale(i % c) * if train { dz - dbeta[i % c] / rows - through } else { dz }
    };
    let bounds: Vec<Approx> = (0..shape.len()).map(bound).collect();
    comparisons.extend(lab.check(&x, &pack(&exact.dx, shape), &pack(&errors(&bounds), shape))?);
    Ok(comparisons)
}

/// Two vectors as sums of `chunks` parts that f32 holds: normals, and what is missing in the last one. Gives the parts as
/// stored, and the sums with the errors of that last rounding and of adding up.
fn parts(sums: &[&[f64]; 2], chunks: usize) -> (Vec<f64>, [Vec<Approx>; 2]) {
    let width = sums[0].len().next_multiple_of(4);
    let mut stored = normals(131, chunks * 2 * width);
    let added = [0, 1].map(|k| {
        let at = |chunk: usize, c: usize| (2 * chunk + k) * width + c;
        let mut sum = |c: usize| {
            let others: f64 = (0..chunks - 1).map(|chunk| stored[at(chunk, c)]).sum();
            let last = Approx::rounded(sums[k][c] - others);
            stored[at(chunks - 1, c)] = f64::from(last.value as f32);
            let terms = (0..chunks - 1).map(|chunk| Approx::exact(stored[at(chunk, c)]));
            Approx::sum(terms.chain([last]))
        };
        (0..sums[k].len()).map(&mut sum).collect()
    });
    for chunk in 0..chunks {
        for (k, sums) in sums.iter().enumerate() {
            stored[(2 * chunk + k) * width + sums.len()..(2 * chunk + k + 1) * width].fill(0.0);
        }
    }
    (stored, added)
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
        for (mode, workgroup) in
            [Mode::Train, Mode::Eval].into_iter().flat_map(|m| WORKGROUPS.map(|w| (m, w)))
        {
            let setting = Setting {
                spec: "identity".to_owned(),
                mode,
                shape,
                kind: Kind::None,
                workgroup,
                extreme: false,
            };
            let name = format!("{n}x{h}x{w}x{c}, {mode:?}, workgroups of {workgroup}");
            cases.push(Case::new(&batchnorm::BACKWARD, name, move |lab| backward(lab, &setting.block()?)));
        }
    }
    cases
}
