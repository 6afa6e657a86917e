//! Convolutions through workgroup memory.

use super::{Fault, fault, race};

pub const FAULTS: &[Fault] = &[
    fault(
        "conv/forward_gemm",
        "the next step's tile overwrites this one's",
        "keep(next, local, 1u - half);",
        "keep(next, local, half);",
    ),
    race(
        "conv/forward_gemm",
        "no barrier between the steps",
        "        keep(next, local, 1u - half);\n        workgroupBarrier();",
        "        keep(next, local, 1u - half);",
    ),
    fault(
        "conv/forward_gemm",
        "statistics of the last chunk divided by a full one's pixels",
        "let count = f32(min(TILE_M, rows - chunk * TILE_M));",
        "let count = f32(TILE_M);",
    ),
    fault(
        "conv/forward_gemm",
        "padding of columns forgotten",
        "row % W_OUT * STRIDE - PAD);",
        "row % W_OUT * STRIDE);",
    ),
    race(
        "conv/forward_gemm",
        "no barrier before the sums of lanes are read",
        "        moments[local] = sum;\n    }\n    workgroupBarrier();",
        "        moments[local] = sum;\n    }",
    ),
    fault(
        "conv/forward_tiled",
        "halo begins one row late",
        "let h = o.y + i / 10u % 10u - 1u;",
        "let h = o.y + i / 10u % 10u;",
    ),
    race(
        "conv/forward_tiled",
        "no barrier after the tile is filled",
        "        fill(c, k, local);\n        workgroupBarrier();",
        "        fill(c, k, local);",
    ),
    race(
        "conv/forward_tiled",
        "no barrier before the tile is filled again",
        "        workgroupBarrier();\n        fill(c, k, local);",
        "        fill(c, k, local);",
    ),
    race(
        "conv/forward_winograd2",
        "no barrier before the sums change hands",
        "        workgroupBarrier();\n        if role.k / 2u == pair {",
        "        if role.k / 2u == pair {",
    ),
    fault(
        "conv/input_gradient_gemm",
        "one tap too few for phases that more taps reach",
        "(KERNEL - first + STRIDE - 1u) / STRIDE",
        "(KERNEL - first) / STRIDE",
    ),
    fault(
        "conv/input_gradient_tiled",
        "weights not turned round",
        "((8u - tap) * C_IN4 + c)",
        "(tap * C_IN4 + c)",
    ),
    fault(
        "conv/weight_gradient_gemm",
        "second partner's sums left out",
        "for (var sub = 1u; sub < SUBS; sub++)",
        "for (var sub = 2u; sub < SUBS; sub++)",
    ),
    race(
        "conv/weight_gradient_gemm",
        "no barrier before partners are joined",
        "    joined[local] = s;\n    workgroupBarrier();",
        "    joined[local] = s;",
    ),
    race(
        "conv/weight_gradient_gemm",
        "no barrier after a step is multiplied",
        "        }\n        workgroupBarrier();\n    }\n    let row",
        "        }\n    }\n    let row",
    ),
    fault(
        "conv/weight_gradient_tiled",
        "fourth partner counted as the third",
        "joined[local + 3u * LANES]",
        "joined[local + 2u * LANES]",
    ),
    race(
        "conv/weight_gradient_tiled",
        "no barrier after the tile is filled",
        "local.x);\n        workgroupBarrier();\n        var a",
        "local.x);\n        var a",
    ),
];
