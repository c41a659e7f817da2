//! JPEG (ITU-T T.81, annex B): markers, most of them with a segment of a length, and coded
//! data after each start of a scan.

use super::damage::Damage;
use super::pieces::{Head, skip};

#[derive(Default)]
pub(super) struct Jpeg {
    at: At,
    head: Head,
    /// Whether a frame header was read: the size of the picture.
    has_frame: bool,
    has_scan: bool,
    /// Whether the last scan has coded data.
    has_data: bool,
    damage: Option<Damage>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum At {
    #[default]
    Start,
    /// Before a marker, which begins with FF. Other bytes are passed over, as decoders do.
    Marker,
    /// After an FF.
    Code,
    /// The length of the segment of this marker.
    Length(u8),
    Segment {
        marker: u8,
        left: u64,
    },
    /// In coded data, up to a marker.
    Scan,
    /// In coded data, after an FF.
    ScanCode,
    /// After the end marker, or after damage.
    Done,
}

const START_OF_IMAGE: u8 = 0xd8;
const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

impl Jpeg {
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && self.at != At::Done {
            match self.at {
                At::Start => {
                    if self.head.take::<2>(&mut rest).is_some() {
                        self.at = At::Marker;
                    }
                }
                At::Marker | At::Scan => {
                    let found = rest.iter().position(|byte| *byte == 0xff);
                    self.has_data |= self.at == At::Scan && found != Some(0);
                    rest = &rest[found.map_or(rest.len(), |at| at + 1)..];
                    self.at = match (found, self.at) {
                        (None, at) => at,
                        (_, At::Scan) => At::ScanCode,
                        _ => At::Code,
                    };
                }
                At::Code | At::ScanCode => {
                    let in_scan = self.at == At::ScanCode;
                    let code = rest[0];
                    rest = &rest[1..];
                    self.at = self.after(code, in_scan);
                }
                At::Length(marker) => {
                    if let Some(length) = self.head.take(&mut rest) {
                        self.segment(marker, u16::from_be_bytes(length));
                    }
                }
                At::Segment { marker, mut left } => {
                    skip(&mut left, &mut rest);
                    self.in_segment(marker, left);
                }
                At::Done => {}
            }
        }
    }

    /// What follows FF and this byte.
    fn after(&mut self, code: u8, in_scan: bool) -> At {
        match code {
            // Bytes that fill up.
            0xff if in_scan => At::ScanCode,
            0xff => At::Code,
            // An FF of the coded data, and the markers within it.
            0 | 0xd0..=0xd7 if in_scan => {
                self.has_data |= code == 0;
                At::Scan
            }
            START_OF_IMAGE if self.has_scan => self.broken("another picture begins inside it"),
            0 | 1 | 0xd0..=START_OF_IMAGE => At::Marker,
            END_OF_IMAGE if !self.has_scan => self.broken("it has no picture data"),
            END_OF_IMAGE if in_scan && !self.has_data => self.broken("its last scan is empty"),
            END_OF_IMAGE => At::Done,
            START_OF_SCAN if !self.has_frame => {
                self.broken("it has no frame header before its picture data")
            }
            marker => {
                self.has_frame |= is_frame_header(marker);
                At::Length(marker)
            }
        }
    }

    fn broken(&mut self, damage: &'static str) -> At {
        self.damage = Some(Damage::Malformed(damage));
        At::Done
    }

    fn segment(&mut self, marker: u8, length: u16) {
        match length.checked_sub(2) {
            Some(left) => self.in_segment(marker, left.into()),
            None => self.at = self.broken("a segment has an impossible length"),
        }
    }

    fn in_segment(&mut self, marker: u8, left: u64) {
        self.at = match (left, marker) {
            (0, START_OF_SCAN) => {
                self.has_scan = true;
                self.has_data = false;
                At::Scan
            }
            (0, _) => At::Marker,
            _ => At::Segment { marker, left },
        };
    }

    pub(super) fn end(self) -> Option<Damage> {
        let truncated = |what| Some(Damage::Truncated(what));
        match self.at {
            At::Done => self.damage,
            At::Length(_) | At::Segment { .. } => truncated("it ends inside a segment"),
            _ => truncated("it has no end marker"),
        }
    }
}

/// The markers SOF0 to SOF15. Three of the codes between them have other meanings.
fn is_frame_header(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}
