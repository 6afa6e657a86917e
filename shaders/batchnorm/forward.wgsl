// y = activation((x - mean) * invstd * gamma + beta + shortcut), and what belongs to the batch: with TRAIN the mean and
// squared deviations of the statistics' chunks are joined (Chan, Golub, LeVeque 1983) and the running statistics move towards
// them (momentum in PyTorch's sense; the running variance takes the unbiased one); else the running ones count. With AGAIN the
// forward pass has been there, and y is made once more from the saved ones: the same bits.
// x, y: N,C4,PIXELS,4  partial: chunks,2,C4*4 (mean, squared deviations)  running: mean C4*4, variance from running_offset on
// saved: 2,C4*4 (mean, invstd), for the backward pass  affine: gamma C4*4, beta from affine_offset on
// Workgroups: a line over chunks of rows, times channel groups in z; each joins for itself, the first one writes.
struct Params {
    rows: u32, rows_per_chunk: u32, affine_offset: u32, layer: u32, // offsets in groups of four
    seed: u32, height: u32, width: u32, shortcut_height: u32,
    shortcut_width: u32, chunks: u32, rows_per_partial: u32, running_offset: u32,
    momentum: f32, eps: f32, pad0: u32, pad1: u32,
}
@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> partial: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> affine: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> shortcut: array<Four>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<storage, read_write> running: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> saved: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> y: array<Four>;
@group(0) @binding(8) var<uniform> params: Params;

struct Moments { mean: vec4<f32>, m2: vec4<f32> }

fn join_partials(local: u32, c: u32) -> Moments {
    let origin = partial[c]; // the first chunk's mean
    var own = Pair();
    for (var chunk = local; chunk < params.chunks; chunk += WORKGROUP) {
        let count = f32(min(params.rows_per_partial, params.rows - chunk * params.rows_per_partial));
        let d = partial[2u * chunk * C4 + c] - origin;
        own.a = fma(vec4<f32>(count), d, own.a);
        own.b += partial[(2u * chunk + 1u) * C4 + c] + count * d * d;
    }
    let sums = workgroup_sums(local, own);
    let shift = sums.a / f32(params.rows);
    return Moments(origin + shift, max(sums.b - sums.a * shift, vec4<f32>()));
}

fn move_running(c: u32, batch: Moments) {
    let unbiased = batch.m2 / max(f32(params.rows) - 1.0, 1.0);
    running[c] = mix(running[c], batch.mean, vec4<f32>(params.momentum));
    let v = params.running_offset + c;
    running[v] = mix(running[v], unbiased, vec4<f32>(params.momentum));
}

// The mean, and the variance in the place of the deviations.
fn statistics(local: u32, c: u32, first: bool) -> Moments {
    if !TRAIN {
        return Moments(running[c], running[params.running_offset + c]);
    }
    let batch = join_partials(local, c);
    if first {
        move_running(c, batch);
    }
    return Moments(batch.mean, batch.m2 / f32(params.rows));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let first = flat_group(group, groups) == 0u && local.x == 0u;
    let p = place(local.x, flat_group(group, groups), group.z, params.rows, params.rows_per_chunk);
    var ch = Channel(vec4<f32>(), vec4<f32>(), affine[p.c], affine[params.affine_offset + p.c]);
    if AGAIN {
        ch.mean = saved[p.c];
        ch.invstd = saved[C4 + p.c];
    } else {
        let batch = statistics(local.x, p.c, first);
        ch.mean = batch.mean;
        ch.invstd = 1.0 / sqrt(batch.m2 + params.eps);
        if first {
            saved[p.c] = ch.mean;
            saved[C4 + p.c] = ch.invstd;
        }
    }
    let seed = params.seed;
    let step = state.step;
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        // First, for its chain of products runs while the loads wait.
        let noise = draw(seed, row * C4 + p.c, step, params.layer);
        let i = at(row, p.c);
        let z = fma(normalized(four(x[i]), ch), ch.gamma, ch.beta) + shortcut_at(row, p.c);
        let value = value4(z, noise);
        y[i] = packed(real_channels(value, p.c));
    }
}
