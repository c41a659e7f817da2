//! Byte ranges of the `Range` header.

/// The part of a file to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// Everything, with 200.
    Whole,
    /// These bytes, with 206.
    Part {
        /// The first byte.
        first: u64,
        /// The last byte, included.
        last: u64,
    },
    /// Nothing, with 416.
    Unsatisfiable,
}

/// Selects a part of `length` bytes.
///
/// A header with another unit, with several ranges or with invalid syntax is ignored, as RFC 9110
/// allows.
pub(crate) fn select(header: Option<&str>, length: u64) -> Selection {
    let Some((first, last)) = header
        .and_then(|header| header.strip_prefix("bytes="))
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Selection::Whole;
    };
    let end = length.saturating_sub(1);
    let (first, last) = match (number(first), number(last)) {
        (Bound::At(first), Bound::At(last)) if first > last => return Selection::Whole,
        (Bound::At(first), Bound::At(last)) => (first, last.min(end)),
        (Bound::At(first), Bound::Open) => (first, end),
        (Bound::Open, Bound::At(0)) => return Selection::Unsatisfiable,
        (Bound::Open, Bound::At(count)) => (length.saturating_sub(count), end),
        _ => return Selection::Whole,
    };
    if first < length {
        Selection::Part { first, last }
    } else {
        Selection::Unsatisfiable
    }
}

enum Bound {
    Open,
    At(u64),
    Nonsense,
}

fn number(text: &str) -> Bound {
    if text.is_empty() {
        Bound::Open
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit is beyond the end of every file.
        Bound::At(text.parse().unwrap_or(u64::MAX))
    } else {
        Bound::Nonsense
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let part = |first, last| Selection::Part { first, last };
        let cases = [
            (None, Selection::Whole),
            (Some("bytes=0-0"), part(0, 0)),
            (Some("bytes=10-19"), part(10, 19)),
            (Some("bytes=10-"), part(10, 99)),
            (Some("bytes=-10"), part(90, 99)),
            (Some("bytes=-1000"), part(0, 99)),
            (Some("bytes=90-1000"), part(90, 99)),
            (Some("bytes=5-99999999999999999999999"), part(5, 99)),
            (Some("bytes=100-"), Selection::Unsatisfiable),
            (Some("bytes=-0"), Selection::Unsatisfiable),
            (Some("bytes=9-3"), Selection::Whole),
            (Some("bytes=-"), Selection::Whole),
            (Some("bytes=a-b"), Selection::Whole),
            (Some("bytes=0-1,5-6"), Selection::Whole),
            (Some("frames=0-1"), Selection::Whole),
        ];
        for (header, expected) in cases {
            assert_eq!(select(header, 100), expected, "{header:?}");
        }
        assert_eq!(select(Some("bytes=0-"), 0), Selection::Unsatisfiable);
    }
}
