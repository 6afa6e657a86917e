//! Batch norm with what is fused into it.

use super::{Fault, fault, race};

pub const FAULTS: &[Fault] = &[
    fault(
        "batchnorm/statistics",
        "mean of the last chunk divided by a full one's rows",
        "f32(p.end - group.x * params.rows_per_chunk)",
        "f32(params.rows_per_chunk)",
    ),
    race(
        "batchnorm/statistics",
        "no barrier before runs are summed",
        "    reduce_b[local] = own.b;\n    workgroupBarrier();",
        "    reduce_b[local] = own.b;",
    ),
    race(
        "batchnorm/statistics",
        "no barrier before the runs' sums are read",
        "    workgroupBarrier();\n    return sum_of",
        "    return sum_of",
    ),
    fault(
        "batchnorm/statistics",
        "every second member of a run left out",
        "i = 1u; i < count; i++",
        "i = 2u; i < count; i += 2u",
    ),
    fault(
        "batchnorm/forward",
        "running variance takes the biased one",
        "max(f32(params.rows) - 1.0, 1.0)",
        "f32(params.rows)",
    ),
    fault("batchnorm/forward", "eps forgotten", "sqrt(batch.m2 + params.eps)", "sqrt(batch.m2)"),
    fault(
        "batchnorm/forward",
        "eps outside of the root",
        "sqrt(batch.m2 + params.eps)",
        "(sqrt(batch.m2) + params.eps)",
    ),
    fault(
        "batchnorm/forward",
        "momentum the wrong way round",
        "mix(running[c], batch.mean, vec4<f32>(params.momentum))",
        "mix(batch.mean, running[c], vec4<f32>(params.momentum))",
    ),
    fault(
        "batchnorm/forward",
        "last chunk joined with a full one's count",
        "f32(min(params.rows_per_partial, params.rows - chunk * params.rows_per_partial))",
        "f32(params.rows_per_partial)",
    ),
    fault(
        "batchnorm/forward",
        "computed again with another mean",
        "ch.mean = saved[p.c];",
        "ch.mean = running[p.c];",
    ),
    fault(
        "batchnorm/forward",
        "beta dropped",
        "fma(normalized(four(x[i]), ch), ch.gamma, ch.beta)",
        "normalized(four(x[i]), ch) * ch.gamma",
    ),
    fault(
        "batchnorm/forward",
        "evaluation without the running mean",
        "Moments(running[c], running[params.running_offset + c])",
        "Moments(vec4<f32>(), running[params.running_offset + c])",
    ),
    fault(
        "batchnorm/forward",
        "random counter used again for every group of channels",
        "row * C4 + p.c, step",
        "row * C4, step",
    ),
    fault("batchnorm/forward", "the same noise in every step", "step, params.layer)", "0u, params.layer)"),
    fault("batchnorm/forward", "the same noise in every layer", "step, params.layer)", "step, 0u)"),
    fault(
        "batchnorm/forward",
        "channels that only fill up are not cleared",
        "packed(real_channels(value, p.c))",
        "packed(value)",
    ),
    fault(
        "batchnorm/forward",
        "option A's pixels taken one to the right",
        "2u * h * params.shortcut_width + 2u * w",
        "2u * h * params.shortcut_width + 2u * w + 1u",
    ),
    fault(
        "batchnorm/forward",
        "option A's channels not in the middle",
        "const BEFORE = (CHANNELS - SHORTCUT_C) / 2u;",
        "const BEFORE = 0u;",
    ),
    fault(
        "batchnorm/backward_reduce",
        "gamma's gradient from x instead of xhat",
        "own.b = fma(dz, xhat, own.b);",
        "own.b = fma(dz, four(x[i]), own.b);",
    ),
    fault(
        "batchnorm/backward_reduce",
        "derivative before gamma and beta",
        "derivative4(z, noise",
        "derivative4(xhat, noise",
    ),
    fault(
        "batchnorm/backward_reduce",
        "another step's mask",
        "let step = state.step;",
        "let step = state.next_step;",
    ),
    fault(
        "batchnorm/backward_reduce",
        "shortcut forgotten before the derivative",
        " + shortcut_at(row, p.c);",
        ";",
    ),
    fault(
        "batchnorm/backward",
        "mean of the gradient not taken off",
        "(four(dz[i]) - dbeta - xhat * dgamma)",
        "(four(dz[i]) - xhat * dgamma)",
    ),
    fault("batchnorm/backward", "missing batch scale", "let dgamma = sums.b / rows;", "let dgamma = sums.b;"),
    fault(
        "batchnorm/backward",
        "gradients of gamma and beta swapped",
        "affine_gradient[p.c] = sums.b;",
        "affine_gradient[p.c] = sums.a;",
    ),
    fault(
        "batchnorm/backward",
        "gamma forgotten",
        "let scale = affine[p.c] * invstd;",
        "let scale = invstd;",
    ),
];
