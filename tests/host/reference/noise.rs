use wgrad::reference::{Noise, Shape};
use wgrad::rng::{Stream, philox, uniform};

#[test]
fn elements_are_numbered_with_padded_channels() {
    let noise = Noise { seed: 21, stream: Stream::Dropout, step: 8, layer: 13 };
    // Pixel (1*3 + 2)*5 + 4 = 29; six channels are two groups of four; channel 5 is word 1 of group 1.
    let shape = Shape::new(2, 3, 5, 6);
    let word = philox([59, 8, 13, 0], [21, 2])[1];
    assert_eq!(noise.uniform(shape, 1, 2, 4, 5), f64::from(word >> 8) / 16_777_216.0);

    // Three channels are one group: element 4*pixel + channel.
    let shape = Shape::new(2, 3, 5, 3);
    for (row, c) in [(0, 0), (0, 2), (1, 0), (29, 2)] {
        let element = 4 * row + c;
        let expected = f64::from(uniform(21, Stream::Dropout, element, 8, 13));
        assert_eq!(noise.uniform_of_row(shape, row as usize, c as usize), expected);
    }
}

#[test]
fn shapes() {
    let shape = Shape::new(2, 3, 5, 7);
    assert_eq!((shape.len(), shape.rows()), (210, 30));
    assert_eq!(shape.index(1, 2, 4, 6), 209);
    assert_eq!(shape.index(0, 1, 2, 3), 52);
    assert!(!shape.is_empty() && Shape::new(0, 3, 5, 7).is_empty());
}
