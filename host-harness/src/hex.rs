//! Bytes as hexadecimal digits.

use std::fmt;

/// `bytes` as lower-case digits, two for each byte.
pub(crate) fn encoded(bytes: &[u8]) -> impl fmt::Display {
    fmt::from_fn(|f| bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")))
}

/// The bytes of `text`; `None` unless it is exactly `2 * N` digits of either case.
pub(crate) fn decoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        let digits = &text[2 * index..2 * index + 2];
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(bytes)
}

/// The bytes of `text`; `None` unless it is an even number of digits of either case.
pub(crate) fn decoded_bytes(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let bytes = pairs.iter().map(|pair| {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        u8::try_from(high? << 4 | low?).ok()
    });
    bytes.collect()
}
