//! Hills, cliff and meadow.

use crate::colour::{Colour, rgb};
use crate::field::{distance, gradient_of, hash, noise, step};
use crate::sky_and_sea::HORIZON;

pub(crate) fn far_hills(x: f32, y: f32, below: Colour) -> Colour {
    let mut colour = below;
    let ridges = [
        (92.0, 1500.0, 520.0, rgb(196, 128, 132), 11.0),
        (66.0, 1650.0, 330.0, rgb(138, 92, 122), 23.0),
    ];
    for (height, middle, reach, tint, seed) in ridges {
        let shape = (-((x - middle) / reach).powi(2)).exp();
        let ridge = HORIZON - height * shape * (0.55 + 0.9 * noise(x / 130.0 + seed, seed, 5));
        let inside = step(ridge - 0.8, ridge + 0.8, y) * step(HORIZON + 1.5, HORIZON - 0.5, y);
        let texture = 0.9 + 0.25 * noise(x / 26.0 + seed, y / 12.0, 3);
        let inside = inside * step(0.02, 0.05, shape);
        colour = colour.mix(tint.times(texture), 0.9 * inside);
    }
    colour
}

pub(crate) fn cliff(x: f32, y: f32, below: Colour) -> Colour {
    let edge = cliff_edge(x);
    if y < edge - 1.0 {
        return foam(x, y, below);
    }
    let depth = y - edge;
    // Rock: columns with fissures between them, tilted layers across, and the light of the right.
    let turn = (cliff_edge(x + 10.0) - cliff_edge(x - 10.0)) / 20.0;
    let bend = 60.0 * noise(x / 190.0, y / 150.0, 3);
    let column = |x: f32| noise((x + bend) / 52.0, (y + bend) / 210.0, 5);
    let facing = (column(x + 5.0) - column(x - 5.0)) * 2.6;
    let layers = noise(x / 260.0 + 3.0, (y - x * 0.16 + bend * 0.5) / 11.0, 4);
    let grain = noise(x / 9.0, y / 7.0, 4);
    let fissure = step(0.035, 0.0, (column(x) - 0.46).abs()) * step(0.3, 0.6, grain + 0.2);
    let lit = 0.2 + turn * 0.42 - facing + (layers - 0.5) * 0.9 + (grain - 0.5) * 0.7;
    let depths = step(0.0, 330.0, depth);
    let mut rock = rgb(58, 46, 66).mix(rgb(226, 142, 100), lit.clamp(0.0, 1.0));
    rock = rock
        .mix(rgb(38, 34, 56), 0.55 * depths)
        .times(1.0 - 0.45 * fissure);
    // Grass hangs over the edge.
    let hang = 16.0 + 34.0 * noise(x / 22.0, 8.0, 4) + 12.0 * noise(x / 4.0, y / 26.0, 2);
    let steep = step(1.3, 0.5, turn.abs());
    let blades = 0.6 + 0.8 * noise(x / 3.2, y / 13.0, 3);
    let grass = rgb(52, 66, 44)
        .mix(rgb(170, 148, 74), step(hang, 0.0, depth) * 0.8)
        .times(blades);
    let colour = rock.mix(grass, step(hang + 5.0, hang - 5.0, depth) * steep);
    below.mix(colour, step(edge - 0.8, edge + 0.8, y))
}

/// The height of the cliff's edge.
fn cliff_edge(x: f32) -> f32 {
    let rough = 26.0 * (noise(x / 74.0, 3.0, 5) - 0.5);
    let slope = gradient_of(
        x,
        &[
            (0.0, 486.0),
            (160.0, 520.0),
            (330.0, 548.0),
            (420.0, 556.0),
            (640.0, 560.0),
            (740.0, 588.0),
            (800.0, 668.0),
            (850.0, 748.0),
            (905.0, 812.0),
            (980.0, 852.0),
            (1060.0, 900.0),
            (1140.0, 1010.0),
        ],
    );
    let flat = step(360.0, 420.0, x) * step(690.0, 650.0, x);
    slope + rough * (1.0 - 0.8 * flat)
}

/// Where the sea breaks at the foot of the cliff.
fn foam(x: f32, y: f32, below: Colour) -> Colour {
    let height = cliff_edge(x) - y;
    if !(780.0..1220.0).contains(&x) || y < HORIZON + 40.0 {
        return below;
    }
    let reach = 26.0 + 46.0 * noise(x / 60.0, y / 34.0, 4);
    let near = step(reach, 0.0, height);
    let broken = step(0.46, 0.6, noise(x / 13.0, y / 6.0, 4));
    below.mix(rgb(255, 226, 204), near * (0.25 + 0.7 * broken))
}

/// Grass and flowers in front.
pub(crate) fn meadow(x: f32, y: f32, below: Colour) -> Colour {
    let mut colour = below;
    for layer in [0.0, 1.0, 2.0] {
        let line = 918.0
            + layer * 30.0
            + x * 0.03
            + 36.0 * (noise(x / 240.0 + layer * 9.0, layer, 3) - 0.5);
        // Blades: narrow columns of differing height that lean with the wind.
        let lean = x - (line - y) * (0.22 + 0.2 * noise(x / 120.0, layer, 2));
        let column = (lean / 4.2).floor();
        let height = 12.0 + 48.0 * hash(column, layer * 17.0 + 3.0).powi(2);
        let within = (lean / 4.2 - column - 0.5).abs() * 2.0;
        let blade = y > line - height * (1.0 - within);
        if y > line || blade {
            let tip = ((line - y) / 46.0).clamp(0.0, 1.0);
            let tone = 0.7 + 0.5 * hash(column, layer + 40.0);
            let base = rgb(34, 40, 36).mix(rgb(60, 58, 40), layer / 2.0);
            colour = base.mix(rgb(206, 156, 86), tip * 0.8).times(tone);
        }
        colour = flower(x, y, line, layer, colour);
    }
    colour
}

fn flower(x: f32, y: f32, line: f32, layer: f32, below: Colour) -> Colour {
    let cell = 46.0;
    let column = (x / cell).floor();
    let pick = hash(column, layer * 31.0 + 7.0);
    if pick < 0.45 {
        return below;
    }
    let middle = (column + 0.2 + 0.6 * hash(column, layer + 90.0)) * cell;
    let height = line - 14.0 - 40.0 * hash(column, layer + 50.0);
    let away = distance(x, y, middle, height);
    let angle = (y - height).atan2(x - middle);
    let petals = 5.6 + layer * 1.3 + 2.2 * (angle * 5.0).cos();
    if away < 2.4 {
        rgb(255, 222, 120)
    } else if away < petals {
        let tint = if pick > 0.75 {
            rgb(232, 120, 132)
        } else {
            rgb(246, 218, 214)
        };
        tint.times(0.75 + 0.05 * away)
    } else {
        below
    }
}
