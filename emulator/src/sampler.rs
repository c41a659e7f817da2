//! Samples frames from a picture that is stored as luma and chroma planes.

use image::RgbImage;
use openh264::formats::YUVSource;

use crate::camera_path::Pose;

/// Fractional bits of a position within a row: exact to a hundredth of a pixel over the widest
/// frame, for up to 32,768 pixels.
const POSITION_BITS: u32 = 16;

/// Fractional bits of a bilinear weight.
const WEIGHT_BITS: u32 = 8;

/// The weight of a sample that is hit exactly.
const WEIGHT: u32 = 1 << WEIGHT_BITS;

/// The shares of the primaries in luma, after BT.709.
const RED: f32 = 0.2126;
const GREEN: f32 = 0.7152;
const BLUE: f32 = 0.0722;

/// Limited range: luma takes 219 of 255 steps, chroma 224.
const LUMA_RANGE: f32 = 219.0 / 255.0;
const CHROMA_RANGE: f32 = 224.0 / 255.0;

/// One component of a picture.
struct Plane {
    width: usize,
    height: usize,
    samples: Vec<u8>,
}

/// A picture as luma and chroma, 4:2:0, BT.709, limited range, which is the encoder's format.
///
/// Colours are converted once; each frame only samples the planes.
pub(crate) struct Sampler {
    luma: Plane,
    blue: Plane,
    red: Plane,
}

impl Sampler {
    /// Converts a picture whose width and height are even.
    pub(crate) fn new(picture: &RgbImage) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let mut luma = Plane::new(width, height);
        let mut blue = Plane::new(width / 2, height / 2);
        let mut red = Plane::new(width / 2, height / 2);
        let row_bytes = width * 3;
        let pairs = picture.as_raw().chunks_exact(row_bytes * 2);
        for (pair, rows) in pairs.enumerate() {
            let (upper, lower) = rows.split_at(row_bytes);
            for (line, row) in [upper, lower].into_iter().enumerate() {
                let start = (2 * pair + line) * width;
                let target = &mut luma.samples[start..start + width];
                for (sample, pixel) in target.iter_mut().zip(row.chunks_exact(3)) {
                    *sample = luma_of(pixel);
                }
            }
            for (column, (upper, lower)) in
                upper.chunks_exact(6).zip(lower.chunks_exact(6)).enumerate()
            {
                let part = |at: usize| {
                    [upper[at], upper[at + 3], lower[at], lower[at + 3]]
                        .map(f32::from)
                        .iter()
                        .sum::<f32>()
                        / 4.0
                };
                let at = pair * (width / 2) + column;
                (blue.samples[at], red.samples[at]) = chroma_of([part(0), part(1), part(2)]);
            }
        }
        Self { luma, blue, red }
    }

    /// Samples one frame.
    pub(crate) fn sample_frame(&self, pose: &Pose, frame: &mut Frame) {
        let (width, height) = (frame.width, frame.height);
        let luma = Grid::new(pose, width, height, 1.0);
        self.luma.sample(&luma, width, &mut frame.luma);
        let chroma = Grid::new(pose, width, height, 2.0);
        self.blue.sample(&chroma, width / 2, &mut frame.blue);
        self.red.sample(&chroma, width / 2, &mut frame.red);
    }
}

/// One frame in 4:2:0, as the encoder takes it.
pub(crate) struct Frame {
    width: usize,
    height: usize,
    luma: Vec<u8>,
    blue: Vec<u8>,
    red: Vec<u8>,
}

impl Frame {
    /// A frame of an even width and height.
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width as usize, height as usize);
        Self {
            width,
            height,
            luma: vec![0; width * height],
            blue: vec![0; width * height / 4],
            red: vec![0; width * height / 4],
        }
    }
}

impl YUVSource for Frame {
    fn dimensions(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.width, self.width / 2, self.width / 2)
    }

    fn y(&self) -> &[u8] {
        &self.luma
    }

    fn u(&self) -> &[u8] {
        &self.blue
    }

    fn v(&self) -> &[u8] {
        &self.red
    }
}

/// Where the samples of a frame lie in a plane: an affine grid.
struct Grid {
    /// Position of the first sample, in samples of the plane.
    origin: (f64, f64),
    /// Step from one column to the next.
    column: (f64, f64),
    /// Step from one row to the next.
    row: (f64, f64),
}

impl Grid {
    /// The grid for a plane that holds one sample for each `pitch` by `pitch` pixels, in the
    /// picture as in the frame.
    fn new(pose: &Pose, width: usize, height: usize, pitch: f64) -> Self {
        let (sin, cos) = pose.angle.sin_cos();
        let step = (pose.scale * cos, pose.scale * sin);
        // The middle of the first sample. Chroma lies between two rows but in the column of a luma
        // sample, as H.264 has it where a stream does not say otherwise.
        let dx = (1.0 - real(width)) / 2.0;
        let dy = (pitch - real(height)) / 2.0;
        let x = pose.x + dx * step.0 - dy * step.1;
        let y = pose.y + dx * step.1 + dy * step.0;
        Self {
            origin: (x / pitch - 0.5, y / pitch - 0.5),
            column: step,
            row: (-step.1, step.0),
        }
    }
}

