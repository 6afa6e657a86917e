// In the place of lib/coop16 where cooperative matrices are 8x8.
alias Left = coop_mat8x8<f16, A>;
alias Right = coop_mat8x8<f16, B>;
alias Sums = coop_mat8x8<f32, C>;
const SIDE = 8u;
