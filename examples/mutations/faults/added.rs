//! Layers that only some networks have.

use super::{Fault, fault};

pub const FAULTS: &[Fault] = &[
    fault(
        "bias/gradient",
        "only an invocation's last row counts",
        "own.a += four(dy[at(row, p.c)]);",
        "own.a = four(dy[at(row, p.c)]);",
    ),
    fault(
        "dropconnect/weights",
        "variance without the share that stays",
        "RATE * (1.0 - RATE) * w * w",
        "RATE * w * w",
    ),
    fault(
        "dropconnect/gradient",
        "gradient of weights that were left out",
        "gradient[at] *= connected(at);",
        "gradient[at] *= 1.0;",
    ),
    fault(
        "dropout/block",
        "channels that only fill up counted",
        "f32(params.rows * CHANNELS)",
        "f32(params.rows * 4u * C4)",
    ),
    fault(
        "activation/learned_backward",
        "sum for the parameter not kept",
        "learned_gradient4(v, u, own), sum.a)",
        "learned_gradient4(v, u, own), sum.b)",
    ),
    fault(
        "activation/doubled_backward",
        "sign of the second half",
        "packed(real_channels(positive - negative, p.c))",
        "packed(real_channels(positive + negative, p.c))",
    ),
    fault(
        "activation/maxout_backward",
        "gradient to another piece",
        ".place != c % PIECES {",
        ".place != k % PIECES {",
    ),
    fault(
        "residual/branch",
        "the forward pass's factor",
        "branch_scale(row / PIXELS, true)",
        "branch_scale(row / PIXELS, false)",
    ),
    fault(
        "residual/add",
        "the same draw for all images",
        "branch_scale(row / PIXELS, false)",
        "branch_scale(0u, false)",
    ),
    fault("reshape/flatten", "pixels before channels", "c * PIXELS + pixel", "pixel * CHANNELS + c"),
];
