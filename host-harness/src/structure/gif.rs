//! GIF: a header, then extensions and pictures, each in blocks of a length, and a last byte.

use std::io::{self, Read, Seek};

use super::ending::{Ending, Reader};

const EXTENSION: u8 = 0x21;
const PICTURE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;

pub(super) fn ending(file: &mut (impl Read + Seek)) -> io::Result<Ending> {
    let mut reader = Reader::new(file);
    Ok(match walk(&mut reader)? {
        Some(true) => Ending::Whole,
        Some(false) => Ending::cut("has a block that a GIF does not have"),
        None => Ending::cut("ends before its last block"),
    })
}

/// Whether the file has its last byte, after blocks of known kinds; `None` if it ends before.
fn walk<R: Read + Seek>(reader: &mut Reader<R>) -> io::Result<Option<bool>> {
    let Some([.., flags, _, _]) = reader.take::<13>()? else {
        return Ok(None);
    };
    skip_colours(reader, flags)?;
    loop {
        let Some([kind]) = reader.take::<1>()? else {
            return Ok(None);
        };
        match kind {
            TRAILER => return Ok(Some(true)),
            // The byte says which extension it is.
            EXTENSION => {
                if reader.take::<1>()?.is_none() {
                    return Ok(None);
                }
            }
            PICTURE => {
                let Some([.., flags]) = reader.take::<9>()? else {
                    return Ok(None);
                };
                skip_colours(reader, flags)?;
                // The length of the first codes.
                if reader.take::<1>()?.is_none() {
                    return Ok(None);
                }
            }
            _ => return Ok(Some(false)),
        }
        loop {
            match reader.take::<1>()? {
                None => return Ok(None),
                Some([0]) => break,
                Some([length]) => reader.skip_to(reader.position() + u64::from(length))?,
            }
        }
    }
}

/// Skips a table of colours, if these flags announce one.
fn skip_colours<R: Read + Seek>(reader: &mut Reader<R>, flags: u8) -> io::Result<()> {
    if flags & 0x80 == 0 {
        return Ok(());
    }
    let colours = 2_u64 << (flags & 7);
    reader.skip_to(reader.position() + 3 * colours)
}
