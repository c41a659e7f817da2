use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::*;

/// The text of [`BROTLI`].
fn sentence_of_575_bytes() -> Vec<u8> {
    let words = "a clip of a clip of a clip, ".repeat(20);
    format!("{{\"message\": \"{words}\"}}").into_bytes()
}

/// A text in brotli, with backward references and Huffman codes.
const BROTLI: &str = "1b3e02f81d07762cf8856a581c7892d4202c3a7b43a4c2fa602227e06d910478027e2ba0c10a0df1\
                      6638cae4ce89";

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex
        .chars()
        .filter_map(|letter| letter.to_digit(16))
        .collect();
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| u8::try_from(pair[0] << 4 | pair[1]).expect("a byte"))
        .collect()
}

/// `text` as an uncompressed brotli stream: blocks of up to 64 KiB.
fn brotli(text: &[u8]) -> Vec<u8> {
    // A window of 16 bits is one bit; every block then ends at a whole byte.
    let mut bits: Vec<bool> = vec![false];
    let number = |bits: &mut Vec<bool>, value: usize, count: usize| {
        bits.extend((0..count).map(|bit| value >> bit & 1 == 1));
    };
    for block in text.chunks(1 << 16) {
        // Not the last block; a length of four digits; not compressed.
        number(&mut bits, 0, 1);
        number(&mut bits, 0, 2);
        number(&mut bits, block.len() - 1, 16);
        number(&mut bits, 1, 1);
        bits.resize(bits.len().next_multiple_of(8), false);
        for byte in block {
            number(&mut bits, usize::from(*byte), 8);
        }
    }
    // The last block, which is empty.
    number(&mut bits, 0b11, 2);
    bits.resize(bits.len().next_multiple_of(8), false);
    let byte = |bits: &[bool]| {
        bits.iter()
            .enumerate()
            .fold(0, |byte, (at, bit)| byte | u8::from(*bit) << at)
    };
    bits.chunks(8).map(byte).collect()
}

fn encoded(encoding: &str, text: &[u8]) -> Vec<u8> {
    let level = Compression::default();
    match encoding {
        "gzip" | "x-gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), level);
            encoder.write_all(text).expect("write");
            encoder.finish().expect("gzip")
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(text).expect("write");
            encoder.finish().expect("zlib")
        }
        "bare deflate" => {
            let mut encoder = DeflateEncoder::new(Vec::new(), level);
            encoder.write_all(text).expect("write");
            encoder.finish().expect("deflate")
        }
        "br" => brotli(text),
        "zstd" => zstd::encode_all(text, 3).expect("zstd"),
        "identity" => text.to_vec(),
        other => panic!("{other}"),
    }
}

const ENCODINGS: [&str; 6] = ["gzip", "x-gzip", "deflate", "bare deflate", "br", "zstd"];

fn decoder(encoding: &str, limit: u64) -> Result<Option<ContentDecoder>, ReplyLost> {
    let mut headers = HeaderMap::new();
    let name = encoding.trim_start_matches("bare ");
    headers.insert(CONTENT_ENCODING, name.parse().expect("a value"));
    ContentDecoder::of(&headers, limit)
}

fn decoded_up_to(
    encoding: &str,
    body: &[u8],
    piece: usize,
    limit: u64,
) -> Result<Vec<u8>, ReplyLost> {
    let mut decoder = decoder(encoding, limit)?.expect("an encoding");
    let mut text = Vec::new();
    for mut part in body.chunks(piece) {
        while let Some(bytes) = decoder.next(&mut part)? {
            assert!((1..=PIECE).contains(&bytes.len()));
            text.extend_from_slice(bytes);
        }
        assert!(part.is_empty());
    }
    decoder.finish()?;
    Ok(text)
}

fn decoded(encoding: &str, body: &[u8]) -> Result<Vec<u8>, ReplyLost> {
    decoded_up_to(encoding, body, 1 << 14, 1 << 30)
}

/// Bytes that do not become much shorter.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn every_encoding_is_decoded() {
    let texts = [Vec::new(), b"x".to_vec(), vec![7; 300_000], noise(300_000)];
    for encoding in ENCODINGS {
        for text in &texts {
            let body = encoded(encoding, text);
            for piece in [1, 7, 1 << 20] {
                let decoded = decoded_up_to(encoding, &body, piece, 300_000);
                assert!(decoded.is_ok_and(|it| it == *text), "{encoding}, {piece}");
            }
        }
    }
    let text = decoded("br", &bytes_of(BROTLI)).expect("brotli");
    assert_eq!(text, sentence_of_575_bytes());
}

