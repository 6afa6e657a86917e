// Cooperative matrices of 16x16, f16 with f32 sums. lib/coop8 says the same for devices that only have 8x8.
alias Left = coop_mat16x16<f16, A>;
alias Right = coop_mat16x16<f16, B>;
alias Sums = coop_mat16x16<f32, C>;
const SIDE = 16u;
