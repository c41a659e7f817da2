//! Replies that do not say how long the file is.

use std::sync::Arc;

use super::resume::{KIB, long};
use super::*;
use crate::egress::testing::Seen;

/// A whole MP4, long enough to be resumed.
pub(super) fn movie() -> Vec<u8> {
    let boxed = |name: &[u8; 4], content: &[u8]| {
        let length = u32::try_from(content.len() + 8).expect("a short box");
        [&length.to_be_bytes()[..], name, content].concat()
    };
    [
        boxed(b"ftyp", b"isom\0\0\0\0isommp42"),
        boxed(b"moov", &boxed(b"mvhd", &[0; 100])),
        boxed(b"mdat", &long(3)),
    ]
    .concat()
}

/// A reply that ends with its connection.
pub(super) fn open_ended(head: &str, body: &[u8]) -> Act {
    let head = format!("{head}\r\nconnection: close\r\n\r\n");
    Act::Last([head.as_bytes(), body].concat())
}

/// A reply in one chunk, with or without the last one.
pub(super) fn chunked(body: &[u8], is_ended: bool) -> Act {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let end: &[u8] = if is_ended { b"\r\n0\r\n\r\n" } else { b"\r\n" };
    let size = format!("{:x}\r\n", body.len());
    Act::Last([head.as_bytes(), size.as_bytes(), body, end].concat())
}

fn first(request: &Seen) -> usize {
    let mut lines = request.head.lines();
    let range = lines.find_map(|line| line.strip_prefix("range: bytes="));
    range.map_or(0, |range| {
        let first = range.strip_suffix('-').expect("to the end");
        first.parse().expect("a number")
    })
}

/// A server that answers each request by its first byte.
pub(super) fn server(answer: impl Fn(usize) -> Act + Send + Sync + 'static) -> Vec<Act> {
    let answer = Act::Answer(Arc::new(move |request: &Seen| answer(first(request))));
    vec![answer; 100]
}

/// `206` with this range and no length of the whole.
pub(super) fn piece(file: &[u8], from: usize, length: usize) -> Act {
    let end = (from + length).min(file.len());
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes {from}-{}/*",
        end - 1
    );
    open_ended(&head, &file[from..end])
}

pub(super) fn no_more(headers: &str) -> Act {
    Act::Reply(reply("416 Range Not Satisfiable", headers, b""))
}

/// Asserts that the download is incomplete, and that `kept` stays.
#[track_caller]
pub(super) fn is_incomplete<T: std::fmt::Debug>(
    outcome: &Result<T, DownloadError>,
    case: &Case,
    kept: &[u8],
) {
    let Err(error @ DownloadError::Incomplete { url, .. }) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(!url.contains("SECRET"));
    assert_eq!(error.failure(), DownloadFailure::Transient);
    assert!(case.left().as_deref() == Some(kept), "the part is kept");
}

#[tokio::test]
async fn half_a_clip_without_a_length_is_not_a_clip() {
    let movie = movie();
    let half = movie[..200 * KIB].to_vec();
    for head in ["HTTP/1.1 200 OK", "HTTP/1.0 200 OK"] {
        // The server ignores ranges, and the connection is cut at the same byte each time.
        let body = half.clone();
        let case = Case::of(server(move |_| open_ended(head, &body))).await;
        is_incomplete(&case.run(Wish::default()).await, &case, &half);
        assert_eq!(case.asked(), [None, Some(200 * KIB)]);
        // The next attempt resumes it.
        is_incomplete(&case.run(Wish::default()).await, &case, &half);
        assert_eq!(case.asked()[2], Some(136 * KIB));
    }
}

#[tokio::test]
async fn clip_without_a_length_is_whole_by_its_structure() {
    let movie = movie();
    let body = movie.clone();
    let case = Case::of(server(move |_| open_ended("HTTP/1.0 200 OK", &body))).await;
    case.makes(&movie).await;
    assert_eq!(case.asked(), [None, Some(movie.len())]);
}

#[tokio::test]
async fn pieces_without_a_total_are_requested_until_a_416() {
    let movie = movie();
    for end in ["content-range: bytes */{}\r\n", ""] {
        let file = movie.clone();
        let case = Case::of(server(move |from| {
            if from >= file.len() {
                no_more(&end.replace("{}", &file.len().to_string()))
            } else if from == 0 {
                open_ended("HTTP/1.1 200 OK", &file[..64 * KIB])
            } else {
                piece(&file, from, 64 * KIB)
            }
        }))
        .await;
        case.makes(&movie).await;
        let expected = (0..5).map(|number| (number > 0).then_some(number * 64 * KIB));
        let expected: Vec<_> = expected.chain([Some(movie.len())]).collect();
        assert_eq!(case.asked(), expected);
    }
}

