//! Reads text files as people's programs write them: UTF-8 with or without a byte-order mark,
//! and UTF-16, which Windows editors and PowerShell's `>` write.
//!
//! The encoding is found by the first bytes: a mark, or every other one of them NUL, which no
//! JSON or TOML in UTF-8 has. UTF-32 is an error.

use std::io::{self, Read};
use std::path::Path;

/// Bytes of UTF-16 that are converted at once.
const BLOCK: usize = 16 << 10;

/// How a text is encoded in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
}

/// Why bytes are not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotText {
    /// A byte is not valid in UTF-8.
    #[error("it is not UTF-8 text: the byte at offset {offset} is invalid")]
    Utf8 {
        /// Where, in bytes counted from 0.
        offset: usize,
    },
    /// A unit is not valid in UTF-16.
    #[error("it is not UTF-16 text: the unit at byte offset {offset} is invalid")]
    Utf16 {
        /// Where, in bytes counted from 0.
        offset: usize,
    },
    /// It is UTF-32.
    #[error("it is UTF-32 text, which is not supported; save it as UTF-8")]
    Utf32,
}

impl NotText {
    /// Where the invalid bytes are; `None` if the encoding is not supported.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        match self {
            Self::Utf8 { offset } | Self::Utf16 { offset } => Some(*offset),
            Self::Utf32 => None,
        }
    }
}

/// Reads a text file.
///
/// # Errors
///
/// When it cannot be read; of kind `InvalidData` with a [`NotText`] when it is not text.
pub fn read(path: &Path) -> io::Result<String> {
    decoded(&std::fs::read(path)?).map_err(invalid)
}

/// The text of a file with these bytes, without its byte-order mark.
///
/// # Errors
///
/// When it is not text.
pub fn decoded(bytes: &[u8]) -> Result<String, NotText> {
    let mut reader = TextReader::new(bytes);
    let mut text = Vec::with_capacity(bytes.len());
    // A slice has no errors of its own.
    reader.read_to_end(&mut text).map_err(|_| NotText::Utf32)?;
    text_of(text, reader.encoding(), reader.mark_length())
}

/// The text that a [`TextReader`] returned as these bytes. `before`: the number of bytes in
/// the file before them, which is added to the offset of an error.
///
/// # Errors
///
/// When it is not text. The offset is that in the file.
pub fn text_of(bytes: Vec<u8>, encoding: Encoding, before: usize) -> Result<String, NotText> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        match encoding {
            Encoding::Utf8 => NotText::Utf8 {
                offset: before + valid,
            },
            _ => {
                let text = String::from_utf8_lossy(&error.as_bytes()[..valid]);
                NotText::Utf16 {
                    offset: before + 2 * text.encode_utf16().count(),
                }
            }
        }
    })
}

/// Converts a text to UTF-8 while it is read, and removes its byte-order mark. UTF-8 is passed
/// on unchecked. What is invalid in UTF-16 becomes bytes that are invalid in UTF-8, so
/// [`text_of`] finds both.
///
/// It reads no more than is available, except to find the encoding: at most four bytes, and
/// one byte that is a line end alone.
pub struct TextReader<R> {
    source: R,
    start: Option<Start>,
    /// Bytes of the source that have not been converted.
    raw: Vec<u8>,
    /// Converted bytes that have not been read, from `read` on.
    ready: Vec<u8>,
    read: usize,
    /// The first half of a surrogate pair.
    high: Option<u16>,
    ended: bool,
}

/// What the first bytes of a text say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    encoding: Encoding,
    /// The length of the byte-order mark.
    mark: usize,
}

impl<R: Read> TextReader<R> {
    /// Reads `source`.
    pub fn new(source: R) -> Self {
        Self {
            source,
            start: None,
            raw: Vec::new(),
            ready: Vec::new(),
            read: 0,
            high: None,
            ended: false,
        }
    }

    /// The encoding of the source; UTF-8 before anything was read.
    pub fn encoding(&self) -> Encoding {
        self.start.map_or(Encoding::Utf8, |start| start.encoding)
    }

    /// The length of the byte-order mark in bytes; 0 if there is none.
    pub fn mark_length(&self) -> usize {
        self.start.map_or(0, |start| start.mark)
    }

    /// Finds the encoding. The bytes after the mark stay in `raw`.
    fn begin(&mut self) -> io::Result<Start> {
        loop {
            if let Some(start) = start_of(&self.raw, self.ended).map_err(invalid)? {
                self.raw.drain(..start.mark);
                self.start = Some(start);
                return Ok(start);
            }
            let mut bytes = [0; 4];
            let wanted = 4 - self.raw.len().min(3);
            let count = self.source.read(&mut bytes[..wanted])?;
            self.ended = count == 0;
            self.raw.extend_from_slice(&bytes[..count]);
        }
    }

