// What a convolution's workgroup leaves of each channel for the batch norm after it: the mean and the sum of squared
// deviations of all its pixels, joined from those of its invocations (Chan, Golub, LeVeque 1983), eight channels at a time.
// Every invocation joins the members of one run for one of them, the first eight then the runs: two barriers, which are dear
// where each of them ends a loop over the workgroup. The kernel's file gives partial (chunks,2,C_OUT4*4).
const RUNS = WORKGROUP / 8u;
const MEMBERS = WORKGROUP / RUNS; // of a run
var<workgroup> member_means: array<f32, WORKGROUP * 8u>;
var<workgroup> member_m2: array<f32, WORKGROUP * 8u>;
var<workgroup> run_shifts: array<f32, WORKGROUP>;
var<workgroup> run_m2: array<f32, WORKGROUP>;

struct Chunk { local: u32, chunk: u32, members: u32, pixels: f32 }

struct Moments { mean: vec4<f32>, m2: vec4<f32> }

fn set_member(local: u32, first: u32, own: Moments) {
    for (var c = 0u; c < 4u; c++) {
        member_means[(first + c) * WORKGROUP + local] = own.mean[c];
        member_m2[(first + c) * WORKGROUP + local] = own.m2[c];
    }
}

// Of two groups of channels, the first of them `k`. The first `members` invocations are real, each with `pixels` pixels. Every
// invocation must call it.
fn leave_statistics(at: Chunk, k: u32, first: Moments, second: Moments) {
    set_member(at.local, 0u, first);
    set_member(at.local, 4u, second);
    workgroupBarrier();
    let channel = at.local % 8u;
    let run = at.local / 8u;
    let origin = member_means[channel * WORKGROUP];
    var shift = 0.0;
    var m2 = 0.0;
    for (var i = 0u; i < MEMBERS; i++) {
        let member = i * RUNS + run;
        let d = member_means[channel * WORKGROUP + member] - origin;
        let real = member < at.members;
        shift += select(0.0, d, real);
        m2 += select(0.0, fma(at.pixels, d * d, member_m2[channel * WORKGROUP + member]), real);
    }
    run_shifts[channel * RUNS + run] = shift;
    run_m2[channel * RUNS + run] = m2;
    workgroupBarrier();
    if at.local < 8u && k * 4u + channel < C_OUT4 * 4u {
        for (var other = 1u; other < RUNS; other++) {
            shift += run_shifts[channel * RUNS + other];
            m2 += run_m2[channel * RUNS + other];
        }
        shift /= f32(at.members);
        let place = 2u * at.chunk * C_OUT4 * 4u + k * 4u + channel;
        partial[place] = origin + shift;
        partial[place + C_OUT4 * 4u] = max(m2 - at.pixels * f32(at.members) * shift * shift, 0.0);
    }
}
