//! Renders a PNG from a picture, a filter and a frame.
//!
//! The same input gives the same bytes.

use std::io::Cursor;

use flate2::Crc;
use image::{ImageError, ImageFormat, RgbImage};
use serde::{Deserialize, Serialize};

use crate::aspect::Aspect;
use crate::filter::Filter;
use crate::picture::{self, PictureError};
use crate::title::TITLE;

/// How a picture is made from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Redrawing {
    #[serde(rename = "look")]
    pub(crate) filter: Filter,
    pub(crate) strength: Strength,
    pub(crate) frame: Frame,
}

/// The share of the filter in 255ths. At 0 the picture stays unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Strength(u8);

impl Strength {
    /// Three fifths.
    pub(crate) const DEFAULT: Self = Self(153);

    /// The strength from 0 to 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "255 times a share is a byte"
    )]
    pub(crate) fn of_share(share: f64) -> Option<Self> {
        let is_share = (0.0..=1.0).contains(&share);
        is_share.then(|| Self((share * 255.0).round() as u8))
    }

    fn mix(self, one: u8, other: u8) -> u8 {
        let part = u32::from(self.0);
        let mixed = (u32::from(one) * (255 - part) + u32::from(other) * part + 127) / 255;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    }
}

/// How the size of a picture is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Frame {
    /// The size of the source.
    OfPicture,
    /// The largest part of the source with this aspect.
    Aspect(Aspect),
    /// This many pixels.
    Size(Pixels),
}

/// Width and height, each from 16 to 2048, written as `1024x768`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub(crate) struct Pixels {
    width: u32,
    height: u32,
}

/// The longest side of a picture.
const MAX_SIDE: u32 = 2048;

/// The shortest side that can be requested.
const MIN_SIDE: u32 = 16;

impl Pixels {
    /// Reads a size.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (width, height) = text.split_once(['x', 'X'])?;
        Self::try_from((width.parse().ok()?, height.parse().ok()?)).ok()
    }
}

impl TryFrom<(u32, u32)> for Pixels {
    type Error = &'static str;

    fn try_from((width, height): (u32, u32)) -> Result<Self, Self::Error> {
        let sides = MIN_SIDE..=MAX_SIDE;
        (sides.contains(&width) && sides.contains(&height))
            .then_some(Self { width, height })
            .ok_or("not a size from 16x16 to 2048x2048")
    }
}

impl From<Pixels> for (u32, u32) {
    fn from(pixels: Pixels) -> Self {
        (pixels.width, pixels.height)
    }
}

impl Frame {
    /// The width and height of the result for a source of this width and height.
    fn pixels(self, (width, height): (u32, u32)) -> (u32, u32) {
        let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
        let (width, height) = match self {
            Self::Size(pixels) => return pixels.into(),
            Self::OfPicture => (width, height),
            Self::Aspect(aspect) => {
                let (across, down): (u32, u32) = aspect.into();
                let aspect = f64::from(across) / f64::from(down);
                (width.min(height * aspect), height.min(width / aspect))
            }
        };
        let scale = (f64::from(MAX_SIDE) / width.max(height)).min(1.0);
        (whole(width * scale), whole(height * scale))
    }
}

/// The nearest whole number of pixels, at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion from float to integer saturates"
)]
fn whole(pixels: f64) -> u32 {
    (pixels.round() as u32).max(1)
}

/// Why a picture could not be redrawn.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedrawError {
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error("the picture cannot be written as PNG")]
    Encode(#[source] ImageError),
}

impl Redrawing {
    /// Renders the picture as a PNG with the practice title.
    pub(crate) fn draw(&self, source: &RgbImage) -> Result<Vec<u8>, RedrawError> {
        let (width, height) = self.frame.pixels(source.dimensions());
        let mut picture = picture::cover(source, width, height)?;
        let filter = self.filter.of(&picture);
        for (pixel, filter) in picture.pixels_mut().zip(filter.pixels()) {
            for (value, filter) in pixel.0.iter_mut().zip(filter.0) {
                *value = self.strength.mix(*value, filter);
            }
        }
        let mut png = Cursor::new(Vec::new());
        picture
            .write_to(&mut png, ImageFormat::Png)
            .map_err(RedrawError::Encode)?;
        Ok(titled(png.into_inner()))
    }
}

