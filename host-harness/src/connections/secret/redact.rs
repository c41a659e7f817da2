//! Finds a credential in what the other side says: as it is, and in the forms in which
//! servers quote what they were sent.
//!
//! - as it is, wherever it stands
//! - escaped as in a JSON string, every character that may be (`\u0073`, `\/`, `\"`)
//! - percent-encoded, every character that may be, in both cases
//! - in base64, in both alphabets, alone or within a longer text (`Bearer …`, `user:…`):
//!   what of the encoding does not depend on that text is looked for, which is all of it
//!   but a part of its first and last character
//!
//! and each of these encoded once more in JSON or percent signs.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// Shorter credentials are not looked for: chance matches would make replies unreadable.
pub(super) const SHORTEST: usize = 8;

/// How often a text may have been escaped or encoded.
const DEPTH: u32 = 2;

/// What is looked for. No `Debug`: each of these is the credential.
pub(super) struct SecretMatcher {
    plain: Zeroizing<Vec<u8>>,
    /// In lower case, as names of headers are.
    name: Zeroizing<String>,
    base64: Vec<Zeroizing<Vec<u8>>>,
}

impl SecretMatcher {
    /// What to look for, so that `secret` is found. Nothing, when it is shorter than
    /// [`SHORTEST`].
    pub(super) fn of(secret: &str) -> Self {
        let looked_for = if secret.len() < SHORTEST { "" } else { secret };
        let mut base64: Vec<_> = (0..3)
            .flat_map(|before| {
                [
                    cores(looked_for, before, false),
                    cores(looked_for, before, true),
                ]
            })
            .collect();
        base64.dedup();
        base64.retain(|core| !core.is_empty());
        Self {
            plain: Zeroizing::new(looked_for.as_bytes().to_vec()),
            name: Zeroizing::new(looked_for.to_ascii_lowercase()),
            base64,
        }
    }

    /// Where it stands in `text`, in no order; ranges may overlap.
    pub(super) fn find_in(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if !self.plain.is_empty() {
            self.look(&Seen::as_it_is(text), DEPTH, &mut found);
        }
        found
    }

    /// Whether the name of a header holds it.
    pub(super) fn is_in_name(&self, name: &str) -> bool {
        !self.name.is_empty() && name.contains(self.name.as_str())
    }

    fn look(&self, seen: &Seen<'_>, depth: u32, found: &mut Vec<Range<usize>>) {
        for at in matches(&seen.bytes, &self.plain) {
            found.push(seen.place(at..at + self.plain.len()));
        }
        for core in &self.base64 {
            for at in matches(&seen.bytes, core) {
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

/// The characters of `secret` in base64 that are the same after any text whose length
/// leaves `before` when divided by three, and before any text at all.
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

/// The first and last character, of which only a part is known.
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

/// A text as somebody reads it, and where in the original each of its bytes begins.
struct Seen<'a> {
    bytes: Cow<'a, [u8]>,
    /// One longer than `bytes`; `None` where nothing is encoded.
    begins: Option<Vec<usize>>,
}

/// The byte that an encoded one at the beginning of a text stands for, and how long the
/// encoding is.
type Reading = fn(&[u8]) -> Option<(u8, usize)>;

impl<'a> Seen<'a> {
    fn as_it_is(text: &'a [u8]) -> Self {
        Self {
            bytes: text.into(),
            begins: None,
        }
    }

    /// The same read through an encoding, unless nothing in it is encoded.
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

/// A JSON string's escape. Other characters than ASCII are none of a credential's.
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
        // As forms have it.
        [b'+', ..] => Some((b' ', 1)),
        _ => None,
    }
}

fn byte_of(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// Where `wanted` begins in `text`; what is taken by one match belongs to no other.
fn matches<'a>(text: &'a [u8], wanted: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let first = *wanted.first()?;
        // By the first byte: replies are long and secrets are not in them.
        while let Some(next) = text.get(from..)?.iter().position(|&byte| byte == first) {
            let at = from + next;
            if text[at..].starts_with(wanted) {
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
