//! The convolutions' weights in the forms that the chosen kernels read, made once a step for all layers.

use super::network::{ALIGN, Layer, Network};
use super::weights::conv_of;
use crate::Result;
use crate::gpu::{Buffer, Dispatch, Gpu, View};
use crate::kernels::conv::{Choices, Conv, Direction, Filters, TransformedWeights, winograd_weights};

/// The directions that read weights; a table has the rows of the first ones first.
const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::InputGradient];

/// Transformed weights of the layers whose kernels want them.
pub(super) struct TransformedFilters {
    layers: Vec<TransformedWeights>,
    table: Buffer,
    /// Rows of the table for forward passes, and all.
    rows: [usize; 2],
    buffer: Buffer,
}

/// What each layer and direction needs, forward first, and the words of all.
pub(super) fn layout(network: &Network, choices: &Choices, batch: usize) -> (Vec<TransformedWeights>, usize) {
    let (mut layers, mut next) = (Vec::new(), 0);
    for direction in DIRECTIONS {
        for node in &network.nodes {
            let Layer::Conv { weight, .. } = node.layer else { continue };
            let conv = conv_of(network, node, batch);
            let filters = choices.get(direction, &conv).filters;
            let wanted = direction == Direction::Forward || network.trained_before(node.input);
            if filters == Filters::Plain || !wanted {
                continue;
            }
            let weight = network.parameters[weight].first;
            layers.push(TransformedWeights {
                conv: Conv { batch: 1, ..conv },
                direction,
                filters,
                weight,
                first: next,
            });
            next = (next + conv.filter_words(direction, filters)).next_multiple_of(ALIGN);
        }
    }
    (layers, next)
}

impl TransformedFilters {
    /// Those that the choices need; `known` where it already is of this kind; `None` where no kernel wants any.
    ///
    /// # Errors
    /// Not enough device memory.
    pub(super) fn of(
        known: Option<Self>,
        gpu: &Gpu,
        network: &Network,
        choices: &Choices,
        batch: usize,
    ) -> Result<Option<Self>> {
        let (layers, words) = layout(network, choices, batch);
        if layers.is_empty() {
            return Ok(None);
        }
        if let Some(known) = known.filter(|known| known.layers == layers) {
            return Ok(Some(known));
        }
        let rows_of = |layer: &TransformedWeights| layer.table();
        let table: Vec<_> = layers.iter().flat_map(rows_of).collect();
        let forward = layers.iter().filter(|layer| layer.direction == Direction::Forward);
        let rows = [forward.map(|layer| layer.table().len()).sum(), table.len()];
        let table = gpu.upload("filters' table", &table)?;
        Ok(Some(Self { layers, table, rows, buffer: gpu.buffer("filters", words)? }))
    }

    /// Makes them from the flat weights; those of the input gradients only with `backward`. `None` where there are none.
    pub(super) fn transform(&self, weight: &View, backward: bool) -> Option<Dispatch> {
        let rows = self.rows[usize::from(backward)];
        (rows > 0).then(|| winograd_weights(weight, &self.table.view(), rows, &self.buffer.view()))
    }

    /// The transformed weights of the layer whose plain ones start at word `weight`.
    pub(super) fn view(&self, direction: Direction, weight: usize) -> Option<View> {
        let layer =
            self.layers.iter().find(|layer| layer.direction == direction && layer.weight == weight)?;
        Some(self.buffer.words(layer.first, layer.conv.filter_words(direction, layer.filters)))
    }
}
