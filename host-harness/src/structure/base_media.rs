//! Files of the ISO base media format (ISO/IEC 14496-12): MP4, `QuickTime`, 3GPP, AVIF and HEIC.
//! They consist of boxes of a length and a name. A file of fragments does not say how many there are,
//! but for an index of all of them before the first (`sidx`) or after the last (`mfra`).

mod duration;
mod inner;

use std::collections::BTreeSet;
use std::io::{self, Read, Seek};

use super::ending::{Ending, Reader};
pub(super) use duration::duration;
use inner::{has_fragments_and_chunks, header, index_end};

/// The boxes that were found.
#[derive(Default)]
struct Found {
    names: BTreeSet<[u8; 4]>,
    /// Whether the description of the movie announces fragments.
    is_fragmented: bool,
    /// Whether a fragment came whose data has not followed.
    lacks_data: bool,
    /// The offset of the last piece of data that the description of the movie names.
    last_chunk: u64,
    /// The end of the last fragment by the index before the first one.
    index_end: Option<u64>,
}

pub(super) fn ending(file: &mut (impl Read + Seek), length: u64) -> io::Result<Ending> {
    let mut reader = Reader::new(file);
    let mut found = Found::default();
    while reader.position() < length {
        let Some(header) = header(&mut reader)? else {
            return Ok(Ending::cut("ends inside the header of a box"));
        };
        // It has as many bytes as there are.
        let Some(end) = header.end else {
            return Ok(Ending::Unknown);
        };
        if end < header.content {
            return Ok(Ending::cut("has a box of an impossible length"));
        }
        if end > length {
            let name = header.name.escape_ascii();
            return Ok(Ending::Cut(format!("ends inside its box `{name}`")));
        }
        match &header.name {
            b"moov" => {
                let (is_fragmented, last_chunk) = has_fragments_and_chunks(&mut reader, end)?;
                found.is_fragmented |= is_fragmented;
                found.last_chunk = found.last_chunk.max(last_chunk);
            }
            b"sidx" if !found.names.contains(b"moof") && found.index_end.is_none() => {
                found.index_end = index_end(&mut reader, end)?;
            }
            b"moof" => found.lacks_data = true,
            b"mdat" => found.lacks_data = false,
            _ => {}
        }
        found.names.insert(header.name);
        reader.skip_to(end)?;
    }
    Ok(found.ending(length))
}

impl Found {
    fn ending(&self, length: u64) -> Ending {
        let has = |name: &[u8; 4]| self.names.contains(name);
        let has_data = has(b"mdat") || has(b"moof");
        if !has(b"moov") && !has(b"meta") {
            Ending::cut("has no description of its content (`moov`)")
        } else if self.lacks_data {
            Ending::cut("ends before the data of its last fragment")
        } else if self.index_end.is_some_and(|end| end > length) {
            Ending::cut("ends before the last fragment of its index")
        } else if self.last_chunk > length {
            Ending::cut("ends before the last data that its description names")
        } else if has(b"moof") && !has(b"mfra") && self.index_end.is_none() {
            Ending::Unknown
        } else if has_data || !has(b"moov") {
            Ending::Whole
        } else if self.is_fragmented {
            Ending::cut("ends before its first fragment")
        } else {
            Ending::cut("has no data (`mdat`)")
        }
    }
}
