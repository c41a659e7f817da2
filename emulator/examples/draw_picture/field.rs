//! Functions of a position: distances, smooth edges and noise.

/// Rises smoothly from 0 to 1 between two edges.
pub(crate) fn step(from: f32, to: f32, value: f32) -> f32 {
    let way = ((value - from) / (to - from)).clamp(0.0, 1.0);
    way * way * (3.0 - 2.0 * way)
}

pub(crate) fn distance(x: f32, y: f32, to_x: f32, to_y: f32) -> f32 {
    (x - to_x).hypot(y - to_y)
}

pub(crate) fn gradient_of(at: f32, stops: &[(f32, f32)]) -> f32 {
    stops.windows(2).fold(stops[0].1, |value, pair| {
        value + (pair[1].1 - pair[0].1) * step(pair[0].0, pair[1].0, at)
    })
}

/// A pseudorandom number from 0 to 1 for a position of the integer grid.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "any number will do, as long as it is always the same"
)]
pub(crate) fn hash(x: f32, y: f32) -> f32 {
    let mut bits =
        (x as i32 as u32).wrapping_mul(0x9E37_79B1) ^ (y as i32 as u32).wrapping_mul(0x85EB_CA77);
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x2C1B_3C6D);
    bits = (bits ^ (bits >> 12)).wrapping_mul(0x297A_2D39);
    (bits ^ (bits >> 15)) as f32 / u32::MAX as f32
}

/// Smooth noise from 0 to 1 with this many octaves.
pub(crate) fn noise(x: f32, y: f32, octaves: u8) -> f32 {
    let (mut x, mut y, mut weight, mut sum, mut all) = (x, y, 1.0, 0.0, 0.0);
    for _ in 0..octaves {
        let (column, row) = (x.floor(), y.floor());
        let (right, down) = (step(0.0, 1.0, x - column), step(0.0, 1.0, y - row));
        let upper = hash(column, row) * (1.0 - right) + hash(column + 1.0, row) * right;
        let lower = hash(column, row + 1.0) * (1.0 - right) + hash(column + 1.0, row + 1.0) * right;
        sum += weight * (upper * (1.0 - down) + lower * down);
        all += weight;
        (x, y, weight) = (x * 2.03 + 17.0, y * 2.03 + 31.0, weight / 2.0);
    }
    sum / all
}
