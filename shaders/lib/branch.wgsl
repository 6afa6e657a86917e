// What the branch of a residual block is multiplied by, for each image. BRANCH: 0 nothing; 1 stochastic depth (Huang et al.,
// arXiv 1603.09382): 1 with probability SURVIVAL, else 0; 2 ShakeDrop (Yamada et al., arXiv 1802.02375): 1 with probability
// SURVIVAL, else a ~ U(-1, 1) forward and b ~ U(0, 1) backward. Without TRAIN the forward's mean, SURVIVAL.
// Draws the block of the image's number: word 0 the choice, 1 a, 2 b.
const STREAM_DROPOUT = 2u;

fn branch_scale(n: u32, backward: bool) -> f32 {
    if BRANCH == 0u {
        return 1.0;
    }
    if !TRAIN {
        return SURVIVAL;
    }
    let u = uniform4(params.seed, STREAM_DROPOUT, n, state.step, params.layer);
    if u.x < SURVIVAL {
        return 1.0;
    }
    if BRANCH == 1u {
        return 0.0;
    }
    return select(2.0 * u.y - 1.0, u.z, backward);
}
