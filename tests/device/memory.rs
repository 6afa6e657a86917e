//! How many bytes of buffers there are, and were.

use wgrad::gpu::{Gpu, Limits, Selection};

#[test]
fn live_bytes_follow_the_buffers_and_the_peak_stays() {
    let gpu = Gpu::open(&Selection::default(), Limits::WebGpu).expect("a device of its own");
    assert_eq!((gpu.live_bytes(), gpu.peak_bytes()), (0, 0));
    let kept = gpu.buffer("kept", 1000).expect("4,000 bytes");
    let passing = gpu.buffer("passing", 500).expect("2,000 bytes");
    let view = passing.view();
    drop(passing);
    assert_eq!(gpu.live_bytes(), 6000, "a view keeps its buffer");
    drop(view);
    assert_eq!((gpu.live_bytes(), gpu.peak_bytes()), (4000, 6000));
    let words: Vec<u32> = gpu.read(&kept.view()).expect("a readback");
    assert_eq!(words, [0; 1000]);
    assert_eq!(gpu.live_bytes(), 8000, "the readback's staging buffer is kept");
    drop(kept);
    assert_eq!((gpu.live_bytes(), gpu.peak_bytes()), (4000, 8000));
    assert_eq!(gpu.allocated(), (3, 10_000), "all that was ever made");
}