#[tokio::test]
async fn pieces_with_a_total_are_requested_until_it_is_reached() {
    let movie = movie();
    let file = movie.clone();
    let part = movie[..100 * KIB].to_vec();
    let acts = server(move |from| {
        let end = (from + 64 * KIB).min(file.len());
        let range = format!("content-range: bytes {from}-{}/{}\r\n", end - 1, file.len());
        Act::Reply(reply("206 Partial Content", &range, &file[from..end]))
    });
    let case = Case::begun(&part, acts).await;
    case.makes(&movie).await;
    assert_eq!(case.asked().len(), 5);
}

#[tokio::test]
async fn half_a_clip_that_ends_at_a_416_of_another_length_is_not_whole() {
    let movie = movie();
    for total in [movie.len(), 100] {
        let file = movie.clone();
        let case = Case::of(server(move |from| match from {
            0 => open_ended("HTTP/1.1 200 OK", &file[..200 * KIB]),
            _ => no_more(&format!("content-range: bytes */{total}\r\n")),
        }))
        .await;
        is_incomplete(&case.run(Wish::default()).await, &case, &movie[..200 * KIB]);
        assert_eq!(case.asked().len(), 2);
    }
    // A 416 that says no length is not believed about half a clip.
    let file = movie.clone();
    let case = Case::of(server(move |from| match from {
        0 => open_ended("HTTP/1.1 200 OK", &file[..200 * KIB]),
        _ => no_more(""),
    }))
    .await;
    is_incomplete(&case.run(Wish::default()).await, &case, &movie[..200 * KIB]);
}

#[tokio::test]
async fn totals_that_change_are_two_files() {
    let movie = movie();
    let file = movie.clone();
    let acts = server(move |from| {
        let (end, total) = match from {
            0 => return open_ended("HTTP/1.1 200 OK", &file[..64 * KIB]),
            from => ((from + 64 * KIB).min(file.len()), file.len() + from),
        };
        let range = format!("content-range: bytes {from}-{}/{total}\r\n", end - 1);
        Act::Reply(reply("206 Partial Content", &range, &file[from..end]))
    });
    let case = Case::of(acts).await;
    let outcome = case.run(Wish::default()).await;
    assert!(matches!(outcome, Err(DownloadError::Incomplete { .. })));
}

#[tokio::test]
async fn range_that_begins_elsewhere_does_not_continue_a_half_clip() {
    let movie = movie();
    let file = movie.clone();
    let case = Case::of(server(move |from| match from {
        0 => open_ended("HTTP/1.1 200 OK", &file[..200 * KIB]),
        from => piece(&file, from + 1, 64 * KIB),
    }))
    .await;
    is_incomplete(&case.run(Wish::default()).await, &case, &movie[..200 * KIB]);
}

#[tokio::test]
async fn refused_further_request_does_not_make_half_a_clip_whole() {
    let movie = movie();
    for length in [200 * KIB, movie.len()] {
        let file = movie.clone();
        let case = Case::of(server(move |from| match from {
            0 => open_ended("HTTP/1.1 200 OK", &file[..length]),
            _ => Act::Reply(reply("403 Forbidden", "", b"used")),
        }))
        .await;
        let outcome = case.run(Wish::default()).await;
        if length == movie.len() {
            outcome.expect("whole by its structure");
        } else {
            is_incomplete(&outcome, &case, &movie[..length]);
        }
    }
}

