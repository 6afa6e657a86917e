//! Kernels of optimizers, of layers that only some networks have, and of mixed precision.

use super::{Fault, fault, race};

pub const FAULTS: &[Fault] = &[
    fault("optimizer/adam", "second moment of the gradient itself", "* (g * g)", "* g"),
    fault(
        "optimizer/adam",
        "eps within the root",
        "sqrt(state.second * v) + params.eps",
        "sqrt(state.second * v + params.eps)",
    ),
    fault("optimizer/rmsprop", "eps within the root", "sqrt(v) + params.eps", "sqrt(v + params.eps)"),
    fault(
        "optimizer/average",
        "no faster start",
        "max(params.rest, 9.0 / (10.0 + f32(state.step)))",
        "params.rest",
    ),
    fault(
        "optimizer/clip",
        "small gradients made large",
        "min(1.0, params.most / (norm + 1e-6))",
        "params.most / (norm + 1e-6)",
    ),
    fault(
        "optimizer/square_sum",
        "every fourth element left out",
        "(sum.x + sum.y) + (sum.z + sum.w)",
        "(sum.x + sum.y) + sum.z",
    ),
    fault("optimizer/mask", "nothing pruned", "weight[at] *= mask[at];", "weight[at] *= 1.0;"),
    fault("optimizer/swap", "copied, not exchanged", "b[at] = kept;", "b[at] = a[at];"),
    fault(
        "activation/doubled_forward",
        "second half as the first",
        "return select(v, -v, k >= HALF);",
        "return v;",
    ),
    fault("activation/learned_forward", "the first channels' numbers for all", "a[p.c * SHARE]", "a[0]"),
    fault("activation/maxout_forward", "last piece left out", "j < PIECES; j++", "j + 1u < PIECES; j++"),
    fault(
        "bias/forward",
        "the first channels' numbers for all",
        "let own = bias[p.c];",
        "let own = bias[0];",
    ),
    fault(
        "augment/mixup",
        "shares of the other image swapped",
        "state.share * b + (1.0 - state.share) * a",
        "state.share * a + (1.0 - state.share) * b",
    ),
    fault("dropconnect/square", "sign kept", "x[at] * x[at]", "x[at] * abs(x[at])"),
    fault("dropconnect/sample", "variance for the deviation", "sqrt(variance[at])", "variance[at]"),
    fault(
        "dropout/block_count",
        "last invocation's elements left out",
        "var i = 0u; i < WORKGROUP; i++",
        "var i = 0u; i + 1u < WORKGROUP; i++",
    ),
    race(
        "dropout/block_count",
        "no barrier before the counts are read",
        "counts[local] = own;\n    workgroupBarrier();",
        "counts[local] = own;",
    ),
    fault(
        "pool/max_forward",
        "last column of a window left out",
        "column < WINDOW; column++",
        "column + 1u < WINDOW; column++",
    ),
    fault("pool/max_forward", "smallest of a window", "most = max(most, ", "most = min(most, "),
    fault(
        "pool/max_backward",
        "all equals take the gradient",
        "select(own >= other, own > other,",
        "select(own >= other, own >= other,",
    ),
    fault("pool/max_backward", "pixels beyond the last window", "right >= columns", "right > columns"),
    fault(
        "linear/forward_naive",
        "a fourth input read as the third",
        "fma(vec4<f32>(v.w), weight",
        "fma(vec4<f32>(v.z), weight",
    ),
    fault(
        "linear/input_gradient_naive",
        "only the last outputs count",
        "sum += vec4<f32>(",
        "sum = vec4<f32>(",
    ),
    fault("linear/weight_gradient_naive", "no bias gradient", "var v = 1.0;", "var v = 0.0;"),
    fault("conv/input_gradient_winograd2", "does not add", "packed(four(dx[at]) + sum)", "packed(sum)"),
    fault(
        "conv/forward_coop",
        "rows behind the last count",
        "select(vec4<f32>(), v - mean, local % ROWS < left)",
        "v - mean",
    ),
    fault("conv/input_gradient_coop", "does not add", "dx[at] += out_at", "dx[at] = out_at"),
    fault(
        "conv/weight_gradient_coop",
        "a fourth channel kept as the third",
        "tile_left[at + 3u] = f16(v.w);",
        "tile_left[at + 3u] = f16(v.z);",
    ),
];