impl Plane {
    fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            samples: vec![0; width * height],
        }
    }

    /// Samples a grid bilinearly into rows of `columns` samples.
    fn sample(&self, grid: &Grid, columns: usize, target: &mut [u8]) {
        let step = (fixed(grid.column.0), fixed(grid.column.1));
        for (index, row) in target.chunks_exact_mut(columns).enumerate() {
            let down = real(index);
            let mut x = fixed(grid.origin.0 + down * grid.row.0);
            let mut y = fixed(grid.origin.1 + down * grid.row.1);
            for sample in row {
                *sample = self.bilinear(x, y);
                x += step.0;
                y += step.1;
            }
        }
    }

    #[inline]
    fn bilinear(&self, x: i32, y: i32) -> u8 {
        // Every pose stays inside the picture. If rounding leaves it, the edge is repeated.
        let (column, right) = split(x, self.width - 2);
        let (line, below) = split(y, self.height - 2);
        let at = line * self.width + column;
        let upper = mix(self.samples[at], self.samples[at + 1], right);
        let at = at + self.width;
        let lower = mix(self.samples[at], self.samples[at + 1], right);
        let sum = upper * (WEIGHT - below) + lower * below;
        byte((sum + WEIGHT * WEIGHT / 2) / (WEIGHT * WEIGHT))
    }
}

/// Whole part, at most `last`, and weight of the next sample, of a fixed-point position.
#[inline]
fn split(position: i32, last: usize) -> (usize, u32) {
    let position = position.max(0).unsigned_abs();
    let weight = (position >> (POSITION_BITS - WEIGHT_BITS)) % WEIGHT;
    ((position as usize >> POSITION_BITS).min(last), weight)
}

#[inline]
fn mix(one: u8, other: u8, weight: u32) -> u32 {
    u32::from(one) * (WEIGHT - weight) + u32::from(other) * weight
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "pictures are far smaller than 32,768 pixels"
)]
fn fixed(position: f64) -> i32 {
    (position * f64::from(1 << POSITION_BITS)).round() as i32
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sides are far below 2^52 pixels"
)]
fn real(pixels: usize) -> f64 {
    pixels as f64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a weighted mean of bytes is a byte"
)]
#[inline]
fn byte(value: u32) -> u8 {
    value as u8
}

/// The luma of an RGB pixel.
fn luma_of(pixel: &[u8]) -> u8 {
    let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(f32::from);
    quantize(16.0 + (RED * red + GREEN * green + BLUE * blue) * LUMA_RANGE)
}

/// The two chroma samples (blue, red) of an RGB colour.
fn chroma_of([red, green, blue]: [f32; 3]) -> (u8, u8) {
    let luma = RED * red + GREEN * green + BLUE * blue;
    (
        quantize(128.0 + (blue - luma) / (2.0 * (1.0 - BLUE)) * CHROMA_RANGE),
        quantize(128.0 + (red - luma) / (2.0 * (1.0 - RED)) * CHROMA_RANGE),
    )
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion from float to integer saturates"
)]
fn quantize(value: f32) -> u8 {
    value.round() as u8
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn sampled(picture: &RgbImage, pose: &Pose, width: u32, height: u32) -> Frame {
        let mut frame = Frame::new(width, height);
        Sampler::new(picture).sample_frame(pose, &mut frame);
        frame
    }

    const STILL: Pose = Pose {
        x: 16.0,
        y: 16.0,
        scale: 1.0,
        angle: 0.0,
    };

    #[test]
    fn colours_are_bt709_in_limited_range() {
        let cases = [
            ([0, 0, 0], (16, 128, 128)),
            ([255, 255, 255], (235, 128, 128)),
            ([255, 0, 0], (63, 102, 240)),
            ([0, 255, 0], (173, 42, 26)),
            ([0, 0, 255], (32, 240, 118)),
        ];
        for (colour, (luma, blue, red)) in cases {
            let frame = sampled(&RgbImage::from_pixel(32, 32, Rgb(colour)), &STILL, 8, 8);
            assert!(
                frame.luma.iter().all(|sample| *sample == luma),
                "{colour:?}"
            );
            assert!(
                frame.blue.iter().all(|sample| *sample == blue),
                "{colour:?}"
            );
            assert!(frame.red.iter().all(|sample| *sample == red), "{colour:?}");
        }
    }

    #[test]
    fn level_view_at_scale_one_shows_the_pixels_themselves() {
        let picture = RgbImage::from_fn(32, 32, |x, y| {
            Rgb([u8::try_from((x * 8) ^ (y * 3)).unwrap_or(0); 3])
        });
        let frame = sampled(&picture, &STILL, 8, 8);
        for y in 0..8 {
            for x in 0..8 {
                let pixel = picture.get_pixel(x + 12, y + 12);
                let sample = frame.luma[(y * 8 + x) as usize];
                assert_eq!(sample, luma_of(&pixel.0), "{x} {y}");
            }
        }
    }

    #[test]
    fn half_step_lies_between_two_pixels() {
        let picture = RgbImage::from_fn(32, 32, |x, _| Rgb([if x < 16 { 0 } else { 255 }; 3]));
        let pose = Pose { x: 16.5, ..STILL };
        let frame = sampled(&picture, &pose, 8, 8);
        assert_eq!(frame.luma[2..6], [16, 126, 235, 235]);
    }

    #[test]
    fn pose_outside_repeats_the_edge() {
        let picture = RgbImage::from_pixel(32, 32, Rgb([9, 99, 199]));
        let pose = Pose {
            x: -50.0,
            y: 500.0,
            scale: 3.0,
            angle: 1.0,
        };
        let frame = sampled(&picture, &pose, 8, 8);
        assert!(frame.luma.iter().all(|sample| *sample == frame.luma[0]));
    }
}
