//! How gradient acceleration makes gradients grow on their way back: a simulation in NumPy (64 units wide), on the real plans.

#[path = "../../examples/gaaf_growth/network.rs"]
#[allow(dead_code)]
mod network;

use network::{Order, growth};
use wgrad::kernels::Activation;

use crate::support::gpu;

#[test]
fn gradients_grow_as_in_the_simulation() {
    let gpu = gpu();
    // 9 blocks as in ResNet-20; the example has the other depths and the pre-activation order.
    for (spec, simulated) in [
        ("relu", 6.8),
        ("gaaf_relu:shape=paper", 1.9e5),
        ("gaaf_relu:shape=repo,shift=4", 4e5),
        ("gaaf_relu:shape=repo,shift=-1", 5.6e3),
        ("gaaf_relu:shape=none", 4.8e5),
    ] {
        let act = Activation::parse(spec).expect("an activation");
        let got = growth(gpu, Order::Post, 9, &act, 0).expect("a device");
        assert!((0.5..=2.0).contains(&(got / simulated)), "{spec}: {got:e}, simulated {simulated:e}");
    }
}
