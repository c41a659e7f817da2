//! Bytes that a text holds: a `data:` URL (RFC 2397), or base64. Both are decoded in place.

use std::ops::Range;

use super::symbols::{BLOCK, Base64};
use crate::file_type::{self, FileType};

/// The scheme of URLs that hold their bytes.
const SCHEME: &[u8] = b"data:";

/// Longest media type with its parameters, before the comma.
const LONGEST_HEAD: usize = 512;

/// Texts of this length are taken out even if the bytes are neither a picture nor a clip, and
/// base64 without a URL only from this length.
pub(super) const LONG: usize = 1 << 10;

/// How many first bytes decide about the file type.
const HEADER: usize = 16;

/// Bytes inside a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Encoded {
    pub(super) media_type: Option<String>,
    /// Where the encoded bytes are in the text.
    pub(super) data: Range<usize>,
    pub(super) layers: Layers,
    /// Length of the bytes.
    pub(super) length: usize,
    /// Whether the bytes begin as a picture or a clip.
    pub(super) is_medium: bool,
}

/// How the bytes are encoded, from the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layers {
    /// Escaped as in a JSON string.
    pub(super) json: bool,
    /// Percent-encoded.
    pub(super) percent: bool,
    pub(super) base64: bool,
}

impl Encoded {
    /// The bytes of a `data:` URL. `None` if `text` is none, or its data is not valid.
    pub(super) fn in_url(text: &[u8], json: bool) -> Option<Self> {
        let after_scheme = after_prefix(text, SCHEME, json)?;
        let (head, begin) = head(text, after_scheme, json)?;
        let mut parts = head.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let layers = Layers {
            json,
            percent: true,
            base64: parts.any(|part| part.eq_ignore_ascii_case("base64")),
        };
        // A fragment is not part of the data.
        let end = text[begin..].iter().position(|&byte| byte == b'#');
        let data = begin..end.map_or(text.len(), |end| begin + end);
        let mut encoded = Self::measured(text, data, layers)?;
        let is_printable = media_type.bytes().all(|byte| byte.is_ascii_graphic());
        let is_named = is_printable && media_type.contains('/');
        encoded.media_type = is_named.then_some(media_type);
        Some(encoded)
    }

    /// The bytes of a picture or clip in base64. `None` if `text` is anything else.
    pub(super) fn in_base64(text: &[u8], json: bool) -> Option<Self> {
        let layers = Layers {
            json,
            percent: false,
            base64: true,
        };
        // Most texts are decided by their first characters.
        if !is_medium(&first_bytes(text, layers)?) {
            return None;
        }
        Self::measured(text, 0..text.len(), layers)
    }

    /// Whether a media type of a picture or a clip is named.
    pub(super) fn names_a_medium(&self) -> bool {
        let media_type = self.media_type.as_deref().unwrap_or_default();
        media_type.starts_with("image/") || media_type.starts_with("video/")
    }

    fn measured(text: &[u8], data: Range<usize>, layers: Layers) -> Option<Self> {
        let encoded = &text[data.clone()];
        let mut reader = Reader::new(layers);
        let (mut at, mut length) = (0, 0);
        let mut block = [0; BLOCK];
        while let Some(count) = reader.next_block(encoded, &mut at, &mut block).ok()? {
            length += count;
        }
        let header = first_bytes(encoded, layers)?;
        Some(Self {
            media_type: None,
            data,
            layers,
            length,
            is_medium: is_medium(&header),
        })
    }

    /// Decodes the bytes in place: `text` is the text that was measured. Returns where they are.
    pub(super) fn decode(&self, text: &mut [u8]) -> Range<usize> {
        let mut reader = Reader::new(self.layers);
        let end = self.data.end;
        let (mut at, mut written) = (self.data.start, self.data.start);
        let mut block = [0; BLOCK];
        // Every step takes at least as many bytes as it returns.
        while let Ok(Some(count)) = reader.next_block(&text[..end], &mut at, &mut block) {
            text[written..written + count].copy_from_slice(&block[..count]);
            written += count;
        }
        self.data.start..written
    }
}

/// Where `text` continues after `prefix`, compared as URLs are: without case, without leading
/// blanks and control characters, and without tabs and line ends anywhere.
pub(super) fn after_prefix(text: &[u8], prefix: &[u8], json: bool) -> Option<usize> {
    let mut reader = Reader::new(Layers {
        json,
        percent: false,
        base64: false,
    });
    let (mut at, mut matched) = (0, 0);
    while matched < prefix.len() {
        let bytes = reader.next(text, &mut at).ok()??;
        let [byte] = *bytes.as_slice() else {
            return None;
        };
        if matches!(byte, b'\t' | b'\n' | b'\r') || matched == 0 && byte <= b' ' {
            continue;
        }
        if !byte.eq_ignore_ascii_case(&prefix[matched]) {
            return None;
        }
        matched += 1;
    }
    Some(at)
}

