//! Reads the size, length and frames of an MP4.

#[path = "../../emulator/tests/practice/support/mp4.rs"]
mod reader;

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// The properties of an MP4 with one video track.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clip {
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) frames: u32,
    /// The length of the clip.
    pub(crate) milliseconds: u64,
}

impl Clip {
    /// Reads an H.264 clip by its boxes. Where `ffprobe` is installed, both must agree.
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
        let clip = reader::Clip::read(file);
        assert!(
            clip.is_fast_start,
            "a player can begin before it has all of the file"
        );
        let ticks: u64 = clip.durations.iter().copied().map(u64::from).sum();
        Self {
            width: clip.size.0,
            height: clip.size.1,
            frames: u32::try_from(clip.samples.len()).expect("a short clip"),
            milliseconds: ticks * 1000 / u64::from(clip.timescale),
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

/// The MP4 of scripted providers: valid boxes without frames.
pub(crate) fn short_clip() -> Vec<u8> {
    static CLIP: OnceLock<Vec<u8>> = OnceLock::new();
    let make = || {
        let mut clip = boxed(*b"ftyp", b"isom\0\0\x02\0isommp41");
        clip.extend(boxed(*b"moov", &boxed(*b"mvhd", &[0; 100])));
        clip.extend(boxed(*b"mdat", &[7; 2884]));
        clip
    };
    CLIP.get_or_init(make).clone()
}

/// The same, with a text at its end in a box that players skip.
pub(crate) fn marked_clip(mark: &str) -> Vec<u8> {
    let mut clip = short_clip();
    clip.extend(boxed(*b"free", mark.as_bytes()));
    clip
}

fn boxed(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).expect("a short box");
    [&length.to_be_bytes()[..], &name[..], content].concat()
}
