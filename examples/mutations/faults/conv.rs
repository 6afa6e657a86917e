//! Convolutions without workgroup memory, and Winograd's.

use super::{Fault, fault, race};

pub const FAULTS: &[Fault] = &[
    fault("conv/forward_naive", "padding of rows forgotten", "h * STRIDE + r - PAD", "h * STRIDE + r"),
    fault("conv/forward_naive", "stride of columns forgotten", "w * STRIDE + s - PAD", "w + s - PAD"),
    fault(
        "conv/forward_naive",
        "rows and columns of the filter swapped",
        "((r * KERNEL + s) * C_IN4 + c)",
        "((s * KERNEL + r) * C_IN4 + c)",
    ),
    fault(
        "conv/forward_naive",
        "input channels two and three swapped",
        "sum = fma(vec4<f32>(v.y), weight[at + C_OUT4], sum);",
        "sum = fma(vec4<f32>(v.z), weight[at + C_OUT4], sum);",
    ),
    fault(
        "conv/forward_direct",
        "right column of the halo read one pixel early",
        "place(n, h, w + 2u), place(n, h, w + 3u), place(n, h, w + 4u)",
        "place(n, h, w + 2u), place(n, h, w + 3u), place(n, h, w + 3u)",
    ),
    fault(
        "conv/forward_direct",
        "second block of channels takes the first one's weights",
        "let other = min(k + 1u, OWN - 1u);",
        "let other = k;",
    ),
    fault(
        "conv/forward_direct",
        "wrong count where variances are joined",
        "fma(vec4<f32>(16.0), d * d, deviations[first + i])",
        "fma(vec4<f32>(8.0), d * d, deviations[first + i])",
    ),
    race(
        "conv/forward_direct",
        "no barrier before the statistics are joined",
        "        workgroupBarrier();\n        let all = params.batch",
        "        let all = params.batch",
    ),
    fault(
        "conv/forward_strided",
        "stride forgotten for the third pixel",
        "column + 2u * STRIDE",
        "column + 2u",
    ),
    fault("conv/forward_strided", "last pixel of a run not stored", "if w + 3u < W_OUT", "if w + 4u < W_OUT"),
    fault(
        "conv/winograd_weights",
        "wrong sign in the weights' transform",
        "vec3<f32>(-1.0, -0.5, -0.25)",
        "vec3<f32>(-1.0, 0.5, -0.25)",
    ),
    fault(
        "conv/winograd_weights",
        "weights not turned round for the input's gradient",
        "((8u - tap) * l.own",
        "(tap * l.own",
    ),
    fault("conv/forward_winograd2", "wrong sign in the pixels' transform", "= c_ - b;", "= b - c_;"),
    fault(
        "conv/forward_winograd2",
        "odd last column never stored",
        "if at.z + 1u < W_IN {",
        "if at.z + 2u < W_IN {",
    ),
    fault(
        "conv/forward_winograd4",
        "wrong count where variances are joined",
        "16.0, made.real",
        "8.0, made.real",
    ),
    fault(
        "conv/forward_winograd4",
        "odd planes of channels forgotten",
        "(p.pixel + c / 2u * PLANE) * 2u + c % 2u",
        "(p.pixel + c / 2u * PLANE) * 2u",
    ),
    fault(
        "conv/input_gradient_winograd4",
        "gradient that was there lost",
        "dx[at] = packed(four(dx[at]) + sum);",
        "dx[at] = packed(sum);",
    ),
    fault(
        "conv/input_gradient_naive",
        "row found by the column's tap",
        "let down = h + PAD - r;",
        "let down = h + PAD - s;",
    ),
    fault(
        "conv/input_gradient_naive",
        "gradient that was there lost",
        "sum += dx[index];",
        "sum += vec4<f32>();",
    ),
    fault(
        "conv/input_gradient_naive",
        "pixels between the strides take a neighbour's gradient",
        "if down % STRIDE == 0u && right % STRIDE == 0u &&",
        "if right % STRIDE == 0u &&",
    ),
    fault(
        "conv/input_gradient_direct",
        "weights not turned round",
        "((8u - tap) * C_IN4 + c)",
        "(tap * C_IN4 + c)",
    ),
    fault(
        "conv/input_gradient_direct",
        "weights not transposed",
        "return transpose(mat4x4<f32>(",
        "return (mat4x4<f32>(",
    ),
    fault(
        "conv/input_gradient_stride2",
        "wrong tap for odd columns",
        "multiply(g00, 5u,",
        "multiply(g00, 4u,",
    ),
    fault(
        "conv/weight_gradient_naive",
        "last image of the batch left out",
        "min((group.z + 1u) * params.images, params.batch)",
        "min((group.z + 1u) * params.images, params.batch - 1u)",
    ),
    fault(
        "conv/weight_gradient_direct",
        "corner tap takes its neighbour's pixel",
        "fma(vec4<f32>(v.bottom.z), g, s.s8)",
        "fma(vec4<f32>(v.bottom.y), g, s.s8)",
    ),
    fault(
        "conv/weight_gradient_direct",
        "padding forgotten on the right",
        "let right = w * STRIDE + 2u - PAD;",
        "let right = w * STRIDE + 2u;",
    ),
    fault(
        "conv/weight_gradient_bands",
        "last row of a band left out",
        "            s = add(r7, r8, r9, gradient(out, h + 7u, w), s);\n",
        "",
    ),
    fault(
        "conv/weight_gradient_bands",
        "every split but the first begins one band late",
        "var band = group.z * params.bands;",
        "var band = group.z * params.bands + min(group.z, 1u);",
    ),
];
