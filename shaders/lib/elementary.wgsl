// Elementary functions that keep their digits near 0 and far out, where WGSL promises them for none of tanh, log and
// exp(x) - 1, and that neither overflow nor lose a NaN.
fn expm1(x: f32) -> f32 { // e^x - 1
    if abs(x) > 0.5 {
        return exp(x) - 1.0;
    }
    // Taylor's series; the first term left out is below 2^-30 of the sum.
    return x * (1.0 + x * (1.0 / 2.0 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0
        + x * (1.0 / 720.0 + x * (1.0 / 5040.0 + x * (1.0 / 40320.0 + x * (1.0 / 362880.0)))))))));
}

fn log1p(x: f32) -> f32 { // ln(1 + x) for x in [0, 1], as 2 atanh(x/(2 + x)); left out: 2e-9 of it
    let s = x / (2.0 + x);
    let q = s * s;
    return 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0
        + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q * (1.0 / 13.0 + q * (1.0 / 15.0))))))));
}

fn erfc(x: f32) -> f32 { // 1 - erf(x); relative error 1.2e-7 (Press et al., Numerical Recipes, 2nd edition, 6.2)
    let z = abs(x);
    let t = 1.0 / (1.0 + 0.5 * z);
    let p = -1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806
        + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
    let tail = t * exp(p - z * z);
    return select(tail, 2.0 - tail, x < 0.0);
}

fn logistic(x: f32) -> f32 { // 1/(1 + e^-x)
    let e = exp(-abs(x));
    return select(1.0, e, x < 0.0) / (1.0 + e);
}

fn logistic_slope(x: f32) -> f32 { // its derivative
    let e = exp(-abs(x));
    return e / ((1.0 + e) * (1.0 + e));
}

fn stable_tanh(x: f32) -> f32 { // tanh(x)
    let m = expm1(-2.0 * abs(x));
    let y = -m / (2.0 + m);
    return select(y, -y, x < 0.0);
}

fn stable_tanh_slope(x: f32) -> f32 { // 1 - tanh(x)^2
    let e = exp(-2.0 * abs(x));
    return 4.0 * e / ((1.0 + e) * (1.0 + e));
}

fn normal_cdf(x: f32) -> f32 { // the standard normal's cumulative distribution function
    return 0.5 * erfc(-0.70710678 * x);
}

fn normal_pdf(x: f32) -> f32 { // the standard normal's density
    return 0.39894228 * exp(-0.5 * x * x);
}
