//! Draws `examples/lighthouse.jpg`, the sample picture: nothing in it comes from elsewhere.
//!
//! ```sh
//! cargo run -p zoetrope-emulator --release --example draw_picture -- examples/lighthouse.jpg
//! ```
//!
//! Every point of the picture is a function of its place, layer over layer: sky, sea, hills,
//! cliff, lighthouse, light.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

const WIDTH: u16 = 1600;
const HEIGHT: u16 = 1000;
const QUALITY: u8 = 86;

/// Where the sea meets the sky.
const HORIZON: f32 = 640.0;

/// The middle of the sun and its radius.
const SUN: (f32, f32, f32) = (1130.0, 566.0, 46.0);

/// The middle of the lighthouse's lamp.
const LAMP: (f32, f32) = (505.0, 206.0);

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("say where the picture is to go")?;
    let mut picture = RgbImage::new(WIDTH.into(), HEIGHT.into());
    for (row, pixels) in (0..HEIGHT).zip(picture.rows_mut()) {
        for (column, pixel) in (0..WIDTH).zip(pixels) {
            // Four points a pixel smooth the edges.
            let points = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)];
            let sum = points.iter().fold(Colour::default(), |sum, (x, y)| {
                sum.plus(paint(f32::from(column) + x, f32::from(row) + y))
            });
            *pixel = sum.times(0.25).pixel();
        }
    }
    let file = BufWriter::new(File::create(path)?);
    picture.write_with_encoder(JpegEncoder::new_with_quality(file, QUALITY))?;
    Ok(())
}

/// The colour of one point.
fn paint(x: f32, y: f32) -> Colour {
    let mut colour = if y < HORIZON { sky(x, y) } else { sea(x, y) };
    colour = far_hills(x, y, colour);
    colour = boat(x, y, colour);
    colour = beam(x, y, colour);
    colour = cliff(x, y, colour);
    colour = house(x, y, colour);
    colour = lighthouse(x, y, colour);
    colour = gulls(x, y, colour);
    colour = meadow(x, y, colour);
    colour.plus(lamp_glow(x, y))
}

fn sky(x: f32, y: f32) -> Colour {
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

fn sea(x: f32, y: f32) -> Colour {
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

fn far_hills(x: f32, y: f32, below: Colour) -> Colour {
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

fn boat(x: f32, y: f32, below: Colour) -> Colour {
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

/// The two cones of light that leave the lamp.
fn beam(x: f32, y: f32, below: Colour) -> Colour {
    let (right, down) = (x - LAMP.0, y - LAMP.1);
    let along = right.abs();
    let centre = if right > 0.0 { -0.10 } else { 0.07 } * along;
    let half = 5.0 + along * 0.062;
    let across = ((down - centre) / half).abs();
    let light = (1.0 - across * across).max(0.0) * (-along / 560.0).exp();
    let dust = 0.75 + 0.5 * noise(x / 60.0, y / 30.0, 3);
    below.plus(rgb(255, 234, 176).times(0.62 * light * dust))
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

fn cliff(x: f32, y: f32, below: Colour) -> Colour {
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

/// The keeper's house beside the tower.
fn house(x: f32, y: f32, below: Colour) -> Colour {
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

fn lighthouse(x: f32, y: f32, below: Colour) -> Colour {
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

/// What stands on the tower: the gallery with its rail, the lantern and the dome.
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

fn lamp_glow(x: f32, y: f32) -> Colour {
    let away = distance(x, y, LAMP.0, LAMP.1);
    rgb(255, 216, 136).times(0.85 * (-away / 26.0).exp() + 0.16 * (-away / 120.0).exp())
}

fn gulls(x: f32, y: f32, below: Colour) -> Colour {
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

/// Grass and flowers in front.
fn meadow(x: f32, y: f32, below: Colour) -> Colour {
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

/// A colour; 1 is full light.
#[derive(Clone, Copy, Default)]
struct Colour([f32; 3]);

fn rgb(red: u8, green: u8, blue: u8) -> Colour {
    Colour([red, green, blue].map(|part| f32::from(part) / 255.0))
}

impl Colour {
    fn with(mut self, other: Self, each: impl Fn(f32, f32) -> f32) -> Self {
        for (one, other) in self.0.iter_mut().zip(other.0) {
            *one = each(*one, other);
        }
        self
    }

    fn plus(self, other: Self) -> Self {
        self.with(other, |one, other| one + other)
    }

    fn tint(self, other: Self) -> Self {
        self.with(other, |one, other| one * other)
    }

    fn times(self, factor: f32) -> Self {
        Self(self.0.map(|part| part * factor))
    }

    fn mix(self, other: Self, share: f32) -> Self {
        self.with(other, |one, other| {
            one + (other - one) * share.clamp(0.0, 1.0)
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a conversion from float to integer saturates"
    )]
    fn pixel(self) -> Rgb<u8> {
        Rgb(self.0.map(|part| (part * 255.0).round() as u8))
    }
}

/// From 0 to 1 on the way from one edge to the other, smoothly.
fn step(from: f32, to: f32, value: f32) -> f32 {
    let way = ((value - from) / (to - from)).clamp(0.0, 1.0);
    way * way * (3.0 - 2.0 * way)
}

fn distance(x: f32, y: f32, to_x: f32, to_y: f32) -> f32 {
    (x - to_x).hypot(y - to_y)
}

fn gradient(at: f32, stops: &[(f32, Colour)]) -> Colour {
    let mut colour = stops[0].1;
    for pair in stops.windows(2) {
        colour = colour.mix(pair[1].1, (at - pair[0].0) / (pair[1].0 - pair[0].0));
    }
    colour
}

fn gradient_of(at: f32, stops: &[(f32, f32)]) -> f32 {
    stops.windows(2).fold(stops[0].1, |value, pair| {
        value + (pair[1].1 - pair[0].1) * step(pair[0].0, pair[1].0, at)
    })
}

/// A number from 0 to 1 that belongs to a place of the integer grid.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "any number will do, as long as it is always the same"
)]
fn hash(x: f32, y: f32) -> f32 {
    let mut bits =
        (x as i32 as u32).wrapping_mul(0x9E37_79B1) ^ (y as i32 as u32).wrapping_mul(0x85EB_CA77);
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x2C1B_3C6D);
    bits = (bits ^ (bits >> 12)).wrapping_mul(0x297A_2D39);
    (bits ^ (bits >> 15)) as f32 / u32::MAX as f32
}

/// Smooth noise from 0 to 1 with this many octaves.
fn noise(x: f32, y: f32, octaves: u8) -> f32 {
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
