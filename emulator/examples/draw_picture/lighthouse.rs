//! The lighthouse, its light, and the house beside it.

use crate::colour::{Colour, rgb};
use crate::field::{distance, hash, noise, step};

/// The middle of the lighthouse's lamp.
const LAMP: (f32, f32) = (505.0, 206.0);

pub(crate) fn lighthouse(x: f32, y: f32, below: Colour) -> Colour {
    let middle = LAMP.0;
    let across = x - middle;
    let mut colour = below;
    // The tower: wider at its foot, round, lit from the right.
    let (top, foot) = (250.0, 576.0);
    let down = (y - top) / (foot - top);
    let half = 30.0 + 20.0 * down.powf(1.4);
    if (0.0..=1.0).contains(&down) {
        let round = across / half;
        let inside = step(half + 0.7, half - 0.7, across.abs());
        let band = (((down.min(0.98) * 5.0 + 0.04 * round * round).floor()) % 2.0).abs() < 0.5;
        let paint = if band {
            rgb(236, 230, 222)
        } else {
            rgb(190, 40, 38)
        };
        let light = 0.42 + 0.62 * step(-1.0, 0.75, round) - 0.16 * step(0.82, 1.0, round);
        let worn = 0.93 + 0.12 * noise(x / 9.0, y / 30.0, 3);
        let warm = rgb(255, 214, 178).mix(rgb(164, 160, 206), step(0.5, -0.9, round) * 0.6);
        colour = colour.mix(paint.tint(warm).times(light * worn * 1.12), inside);
        for window in [312.0, 386.0, 462.0] {
            let (side, up) = ((across + 4.0) / 6.5, (y - window) / 11.0);
            let arch = side * side + (up.min(0.0)).powi(2);
            if arch < 1.0 && up < 1.0 {
                let frame = arch > 0.62 || up > 0.82;
                colour = if frame {
                    rgb(92, 62, 60)
                } else {
                    rgb(255, 206, 120)
                };
            }
        }
        // The door.
        let (side, up) = (across / 12.0, (y - 556.0) / 20.0);
        if side.abs() < 1.0 && up < 1.0 && side * side + up.min(0.0).powi(2) < 1.0 && up > -1.0 {
            colour = rgb(96, 50, 38).times(0.9 + 0.25 * noise(x / 2.5, y / 40.0, 2));
        }
    }
    gallery(across, y, colour)
}

/// The top of the tower: the gallery with its rail, the lantern and the dome.
fn gallery(across: f32, y: f32, below: Colour) -> Colour {
    let mut colour = below;
    let side = across.abs();
    let iron = rgb(44, 34, 46).mix(rgb(190, 116, 92), step(0.0, 42.0, across) * 0.55);
    if (242.0..252.0).contains(&y) && side < 45.0 - (y - 242.0) * 0.9 {
        colour = iron;
    }
    let rail = (222.0..224.6).contains(&y) || (232.0..233.6).contains(&y);
    let post = (across + 45.0).rem_euclid(10.0) < 1.7 && (222.0..243.0).contains(&y);
    if side < 44.0 && (rail || post) {
        colour = iron;
    }
    if (178.0..242.0).contains(&y) && side < 21.0 {
        let bar = (across + 21.0).rem_euclid(10.5) < 1.8 || (y - 178.0).rem_euclid(21.5) < 1.6;
        let glass = rgb(255, 214, 130).mix(
            rgb(255, 252, 232),
            step(30.0, 2.0, distance(across, y, 0.0, LAMP.1)),
        );
        colour = if bar && side > 2.0 || y > 230.0 {
            iron
        } else {
            glass
        };
    }
    let dome = 26.0 * (1.0 - ((178.0 - y) / 30.0).powi(2)).max(0.0).sqrt();
    if (148.0..178.5).contains(&y) && side < dome {
        colour = rgb(112, 26, 32).mix(rgb(232, 92, 66), step(-20.0, 22.0, across));
    }
    let ball = distance(across, y, 0.0, 145.0) < 5.0;
    if ball || side < 1.2 && (112.0..146.0).contains(&y) {
        colour = iron;
    }
    colour
}

/// The keeper's house beside the tower.
pub(crate) fn house(x: f32, y: f32, below: Colour) -> Colour {
    let (left, right, eaves, ground) = (566.0, 690.0, 516.0, 572.0);
    let mut colour = below;
    let wall = x > left && x < right && y > eaves && y < ground;
    if wall {
        let planks = 0.94 + 0.08 * noise(x / 30.0, y / 3.0, 2);
        colour = rgb(206, 184, 178)
            .mix(rgb(255, 228, 196), step(left, right, x))
            .times(planks);
        for window in [590.0, 626.0, 664.0] {
            let (across, up) = (x - window, y - 541.0);
            if across.abs() < 9.0 && up.abs() < 12.0 {
                let bar =
                    across.abs() < 1.1 || up.abs() < 1.1 || across.abs() > 7.6 || up.abs() > 10.6;
                colour = if bar {
                    rgb(112, 74, 66)
                } else {
                    rgb(255, 208, 122)
                };
            }
        }
    }
    let roof = y > 482.0 && y <= eaves + 2.0;
    let inset = (eaves - y) * 0.62 - 9.0;
    if roof && x > left + inset && x < right - inset {
        let tiles = 0.82 + 0.3 * noise(x / 5.0, (y / 5.0).floor() * 9.0, 2);
        colour = rgb(122, 46, 44)
            .mix(rgb(206, 92, 66), step(left, right, x))
            .times(tiles);
    }
    if (640.0..656.0).contains(&x) && (462.0..490.0).contains(&y) {
        colour = rgb(150, 84, 72).times(0.8 + 0.4 * hash((x / 5.0).floor(), (y / 4.0).floor()));
    }
    colour
}

/// The two cones of light that leave the lamp.
pub(crate) fn beam(x: f32, y: f32, below: Colour) -> Colour {
    let (right, down) = (x - LAMP.0, y - LAMP.1);
    let along = right.abs();
    let centre = if right > 0.0 { -0.10 } else { 0.07 } * along;
    let half = 5.0 + along * 0.062;
    let across = ((down - centre) / half).abs();
    let light = (1.0 - across * across).max(0.0) * (-along / 560.0).exp();
    let dust = 0.75 + 0.5 * noise(x / 60.0, y / 30.0, 3);
    below.plus(rgb(255, 234, 176).times(0.62 * light * dust))
}

pub(crate) fn lamp_glow(x: f32, y: f32) -> Colour {
    let away = distance(x, y, LAMP.0, LAMP.1);
    rgb(255, 216, 136).times(0.85 * (-away / 26.0).exp() + 0.16 * (-away / 120.0).exp())
}
