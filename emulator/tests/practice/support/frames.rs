//! Decodes the frames of a clip.

use openh264::decoder::Decoder;
use openh264::formats::YUVSource;

use super::mp4::{Clip, number};

/// Decodes every frame; the luma rows of each.
pub(crate) fn decode(clip: &Clip, file: &[u8]) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::new().expect("a decoder");
    let mut frames = Vec::new();
    for sample in &clip.samples {
        let annex_b = with_start_codes(&file[sample.clone()]);
        let frame = decoder
            .decode(&annex_b)
            .expect("a valid frame")
            .expect("one a sample");
        let (width, height) = frame.dimensions();
        assert_eq!((width, height), (clip.size.0.into(), clip.size.1.into()));
        let stride = frame.strides().0;
        let rows = frame.y().chunks(stride).take(height);
        frames.push(rows.flat_map(|row| &row[..width]).copied().collect());
    }
    frames
}

/// MP4 puts a length before each NAL unit where the decoder expects a start code.
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
