//! The range of bytes that a reply carries (RFC 9110, section 14.4).

use http::HeaderMap;
use http::header::CONTENT_RANGE;

/// A `Content-Range` in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContentRange {
    /// The first byte, from 0.
    pub(super) first: u64,
    /// The last byte; not before the first.
    pub(super) last: u64,
    /// Length of the whole, if the server announced it.
    pub(super) total: Option<u64>,
}

impl ContentRange {
    /// The range of a reply with status 206; `None` if it is missing or not valid.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
        let (unit, range) = text.trim().split_once(' ')?;
        let (bytes, total) = range.trim().split_once('/')?;
        let (first, last) = bytes.split_once('-')?;
        let total = match total {
            "*" => None,
            total => Some(number(total)?),
        };
        let range = Self {
            first: number(first)?,
            last: number(last)?,
            total,
        };
        let valid = range.first <= range.last
            && range.last < u64::MAX
            && range.total.is_none_or(|total| range.last < total);
        (valid && unit.eq_ignore_ascii_case("bytes")).then_some(range)
    }
}

/// The length of the whole in a reply with status 416 (`bytes */700`), if it says one.
pub(super) fn length_of_whole(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (unit, range) = text.trim().split_once(' ')?;
    let total = range.trim().strip_prefix("*/")?;
    unit.eq_ignore_ascii_case("bytes").then(|| number(total))?
}

/// Digits only: `str::parse` takes a sign as well.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn length_of_the_whole_is_read_from_an_unsatisfied_range() {
        for (text, expected) in [
            ("bytes */700", Some(700)),
            ("Bytes  */0", Some(0)),
            ("bytes */*", None),
            ("bytes 0-5/700", None),
            ("bytes */+700", None),
            ("items */700", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_RANGE, HeaderValue::from_static(text));
            assert_eq!(length_of_whole(&headers), expected, "{text}");
        }
        assert_eq!(length_of_whole(&HeaderMap::new()), None);
    }

    #[test]
    fn invalid_content_range_is_ignored() {
        let range = |first, last, total| Some(ContentRange { first, last, total });
        for (text, expected) in [
            ("bytes 5-9/10", range(5, 9, Some(10))),
            ("Bytes 0-0/1", range(0, 0, Some(1))),
            ("bytes 5-9/*", range(5, 9, None)),
            ("bytes 5-8/10", range(5, 8, Some(10))),
            ("bytes 5-10/10", None),
            ("bytes 9-5/10", None),
            ("bytes */10", None),
            ("bytes 5-9", None),
            ("bytes +5-9/10", None),
            ("bytes -9/10", None),
            ("items 5-9/10", None),
            ("bytes 5-18446744073709551615/*", None),
            ("bytes 5-18446744073709551616/*", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_RANGE, HeaderValue::from_static(text));
            assert_eq!(ContentRange::of(&headers), expected, "{text}");
        }
        assert_eq!(ContentRange::of(&HeaderMap::new()), None);
    }
}
