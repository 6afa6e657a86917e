// What an invocation sums up of a 3x3 weight gradient: the nine taps of one input channel for eight output channels, two groups
// of four. The kernel's file gives partial, splits of params.stride words each (3,3,C_IN4*4,C_OUT4*4).
const C_IN = C_IN4 * 4u;
const C_OUT = C_OUT4 * 4u;

// Of each output channel nine sums, a column for each row of the kernel.
struct Eight {
    s0: mat3x3<f32>, s1: mat3x3<f32>, s2: mat3x3<f32>, s3: mat3x3<f32>,
    s4: mat3x3<f32>, s5: mat3x3<f32>, s6: mat3x3<f32>, s7: mat3x3<f32>,
}

// Adds what a pixel of dy gives with the 3x3 pixels of x under it.
fn add(v: mat3x3<f32>, g: f32, s: mat3x3<f32>) -> mat3x3<f32> {
    let all = vec3<f32>(g);
    return mat3x3<f32>(fma(v[0], all, s[0]), fma(v[1], all, s[1]), fma(v[2], all, s[2]));
}

fn store(first: u32, s: mat3x3<f32>) {
    for (var tap = 0u; tap < 9u; tap++) {
        partial[first + tap * C_IN * C_OUT] = s[tap / 3u][tap % 3u];
    }
}

// Input channel c, groups k and k + 1 where there is one.
fn store_eight(split: u32, c: u32, k: u32, s: Eight) {
    let paired = k + 1u < C_OUT4;
    let at = split * params.stride + c * C_OUT + k * 4u;
    store(at, s.s0);
    store(at + 1u, s.s1);
    store(at + 2u, s.s2);
    store(at + 3u, s.s3);
    if paired {
        store(at + 4u, s.s4);
        store(at + 5u, s.s5);
        store(at + 6u, s.s6);
        store(at + 7u, s.s7);
    }
}
