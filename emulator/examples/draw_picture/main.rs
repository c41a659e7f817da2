//! Draws `examples/lighthouse.jpg`, the sample picture.
//!
//! ```sh
//! cargo run -p zoetrope-emulator --release --example draw_picture -- examples/lighthouse.jpg
//! ```
//!
//! Every point of the picture is a function of its position, in layers: sky, sea, hills, cliff,
//! lighthouse, light.

mod colour;
mod field;
mod land;
mod lighthouse;
mod sky_and_sea;

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

use self::colour::Colour;
use self::land::{cliff, far_hills, meadow};
use self::lighthouse::{beam, house, lamp_glow, lighthouse};
use self::sky_and_sea::{HORIZON, boat, gulls, sea, sky};

const WIDTH: u16 = 1600;
const HEIGHT: u16 = 1000;
const QUALITY: u8 = 86;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("the first argument must be the path of the picture to write")?;
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
