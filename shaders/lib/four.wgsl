// Four channels, or two, as they lie in memory. lib/four_paired says the same for drivers that load lane by lane.
alias Four = vec4<f32>;
alias Two = vec2<f32>;

fn four(v: Four) -> vec4<f32> {
    return v;
}

fn two(v: Two) -> vec2<f32> {
    return v;
}

fn packed(v: vec4<f32>) -> Four {
    return v;
}
