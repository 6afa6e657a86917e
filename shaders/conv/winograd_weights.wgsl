// U = G g Gt of the 3x3 weights g of all convolutions that are computed by Winograd's F(2x2,3x3) or F(4x4,3x3), at the points
// of lib/winograd2 and lib/winograd4; for the gradient with respect to the input, g is turned round and transposed first.
// table: for each workgroup (group of four of its weights, of its U, first item, items) and (channels that are summed over,
// groups of own channels, points a side, 1 for the input's gradient)
// weight: 3,3,in,out for each convolution  u: blocks of 16 own channels, summed channels, points, 16, filled up with zeros
// An invocation owns the points of one summed channel x 4 own channels.
struct Params { rows: u32, pad0: u32, pad1: u32, pad2: u32 } // of the table
@group(0) @binding(0) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> table: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> u: array<Four>;
@group(0) @binding(3) var<uniform> params: Params;

const G2 = array<vec3<f32>, 4>(
    vec3<f32>(1.0, 0.0, 0.0), vec3<f32>(0.5, 0.5, 0.5), vec3<f32>(0.5, -0.5, 0.5), vec3<f32>(0.0, 0.0, 1.0),
);
const G4 = array<vec3<f32>, 6>(
    vec3<f32>(16.0 / 9.0, 0.0, 0.0), vec3<f32>(-1.0, -0.5, -0.25), vec3<f32>(-1.0, 0.5, -0.25),
    vec3<f32>(1.0 / 9.0, 1.0 / 6.0, 0.25), vec3<f32>(1.0 / 9.0, -1.0 / 6.0, 0.25), vec3<f32>(0.0, 0.0, 1.0),
);

fn point(side: u32, at: u32) -> vec3<f32> {
    var two = G2;
    var four = G4;
    if side == 4u {
        return two[at];
    }
    return four[at];
}

struct Layer { first: u32, sums: u32, own: u32, gradient: bool }

// Weights of four own channels.
fn tap(l: Layer, tap: u32, c: u32, k: u32) -> vec4<f32> {
    if k >= l.own {
        return vec4<f32>();
    }
    if !l.gradient {
        return weight[l.first + (tap * l.sums + c) * l.own + k];
    }
    let step = l.sums / 4u;
    let at = l.first + ((8u - tap) * l.own * 4u + k * 4u) * step + c / 4u;
    let side = c % 4u;
    return vec4<f32>(weight[at][side], weight[at + step][side], weight[at + 2u * step][side], weight[at + 3u * step][side]);
}

fn mix3(g: vec3<f32>, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>) -> vec4<f32> {
    return (g.x * a + g.y * b) + g.z * c;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let row = flat_group(group, groups);
    if row >= params.rows {
        return;
    }
    let places = table[row * 2u];
    let shape = table[row * 2u + 1u];
    let item = places.z + local.x;
    if item >= places.w {
        return;
    }
    let l = Layer(places.x, shape.x, shape.y, shape.w == 1u);
    let c = item % l.sums;
    let k = item / l.sums;
    let side = shape.z;
    let at = places.y + (k / 4u * l.sums + c) * side * side * 4u + k % 4u;
    let g0 = tap(l, 0u, c, k);
    let g1 = tap(l, 1u, c, k);
    let g2 = tap(l, 2u, c, k);
    let g3 = tap(l, 3u, c, k);
    let g4 = tap(l, 4u, c, k);
    let g5 = tap(l, 5u, c, k);
    let g6 = tap(l, 6u, c, k);
    let g7 = tap(l, 7u, c, k);
    let g8 = tap(l, 8u, c, k);
    for (var p = 0u; p < side; p++) {
        let down = point(side, p);
        let left = mix3(down, g0, g3, g6);
        let middle = mix3(down, g1, g4, g7);
        let right = mix3(down, g2, g5, g8);
        for (var q = 0u; q < side; q++) {
            u[at + (p * side + q) * 4u] = packed(mix3(point(side, q), left, middle, right));
        }
    }
}
