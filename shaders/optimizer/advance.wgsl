// The first dispatch of every plan: moves the state to this step, whose batch has `batch` images.
// rates: the learning rate of each step of the epoch. One invocation.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> rates: array<f32>;
@group(0) @binding(1) var<storage, read_write> state: State;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
    state.step = state.next_step;
    state.record = state.next_record;
    state.cursor = state.next_cursor;
    state.lr = rates[state.next_record];
    state.next_step += 1u;
    state.next_record += 1u;
    state.next_cursor += params.batch;
}
