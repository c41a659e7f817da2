//! PNG (ISO/IEC 15948): a signature, then chunks of a length, a name, data and a checksum.

use flate2::Crc;

use super::damage::Damage;
use super::pieces::{Head, skip};

/// The longest permitted chunk.
const MAX_CHUNK: u32 = i32::MAX as u32;

#[derive(Default)]
pub(super) struct Png {
    at: At,
    head: Head,
    crc: Crc,
    /// Whether the chunk must be understood to read the picture.
    is_critical: bool,
    has_header: bool,
    has_data: bool,
    damage: Option<Damage>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum At {
    #[default]
    Signature,
    Chunk,
    Data(u64),
    Checksum,
    /// The last chunk's checksum.
    Last,
    /// After the last chunk, or after damage.
    Done,
}

impl Png {
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && self.at != At::Done {
            match self.at {
                At::Signature => {
                    if self.head.take::<8>(&mut rest).is_some() {
                        self.at = At::Chunk;
                    }
                }
                At::Chunk => {
                    if let Some([a, b, c, d, name @ ..]) = self.head.take::<8>(&mut rest) {
                        self.chunk(u32::from_be_bytes([a, b, c, d]), name);
                    }
                }
                At::Data(mut left) => {
                    self.crc.update(skip(&mut left, &mut rest));
                    self.at = At::Data(left);
                    if left == 0 {
                        self.at = At::Checksum;
                    }
                }
                At::Checksum | At::Last => {
                    if let Some(sum) = self.head.take(&mut rest) {
                        self.checksum(u32::from_be_bytes(sum));
                    }
                }
                At::Done => {}
            }
        }
    }

    fn chunk(&mut self, length: u32, name: [u8; 4]) {
        let is_first = !self.has_header;
        let damage = match &name {
            _ if !name.iter().all(u8::is_ascii_alphabetic) => Some("a chunk has no valid name"),
            _ if length > MAX_CHUNK => Some("a chunk has an impossible length"),
            b"IHDR" if !is_first => Some("it has two IHDR chunks"),
            b"IHDR" if length != 13 => Some("its IHDR chunk has a wrong length"),
            b"IHDR" => None,
            _ if is_first => Some("its first chunk is not IHDR"),
            b"IEND" if length != 0 => Some("its IEND chunk is not empty"),
            b"IEND" if !self.has_data => Some("it has no IDAT chunk"),
            _ => None,
        };
        if let Some(damage) = damage {
            return self.broken(Damage::Malformed(damage));
        }
        self.has_header = true;
        self.has_data |= &name == b"IDAT";
        self.is_critical = name[0].is_ascii_uppercase();
        self.crc = Crc::new();
        self.crc.update(&name);
        self.at = match (&name, length) {
            (b"IEND", _) => At::Last,
            (_, 0) => At::Checksum,
            (_, length) => At::Data(length.into()),
        };
    }

    fn checksum(&mut self, sum: u32) {
        // Decoders pass over the other chunks if their checksum is wrong.
        if self.is_critical && sum != self.crc.sum() {
            return self.broken(Damage::Malformed("the checksum of a chunk is wrong"));
        }
        self.at = if self.at == At::Last {
            At::Done
        } else {
            At::Chunk
        };
    }

    fn broken(&mut self, damage: Damage) {
        self.damage = Some(damage);
        self.at = At::Done;
    }

    pub(super) fn end(self) -> Option<Damage> {
        let truncated = |what| Some(Damage::Truncated(what));
        match self.at {
            At::Done => self.damage,
            At::Signature => truncated("it ends inside its signature"),
            At::Chunk if self.head.is_empty() => truncated("it has no IEND chunk"),
            At::Chunk | At::Data(_) | At::Checksum | At::Last => {
                truncated("it ends inside a chunk")
            }
        }
    }
}
