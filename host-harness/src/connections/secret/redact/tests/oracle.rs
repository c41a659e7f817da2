//! The obvious search: decodes a text as a whole, and compares each place with the credential.

use std::ops::Range;

/// A decoded byte, and the part of the original that it comes from.
type Decoded = Vec<(u8, Range<usize>)>;

/// Decodes one escape at the start: the byte, and how many it takes.
type Decode = fn(&[u8]) -> Option<(u8, usize)>;

/// The places of `secret`, or of a beginning of 8 characters, in any of two layers.
pub(super) fn places(secret: &[u8], text: &[u8]) -> Vec<Range<usize>> {
    let plain: Decoded = text
        .iter()
        .enumerate()
        .map(|(at, &byte)| (byte, at..at + 1))
        .collect();
    let decoders: [Decode; 3] = [json, percent, entity];
    let mut texts = vec![plain.clone()];
    for first in decoders {
        let once = decoded(&plain, first);
        texts.extend(decoders.map(|second| decoded(&once, second)));
        texts.push(once);
    }
    texts.iter().flat_map(|text| found(secret, text)).collect()
}

fn found(secret: &[u8], text: &Decoded) -> Vec<Range<usize>> {
    (0..text.len())
        .filter_map(|at| {
            let said = text[at..].iter().zip(secret);
            let count = said
                .take_while(|((byte, _), known)| byte.eq_ignore_ascii_case(known))
                .count();
            (count >= 8).then(|| text[at].1.start..text[at + count - 1].1.end)
        })
        .collect()
}

fn decoded(text: &Decoded, decode: Decode) -> Decoded {
    let bytes: Vec<u8> = text.iter().map(|(byte, _)| *byte).collect();
    let mut result = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (byte, length) = decode(&bytes[at..]).unwrap_or((bytes[at], 1));
        result.push((byte, text[at].1.start..text[at + length - 1].1.end));
        at += length;
    }
    result
}

fn json(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'\\', b'u', digits @ ..] => Some((number(digits.get(..4)?, 16)?, 6)),
        _ => None,
    }
}

fn percent(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'%', digits @ ..] => Some((number(digits.get(..2)?, 16)?, 3)),
        [b'+', ..] => Some((b' ', 1)),
        _ => None,
    }
}

fn entity(text: &[u8]) -> Option<(u8, usize)> {
    let digits = text.strip_prefix(b"&#")?;
    let count = digits.iter().position(|&byte| byte == b';')?;
    Some((number(digits.get(..count)?, 10)?, count + 3))
}

fn number(digits: &[u8], radix: u32) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    let is_digits = text.chars().all(|digit| digit.is_digit(radix));
    u8::from_str_radix(text, radix)
        .ok()
        .filter(|value| is_digits && value.is_ascii())
}