#[test]
fn several_encodings_are_decoded_in_reverse_order() {
    let text = noise(100_000);
    let once = encoded("gzip", &text);
    let twice = encoded("zstd", &once);
    let thrice = encoded("br", &twice);
    assert_eq!(decoded("gzip, ZSTD", &twice).expect("two"), text);
    assert_eq!(
        decoded("gzip,identity,, zstd ,br", &thrice).expect("three"),
        text
    );
    let mut headers = HeaderMap::new();
    headers.append(CONTENT_ENCODING, "gzip".parse().expect("a value"));
    headers.append(CONTENT_ENCODING, "zstd".parse().expect("a value"));
    let lines = ContentDecoder::of(&headers, 1 << 20).expect("known");
    let mut lines = lines.expect("encoded");
    let (mut body, mut whole) = (&twice[..], Vec::new());
    while let Some(bytes) = lines.next(&mut body).expect("valid") {
        whole.extend_from_slice(bytes);
    }
    assert_eq!(whole, text);
}

#[test]
fn body_without_an_encoding_has_no_decoder() {
    assert!(
        ContentDecoder::of(&HeaderMap::new(), 1)
            .expect("known")
            .is_none()
    );
    for none in ["identity", "Identity, identity", "", "none", "utf-8", ","] {
        assert!(decoder(none, 1).expect("known").is_none(), "{none}");
    }
}

#[test]
fn unknown_encoding_is_named_and_made_printable() {
    let named = |encoding: &str| {
        let refused = decoder(encoding, 1 << 20).map(drop);
        match refused {
            Err(ReplyLost::Encoded { encoding }) => encoding,
            other => panic!("{encoding}: {other:?}"),
        }
    };
    assert_eq!(named("compress"), "compress");
    assert_eq!(named("gzip, LZMA"), "lzma");
    assert_eq!(named(&"x".repeat(100)), "x".repeat(64));
    assert_eq!(named("gzip, gzip, gzip, gzip"), "gzip, gzip, gzip, gzip");
    let mut headers = HeaderMap::new();
    let value = http::HeaderValue::from_bytes("a\u{202e}\u{9b}b".as_bytes()).expect("a value");
    headers.insert(CONTENT_ENCODING, value);
    let refused = ContentDecoder::of(&headers, 1)
        .map(drop)
        .expect_err("unknown");
    let expected = "the reply has the encoding `a\u{fffd}\u{fffd}b`, which is not supported";
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn gzip_of_several_members_with_all_fields_is_decoded() {
    let (one, two) = (vec![1; 100_000], vec![2; 100_000]);
    let mut member = flate2::GzBuilder::new()
        .filename("a.json")
        .comment("a comment")
        .extra(vec![3; 300])
        .write(Vec::new(), Compression::best());
    member.write_all(&one).expect("write");
    let mut body = member.finish().expect("gzip");
    // The same with a checksum of the header, which is not verified.
    let plain = encoded("gzip", &two);
    body.extend_from_slice(&plain[..3]);
    body.push(1 << 1);
    body.extend_from_slice(&plain[4..10]);
    body.extend_from_slice(&[0, 0]);
    body.extend_from_slice(&plain[10..]);
    let expected = [one, two].concat();
    for piece in [1, 1 << 20] {
        let decoded = decoded_up_to("gzip", &body, piece, 1 << 20);
        assert!(decoded.is_ok_and(|it| it == expected));
    }
    body.extend_from_slice(&[0; 512]);
    assert!(decoded("gzip", &body).is_ok_and(|it| it == expected));
    body.push(b'x');
    assert!(matches!(
        decoded("gzip", &body),
        Err(ReplyLost::Damaged { encoding: "gzip" })
    ));
}

#[test]
fn zstd_of_several_frames_is_decoded_and_a_larger_window_is_refused() {
    let one = encoded("zstd", b"one ");
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
    let body = [one, skippable, encoded("zstd", b"two")].concat();
    assert_eq!(decoded("zstd", &body).expect("frames"), b"one two");
    let large = |window| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("encoder");
        encoder.window_log(window).expect("a window");
        encoder.write_all(b"text").expect("write");
        encoder.finish().expect("zstd")
    };
    assert_eq!(decoded("zstd", &large(23)).expect("8 MiB"), b"text");
    let refused = decoded("zstd", &large(24));
    assert!(matches!(
        refused,
        Err(ReplyLost::Damaged { encoding: "zstd" })
    ));
}

#[test]
fn brotli_with_the_extension_for_large_windows_is_refused() {
    let large = bytes_of("111a08000268656c6c6f03");
    let refused = decoded("br", &large);
    assert!(matches!(
        refused,
        Err(ReplyLost::Damaged { encoding: "br" })
    ));
}

#[test]
fn truncated_body_is_an_error_at_every_length() {
    let text = noise(500);
    for encoding in ENCODINGS {
        let body = encoded(encoding, &text);
        for length in 1..body.len() {
            let outcome = decoded(encoding, &body[..length]);
            assert!(
                matches!(outcome, Err(ReplyLost::Truncated { .. })),
                "{encoding}, {length}: {outcome:?}"
            );
        }
        assert_eq!(decoded(encoding, b"").expect("no body"), b"");
    }
}

