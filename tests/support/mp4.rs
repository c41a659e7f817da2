//! Clips read back: just enough of an MP4 to see what it holds.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// What an MP4 with one video track says about itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clip {
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) frames: u32,
    /// Of the whole clip, in thousandths of a second.
    pub(crate) milliseconds: u64,
}

impl Clip {
    /// Reads an H.264 clip by its boxes, and by `ffprobe` where there is one.
    #[track_caller]
    pub(crate) fn open(path: &Path) -> Self {
        let bytes = std::fs::read(path).expect("a clip");
        let clip = Self::read(&bytes);
        if let Some(seen) = ffprobe(path) {
            let Self {
                width,
                height,
                frames,
                ..
            } = clip;
            assert_eq!(seen, format!("h264,{width},{height},{frames}"));
        }
        clip
    }

    #[track_caller]
    fn read(file: &[u8]) -> Self {
        let top = boxes(file);
        assert_eq!(
            top.first().map(|(name, _)| name),
            Some(b"ftyp"),
            "an MP4 begins with ftyp"
        );
        let media = find(file, &[b"moov", b"trak", b"mdia"]);
        let table = |name| find(media, &[b"minf", b"stbl", name]);
        let entry = find(&table(b"stsd")[8..], &[b"avc1"]);
        let sizes = table(b"stsz");
        let pixels: u64 = sizes[12..]
            .chunks_exact(4)
            .map(|size| u64::from(number(size, 0)))
            .sum();
        let held = top
            .iter()
            .filter(|(name, _)| name == b"mdat")
            .map(|(_, data)| data.len() as u64);
        assert!(
            pixels > 0 && pixels <= held.sum(),
            "every frame's bytes are in the file"
        );
        let runs = table(b"stts")[8..].chunks_exact(8);
        let ticks: u64 = runs
            .map(|run| u64::from(number(run, 0)) * u64::from(number(run, 4)))
            .sum();
        Self {
            width: short(entry, 24),
            height: short(entry, 26),
            frames: number(sizes, 8),
            milliseconds: ticks * 1000 / u64::from(number(find(media, &[b"mdhd"]), 12)),
        }
    }
}

/// Codec, size and number of frames as `ffprobe` counts them; `None` where there is no `ffprobe`.
fn ffprobe(path: &Path) -> Option<String> {
    let arguments = "-v error -count_frames -select_streams v:0 -of csv=p=0 \
                     -show_entries stream=codec_name,width,height,nb_read_frames";
    let output = Command::new("ffprobe")
        .args(arguments.split_whitespace())
        .arg(path)
        .output()
        .ok()?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// An MP4 as a scripted provider gives it: whole as far as boxes go, and nothing to see.
pub(crate) fn short_clip() -> Vec<u8> {
    static CLIP: OnceLock<Vec<u8>> = OnceLock::new();
    let make = || {
        let mut clip = Vec::new();
        let mut add = |name: &[u8; 4], content: &[u8]| {
            let length = u32::try_from(content.len() + 8).expect("a short box");
            clip.extend_from_slice(&length.to_be_bytes());
            clip.extend_from_slice(name);
            clip.extend_from_slice(content);
        };
        add(b"ftyp", b"isom\0\0\x02\0isommp41");
        add(b"mdat", &[7; 3000]);
        clip
    };
    CLIP.get_or_init(make).clone()
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
    let inside = |bytes: &'a [u8], name: &&[u8; 4]| {
        let found = boxes(bytes).into_iter().find(|(known, _)| known == *name);
        found.expect("the box").1
    };
    path.iter().fold(bytes, inside)
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(bytes[at..at + 2].try_into().expect("two bytes"))
}
