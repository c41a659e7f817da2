//! The fuzz target of encoded bodies; see `docs/reference/fuzzing.md`.

use http::HeaderValue;
use zoetrope_fuzzing::Target;

use super::*;

/// Most decoded bytes of an input.
const LIMIT: u64 = 1 << 20;

/// Decodes `body` in pieces of this length.
fn decoded(headers: &HeaderMap, body: &[u8], piece: usize) -> Result<Vec<u8>, ReplyLost> {
    let Some(mut decoder) = ContentDecoder::of(headers, LIMIT)? else {
        return Ok(body.to_vec());
    };
    let mut text = Vec::new();
    for mut part in body.chunks(piece) {
        while let Some(bytes) = decoder.next(&mut part)? {
            assert!((1..=PIECE).contains(&bytes.len()));
            text.extend_from_slice(bytes);
        }
        assert!(part.is_empty());
    }
    assert!(text.len() as u64 <= LIMIT);
    decoder.finish().map(|()| text)
}

#[test]
fn encoded_body_of_any_bytes_is_decoded_or_refused() {
    Target::new("encodings", 1500).run(|input| {
        // The first line is the header.
        let line = input.iter().position(|&byte| byte == b'\n');
        let (header, body) = input.split_at(line.unwrap_or(input.len()));
        let body = body.strip_prefix(b"\n").unwrap_or(body);
        let Ok(value) = HeaderValue::from_bytes(header) else {
            return "no header";
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, value);
        let whole = decoded(&headers, body, 1 << 20);
        let pieces = decoded(&headers, body, 7);
        match (whole, pieces) {
            (Ok(whole), Ok(pieces)) => {
                assert_eq!(whole, pieces);
                "decoded"
            }
            (Err(ReplyLost::Encoded { encoding }), Err(ReplyLost::Encoded { .. })) => {
                assert!(!encoding.chars().any(char::is_control));
                "unknown"
            }
            (Err(ReplyLost::Truncated { .. }), Err(ReplyLost::Truncated { .. })) => "truncated",
            // How much is decoded before the error depends on the pieces.
            (
                Err(ReplyLost::Damaged { .. } | ReplyLost::BodyTooLong { .. }),
                Err(ReplyLost::Damaged { .. } | ReplyLost::BodyTooLong { .. }),
            ) => "refused",
            (whole, pieces) => panic!("{whole:?} and {pieces:?}"),
        }
    });
}
