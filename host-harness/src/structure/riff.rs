//! AVI: one RIFF chunk with the length of its content, and further ones in files of more than 1 GiB.

use std::io::{self, Read, Seek};

use super::ending::{Ending, Reader};

pub(super) fn ending(file: &mut (impl Read + Seek), length: u64) -> io::Result<Ending> {
    let mut reader = Reader::new(file);
    while reader.position() < length {
        let Some([a, b, c, d, size @ ..]) = reader.take::<8>()? else {
            return Ok(Ending::cut("ends inside the header of a chunk"));
        };
        // Written while it was recorded.
        let size = match u32::from_le_bytes(size) {
            0 | u32::MAX => return Ok(Ending::Unknown),
            size => u64::from(size),
        };
        let end = reader.position() + size;
        if end > length {
            let name = [a, b, c, d];
            let name = name.escape_ascii();
            return Ok(Ending::Cut(format!("ends inside its chunk `{name}`")));
        }
        // The last byte of padding may be missing.
        reader.skip_to((end + size % 2).min(length))?;
    }
    Ok(Ending::Whole)
}
