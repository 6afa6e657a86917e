// Number of this workgroup in a line that the host may have split over x and y (WebGPU: 65,535 a dimension).
fn flat_group(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.x + group.y * groups.x;
}
