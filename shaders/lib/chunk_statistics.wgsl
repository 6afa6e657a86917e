// What a convolution's workgroup leaves of each channel for the batch norm after it: the mean and the sum of squared
// deviations of all its pixels, joined from those of its invocations (Chan, Golub, LeVeque 1983). The kernel's file gives
// partial (chunks,2,C_OUT4*4). As lib/reduce, but scalars lie apart, so that every invocation adds up a run of one of them.
const RUNS = 16u;
const MEMBERS = WORKGROUP / RUNS; // of a run
var<workgroup> statistics_of: array<f32, WORKGROUP * 8u>;
var<workgroup> statistics_runs: array<f32, RUNS * 8u>;

struct Chunk { local: u32, chunk: u32, members: u32, pixels: f32, real: bool }

struct Moments { mean: vec4<f32>, m2: vec4<f32> }

fn set_statistics(local: u32, first: u32, v: vec4<f32>) {
    statistics_of[first * WORKGROUP + local] = v.x;
    statistics_of[(first + 1u) * WORKGROUP + local] = v.y;
    statistics_of[(first + 2u) * WORKGROUP + local] = v.z;
    statistics_of[(first + 3u) * WORKGROUP + local] = v.w;
}

fn run_at(first: u32, run: u32) -> vec4<f32> {
    let at = first * RUNS + run;
    return vec4<f32>(
        statistics_runs[at], statistics_runs[at + RUNS], statistics_runs[at + 2u * RUNS], statistics_runs[at + 3u * RUNS],
    );
}

// Sums of what all invocations hold; every invocation must call it, with the same `count` of scalars, 4 or 8.
fn sum_statistics(local: u32, own: Moments, count: u32) -> Moments {
    workgroupBarrier();
    set_statistics(local, 0u, own.mean);
    if count > 4u {
        set_statistics(local, 4u, own.m2);
    }
    workgroupBarrier();
    for (var i = local; i < RUNS * count; i += WORKGROUP) {
        let first = i / RUNS * WORKGROUP + i % RUNS * MEMBERS;
        var sum = statistics_of[first];
        for (var member = 1u; member < MEMBERS; member++) {
            sum += statistics_of[first + member];
        }
        statistics_runs[i] = sum;
    }
    workgroupBarrier();
    var sums = Moments();
    for (var run = 0u; run < RUNS; run++) {
        sums.mean += run_at(0u, run);
        if count > 4u {
            sums.m2 += run_at(4u, run);
        }
    }
    return sums;
}

// `own` is of this invocation's `pixels` pixels; `members` invocations are real. Every invocation must call it.
fn leave_statistics(at: Chunk, k: u32, own: Moments) {
    let zero = vec4<f32>();
    let given = Moments(select(zero, own.mean, at.real), select(zero, own.m2, at.real));
    let sums = sum_statistics(at.local, given, 8u);
    let centre = sums.mean / f32(at.members);
    let d = select(zero, own.mean - centre, at.real);
    let spread = sum_statistics(at.local, Moments(d * d, zero), 4u);
    if at.local == 0u && k < C_OUT4 {
        partial[2u * at.chunk * C_OUT4 + k] = centre;
        partial[(2u * at.chunk + 1u) * C_OUT4 + k] = fma(vec4<f32>(at.pixels), spread.mean, sums.m2);
    }
}
