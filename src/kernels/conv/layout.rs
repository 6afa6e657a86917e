//! Weights between PyTorch's order and the device's.

use crate::kernels::groups_of_four;

/// PyTorch's OIHW weights as stored on the device: KERNEL,KERNEL,in,out, channels filled up with zeros.
pub fn pack_weights(oihw: &[f32], out_channels: usize, in_channels: usize, kernel: usize) -> Vec<f32> {
    let (i4, o4) = (groups_of_four(in_channels) * 4, groups_of_four(out_channels) * 4);
    let mut packed = vec![0.0; kernel * kernel * i4 * o4];
    for o in 0..out_channels {
        for i in 0..in_channels {
            for tap in 0..kernel * kernel {
                packed[(tap * i4 + i) * o4 + o] = oihw[(o * in_channels + i) * kernel * kernel + tap];
            }
        }
    }
    packed
}

/// The inverse of [`pack_weights`].
pub fn unpack_weights(packed: &[f32], out_channels: usize, in_channels: usize, kernel: usize) -> Vec<f32> {
    let (i4, o4) = (groups_of_four(in_channels) * 4, groups_of_four(out_channels) * 4);
    let mut oihw = vec![0.0; out_channels * in_channels * kernel * kernel];
    for o in 0..out_channels {
        for i in 0..in_channels {
            for tap in 0..kernel * kernel {
                oihw[(o * in_channels + i) * kernel * kernel + tap] = packed[(tap * i4 + i) * o4 + o];
            }
        }
    }
    oihw
}
