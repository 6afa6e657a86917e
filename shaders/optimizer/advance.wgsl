// The first dispatch of every plan: moves the state to this step, whose batch has `batch` images. The loss scale follows what
// the last step found: after gradients that were not finite it is halved, after `growth` good steps in a row doubled; a growth
// of 0 keeps it.
// rates: for each step of the epoch the learning rate, the factors of optimizer/adam and the share of augment/mixup.
// One invocation.
struct Params { batch: u32, growth: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<storage, read> rates: array<Rates>;
@group(0) @binding(1) var<storage, read_write> state: State;
@group(0) @binding(2) var<storage, read_write> scaling: Scaling;
@group(0) @binding(3) var<uniform> params: Params;

struct Rates { lr: f32, first: f32, direct: f32, second: f32, share: f32, pad0: u32, pad1: u32, pad2: u32 }
struct Scaling { scale: f32, good: u32, overflow: u32, skipped: u32 }

const MOST = 16777216.0; // f16 factors of gradients near 1 overflow long before

fn move_scale() {
    if scaling.overflow != 0u {
        scaling.overflow = 0u;
        scaling.skipped += 1u;
        scaling.good = 0u;
        if params.growth != 0u {
            scaling.scale = max(0.5 * scaling.scale, 1.0);
        }
    } else if params.growth != 0u {
        scaling.good += 1u;
        if scaling.good >= params.growth {
            scaling.good = 0u;
            scaling.scale = min(2.0 * scaling.scale, MOST);
        }
    }
}

@compute @workgroup_size(1)
fn main() {
    move_scale();
    state.step = state.next_step;
    state.record = state.next_record;
    state.cursor = state.next_cursor;
    let rate = rates[state.next_record];
    state.lr = rate.lr;
    state.first = rate.first;
    state.direct = rate.direct;
    state.second = rate.second;
    state.share = rate.share;
    state.scale = scaling.scale;
    state.next_step += 1u;
    state.next_record += 1u;
    state.next_cursor += params.batch;
}
