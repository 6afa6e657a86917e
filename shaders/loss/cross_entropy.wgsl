// Softmax cross-entropy with label smoothing s (PyTorch's): target = (1-s) * onehot + s / CLASSES; its gradient for the mean
// over the batch times the loss scale; with MIXUP the one-hot is share * own + (1 - share) * that of image N-1-n; and the batch's row of the records: (sum of losses, number of right answers).
// logits: N,classes padded to four  labels: N  dlogits: as logits  records: (loss, correct) for each step of the epoch
// One workgroup; an invocation owns whole images.
struct Params { batch: u32, smoothing: f32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<storage, read_write> dlogits: array<f32>;
@group(0) @binding(4) var<storage, read_write> records: array<vec2<f32>>;
@group(0) @binding(5) var<uniform> params: Params;

const PADDED = (CLASSES + 3u) / 4u * 4u;

var<workgroup> sums: array<vec2<f32>, WORKGROUP>;

fn image(n: u32) -> vec2<f32> {
    let row = n * PADDED;
    var highest = logits[row];
    var best = 0u;
    for (var k = 1u; k < CLASSES; k++) {
        if logits[row + k] > highest {
            highest = logits[row + k];
            best = k;
        }
    }
    var total = 0.0;
    var mean = 0.0; // of the shifted logits
    for (var k = 0u; k < CLASSES; k++) {
        let shifted = logits[row + k] - highest;
        total += exp(shifted);
        mean += shifted / f32(CLASSES);
    }
    let label = labels[n];
    let other = labels[select(n, params.batch - 1u - n, MIXUP)];
    let share = state.share;
    for (var k = 0u; k < PADDED; k++) {
        if k < CLASSES {
            var hot = select(0.0, 1.0 - params.smoothing, k == label);
            if MIXUP {
                hot = (1.0 - params.smoothing) * (share * f32(k == label) + (1.0 - share) * f32(k == other));
            }
            let target_ = params.smoothing / f32(CLASSES) + hot;
            let slope = (exp(logits[row + k] - highest) / total - target_) / f32(params.batch);
            dlogits[row + k] = slope * state.scale;
        } else {
            dlogits[row + k] = 0.0;
        }
    }
    var own = logits[row + label] - highest;
    var right = select(0.0, 1.0, best == label);
    if MIXUP {
        own = share * own + (1.0 - share) * (logits[row + other] - highest);
        right = share * right + (1.0 - share) * f32(best == other);
    }
    let loss = log(total) - (1.0 - params.smoothing) * own - params.smoothing * mean;
    return vec2<f32>(loss, right);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_id) local: vec3<u32>) {
    var sum = vec2<f32>();
    for (var n = local.x; n < params.batch; n += WORKGROUP) {
        sum += image(n);
    }
    sums[local.x] = sum;
    workgroupBarrier();
    if local.x == 0u {
        for (var other = 1u; other < WORKGROUP; other++) {
            sum += sums[other];
        }
        records[state.record] = sum;
    }
}
