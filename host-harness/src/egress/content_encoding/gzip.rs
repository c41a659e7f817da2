//! `gzip` (RFC 1952): a header, a deflate stream and a checksum, and possibly more such members.

use flate2::{Crc, Decompress};

use super::coder::{Coder, Damaged, Done, inflated};

/// The first bytes of a member: two of identification, and the method, which is deflate.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// Length of a header without its optional fields.
const HEADER: usize = 10;

/// Length of a trailer: checksum and length.
const TRAILER: usize = 8;

const HAS_CHECKSUM: u8 = 1 << 1;
const HAS_EXTRA: u8 = 1 << 2;
const HAS_NAME: u8 = 1 << 3;
const HAS_COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// Where in a member the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Header,
    ExtraLength,
    Extra,
    Name,
    Comment,
    Checksum,
    Body,
    Trailer,
    /// After a member: the end, another member, or padding.
    Between,
    /// Zeros, which some tools append.
    Padding,
}

/// The decoder.
pub(super) struct Gzip {
    part: Part,
    /// Bytes of the part so far.
    seen: usize,
    kept: [u8; HEADER],
    /// The optional fields of the header that have not come yet.
    flags: u8,
    /// Bytes left of the extra field.
    extra: u16,
    inflate: Decompress,
    crc: Crc,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self {
            part: Part::Header,
            seen: 0,
            kept: [0; HEADER],
            flags: 0,
            extra: 0,
            inflate: Decompress::new(false),
            crc: Crc::new(),
        }
    }

    /// Takes a byte that is not of the deflate stream.
    fn frame(&mut self, byte: u8) -> Result<(), Damaged> {
        match self.part {
            Part::Header => {
                if MAGIC.get(self.seen).is_some_and(|magic| *magic != byte) {
                    return Err(Damaged);
                }
                self.keep(byte);
                if self.seen == HEADER {
                    self.flags = self.kept[3];
                    if self.flags & RESERVED != 0 {
                        return Err(Damaged);
                    }
                    self.next_field();
                }
            }
            Part::ExtraLength => {
                self.keep(byte);
                if self.seen == 2 {
                    self.extra = u16::from_le_bytes([self.kept[0], self.kept[1]]);
                    self.part = Part::Extra;
                    if self.extra == 0 {
                        self.next_field();
                    }
                }
            }
            Part::Extra => {
                self.extra -= 1;
                if self.extra == 0 {
                    self.next_field();
                }
            }
            Part::Name | Part::Comment => {
                if byte == 0 {
                    self.next_field();
                }
            }
            Part::Checksum => {
                self.keep(byte);
                if self.seen == 2 {
                    self.next_field();
                }
            }
            Part::Trailer => {
                self.keep(byte);
                if self.seen == TRAILER {
                    self.check_trailer()?;
                    self.enter(Part::Between);
                }
            }
            Part::Between if byte == MAGIC[0] => {
                self.enter(Part::Header);
                self.keep(byte);
            }
            Part::Between | Part::Padding if byte == 0 => self.part = Part::Padding,
            Part::Between | Part::Padding | Part::Body => return Err(Damaged),
        }
        Ok(())
    }

    fn keep(&mut self, byte: u8) {
        self.kept[self.seen] = byte;
        self.seen += 1;
    }

    fn enter(&mut self, part: Part) {
        self.part = part;
        self.seen = 0;
    }

    /// The next field of the header that the flags announce, or the deflate stream.
    fn next_field(&mut self) {
        let fields = [
            (HAS_EXTRA, Part::ExtraLength),
            (HAS_NAME, Part::Name),
            (HAS_COMMENT, Part::Comment),
            (HAS_CHECKSUM, Part::Checksum),
        ];
        let next = fields.into_iter().find(|(flag, _)| self.flags & flag != 0);
        if let Some((flag, part)) = next {
            self.flags &= !flag;
            self.enter(part);
        } else {
            self.inflate.reset(false);
            self.crc.reset();
            self.enter(Part::Body);
        }
    }

    fn check_trailer(&self) -> Result<(), Damaged> {
        let crc = self.crc.sum().to_le_bytes();
        let length = self.crc.amount().to_le_bytes();
        if self.kept[..TRAILER] == [crc, length].concat() {
            Ok(())
        } else {
            Err(Damaged)
        }
    }
}

impl Coder for Gzip {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Done, Damaged> {
        let mut read = 0;
        loop {
            if self.part != Part::Body {
                let Some(&byte) = input.get(read) else {
                    return Ok(Done { read, written: 0 });
                };
                read += 1;
                self.frame(byte)?;
                continue;
            }
            let (done, has_ended) = inflated(&mut self.inflate, &input[read..], output)?;
            self.crc.update(&output[..done.written]);
            read += done.read;
            if has_ended {
                self.enter(Part::Trailer);
            }
            if done.written > 0 || !has_ended {
                return Ok(Done {
                    read,
                    written: done.written,
                });
            }
        }
    }

    fn is_complete(&self) -> bool {
        matches!(self.part, Part::Between | Part::Padding)
    }
}
