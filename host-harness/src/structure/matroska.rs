//! `WebM` and Matroska (RFC 8794 and 9559): elements of an id, a size and data. A file that was
//! written while it was recorded has segments and clusters without a size: only an index after the
//! clusters says that the last of them has come.

use std::io::{self, Read, Seek};

use super::ending::{Ending, Reader};

const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1f43_b675;
/// The index, which is before the clusters or after all of them.
const CUES: u32 = 0x1c53_bb6b;

pub(super) fn ending(file: &mut (impl Read + Seek), length: u64) -> io::Result<Ending> {
    let mut reader = Reader::new(file);
    let mut has_cluster = false;
    // Whether the segment, or an index after its clusters, says that no cluster follows.
    let mut has_end = false;
    while reader.position() < length {
        let Some((id, size)) = element(&mut reader)? else {
            return Ok(Ending::cut("ends inside the header of an element"));
        };
        has_cluster |= id == CLUSTER;
        has_end |= match id {
            SEGMENT => size.is_some(),
            CUES => has_cluster,
            _ => false,
        };
        let end = size.map(|size| reader.position().saturating_add(size));
        match (id, end) {
            (_, Some(end)) if end > length => {
                return Ok(Ending::Cut(format!("ends inside its element {id:X}")));
            }
            // Its elements follow.
            (SEGMENT, _) | (CLUSTER, None) => {}
            (_, Some(end)) => reader.skip_to(end)?,
            (_, None) => return Ok(Ending::cut("has an element without a size")),
        }
    }
    Ok(match (has_cluster, has_end) {
        (true, true) => Ending::Whole,
        (true, false) => Ending::Unknown,
        (false, _) => Ending::cut("has no frames"),
    })
}

/// The id of the next element, and the size of its data, if it has one; `None` if the file ends
/// inside its header, or the header is not valid.
fn element<R: Read + Seek>(reader: &mut Reader<R>) -> io::Result<Option<(u32, Option<u64>)>> {
    let Some((id, _)) = number(reader, 4, true)? else {
        return Ok(None);
    };
    let Some((size, length)) = number(reader, 8, false)? else {
        return Ok(None);
    };
    let unknown = (1_u64 << (7 * length)) - 1;
    let id = u32::try_from(id).unwrap_or_default();
    Ok(Some((id, (size != unknown).then_some(size))))
}

/// A number whose first byte says how many bytes it has, at most `most`, and their number. The bit
/// that says so is a part of an id.
fn number<R: Read + Seek>(
    reader: &mut Reader<R>,
    most: u32,
    is_id: bool,
) -> io::Result<Option<(u64, u32)>> {
    let Some([first]) = reader.take::<1>()? else {
        return Ok(None);
    };
    let length = first.leading_zeros() + 1;
    if length > most {
        return Ok(None);
    }
    let mask = if is_id {
        0xff
    } else {
        0x7f_u8.checked_shr(length - 1).unwrap_or(0)
    };
    let mut number = u64::from(first & mask);
    for _ in 1..length {
        let Some([byte]) = reader.take::<1>()? else {
            return Ok(None);
        };
        number = number << 8 | u64::from(byte);
    }
    Ok(Some((number, length)))
}
