//! Finds a credential in a reply, verbatim and in the encodings in which servers echo a
//! request:
//!
//! - verbatim, or in another case
//! - with any of its characters escaped as in a JSON string (`\u0073`, `\/`, `\"`)
//! - with any of its characters percent-encoded, in either case
//! - in base64, in both alphabets, alone or within a longer text (`Bearer …`, `user:…`):
//!   the matcher searches for the characters that do not depend on that text, which are all
//!   but the first and last one
//!
//! Each of these may be JSON-escaped or percent-encoded once more.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// Shorter credentials are not redacted: chance matches would make replies unreadable.
pub(super) const MIN_LENGTH: usize = 8;

/// How many layers of escaping or percent-encoding are removed.
const DEPTH: u32 = 2;

/// The search patterns of a credential. No `Debug`: each pattern reveals it.
pub(super) struct SecretMatcher {
    plain: Zeroizing<Vec<u8>>,
    /// In lower case, as header names are.
    name: Zeroizing<String>,
    base64: Vec<Zeroizing<Vec<u8>>>,
}

impl SecretMatcher {
    /// The patterns of `secret`. None if it is shorter than [`MIN_LENGTH`].
    pub(super) fn of(secret: &str) -> Self {
        let pattern = if secret.len() < MIN_LENGTH {
            ""
        } else {
            secret
        };
        let mut base64: Vec<_> = (0..3)
            .flat_map(|before| [cores(pattern, before, false), cores(pattern, before, true)])
            .collect();
        base64.dedup();
        base64.retain(|core| !core.is_empty());
        Self {
            plain: Zeroizing::new(pattern.as_bytes().to_vec()),
            name: Zeroizing::new(pattern.to_ascii_lowercase()),
            base64,
        }
    }

    /// Its ranges in `text`, in no order; ranges may overlap.
    pub(super) fn find_in(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if !self.plain.is_empty() {
            self.look(&Seen::as_it_is(text), DEPTH, &mut found);
        }
        found
    }

    /// Whether the header name `name` holds it.
    pub(super) fn is_in_name(&self, name: &str) -> bool {
        !self.name.is_empty() && name.contains(self.name.as_str())
    }

    fn look(&self, seen: &Seen<'_>, depth: u32, found: &mut Vec<Range<usize>>) {
        for at in matches(&seen.bytes, &self.plain, <[u8]>::eq_ignore_ascii_case) {
            found.push(seen.place(at..at + self.plain.len()));
        }
        for core in &self.base64 {
            for at in matches(&seen.bytes, core, <[u8]>::eq) {
                found.push(seen.place(with_neighbours(&seen.bytes, at..at + core.len())));
            }
        }
        if depth > 0 {
            for read in [unescaped, percent_decoded] {
                if let Some(read) = seen.read_as(read) {
                    self.look(&read, depth - 1, found);
                }
            }
        }
    }
}

/// The base64 characters of `secret` that do not depend on the text around it. `before` is
/// the length of the text before it, modulo three.
fn cores(secret: &str, before: usize, url: bool) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(vec![0; before]);
    text.extend_from_slice(secret.as_bytes());
    let encoded = Zeroizing::new(if url {
        URL_SAFE_NO_PAD.encode(&*text)
    } else {
        STANDARD_NO_PAD.encode(&*text)
    });
    let first = (8 * before).div_ceil(6);
    let last = 8 * text.len() / 6;
    Zeroizing::new(
        encoded
            .as_bytes()
            .get(first..last)
            .unwrap_or_default()
            .to_vec(),
    )
}

/// `range` with the base64 characters next to it, which encode a part of the credential.
fn with_neighbours(text: &[u8], range: Range<usize>) -> Range<usize> {
    let is_base64 = |at: usize| {
        text.get(at)
            .is_some_and(|&byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte))
    };
    let start = range
        .start
        .checked_sub(1)
        .filter(|&before| is_base64(before));
    let end = range.end + usize::from(is_base64(range.end));
    start.unwrap_or(range.start)..end
}

/// A decoded text, and where in the original each of its bytes begins.
struct Seen<'a> {
    bytes: Cow<'a, [u8]>,
    /// One longer than `bytes`; `None` for the original itself.
    begins: Option<Vec<usize>>,
}

/// Decodes one byte at the start of a text: the byte, and the length of its encoding.
type Reading = fn(&[u8]) -> Option<(u8, usize)>;

impl<'a> Seen<'a> {
    fn as_it_is(text: &'a [u8]) -> Self {
        Self {
            bytes: text.into(),
            begins: None,
        }
    }

    /// The text decoded by `reading`; `None` if nothing in it is encoded.
    fn read_as(&self, reading: Reading) -> Option<Seen<'static>> {
        let text = &self.bytes;
        (0..text.len()).find(|&at| reading(&text[at..]).is_some())?;
        let mut bytes = Vec::with_capacity(text.len());
        let mut begins = Vec::with_capacity(text.len() + 1);
        let mut at = 0;
        while at < text.len() {
            let (byte, length) = reading(&text[at..]).unwrap_or((text[at], 1));
            bytes.push(byte);
            begins.push(self.begin(at));
            at += length;
        }
        begins.push(self.begin(text.len()));
        Some(Seen {
            bytes: bytes.into(),
            begins: Some(begins),
        })
    }

    fn begin(&self, at: usize) -> usize {
        self.begins.as_ref().map_or(at, |begins| begins[at])
    }

    fn place(&self, range: Range<usize>) -> Range<usize> {
        self.begin(range.start)..self.begin(range.end)
    }
}

/// Decodes a JSON string's escape. Only ASCII, since credentials are ASCII.
fn unescaped(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'\\', b'u', b'0', b'0', high, low, ..] => Some((byte_of(*high, *low)?, 6)),
        [b'\\', byte @ (b'"' | b'\\' | b'/'), ..] => Some((*byte, 2)),
        _ => None,
    }
}

fn percent_decoded(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'%', high, low, ..] => Some((byte_of(*high, *low)?, 3)),
        // The space of form encoding.
        [b'+', ..] => Some((b' ', 1)),
        _ => None,
    }
}

fn byte_of(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// Where `wanted` begins in `text`, without overlaps. `is_equal` compares two texts of the same
/// length.
fn matches<'a>(
    text: &'a [u8],
    wanted: &'a [u8],
    is_equal: fn(&[u8], &[u8]) -> bool,
) -> impl Iterator<Item = usize> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let first = wanted.first()?.to_ascii_lowercase();
        // Fast path by the first byte: most replies hold no credential.
        let begins = |byte: &u8| byte.to_ascii_lowercase() == first;
        while let Some(next) = text.get(from..)?.iter().position(begins) {
            let at = from + next;
            let candidate = text.get(at..at + wanted.len());
            if candidate.is_some_and(|candidate| is_equal(candidate, wanted)) {
                from = at + wanted.len();
                return Some(at);
            }
            from = at + 1;
        }
        None
    })
}

#[cfg(test)]
mod tests;
