// What changes from step to step; optimizer/advance moves it on at the start of every plan.
struct State {
    step: u32,        // optimiser step, counted over the whole run: the RNG's second counter word
    record: u32,      // step of this epoch: row of the rates and of the records
    cursor: u32,      // place in the epoch's order of the batch's first image
    lr: f32,
    next_step: u32,
    next_record: u32,
    next_cursor: u32,
    scale: f32,       // factor of the loss and so of all gradients, until the update divides by it
    first: f32,       // optimizer/adam: factors of the first moment, of the gradient itself and of the second moment
    direct: f32,
    second: f32,
    factor: f32,      // of the gradient, by optimizer/clip
    norm: f32,        // the whole gradient's, by optimizer/clip
    epoch: u32,       // finished epochs
    share: f32,       // of an image in its own mixture, by augment/mixup
    pad0: u32,
}
