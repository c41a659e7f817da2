//! WebP (RFC 9649): a RIFF header with the length of the file, then chunks of a name, a length
//! and data, which are padded to an even length.

use super::damage::Damage;
use super::pieces::{Head, skip};

/// The bytes of the RIFF header that its length does not count.
const UNCOUNTED: u64 = 8;

#[derive(Default)]
pub(super) struct WebP {
    at: At,
    head: Head,
    /// The length of the file by its header.
    announced: u64,
    actual: u64,
    has_chunk: bool,
    has_picture: bool,
    damage: Option<Damage>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum At {
    #[default]
    Riff,
    Chunk,
    Data(u64),
    /// After the announced length, or after damage.
    Done,
}

impl WebP {
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        let begin = self.actual;
        self.actual += bytes.len() as u64;
        while !rest.is_empty() && self.at != At::Done {
            match self.at {
                At::Riff => {
                    if let Some(riff) = self.head.take::<12>(&mut rest) {
                        let [_, _, _, _, a, b, c, d, ..] = riff;
                        let length = u32::from_le_bytes([a, b, c, d]);
                        self.announced = u64::from(length) + UNCOUNTED;
                        self.at = At::Chunk;
                    }
                }
                At::Chunk
                    if self.head.is_empty() && position(begin, bytes, rest) >= self.announced =>
                {
                    self.at = At::Done;
                }
                At::Chunk => {
                    if let Some([a, b, c, d, length @ ..]) = self.head.take::<8>(&mut rest) {
                        let left = self.announced.saturating_sub(position(begin, bytes, rest));
                        self.chunk([a, b, c, d], u32::from_le_bytes(length), left);
                    }
                }
                At::Data(mut left) => {
                    skip(&mut left, &mut rest);
                    self.at = if left == 0 { At::Chunk } else { At::Data(left) };
                }
                At::Done => {}
            }
        }
    }

    /// A chunk of this name and length; `left`: the announced bytes after its header.
    fn chunk(&mut self, name: [u8; 4], length: u32, left: u64) {
        let length = u64::from(length);
        let is_first = !self.has_chunk;
        self.has_chunk = true;
        let damage = match &name {
            _ if length > left => Some("a chunk is longer than the file"),
            b"VP8 " | b"VP8L" | b"ANMF" => {
                self.has_picture = true;
                None
            }
            b"VP8X" => None,
            _ if is_first => Some("its first chunk is not VP8, VP8L or VP8X"),
            _ => None,
        };
        match damage {
            Some(damage) => {
                self.damage = Some(Damage::Malformed(damage));
                self.at = At::Done;
            }
            None if length == 0 => self.at = At::Chunk,
            // The last byte of padding may be missing.
            None => self.at = At::Data((length + length % 2).min(left)),
        }
    }

    pub(super) fn end(self) -> Option<Damage> {
        let Self {
            announced, actual, ..
        } = self;
        if self.at == At::Riff {
            return Some(Damage::Truncated("it ends inside its RIFF header"));
        }
        let is_announced = actual == announced || actual == announced + announced % 2;
        if !is_announced {
            return Some(Damage::Length { announced, actual });
        }
        self.damage.or_else(|| {
            let is_whole = self.at != At::Chunk || self.head.is_empty();
            let what = match (is_whole, self.has_picture) {
                (false, _) => "it ends inside a chunk",
                (true, false) => "it has no picture data",
                (true, true) => return None,
            };
            Some(Damage::Malformed(what))
        })
    }
}

/// The offset in the file of `rest`, the end of `bytes`, which begins at `begin`.
fn position(begin: u64, bytes: &[u8], rest: &[u8]) -> u64 {
    begin + (bytes.len() - rest.len()) as u64
}
