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
    /// The colour type of the IHDR chunk, once it was read.
    colour: Option<u8>,
    has_palette: bool,
    data: Data,
    /// Whether an IDAT chunk is not empty.
    has_bytes: bool,
    damage: Option<Damage>,
}

/// Which of the IDAT chunks were read. No other chunk is between them.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Data {
    #[default]
    Before,
    Within,
    After,
}

/// The colour type of a picture with a palette.
const PALETTE: u8 = 3;

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum At {
    #[default]
    Signature,
    Chunk,
    /// The data of the IHDR chunk.
    Header,
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
                At::Header => {
                    if let Some(header) = self.head.take::<10>(&mut rest) {
                        self.header(header);
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
        let is_first = self.colour.is_none();
        let damage = match &name {
            _ if !name.iter().all(u8::is_ascii_alphabetic) => Some("a chunk has no valid name"),
            _ if length > MAX_CHUNK => Some("a chunk has an impossible length"),
            b"IHDR" if !is_first => Some("it has two IHDR chunks"),
            b"IHDR" if length != 13 => Some("its IHDR chunk has a wrong length"),
            b"IHDR" => None,
            _ if is_first => Some("its first chunk is not IHDR"),
            b"IEND" if length != 0 => Some("its IEND chunk is not empty"),
            b"IEND" if self.data == Data::Before => Some("it has no IDAT chunk"),
            b"IEND" if !self.has_bytes => Some("its IDAT chunks are empty"),
            b"IDAT" if self.data == Data::After => Some("another chunk is between its IDAT chunks"),
            b"IDAT" if self.colour == Some(PALETTE) && !self.has_palette => {
                Some("it has no PLTE chunk before its IDAT chunk")
            }
            _ => None,
        };
        if let Some(damage) = damage {
            return self.broken(Damage::Malformed(damage));
        }
        match (&name, self.data) {
            (b"IDAT", _) => {
                self.data = Data::Within;
                self.has_bytes |= length > 0;
            }
            (_, Data::Within) => self.data = Data::After,
            (b"PLTE", _) => self.has_palette = true,
            _ => {}
        }
        self.is_critical = name[0].is_ascii_uppercase();
        self.crc = Crc::new();
        self.crc.update(&name);
        self.at = match (&name, length) {
            (b"IHDR", _) => At::Header,
            (b"IEND", _) => At::Last,
            (_, 0) => At::Checksum,
            (_, length) => At::Data(length.into()),
        };
    }

    /// Reads the first bytes of the IHDR chunk: width, height, bit depth and colour type.
    fn header(&mut self, header: [u8; 10]) {
        let [size @ .., _, colour] = header;
        if size.as_chunks().0.contains(&[0_u8; 4]) {
            return self.broken(Damage::Malformed("its width or height is 0"));
        }
        self.colour = Some(colour);
        self.crc.update(&header);
        // Three more bytes.
        self.at = At::Data(3);
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
            At::Chunk | At::Header | At::Data(_) | At::Checksum | At::Last => {
                truncated("it ends inside a chunk")
            }
        }
    }
}