#[test]
fn damaged_body_and_bytes_after_the_end_are_errors() {
    for encoding in ENCODINGS {
        let outcome = decoded(encoding, b"{\"id\": \"j-1\", \"state\": \"queued\"}");
        let is_damaged = matches!(
            outcome,
            Err(ReplyLost::Damaged { .. } | ReplyLost::Truncated { .. })
        );
        assert!(is_damaged, "{encoding}: {outcome:?}");
        let mut longer = encoded(encoding, b"text");
        longer.extend_from_slice(b"more");
        let outcome = decoded(encoding, &longer);
        assert!(
            matches!(outcome, Err(ReplyLost::Damaged { .. })),
            "{encoding}: {outcome:?}"
        );
    }
    let mut wrong = encoded("gzip", &noise(500));
    let trailer = wrong.len() - 8;
    wrong[trailer] ^= 1;
    assert!(matches!(
        decoded("gzip", &wrong),
        Err(ReplyLost::Damaged { .. })
    ));
}

/// A gzip body that decodes to `megabytes` MiB of zeros.
fn bomb(megabytes: usize) -> Vec<u8> {
    let zeros = vec![0; 1 << 20];
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..megabytes {
        encoder.write_all(&zeros).expect("write");
    }
    encoder.finish().expect("gzip")
}

#[test]
fn bomb_of_ten_gigabytes_stops_at_the_limit() {
    let member = bomb(64);
    let body = member.repeat(160);
    let mut decoder = decoder("gzip", 1 << 20).expect("known").expect("gzip");
    let (mut rest, mut written) = (&body[..], 0);
    let stopped = loop {
        match decoder.next(&mut rest) {
            Ok(Some(bytes)) => written += bytes.len(),
            Ok(None) => panic!("it ended"),
            Err(error) => break error,
        }
    };
    assert!(matches!(
        stopped,
        ReplyLost::BodyTooLong { limit: 1_048_576 }
    ));
    assert_eq!(written, 1 << 20);
    assert!(body.len() - rest.len() < 8 << 10, "it read on");
}

#[test]
fn bomb_of_bombs_stops_at_the_limit_without_a_decoded_byte() {
    // Each member holds nothing, so that only the outer layers grow.
    let nothing = encoded("gzip", b"").repeat(1 << 20);
    let outer = encoded("zstd", &nothing);
    let outermost = encoded("gzip", &outer);
    assert!(outermost.len() < 100_000);
    let outcome = decoded_up_to("gzip, zstd, gzip", &outermost, 1 << 20, 1 << 20);
    assert!(matches!(
        outcome,
        Err(ReplyLost::BodyTooLong { limit: 1_048_576 })
    ));
    let outcome = decoded_up_to("gzip", &nothing, 1 << 20, 1 << 20);
    assert!(matches!(outcome, Err(ReplyLost::BodyTooLong { .. })));
}

#[test]
fn body_of_exactly_the_limit_is_decoded() {
    for encoding in ENCODINGS {
        for text in [vec![0; 200_000], noise(200_000)] {
            let body = encoded(encoding, &text);
            assert!(
                decoded_up_to(encoding, &body, 1 << 20, 200_000).is_ok(),
                "{encoding}"
            );
            let beyond = decoded_up_to(encoding, &body, 1 << 20, 199_999);
            assert!(
                matches!(beyond, Err(ReplyLost::BodyTooLong { limit: 199_999 })),
                "{encoding}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn decoded_bytes_do_not_depend_on_the_pieces(
        text in proptest::collection::vec(any::<u8>(), 0..5_000),
        repeats in 1..40_usize,
        layers in proptest::collection::vec(0..ENCODINGS.len(), 1..=3),
        piece in 1..3_000_usize,
    ) {
        let text = text.repeat(repeats);
        let mut body = text.clone();
        let mut names = Vec::new();
        for layer in layers {
            body = encoded(ENCODINGS[layer], &body);
            names.push(ENCODINGS[layer].trim_start_matches("bare "));
        }
        let decoded = decoded_up_to(&names.join(", "), &body, piece, text.len() as u64);
        prop_assert!(decoded.is_ok_and(|it| it == text));
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(
        body in proptest::collection::vec(any::<u8>(), 0..2_000),
        encoding in 0..ENCODINGS.len(),
        begins_well in any::<bool>(),
        piece in 1..2_000_usize,
    ) {
        let encoding = ENCODINGS[encoding];
        let mut whole = Vec::new();
        if begins_well {
            whole = encoded(encoding, &noise(3_000));
            whole.truncate(whole.len() / 2);
        }
        whole.extend_from_slice(&body);
        let mut decoder = decoder(encoding, 1 << 20).expect("known").expect("encoded");
        let (mut length, mut refused) = (0, false);
        'all: for mut part in whole.chunks(piece) {
            loop {
                match decoder.next(&mut part) {
                    Ok(Some(bytes)) => length += bytes.len(),
                    Ok(None) => break,
                    Err(_) => {
                        refused = true;
                        break 'all;
                    }
                }
            }
        }
        prop_assert!(length <= 1 << 20);
        prop_assert!(refused || decoder.finish().is_ok() || length < 1 << 20);
    }
}
