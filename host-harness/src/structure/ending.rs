//! Whether a file ends where its format says.

use std::io::{self, BufReader, Read, Seek};

/// How a file ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Where its format says.
    Whole,
    /// Earlier, or with a part that the format does not have. The text continues "the file …".
    Cut(String),
    /// The format does not say, or is not known here.
    Unknown,
}

impl Ending {
    pub(super) fn cut(why: &str) -> Self {
        Self::Cut(why.to_owned())
    }
}

/// A file that is read by its headers.
pub(super) struct Reader<R> {
    file: BufReader<R>,
    position: u64,
}

impl<R: Read + Seek> Reader<R> {
    /// Reads `file` from its start.
    pub(super) fn new(file: R) -> Self {
        Self {
            file: BufReader::with_capacity(4 << 10, file),
            position: 0,
        }
    }

    /// The offset of the next byte.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The next bytes; `None` if the file has fewer.
    pub(super) fn take<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        match self.file.read_exact(&mut bytes) {
            Ok(()) => {
                self.position += N as u64;
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Continues at this offset, which may be beyond the end.
    pub(super) fn skip_to(&mut self, position: u64) -> io::Result<()> {
        let by = i64::try_from(position)
            .ok()
            .zip(i64::try_from(self.position).ok())
            .map(|(to, from)| to - from)
            .ok_or(io::ErrorKind::InvalidInput)?;
        self.file.seek_relative(by)?;
        self.position = position;
        Ok(())
    }
}