/// The media type with its parameters, and where the data begins.
fn head(text: &[u8], begin: usize, json: bool) -> Option<(String, usize)> {
    let mut reader = Reader::new(Layers {
        json,
        percent: false,
        base64: false,
    });
    let mut at = begin;
    let mut head = Vec::new();
    loop {
        let bytes = reader.next(text, &mut at).ok()??;
        match bytes.as_slice() {
            b"," => return Some((String::from_utf8(head).ok()?, at)),
            bytes if head.len() < LONGEST_HEAD => head.extend_from_slice(bytes),
            _ => return None,
        }
    }
}

/// The first decoded bytes.
fn first_bytes(encoded: &[u8], layers: Layers) -> Option<Vec<u8>> {
    let mut reader = Reader::new(layers);
    let mut header = Vec::new();
    let mut at = 0;
    while header.len() < HEADER
        && let Some(bytes) = reader.step(encoded, &mut at).ok()?
    {
        header.extend_from_slice(bytes.as_slice());
    }
    Some(header)
}

fn is_medium(header: &[u8]) -> bool {
    matches!(
        file_type::kind(header),
        FileType::Image(_) | FileType::Video(_)
    )
}

/// Reads encoded bytes from the front.
struct Reader {
    layers: Layers,
    base64: Base64,
}

/// The bytes that one step decoded.
#[derive(Clone, Copy)]
struct Few {
    bytes: [u8; 4],
    length: usize,
}

impl Few {
    const NONE: Self = Self {
        bytes: [0; 4],
        length: 0,
    };

    fn one(byte: u8) -> Self {
        Self {
            bytes: [byte, 0, 0, 0],
            length: 1,
        }
    }

    fn of(letter: char) -> Self {
        let mut bytes = [0; 4];
        let length = letter.encode_utf8(&mut bytes).len();
        Self { bytes, length }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Reader {
    fn new(layers: Layers) -> Self {
        Self {
            layers,
            base64: Base64::default(),
        }
    }

    /// Decodes the next bytes into `block`, and returns how many, possibly none. `None` at the
    /// end.
    fn next_block(
        &mut self,
        text: &[u8],
        at: &mut usize,
        block: &mut [u8; BLOCK],
    ) -> Result<Option<usize>, Invalid> {
        if self.layers.base64 {
            let (read, written) = self.base64.take_block(&text[*at..], block);
            *at += read;
            if written > 0 {
                return Ok(Some(written));
            }
        }
        let few = self.next(text, at)?;
        Ok(few.map(|few| {
            block[..few.length].copy_from_slice(few.as_slice());
            few.length
        }))
    }

    /// The bytes of the next step; `None` at the end.
    fn next(&mut self, text: &[u8], at: &mut usize) -> Result<Option<Few>, Invalid> {
        let step = self.step(text, at)?;
        if step.is_none() && self.layers.base64 && !self.base64.is_complete() {
            return Err(Invalid);
        }
        Ok(step)
    }

    /// The same without a check at the end.
    fn step(&mut self, text: &[u8], at: &mut usize) -> Result<Option<Few>, Invalid> {
        let Some(&byte) = text.get(*at) else {
            return Ok(None);
        };
        let mut few = Few::one(byte);
        let mut taken = 1;
        if byte == b'\\' && self.layers.json {
            (few, taken) = unescaped(&text[*at..]).ok_or(Invalid)?;
        }
        *at += taken;
        if self.layers.percent
            && few.as_slice() == b"%"
            && let Some([high, low]) = text.get(*at..*at + 2)
            && let Some(byte) = hexadecimal(*high, *low)
        {
            few = Few::one(byte);
            *at += 2;
        }
        if self.layers.base64 {
            let [symbol] = *few.as_slice() else {
                return Err(Invalid);
            };
            few = match self.base64.take(symbol).map_err(|_| Invalid)? {
                Some(byte) => Few::one(byte),
                None => Few::NONE,
            };
        }
        Ok(Some(few))
    }
}

/// The text is not in its encoding.
struct Invalid;

/// Decodes the escape at the start of a part of a JSON string: the character, and the length
/// of the escape.
fn unescaped(text: &[u8]) -> Option<(Few, usize)> {
    let letter = match *text.get(1)? {
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        byte @ (b'"' | b'\\' | b'/') => byte,
        b'u' => {
            let first = unit(text)?;
            let pair = text.get(6..).filter(|rest| rest.starts_with(b"\\u"));
            let units = [first, pair.and_then(unit).unwrap_or(0)];
            return Some(match char::decode_utf16(units).next()? {
                Ok(letter) => (Few::of(letter), 6 * letter.len_utf16()),
                Err(_) => (Few::of(char::REPLACEMENT_CHARACTER), 6),
            });
        }
        _ => return None,
    };
    Some((Few::one(letter), 2))
}

/// The unit of UTF-16 that the escape `\uXXXX` at the start of `text` names.
fn unit(text: &[u8]) -> Option<u16> {
    let [_, _, a, b, c, d, ..] = *text else {
        return None;
    };
    Some(u16::from_be_bytes([hexadecimal(a, b)?, hexadecimal(c, d)?]))
}

fn hexadecimal(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}
