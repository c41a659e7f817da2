//! Reads an MP4 as far as the tests of the renderer need. The tests of the emulator and those of
//! the whole program include this file.

use std::ops::Range;

/// The properties of an MP4 with one video track.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clip {
    /// Columns and rows.
    pub(crate) size: (u16, u16),
    /// Ticks a second, and the duration of each frame in ticks.
    pub(crate) timescale: u32,
    pub(crate) durations: Vec<u32>,
    /// The position of each frame's bytes.
    pub(crate) samples: Vec<Range<usize>>,
    /// Whether a player can begin before it has all of the file.
    pub(crate) is_fast_start: bool,
}

impl Clip {
    /// Reads the boxes of a file whose frames lie in one run.
    #[track_caller]
    pub(crate) fn read(file: &[u8]) -> Self {
        let top = boxes(file);
        let names: Vec<_> = top.iter().map(|(name, _)| name).collect();
        assert_eq!(names.first(), Some(&b"ftyp"), "an MP4 begins with ftyp");
        let place = |name: &[u8; 4]| names.iter().position(|known| *known == name);
        let track = find(file, &[b"moov", b"trak", b"mdia"]);
        let table = |name| find(track, &[b"minf", b"stbl", name]);
        let entry = find(&table(b"stsd")[8..], &[b"avc1"]);
        let durations = table(b"stts")[8..]
            .chunks_exact(8)
            .flat_map(|run| vec![number(run, 4); number(run, 0) as usize])
            .collect();
        let mut at = number(table(b"stco"), 8) as usize;
        let samples: Vec<_> = table(b"stsz")[12..]
            .chunks_exact(4)
            .map(|size| {
                let from = at;
                at += number(size, 0) as usize;
                from..at
            })
            .collect();
        let held: usize = top
            .iter()
            .filter(|(name, _)| name == b"mdat")
            .map(|(_, data)| data.len())
            .sum();
        assert!(
            (1..=held).contains(&samples.iter().map(Range::len).sum()),
            "every frame's bytes are in the file"
        );
        Self {
            size: (short(entry, 24), short(entry, 26)),
            timescale: number(find(track, &[b"mdhd"]), 12),
            durations,
            samples,
            is_fast_start: place(b"moov") < place(b"mdat"),
        }
    }
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

pub(crate) fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(bytes[at..at + 2].try_into().expect("two bytes"))
}
