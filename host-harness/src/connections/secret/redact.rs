//! Finds a credential in a reply, in the forms in which servers echo a request:
//!
//! - in any case, whole or cut off after at least 8 characters, as in `sk-abcd1234…`
//! - with any of its characters escaped as in a JSON string (`\u0073`, `\/`, `\"`)
//! - with any of its characters percent-encoded
//! - with any of its characters as an HTML entity (`&#115;`, `&#x73;`, `&amp;`)
//! - in base64, in both alphabets, alone or within a longer text (`Bearer …`, `user:…`):
//!   the matcher searches for the characters that do not depend on that text, which are all
//!   but the first and last one
//!
//! Each escape may be escaped once more, in any of these ways; a text may mix them. Time is in
//! proportion to the length of the text, and memory does not depend on it.

mod pattern;
mod readings;
mod scan;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use self::pattern::Pattern;
use self::scan::Scan;

/// Shorter credentials, and shorter beginnings of a credential, are not redacted: chance matches
/// would make replies unreadable.
pub(super) const MIN_LENGTH: usize = 8;

/// The base64 characters that depend on [`MIN_LENGTH`] characters alone, whatever is before them.
const MIN_BASE64: usize = 10;

/// The search patterns of a credential. No `Debug`: each pattern reveals it.
pub(super) struct SecretMatcher {
    patterns: Vec<Pattern>,
}

impl SecretMatcher {
    /// The patterns of `secret`. None if it is shorter than [`MIN_LENGTH`].
    pub(super) fn of(secret: &str) -> Self {
        let mut patterns: Vec<_> = Pattern::of(secret.as_bytes(), MIN_LENGTH, true)
            .into_iter()
            .collect();
        if patterns.is_empty() {
            return Self { patterns };
        }
        for before in 0..3 {
            let mut both = [false, true].map(|url| cores(secret, before, url)).to_vec();
            both.dedup();
            let both = both
                .iter()
                .filter_map(|core| Pattern::of(core, MIN_BASE64, false));
            patterns.extend(both);
        }
        Self { patterns }
    }

    /// Replaces it in `text` by asterisks, byte by byte. Returns whether it was there.
    pub(super) fn redact(&self, text: &mut [u8]) -> bool {
        if self.patterns.is_empty() {
            return false;
        }
        let mut scan = Scan::of(&self.patterns);
        // What is before `at` is not read again, except for one byte next to a match.
        let (mut at, mut until) = (0, 0);
        let mut is_found = false;
        while at < text.len() {
            let next = scan.skip(text, at);
            text[at..next.min(until).max(at)].fill(b'*');
            at = next;
            if at == text.len() {
                break;
            }
            if let Some(part) = scan.step(text, at) {
                is_found = true;
                text[part.start..at].fill(b'*');
                until = until.max(part.end);
            }
            if at < until {
                text[at] = b'*';
            }
            at += 1;
        }
        is_found
    }

    /// Whether `text` holds it.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        if self.patterns.is_empty() {
            return false;
        }
        let mut scan = Scan::of(&self.patterns);
        let mut at = scan.skip(text, 0);
        while at < text.len() {
            if scan.step(text, at).is_some() {
                return true;
            }
            at = scan.skip(text, at + 1);
        }
        false
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

#[cfg(test)]
mod tests;