/// Inserts the title into a PNG as a chunk `tEXt` after the header; the encoder cannot do this.
fn titled(mut png: Vec<u8>) -> Vec<u8> {
    /// Where every PNG's first chunk, its header, ends.
    const HEADER_END: usize = 8 + 4 + 4 + 13 + 4;
    let body = [b"tEXtTitle\0", TITLE.as_bytes()].concat();
    let length = u32::try_from(body.len() - 4).unwrap_or_default();
    let mut checksum = Crc::new();
    checksum.update(&body);
    let chunk = [
        &length.to_be_bytes()[..],
        &body,
        &checksum.sum().to_be_bytes(),
    ]
    .concat();
    png.splice(HEADER_END..HEADER_END, chunk);
    png
}

/// The small picture of the instant mode.
pub(crate) fn instant_picture() -> Result<Vec<u8>, RedrawError> {
    let picture = RgbImage::from_pixel(16, 16, image::Rgb([90, 120, 150]));
    let redrawing = Redrawing {
        filter: Filter::Film,
        strength: Strength::DEFAULT,
        frame: Frame::OfPicture,
    };
    redrawing.draw(&picture)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn source() -> RgbImage {
        RgbImage::from_fn(90, 60, |x, y| {
            let tile = u8::try_from((x / 10 + y / 10) % 2).unwrap_or(0);
            Rgb([tile * 200, 90, u8::try_from(x * 2).unwrap_or(0)])
        })
    }

    fn drawn(strength: f64, frame: Frame) -> Vec<u8> {
        let redrawing = Redrawing {
            filter: Filter::Noir,
            strength: Strength::of_share(strength).expect("a strength"),
            frame,
        };
        redrawing.draw(&source()).expect("a PNG")
    }

    fn difference(strength: f64) -> u64 {
        let png = drawn(strength, Frame::OfPicture);
        let picture = picture::decode(&png).expect("a picture");
        let pairs = picture.as_raw().iter().zip(source().into_raw());
        pairs
            .map(|(one, other)| u64::from(one.abs_diff(other)))
            .sum()
    }

    #[test]
    fn strength_decides_how_much_changes() {
        assert_eq!(difference(0.0), 0);
        assert!(difference(0.2) > 0);
        assert!(difference(1.0) > 3 * difference(0.2));
        for wrong in [-0.1, 1.1, f64::NAN] {
            assert_eq!(Strength::of_share(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn same_input_gives_the_same_bytes_with_a_title() {
        let png = drawn(0.5, Frame::OfPicture);
        assert!(png == drawn(0.5, Frame::OfPicture));
        assert!(
            png.windows(TITLE.len())
                .any(|part| part == TITLE.as_bytes())
        );
    }

    #[test]
    fn frames_cut_and_scale() {
        let aspect = |text: &str| Frame::Aspect(text.parse().expect("an aspect"));
        let size = |text| Frame::Size(Pixels::parse(text).expect("a size"));
        let cases = [
            (Frame::OfPicture, (90, 60), (90, 60)),
            (Frame::OfPicture, (4096, 2), (2048, 1)),
            (aspect("1:1"), (90, 60), (60, 60)),
            (aspect("16:9"), (160, 160), (160, 90)),
            (aspect("1:1000"), (90, 60), (1, 60)),
            (size("32x1024"), (90, 60), (32, 1024)),
        ];
        for (frame, source, pixels) in cases {
            assert_eq!(frame.pixels(source), pixels, "{frame:?}");
        }
        for wrong in ["", "8x64", "64", "64x", "4096x64", "-64x64", "64x64x64"] {
            assert_eq!(Pixels::parse(wrong), None, "{wrong}");
        }
        let picture = picture::decode(&drawn(1.0, size("48x16"))).expect("a picture");
        assert_eq!(picture.dimensions(), (48, 16));
    }
}
