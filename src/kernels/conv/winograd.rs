//! Winograd's minimal filtering (Lavin, Gray 2016, Fast Algorithms for Convolutional Neural Networks): the forms of the
//! weights that it reads, and the kernel that makes them once a step for all layers.

use super::{Candidate, Conv, Direction, kernel};
use crate::gpu::{Access, Constants, Dispatch, Groups, Kernel, View};
use crate::kernels::{lib, shader};

/// Transforms the weights of all layers.
pub static WINOGRAD_WEIGHTS: Kernel =
    kernel!("conv/winograd_weights", ["weight", "table"], ["u"], 64, &[lib::INDEX, lib::FOUR], &[]);

/// Own channels of a block of transformed weights.
const BLOCK: usize = 16;
/// Tiles of a workgroup of F(2x2,3x3).
const TILES: usize = 32;

/// In which form a candidate reads the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filters {
    /// As they are trained.
    Plain,
    /// Transformed for F(2x2,3x3): 4x4 points.
    Winograd2,
    /// Transformed for F(4x4,3x3): 6x6 points.
    Winograd4,
}

impl Filters {
    /// Points of a side of the transformed kernel; `None` where nothing is transformed.
    pub fn points(self) -> Option<usize> {
        match self {
            Self::Plain => None,
            Self::Winograd2 => Some(4),
            Self::Winograd4 => Some(6),
        }
    }
}

impl Conv {
    /// Words of the weights in this form, for this direction.
    pub fn filter_words(&self, direction: Direction, filters: Filters) -> usize {
        let (own, sums) = self.own_and_sums(direction);
        match filters.points() {
            None => self.weight_words(),
            Some(points) => own.div_ceil(BLOCK / 4) * BLOCK * sums * 4 * points * points,
        }
    }

    /// Groups of channels that come out of a direction, and that are summed over.
    fn own_and_sums(&self, direction: Direction) -> (usize, usize) {
        match direction {
            Direction::InputGradient => (self.in4(), self.out4()),
            _ => (self.out4(), self.in4()),
        }
    }
}

/// The weights of one layer in the form that one direction reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransformedWeights {
    /// The layer, at any batch.
    pub conv: Conv,
    /// Forward or input gradient.
    pub direction: Direction,
    /// The form; not plain.
    pub filters: Filters,
    /// First word of its weights in the flat weights.
    pub weight: usize,
    /// First word of its transformed weights in their flat buffer.
    pub first: usize,
}

impl TransformedWeights {
    /// Rows of the kernel's table: one for each workgroup.
    pub fn table(&self) -> Vec<[[u32; 4]; 2]> {
        let (own, sums) = self.conv.own_and_sums(self.direction);
        let items = own.next_multiple_of(BLOCK / 4) * sums * 4;
        let gradient = self.direction == Direction::InputGradient;
        let points = self.filters.points().unwrap_or(0);
        let shape = [sums as u32 * 4, own as u32, points as u32, u32::from(gradient)];
        let row =
            |item: usize| [[self.weight as u32 / 4, self.first as u32 / 4, item as u32, items as u32], shape];
        (0..items).step_by(WINOGRAD_WEIGHTS.workgroup as usize).map(row).collect()
    }
}

/// u = the transformed weights of the first `rows` rows of the table.
pub fn winograd_weights(weight: &View, table: &View, rows: usize, u: &View) -> Dispatch {
    Dispatch {
        kernel: &WINOGRAD_WEIGHTS,
        constants: Constants::new(),
        activation: None,
        bindings: vec![weight.clone(), table.clone(), u.clone()],
        params: bytemuck::cast_slice(&[rows as u32, 0, 0, 0]).to_vec(),
        groups: Groups::line(rows as u64),
        label: String::new(),
        flops: 0,
    }
}

/// Workgroups of F(2x2,3x3): a line over blocks of tiles, times blocks of output groups in z.
pub(super) fn groups2(conv: &Conv, own4: usize, candidate: &Candidate) -> Groups {
    let tiles = super::tiles_of(conv, 2).div_ceil(TILES);
    let blocks = own4.div_ceil(candidate.constant("BLOCKS").unwrap_or(1) as usize);
    Groups::line_by(tiles as u64, blocks as u32)
}
