//! Inputs with several parts.

/// The line between two parts of an input; see [`parts`].
pub const SEPARATOR: &str = "\n---\n";

/// Splits an input into parts. Absent parts are those of `missing`; the last part has the rest. An
/// input without separator is the last part, so that random words are used for it.
#[must_use]
pub fn parts<'a, const COUNT: usize>(
    input: &'a [u8],
    missing: [&'a [u8]; COUNT],
) -> [&'a [u8]; COUNT] {
    let separator = SEPARATOR.as_bytes();
    let mut parts = missing;
    let mut rest = input;
    for part in parts.iter_mut().take(COUNT.saturating_sub(1)) {
        let is_separator = |window: &[u8]| window == separator;
        let Some(end) = rest.windows(separator.len()).position(is_separator) else {
            break;
        };
        *part = &rest[..end];
        rest = &rest[end + separator.len()..];
    }
    if let Some(last) = parts.last_mut() {
        *last = rest;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_split_at_separators() {
        let three = |input| parts(input, [b"1", b"2", b"3"]);
        assert_eq!(
            three(b"a\n---\nb\n---\nc\n---\nd"),
            [&b"a"[..], b"b", b"c\n---\nd"]
        );
        assert_eq!(three(b"a\n---\nc"), [&b"a"[..], b"2", b"c"]);
        assert_eq!(three(b"c"), [&b"1"[..], b"2", b"c"]);
    }
}
