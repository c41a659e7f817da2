//! Decodes the clip that the run made.

use std::error::Error;

use image::{Rgb, RgbImage};
use openh264::decoder::{DecodedYUV, Decoder};
use openh264::formats::YUVSource;

use crate::mp4::{self, number};

/// One frame of so many is drawn: six a second, of a clip of 24 a second.
const STRIDE: usize = 4;

/// The frames that are drawn.
pub(crate) struct Clip {
    pub(crate) frames: Vec<RgbImage>,
    /// How long one of them is shown.
    pub(crate) frame_seconds: f64,
}

/// Decodes an MP4 with H.264.
pub(crate) fn decode(file: &[u8]) -> Result<Clip, Box<dyn Error>> {
    let clip = mp4::Clip::read(file);
    let mut decoder = Decoder::new()?;
    let mut frames = Vec::new();
    let mut ticks = 0;
    for (index, (sample, duration)) in clip.samples.iter().zip(&clip.durations).enumerate() {
        let annex_b = with_start_codes(&file[sample.clone()]);
        let frame = decoder.decode(&annex_b)?.ok_or("a sample has no frame")?;
        ticks += duration;
        if index % STRIDE == 0 {
            frames.push(rgb(&frame)?);
        }
    }
    let shown = u32::try_from(frames.len())?;
    Ok(Clip {
        frames,
        frame_seconds: f64::from(ticks) / f64::from(clip.timescale) / f64::from(shown),
    })
}

/// MP4 puts a length before each NAL unit where the decoder needs a start code.
fn with_start_codes(mut sample: &[u8]) -> Vec<u8> {
    let mut annex_b = Vec::new();
    while !sample.is_empty() {
        let (unit, rest) = sample[4..].split_at(number(sample, 0) as usize);
        annex_b.extend_from_slice(&[0, 0, 0, 1]);
        annex_b.extend_from_slice(unit);
        sample = rest;
    }
    annex_b
}

/// Converts BT.709 in limited range, which is what the emulator encodes; the decoder's own
/// conversion assumes BT.601.
fn rgb(frame: &DecodedYUV<'_>) -> Result<RgbImage, Box<dyn Error>> {
    let (width, height) = frame.dimensions();
    let (luma_stride, blue_stride, red_stride) = frame.strides();
    Ok(RgbImage::from_fn(
        u32::try_from(width)?,
        u32::try_from(height)?,
        |x, y| {
            let (x, y) = (x as usize, y as usize);
            let luma = (f32::from(frame.y()[y * luma_stride + x]) - 16.0) / 219.0;
            let chroma = |plane: &[u8], stride: usize| {
                (f32::from(plane[y / 2 * stride + x / 2]) - 128.0) / 224.0
            };
            let blue = chroma(frame.u(), blue_stride);
            let red = chroma(frame.v(), red_stride);
            Rgb([
                luma + 1.5748 * red,
                luma - 0.1873 * blue - 0.4681 * red,
                luma + 1.8556 * blue,
            ]
            .map(byte))
        },
    ))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion from float to integer saturates"
)]
fn byte(share: f32) -> u8 {
    (share * 255.0).round() as u8
}
