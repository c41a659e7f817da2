//! Half a clip, and a server that says that it is whole.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::resume::KIB;
use super::unknown_length::{chunked, is_incomplete, movie, no_more, open_ended, piece, server};
use super::*;

/// A clip of a format whose structure is not known, long enough to be resumed.
fn unknown() -> Vec<u8> {
    let mut file = movie();
    file[..4].copy_from_slice(b"OggS");
    file
}

/// `206` with this range of a file of this length.
fn range_of(file: &[u8], from: usize, end: usize, total: usize) -> Act {
    let range = format!("content-range: bytes {from}-{}/{total}\r\n", end - 1);
    Act::Reply(reply("206 Partial Content", &range, &file[from..end]))
}

#[tokio::test]
async fn announced_length_is_not_forgotten_by_a_later_reply() {
    let file = unknown();
    for further in [false, true] {
        let served = file.clone();
        let case = Case::of(server(move |from| match from / KIB {
            0 => open_ended("HTTP/1.1 200 OK", &served[..100 * KIB]),
            100 => range_of(&served, from, 200 * KIB, served.len()),
            200 if further => piece(&served, from, 50 * KIB),
            _ => no_more(""),
        }))
        .await;
        let there = if further { 250 * KIB } else { 200 * KIB };
        let outcome = case.run(Wish::default()).await;
        is_incomplete(&outcome, &case, &file[..there]);
    }
}

#[tokio::test]
async fn encoding_of_half_a_clip_is_not_a_clip() {
    let movie = movie();
    let half = &movie[..200 * KIB];
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(half).expect("write");
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::fast());
    deflate.write_all(half).expect("write");
    for (encoding, body) in [
        ("gzip", gzip.finish().expect("gzip")),
        ("deflate", deflate.finish().expect("deflate")),
        ("zstd", ::zstd::encode_all(half, 1).expect("zstd")),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}");
        let case = Case::of(server(move |_| open_ended(&head, &body))).await;
        is_incomplete(&case.run(Wish::default()).await, &case, half);
    }
}

#[tokio::test]
async fn refused_range_alone_does_not_make_a_clip_whole() {
    let file = unknown();
    let half = file[..200 * KIB].to_vec();
    let body = half.clone();
    let case = Case::of(server(move |from| match from {
        0 => open_ended("HTTP/1.1 200 OK", &body),
        _ => no_more(""),
    }))
    .await;
    is_incomplete(&case.run(Wish::default()).await, &case, &half);
    // A range that was answered before says that the server knows them.
    let served = file.clone();
    let case = Case::of(server(move |from| match from {
        0 => open_ended("HTTP/1.1 200 OK", &served[..200 * KIB]),
        from if from < served.len() => piece(&served, from, served.len()),
        _ => no_more(""),
    }))
    .await;
    case.run(Wish::default()).await.expect("fetched");
    assert!(case.left() == Some(file), "other bytes");
}

#[tokio::test]
async fn length_of_half_a_clip_does_not_make_it_whole() {
    let movie = movie();
    let half = movie[..200 * KIB].to_vec();
    let total = half.len();
    for ends_with_a_416 in [true, false] {
        let served = half.clone();
        let case = Case::of(server(move |from| match from / KIB {
            0 => open_ended("HTTP/1.1 200 OK", &served[..100 * KIB]),
            100 if ends_with_a_416 => piece(&served, from, total),
            100 => range_of(&served, from, total, total),
            _ => no_more(&format!("content-range: bytes */{total}\r\n")),
        }))
        .await;
        let outcome = case.run(Wish::default()).await;
        is_incomplete(&outcome, &case, &half);
    }
    // The same replies for a whole clip.
    let served = movie.clone();
    let case = Case::of(server(move |from| match from {
        0 => open_ended("HTTP/1.1 200 OK", &served[..100 * KIB]),
        _ => range_of(&served, from, served.len(), served.len()),
    }))
    .await;
    case.makes(&movie).await;
}

#[tokio::test]
async fn range_that_was_not_requested_is_a_part_of_the_clip() {
    let movie = movie();
    for first in [movie.len(), 100 * KIB] {
        let served = movie.clone();
        let case = Case::of(server(move |from| {
            let end = if from == 0 { first } else { served.len() };
            range_of(&served, from, end, served.len())
        }))
        .await;
        case.makes(&movie).await;
    }
    let served = movie.clone();
    let elsewhere = move |_| range_of(&served, KIB, 2 * KIB, served.len());
    let case = Case::of(server(elsewhere)).await;
    let outcome = case.run(Wish::default()).await;
    assert!(
        matches!(outcome, Err(DownloadError::Incomplete { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn last_chunk_after_a_file_of_unknown_structure_is_its_end() {
    let file = unknown();
    let case = Case::of([chunked(&file, true)]).await;
    case.run(Wish::default()).await.expect("fetched");
}
