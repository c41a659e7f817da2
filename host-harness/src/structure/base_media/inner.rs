//! What is inside the boxes of a file.

use std::io::{self, Read, Seek};

use crate::structure::ending::Reader;

/// A box's header.
pub(super) struct Header {
    pub(super) name: [u8; 4],
    /// The offset of its content.
    pub(super) content: u64,
    /// The offset of its end; `None` if it reaches to the end of the file.
    pub(super) end: Option<u64>,
}

/// The header of the next box; `None` if the file ends inside it.
pub(super) fn header<R: Read + Seek>(reader: &mut Reader<R>) -> io::Result<Option<Header>> {
    let begin = reader.position();
    let Some([a, b, c, d, name @ ..]) = reader.take::<8>()? else {
        return Ok(None);
    };
    let size = match u32::from_be_bytes([a, b, c, d]) {
        0 => None,
        1 => match reader.take::<8>()? {
            Some(size) => Some(u64::from_be_bytes(size)),
            None => return Ok(None),
        },
        size => Some(size.into()),
    };
    Ok(Some(Header {
        name,
        content: reader.position(),
        end: size.map(|size| begin.saturating_add(size)),
    }))
}

/// Whether the `moov` that ends at `end` announces fragments (it has a box `mvex`), and the end of
/// the first byte of its last piece of data (`stco` and `co64`).
pub(super) fn has_fragments_and_chunks<R: Read + Seek>(
    reader: &mut Reader<R>,
    end: u64,
) -> io::Result<(bool, u64)> {
    let mut is_fragmented = false;
    let mut last = 0;
    // The boxes that the next one is in end there.
    let mut ends = vec![end];
    while let Some(end) = ends.last().copied() {
        if reader.position() >= end {
            ends.pop();
            continue;
        }
        let Some(Header {
            name,
            content,
            end: Some(next),
        }) = header(reader)?
        else {
            break;
        };
        if next < content || next > end {
            break;
        }
        match (&name, ends.len()) {
            (b"mvex", 1) => is_fragmented = true,
            (b"trak", 1) | (b"mdia", 2) | (b"minf", 3) | (b"stbl", 4) => {
                ends.push(next);
                continue;
            }
            (b"stco", 5) => last = last.max(last_offset::<R, 4>(reader, next)?),
            (b"co64", 5) => last = last.max(last_offset::<R, 8>(reader, next)?),
            _ => {}
        }
        reader.skip_to(next)?;
    }
    Ok((is_fragmented, last))
}

/// The end of the first byte of the last chunk in a table of offsets of `N` bytes; 0 if it has none.
fn last_offset<R: Read + Seek, const N: usize>(
    reader: &mut Reader<R>,
    end: u64,
) -> io::Result<u64> {
    let Some([_, _, _, _, count @ ..]) = reader.take::<8>()? else {
        return Ok(0);
    };
    let mut last = 0;
    for _ in 0..u32::from_be_bytes(count) {
        if reader.position() + N as u64 > end {
            break;
        }
        let Some(offset) = reader.take::<N>()? else {
            break;
        };
        let offset = offset
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        last = last.max(offset.saturating_add(1));
    }
    Ok(last)
}

/// The end of the last piece by the index (`sidx`) that ends at `end`; `None` if it names a single
/// one, as an index before each fragment does.
pub(super) fn index_end<R: Read + Seek>(
    reader: &mut Reader<R>,
    end: u64,
) -> io::Result<Option<u64>> {
    // The id and the time scale.
    let Some([version, ..]) = reader.take::<12>()? else {
        return Ok(None);
    };
    // The earliest time, and the distance from the end of the index to the first piece.
    let distance = if version == 0 {
        let times = reader.take::<8>()?;
        times.map(|[_, _, _, _, a, b, c, d]| u64::from(u32::from_be_bytes([a, b, c, d])))
    } else {
        reader.take::<8>()?;
        reader.take::<8>()?.map(u64::from_be_bytes)
    };
    let (Some(distance), Some([_, _, a, b])) = (distance, reader.take::<4>()?) else {
        return Ok(None);
    };
    let pieces = u16::from_be_bytes([a, b]);
    let mut last = end.saturating_add(distance);
    for _ in 0..pieces {
        if reader.position() + 12 > end {
            return Ok(None);
        }
        let Some([a, b, c, d, ..]) = reader.take::<12>()? else {
            return Ok(None);
        };
        // The first bit says what the piece is.
        last = last.saturating_add(u64::from(u32::from_be_bytes([a & 0x7f, b, c, d])));
    }
    Ok((pieces > 1).then_some(last))
}
