//! Downloads with a `content-encoding`.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::resume::{KIB, long, part_reply};
use super::*;
use crate::egress::EgressError;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("write");
    encoder.finish().expect("gzip")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("write");
    encoder.finish().expect("zlib")
}

fn bare_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("write");
    encoder.finish().expect("deflate")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 1).expect("zstd")
}

fn encoded(encoding: &str, body: &[u8]) -> Vec<u8> {
    reply("200 OK", &format!("content-encoding: {encoding}\r\n"), body)
}

/// As [`clip`], beginning of a file of `length` bytes that becomes short in any encoding.
fn dark_clip(length: usize) -> Vec<u8> {
    let mut clip = clip();
    clip.resize(length, 0);
    clip
}

#[tokio::test]
async fn encoded_download_is_decoded_while_it_is_written() {
    let clip = long(1);
    // The clip in brotli: blocks that are not compressed.
    let small = dark_clip(700);
    let brotli = [&[0xb0, 0x2b, 0x10][..], &small, &[0x03]].concat();
    for (encoding, body, expected) in [
        ("gzip", gzip(&clip), &clip),
        (
            "x-gzip",
            [gzip(&clip[..999]), gzip(&clip[999..])].concat(),
            &clip,
        ),
        ("deflate", zlib(&clip), &clip),
        ("deflate", bare_deflate(&clip), &clip),
        ("br", brotli, &small),
        ("zstd", zstd(&clip), &clip),
        ("zstd, gzip", gzip(&zstd(&clip)), &clip),
        ("identity", clip.clone(), &clip),
    ] {
        let case = Case::of([Act::Reply(encoded(encoding, &body))]).await;
        let seen = case.makes(expected).await;
        let length = expected.len() as u64;
        assert_eq!(seen.last().map(|received| received.bytes), Some(length));
        let is_total_known = encoding == "identity";
        let total = is_total_known.then_some(length);
        assert!(seen.iter().all(|received| received.total == total));
        finalize(&case.part(), &case.target(), &sha256(expected), false).expect("finalized");
    }
}

#[tokio::test]
async fn bomb_stops_at_the_limit_and_leaves_no_file() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&dark_clip(64 << 20)).expect("write");
    let bomb = bomb.finish().expect("gzip");
    assert!(bomb.len() < 100 * KIB);
    let twice = gzip(&bomb);
    for (encoding, body) in [("gzip", bomb), ("gzip, gzip", twice)] {
        let acts = vec![Act::Reply(encoded(encoding, &body)); 2];
        let case = Case::of(acts).await;
        let limit = 300 * KIB as u64;
        for _ in 0..2 {
            let outcome = case.run(Wish::up_to(limit)).await;
            let Err(error) = outcome else {
                panic!("it was fetched")
            };
            assert!(
                matches!(&error, DownloadError::TooLong { limit: at, .. } if *at == limit),
                "{error:?}"
            );
            // Counts twice, so that the job is suspended after four of them.
            assert_eq!(error.failure(), DownloadFailure::UrlExpired);
            assert_eq!(case.files(), 0);
        }
    }
}

#[tokio::test]
async fn limit_holds_for_the_decoded_file() {
    let clip = dark_clip(200 * KIB);
    let body = gzip(&clip);
    for (limit, is_within) in [(clip.len(), true), (clip.len() - 1, false)] {
        let case = Case::of([Act::Reply(encoded("gzip", &body))]).await;
        let outcome = case.run(Wish::up_to(limit as u64)).await;
        assert_eq!(outcome.is_ok(), is_within, "{outcome:?}");
    }
}