#[tokio::test]
async fn empty_body_without_a_length_is_not_a_clip_and_leaves_no_file() {
    let case = Case::of(server(|_| open_ended("HTTP/1.1 200 OK", b""))).await;
    let outcome = case.run(Wish::default()).await;
    assert!(
        matches!(outcome, Err(DownloadError::Incomplete { .. })),
        "{outcome:?}"
    );
    assert_eq!(case.files(), 0);
}

#[tokio::test]
async fn last_chunk_after_half_a_clip_does_not_make_it_whole() {
    let movie = movie();
    let half = movie[..200 * KIB].to_vec();
    let body = half.clone();
    let case = Case::of(server(move |_| chunked(&body, true))).await;
    is_incomplete(&case.run(Wish::default()).await, &case, &half);
    let body = half.clone();
    let case = Case::of(server(move |_| chunked(&body, false))).await;
    let outcome = case.run(Wish::default()).await;
    assert!(
        matches!(outcome, Err(DownloadError::Broken { .. })),
        "{outcome:?}"
    );
    let case = Case::of([chunked(&movie, true)]).await;
    case.makes(&movie).await;
}

#[tokio::test]
async fn type_without_a_known_structure_needs_a_length_a_digest_or_a_416() {
    let mut file = b"OggS".to_vec();
    file.resize(200 * KIB, 7);
    let digest = sha256(&file).to_string();
    let open = || {
        let file = file.clone();
        server(move |_| open_ended("HTTP/1.1 200 OK", &file))
    };
    let case = Case::of(open()).await;
    is_incomplete(&case.run(Wish::default()).await, &case, &file);
    let case = Case::of(open()).await;
    let fetched = case.run(Wish::of_digest(&digest)).await.expect("a digest");
    assert_eq!((fetched.0.media_type, case.asked().len()), ("video/ogg", 1));
    let case = Case::of([ok(&file)]).await;
    case.run(Wish::default()).await.expect("a length");
    let case = Case::of([chunked(&file, true)]).await;
    case.run(Wish::default()).await.expect("a last chunk");
    for headers in ["", "content-range: bytes */204800\r\n"] {
        let body = file.clone();
        let case = Case::of(server(move |from| match from {
            0 => open_ended("HTTP/1.1 200 OK", &body),
            _ => no_more(headers),
        }))
        .await;
        let outcome = case.run(Wish::default()).await;
        if headers.is_empty() {
            // Some servers answer so to any range.
            is_incomplete(&outcome, &case, &file);
        } else {
            outcome.expect("a 416 with the length");
        }
    }
}

#[tokio::test]
async fn half_a_clip_with_another_digest_is_kept_and_resumed() {
    let movie = movie();
    let digest = sha256(&movie).to_string();
    let body = movie[..200 * KIB].to_vec();
    let case = Case::of(server(move |_| open_ended("HTTP/1.1 200 OK", &body))).await;
    let outcome = case.run(Wish::of_digest(&digest)).await;
    is_incomplete(&outcome, &case, &movie[..200 * KIB]);
}

#[tokio::test]
async fn part_of_exactly_the_length_of_the_file_is_whole_after_a_restart() {
    let movie = movie();
    let file = movie.clone();
    let acts = server(move |from| {
        if from >= file.len() {
            no_more(&format!("content-range: bytes */{}\r\n", file.len()))
        } else {
            piece(&file, from, file.len())
        }
    });
    let case = Case::begun(&movie, acts).await;
    case.makes(&movie).await;
    assert_eq!(
        case.asked(),
        [Some(movie.len() - 64 * KIB), Some(movie.len())]
    );
    // The same length, and half of the clip.
    let half = movie[..200 * KIB].to_vec();
    let file = movie.clone();
    let acts = server(move |from| match from {
        0 => open_ended("HTTP/1.1 200 OK", &file),
        from if from < 200 * KIB => piece(&file, from, 200 * KIB - from),
        from if from < file.len() => piece(&file, from, file.len()),
        _ => no_more(""),
    });
    let case = Case::begun(&half, acts).await;
    case.makes(&movie).await;
}
