//! Reads an MP4 back: just enough of it to check what the renderer wrote, and to see its frames.

use std::ops::Range;

use openh264::decoder::Decoder;
use openh264::formats::YUVSource;

/// What an MP4 with one video track says about itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clip {
    /// Columns and rows.
    pub(crate) size: (u16, u16),
    /// Ticks a second, and how many of them each frame lasts.
    pub(crate) timescale: u32,
    pub(crate) durations: Vec<u32>,
    /// Where each frame's bytes are.
    pub(crate) samples: Vec<Range<usize>>,
    /// Whether a player can begin before it has all of the file.
    pub(crate) is_fast_start: bool,
}

impl Clip {
    /// Reads the boxes of a file whose frames lie in one run.
    pub(crate) fn read(file: &[u8]) -> Self {
        let names: Vec<_> = boxes(file).into_iter().map(|(name, _)| name).collect();
        let place = |name: &[u8; 4]| names.iter().position(|known| known == name);
        let track = find(file, &[b"moov", b"trak", b"mdia"]);
        let table = |name| find(track, &[b"minf", b"stbl", name]);
        let entry = find(&table(b"stsd")[8..], &[b"avc1"]);
        let durations = table(b"stts")[8..]
            .chunks_exact(8)
            .flat_map(|run| vec![number(run, 4); number(run, 0) as usize])
            .collect();
        let mut at = number(table(b"stco"), 8) as usize;
        let samples = table(b"stsz")[12..]
            .chunks_exact(4)
            .map(|size| {
                let from = at;
                at += number(size, 0) as usize;
                from..at
            })
            .collect();
        Self {
            size: (short(entry, 24), short(entry, 26)),
            timescale: number(find(track, &[b"mdhd"]), 12),
            durations,
            samples,
            is_fast_start: place(b"moov") < place(b"mdat"),
        }
    }

    /// Decodes every frame; the luma rows of each.
    pub(crate) fn decode(&self, file: &[u8]) -> Vec<Vec<u8>> {
        let mut decoder = Decoder::new().expect("a decoder");
        let mut frames = Vec::new();
        for sample in &self.samples {
            let annex_b = with_start_codes(&file[sample.clone()]);
            let frame = decoder
                .decode(&annex_b)
                .expect("a sound frame")
                .expect("one a sample");
            let (width, height) = frame.dimensions();
            assert_eq!((width, height), (self.size.0.into(), self.size.1.into()));
            let stride = frame.strides().0;
            let rows = frame.y().chunks(stride).take(height);
            frames.push(rows.flat_map(|row| &row[..width]).copied().collect());
        }
        frames
    }
}

/// MP4 puts a length before each NAL unit where the decoder wants a start code.
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

/// The boxes that follow each other in these bytes.
fn boxes(mut bytes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut found = Vec::new();
    while bytes.len() >= 8 {
        let (this, rest) = bytes.split_at(number(bytes, 0) as usize);
        found.push((this[4..8].try_into().expect("four bytes"), &this[8..]));
        bytes = rest;
    }
    found
}

/// The content of the box at this path.
fn find<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> &'a [u8] {
    path.iter().fold(bytes, |bytes, name| {
        boxes(bytes)
            .into_iter()
            .find(|(known, _)| known == *name)
            .expect("the box")
            .1
    })
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(bytes[at..at + 2].try_into().expect("two bytes"))
}
