//! Sky, sea, boat and gulls.

use crate::colour::{Colour, gradient, rgb};
use crate::field::{distance, hash, noise, step};

/// The row of the horizon.
pub(crate) const HORIZON: f32 = 640.0;

/// The middle of the sun and its radius.
const SUN: (f32, f32, f32) = (1130.0, 566.0, 46.0);

pub(crate) fn sky(x: f32, y: f32) -> Colour {
    let height = y / HORIZON;
    let mut colour = gradient(
        height,
        &[
            (0.0, rgb(29, 42, 84)),
            (0.35, rgb(74, 78, 132)),
            (0.62, rgb(190, 112, 124)),
            (0.82, rgb(244, 163, 112)),
            (1.0, rgb(255, 214, 150)),
        ],
    );
    let from_sun = distance(x, y, SUN.0, SUN.1);
    colour = colour.plus(rgb(255, 176, 88).times(0.75 * (-from_sun / 190.0).exp()));
    // Stars, where the sky is dark enough.
    let star = hash((x / 3.0).floor(), (y / 3.0).floor());
    if star > 0.9985 {
        colour = colour.plus(rgb(255, 250, 235).times(0.8 * (1.0 - height / 0.4).max(0.0)));
    }
    colour = clouds(x, y, from_sun, colour);
    let disc = step(SUN.2 + 0.7, SUN.2 - 0.7, from_sun);
    colour.mix(rgb(255, 247, 214), disc)
}

fn clouds(x: f32, y: f32, from_sun: f32, below: Colour) -> Colour {
    let at = |x: f32, y: f32| {
        noise(
            x / 300.0 + 7.0,
            y / 74.0 + 0.35 * noise(x / 150.0, y / 60.0, 2),
            6,
        )
    };
    let here = at(x, y);
    let cover = step(0.5, 0.7, here) * step(20.0, 140.0, y) * step(HORIZON, HORIZON - 110.0, y);
    // Lit from the sun, which stands low: the lower edges shine.
    let edge = ((here - at(x + (SUN.0 - x) * 0.02, y + 9.0)) * 5.0).clamp(0.0, 1.0);
    let warmth = (-from_sun / 520.0).exp();
    let dark = rgb(84, 66, 112).mix(rgb(206, 112, 104), warmth);
    let light = rgb(238, 158, 142).mix(rgb(255, 226, 170), warmth);
    below.mix(dark.mix(light, 0.25 + 0.75 * edge), 0.85 * cover)
}

pub(crate) fn sea(x: f32, y: f32) -> Colour {
    let depth = y - HORIZON;
    // Perspective: waves are flatter and closer together towards the horizon.
    let near = 1.0 / (depth + 14.0);
    let wave = noise(
        x * near * 9.0 + 40.0,
        near * 5200.0 + 0.6 * noise(x / 90.0, y / 20.0, 2),
        4,
    ) - 0.5;
    let ripple = noise(x * near * 34.0, near * 16000.0, 3) - 0.5;
    let mirrored = HORIZON - depth * 1.35 + wave * 60.0;
    let mut colour =
        sky_without_clouds(mirrored).mix(rgb(22, 48, 78), step(0.0, 420.0, depth) * 0.72);
    colour = colour.times(0.86 + 0.7 * wave + 0.35 * ripple);
    // The sun's path on the water.
    let width = 46.0 + depth * 0.42;
    let path = (-((x - SUN.0) / width).powi(2)).exp();
    let glitter = step(0.03, 0.22, wave * 0.7 + ripple * 0.9 + 0.1 * path);
    colour = colour.plus(rgb(255, 190, 110).times(path * (0.25 + 0.95 * glitter)));
    // Haze where sea and sky meet.
    colour.mix(rgb(255, 206, 150), 0.55 * (-depth / 9.0).exp())
}

fn sky_without_clouds(y: f32) -> Colour {
    gradient(
        y / HORIZON,
        &[
            (0.0, rgb(44, 58, 104)),
            (0.55, rgb(120, 98, 138)),
            (0.85, rgb(214, 142, 118)),
            (1.0, rgb(250, 200, 146)),
        ],
    )
}

pub(crate) fn boat(x: f32, y: f32, below: Colour) -> Colour {
    let (middle, water) = (872.0, 676.0);
    let (right, up) = (x - middle, water - y);
    let mut colour = below;
    let sail = up > 5.0 && up < 62.0 && right > 1.5 && right < (62.0 - up) * 0.52;
    let jib = up > 7.0 && up < 50.0 && right < -1.0 && right > -(50.0 - up) * 0.36;
    if sail {
        colour = rgb(250, 232, 206).times(0.82 + 0.22 * (right / 28.0));
    }
    if jib {
        colour = rgb(226, 190, 172);
    }
    if up > 3.0 && up < 68.0 && right.abs() < 0.9 {
        colour = rgb(70, 44, 46);
    }
    let hull = up > -4.0 && up < 5.0 && right.abs() < 24.0 + up * 1.3;
    if hull {
        colour = rgb(86, 40, 42).mix(rgb(214, 126, 92), step(0.0, 24.0, right) * 0.6);
    }
    // Its reflection.
    let deep = -up;
    if deep > 4.0 && deep < 46.0 && right.abs() < 20.0 {
        let broken = step(0.4, 0.6, noise(x / 16.0, y / 2.6, 2));
        colour = colour.mix(rgb(120, 84, 96), 0.4 * broken * (1.0 - deep / 46.0));
    }
    colour
}

pub(crate) fn gulls(x: f32, y: f32, below: Colour) -> Colour {
    let birds = [
        (700.0, 268.0, 24.0),
        (762.0, 232.0, 17.0),
        (676.0, 330.0, 14.0),
        (1290.0, 330.0, 20.0),
        (1345.0, 368.0, 13.0),
        (228.0, 300.0, 19.0),
    ];
    let mut colour = below;
    for (middle, height, span) in birds {
        let side = (x - middle) / span;
        if side.abs() < 1.0 {
            let wing = height - span * 0.42 * (1.0 - (2.0 * side.abs() - 0.9).powi(2));
            let thick = span * 0.11 * (1.0 - side.abs()) + 0.6;
            let inside = step(thick + 0.7, thick - 0.3, (y - wing).abs());
            colour = colour.mix(rgb(46, 38, 60), 0.92 * inside);
        }
    }
    colour
}
