//! Files of the ISO base media format (ISO/IEC 14496-12): MP4, `QuickTime`, 3GPP, AVIF and HEIC.
//! They consist of boxes of a length and a name.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek};

use super::ending::{Ending, Reader};

/// The boxes that were found.
#[derive(Default)]
struct Found {
    names: BTreeSet<[u8; 4]>,
    /// Whether the description of the movie announces fragments.
    is_fragmented: bool,
    /// Whether a fragment came whose data has not followed.
    lacks_data: bool,
}

/// A box's header.
struct Header {
    name: [u8; 4],
    /// The offset of its content.
    content: u64,
    /// The offset of its end; `None` if it reaches to the end of the file.
    end: Option<u64>,
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
            b"moov" => found.is_fragmented |= has_fragments(&mut reader, end)?,
            b"moof" => found.lacks_data = true,
            b"mdat" => found.lacks_data = false,
            _ => {}
        }
        found.names.insert(header.name);
        reader.skip_to(end)?;
    }
    Ok(found.ending())
}

impl Found {
    fn ending(&self) -> Ending {
        let has = |name: &[u8; 4]| self.names.contains(name);
        let has_data = has(b"mdat") || has(b"moof");
        if !has(b"moov") && !has(b"meta") {
            Ending::cut("has no description of its content (`moov`)")
        } else if self.lacks_data {
            Ending::cut("ends before the data of its last fragment")
        } else if has_data || !has(b"moov") {
            Ending::Whole
        } else if self.is_fragmented {
            Ending::cut("ends before its first fragment")
        } else {
            Ending::cut("has no data (`mdat`)")
        }
    }
}

/// The header of the next box; `None` if the file ends inside it.
fn header<R: Read + Seek>(reader: &mut Reader<R>) -> io::Result<Option<Header>> {
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

/// Whether the `moov` that ends at `end` announces fragments: it has a box `mvex`.
fn has_fragments<R: Read + Seek>(reader: &mut Reader<R>, end: u64) -> io::Result<bool> {
    while reader.position() < end {
        match header(reader)? {
            Some(Header { name, .. }) if name == *b"mvex" => return Ok(true),
            Some(Header {
                content,
                end: Some(next),
                ..
            }) if content <= next && next <= end => {
                reader.skip_to(next)?;
            }
            _ => break,
        }
    }
    Ok(false)
}
