// A sum of whole numbers over a workgroup. Every invocation must call it; each gets the sum.
var<workgroup> counts: array<u32, WORKGROUP>;

fn workgroup_count(local: u32, own: u32) -> u32 {
    counts[local] = own;
    workgroupBarrier();
    var sum = 0u;
    for (var i = 0u; i < WORKGROUP; i++) {
        sum += counts[i];
    }
    return sum;
}
