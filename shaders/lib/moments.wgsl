// Mean and squared deviations of a workgroup's chunk of pixels, from registers in two passes. The kernel's file gives LANES:
// runs of so many neighbouring invocations hold pixels of the same channels; a power of two, or a multiple of eight.
const RUN = min(LANES, 8u);

var<workgroup> moments: array<vec4<f32>, WORKGROUP>;

// Sum over the invocation's run, in an order that LANES alone decides; every invocation must call it.
fn lane_sums(local: u32, own: vec4<f32>) -> vec4<f32> {
    moments[local] = own;
    workgroupBarrier();
    if local % RUN == 0u {
        var sum = own;
        for (var i = 1u; i < RUN; i++) {
            sum += moments[local + i];
        }
        moments[local] = sum;
    }
    workgroupBarrier();
    let first = local - local % LANES;
    var sum = moments[first];
    for (var i = RUN; i < LANES; i += RUN) {
        sum += moments[first + i];
    }
    workgroupBarrier(); // the next call writes again
    return sum;
}

// partial: chunks,2,C_OUT4*4
fn leave_moments(local: u32, chunk: u32, k: u32, mean: vec4<f32>, m2: vec4<f32>) {
    if local % LANES == 0u && k < C_OUT4 {
        partial[2u * chunk * C_OUT4 + k] = mean;
        partial[(2u * chunk + 1u) * C_OUT4 + k] = m2;
    }
}