    /// Reads once, unless there is a whole unit already.
    fn fill(&mut self) -> io::Result<()> {
        let from = self.raw.len();
        if from < 2 {
            self.raw.resize(from + BLOCK, 0);
            let count = self.source.read(&mut self.raw[from..]);
            self.raw
                .truncate(from + count.as_ref().map_or(0, |count| *count));
            self.ended = count? == 0;
        }
        Ok(())
    }

    /// Converts what the source has now.
    fn convert(&mut self, encoding: Encoding) -> io::Result<()> {
        self.fill()?;
        self.ready.clear();
        self.read = 0;
        let whole = self.raw.len() & !1;
        let units: Vec<u16> = self.raw[..whole]
            .chunks_exact(2)
            .map(|unit| match encoding {
                Encoding::Utf16Be => u16::from_be_bytes([unit[0], unit[1]]),
                _ => u16::from_le_bytes([unit[0], unit[1]]),
            })
            .collect();
        self.raw.drain(..whole);
        for unit in units {
            self.push(unit);
        }
        if self.ended {
            if let Some(high) = self.high.take() {
                self.push_invalid(high);
            }
            if self.raw.pop().is_some() {
                // Half a unit: a byte that no UTF-8 has.
                self.ready.push(0xff);
            }
        }
        Ok(())
    }

    fn push(&mut self, unit: u16) {
        if let Some(high) = self.high.take() {
            if let Some(Ok(letter)) = char::decode_utf16([high, unit]).next() {
                return self.push_char(letter);
            }
            self.push_invalid(high);
        }
        match char::from_u32(unit.into()) {
            Some(letter) => self.push_char(letter),
            None if (0xd800..0xdc00).contains(&unit) => self.high = Some(unit),
            None => self.push_invalid(unit),
        }
    }

    fn push_char(&mut self, letter: char) {
        let mut bytes = [0; 4];
        let encoded = letter.encode_utf8(&mut bytes);
        self.ready.extend_from_slice(encoded.as_bytes());
    }

    /// Half a surrogate pair, in the form that UTF-8 would have if it were permitted.
    fn push_invalid(&mut self, unit: u16) {
        let [high, low] = unit.to_be_bytes();
        self.ready.extend_from_slice(&[
            0xe0 | high >> 4,
            0x80 | (high & 0x0f) << 2 | low >> 6,
            0x80 | low & 0x3f,
        ]);
    }
}

impl<R: Read> Read for TextReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let start = match self.start {
            Some(start) => start,
            None => self.begin()?,
        };
        if start.encoding == Encoding::Utf8 {
            if self.raw.is_empty() {
                return self.source.read(buffer);
            }
            let count = self.raw.len().min(buffer.len());
            buffer[..count].copy_from_slice(&self.raw[..count]);
            self.raw.drain(..count);
            return Ok(count);
        }
        while self.read == self.ready.len() {
            if self.ended && self.raw.is_empty() && self.high.is_none() {
                return Ok(0);
            }
            self.convert(start.encoding)?;
        }
        let left = &self.ready[self.read..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.read += count;
        Ok(count)
    }
}

/// What the first bytes say; `None` if more are needed, which `ended` excludes.
fn start_of(bytes: &[u8], ended: bool) -> Result<Option<Start>, NotText> {
    let found = |encoding, mark| Ok(Some(Start { encoding, mark }));
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => found(Encoding::Utf8, 3),
        [0xff, 0xfe, 0, 0, ..]
        | [0, 0, 0xfe, 0xff, ..]
        | [1..=255, 0, 0, 0, ..]
        | [0, 0, 0, 1..=255, ..] => Err(NotText::Utf32),
        // A writer may wait for the answer to a line that is empty.
        [] | [_] | [0xef, 0xbb] | [0xff, 0xfe] | [0xff, 0xfe, _] | [0, 0] | [0, 0, _]
            if !ended && bytes != b"\n" =>
        {
            Ok(None)
        }
        [0xff, 0xfe, ..] => found(Encoding::Utf16Le, 2),
        [0xfe, 0xff, ..] => found(Encoding::Utf16Be, 2),
        [0, 1..=255, ..] => found(Encoding::Utf16Be, 0),
        [1..=255, 0, ..] => found(Encoding::Utf16Le, 0),
        _ => found(Encoding::Utf8, 0),
    }
}

fn invalid(error: NotText) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests;