#[tokio::test]
async fn truncated_encoding_is_transient_and_starts_again() {
    let clip = long(1);
    let body = gzip(&clip);
    // With an announced length of the truncated body, and with the end of the connection.
    let short = encoded("gzip", &body[..body.len() - 9]);
    let head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";
    let cut = [&head[..], &body[..body.len() - 9]].concat();
    for act in [Act::Reply(short), Act::Last(cut)] {
        let case = Case::of([act, Act::Reply(encoded("gzip", &body))]).await;
        let outcome = case.run(Wish::default()).await;
        let Err(error) = outcome else {
            panic!("it was fetched")
        };
        assert!(
            matches!(
                error,
                DownloadError::Broken {
                    source: ReplyLost::Truncated { encoding: "gzip" },
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(error.failure(), DownloadFailure::Transient);
        let left = case.left().expect("what was decoded");
        assert!(clip.starts_with(&left) && left.len() > 64 * KIB);
        case.makes(&clip).await;
    }
}

#[tokio::test]
async fn damaged_encoding_is_transient_and_leaves_no_file() {
    let clip = long(1);
    let mut body = gzip(&clip);
    let trailer = body.len() - 8;
    body[trailer] ^= 1;
    let case = Case::of([Act::Reply(encoded("gzip", &body))]).await;
    let outcome = case.run(Wish::default()).await;
    let Err(error) = outcome else {
        panic!("it was fetched")
    };
    assert!(
        matches!(
            error,
            DownloadError::Broken {
                source: ReplyLost::Damaged { .. },
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(error.failure(), DownloadFailure::Transient);
    assert_eq!(case.files(), 0);
}

#[tokio::test]
async fn unknown_encoding_of_a_download_is_named() {
    for left in [0, 200 * KIB] {
        let clip = long(1);
        let acts = vec![Act::Reply(encoded("compress", &clip)); 2];
        let case = Case::begun(&clip[..left], acts).await;
        let outcome = case.run(Wish::default()).await;
        let Err(DownloadError::Fetch(FetchError::Egress { source, url })) = outcome else {
            panic!("{outcome:?}")
        };
        let EgressError::ReplyLost(ReplyLost::Encoded { encoding }) = source else {
            panic!("{source:?}")
        };
        assert_eq!(encoding, "compress");
        assert!(!url.contains("SECRET"));
    }
}

#[tokio::test]
async fn encoded_range_starts_the_download_again() {
    let clip = long(1);
    let body = gzip(&clip);
    let first = 136 * KIB;
    let range = |total: usize| format!("content-range: bytes {first}-{}/{total}\r\n", total - 1);
    let of_the_file = range(clip.len());
    let of_the_body = range(body.len());
    for (headers, bytes) in [
        // The range of the encoded bytes, and one of the file that is encoded by itself.
        (
            format!("{of_the_body}content-encoding: gzip\r\n"),
            body[first..].to_vec(),
        ),
        (
            format!("{of_the_file}content-encoding: gzip\r\n"),
            gzip(&clip[first..]),
        ),
        (
            format!("{of_the_file}content-encoding: compress\r\n"),
            clip[first..].to_vec(),
        ),
    ] {
        for whole in [ok(&clip), Act::Reply(encoded("gzip", &body))] {
            let odd = Act::Reply(reply("206 Partial Content", &headers, &bytes));
            let case = Case::begun(&clip[..200 * KIB], [odd, whole]).await;
            case.makes(&clip).await;
            assert_eq!(case.asked(), [Some(first), None], "{headers}");
        }
    }
}

#[tokio::test]
async fn part_of_an_encoded_download_continues_only_with_equal_bytes() {
    let clip = long(1);
    let body = gzip(&clip);
    let cut = encoded("gzip", &body[..220 * KIB]);
    let (same, other) = (clip.clone(), long(2));
    for (second, requests) in [(same, 2), (other, 3)] {
        let first = Act::Reply(cut.clone());
        let case = Case::of([first]).await;
        assert!(case.run(Wish::default()).await.is_err());
        let left = case.left().expect("a part").len();
        let begin = left - 64 * KIB;
        case.server
            .then([Act::Reply(part_reply(&second, begin)), ok(&second)]);
        case.makes(&second).await;
        assert_eq!(case.asked()[1], Some(begin));
        assert_eq!(case.asked().len(), requests);
    }
}

#[tokio::test]
async fn part_restarts_with_an_encoded_reply_without_a_second_request() {
    let clip = long(1);
    let acts = [Act::Reply(encoded("gzip", &gzip(&clip)))];
    let case = Case::begun(&long(2)[..200 * KIB], acts).await;
    case.makes(&clip).await;
    assert_eq!(case.asked(), [Some(136 * KIB)]);
}

#[tokio::test]
async fn encoded_page_instead_of_a_clip_leaves_no_file() {
    let page = gzip("<html>sign in".repeat(100).as_bytes());
    let case = Case::of([Act::Reply(encoded("gzip", &page))]).await;
    let outcome = case.run(Wish::default()).await;
    assert!(
        matches!(&outcome, Err(DownloadError::WrongKind { what, .. }) if what == "an HTML page"),
        "{outcome:?}"
    );
    assert_eq!(case.files(), 0);
}
