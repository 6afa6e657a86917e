// The saw of gradient acceleration (Hahn, Choi, arXiv 1806.09783): SCALE g(x), whose height is below 1/FREQUENCY and whose
// slope, floor and round held constant, is SCALE (VARIANT 0) or plus and minus SCALE in turn (VARIANT 1).
fn phase(x: f32) -> f32 { // of the period, in [0, 1); its middle where f32 has no fraction left
    let k = FREQUENCY * x;
    return select(k - floor(k), 0.5, abs(k) >= 8388608.0);
}

fn accelerated(x: f32) -> bool {
    return SIDE == 0u || x <= 0.0;
}

fn wave(x: f32) -> f32 {
    let p = phase(x);
    let height = select(min(p, 1.0 - p), p, VARIANT == 0u) - 0.5;
    return select(0.0, SCALE * height / FREQUENCY, accelerated(x));
}

fn wave_slope(x: f32) -> f32 {
    let slope = select(sign(0.5 - phase(x)), 1.0, VARIANT == 0u);
    return select(0.0, SCALE * slope, accelerated(x));
}
