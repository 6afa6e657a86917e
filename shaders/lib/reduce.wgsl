// Two sums over a workgroup, in an order that WORKGROUP alone decides: runs of eight invocations, then the runs.
struct Pair { a: vec4<f32>, b: vec4<f32> }

const RUN = 8u;
var<workgroup> reduce_a: array<vec4<f32>, WORKGROUP>;
var<workgroup> reduce_b: array<vec4<f32>, WORKGROUP>;

// Adds up `count` entries from `first` on, `step` apart.
fn sum_of(first: u32, count: u32, step: u32) -> Pair {
    var sum = Pair(reduce_a[first], reduce_b[first]);
    for (var i = 1u; i < count; i++) {
        sum.a += reduce_a[first + i * step];
        sum.b += reduce_b[first + i * step];
    }
    return sum;
}

// Every invocation must call it; each gets the sums.
fn workgroup_sums(local: u32, own: Pair) -> Pair {
    reduce_a[local] = own.a;
    reduce_b[local] = own.b;
    workgroupBarrier();
    if local % RUN == 0u {
        let run = sum_of(local, RUN, 1u);
        reduce_a[local] = run.a;
        reduce_b[local] = run.b;
    }
    workgroupBarrier();
    return sum_of(0u, WORKGROUP / RUN, RUN);
}
