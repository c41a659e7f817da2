//! AVI: one RIFF chunk with the length of its content, and further ones in files of more than 1 GiB
//! (`OpenDML`), whose header names all parts of the index (`indx`).

use std::io::{self, Read, Seek};

use super::ending::{Ending, Reader};

/// A chunk's header.
struct Chunk {
    name: [u8; 4],
    size: u32,
}

pub(super) fn ending(file: &mut (impl Read + Seek), length: u64) -> io::Result<Ending> {
    let mut reader = Reader::new(file);
    let mut last = 0;
    while reader.position() < length {
        let Some(Chunk { name, size }) = chunk(&mut reader)? else {
            return Ok(Ending::cut("ends inside the header of a chunk"));
        };
        // Written while it was recorded.
        let size = match size {
            0 | u32::MAX => return Ok(Ending::Unknown),
            size => u64::from(size),
        };
        let end = reader.position() + size;
        if end > length {
            let name = name.escape_ascii();
            return Ok(Ending::Cut(format!("ends inside its chunk `{name}`")));
        }
        if name == *b"RIFF" && last == 0 {
            last = index_end(&mut reader, end)?;
        }
        // The last byte of padding may be missing.
        reader.skip_to((end + size % 2).min(length))?;
    }
    Ok(if last > length {
        Ending::cut("ends before the last part of its index")
    } else {
        Ending::Whole
    })
}

/// The next chunk; `None` if the file ends inside its header.
fn chunk<R: Read + Seek>(reader: &mut Reader<R>) -> io::Result<Option<Chunk>> {
    Ok(reader.take::<8>()?.map(|[a, b, c, d, size @ ..]| Chunk {
        name: [a, b, c, d],
        size: u32::from_le_bytes(size),
    }))
}

/// The end of the last part of the index that the header names, in the RIFF chunk that ends at `end`;
/// 0 if it names none.
fn index_end<R: Read + Seek>(reader: &mut Reader<R>, end: u64) -> io::Result<u64> {
    let mut last = 0;
    // The form of the RIFF chunk.
    if reader.take::<4>()?.is_none() {
        return Ok(last);
    }
    while reader.position().saturating_add(8) <= end {
        let Some(Chunk { name, size }) = chunk(reader)? else {
            break;
        };
        let next = reader.position() + u64::from(size) + u64::from(size % 2);
        match &name {
            b"LIST" => match reader.take::<4>()? {
                // Their chunks follow.
                Some([b'h', b'd', b'r', b'l'] | [b's', b't', b'r', b'l']) => continue,
                // The header is before the frames.
                Some([b'm', b'o', b'v', b'i']) | None => break,
                Some(_) => {}
            },
            b"indx" => last = last.max(parts_end(reader, next.min(end))?),
            _ => {}
        }
        reader.skip_to(next)?;
    }
    Ok(last)
}

/// The end of the last part that a list of the parts of an index names.
fn parts_end<R: Read + Seek>(reader: &mut Reader<R>, end: u64) -> io::Result<u64> {
    let Some([_, _, _, kind, a, b, c, d]) = reader.take::<8>()? else {
        return Ok(0);
    };
    // Another kind is the index itself.
    if kind != 0 || reader.take::<16>()?.is_none() {
        return Ok(0);
    }
    let mut last = 0;
    for _ in 0..u32::from_le_bytes([a, b, c, d]) {
        if reader.position() + 16 > end {
            break;
        }
        let (Some(offset), Some([a, b, c, d, ..])) = (reader.take::<8>()?, reader.take::<8>()?)
        else {
            break;
        };
        let size = u32::from_le_bytes([a, b, c, d]);
        last = last.max(u64::from_le_bytes(offset).saturating_add(size.into()));
    }
    Ok(last)
}
