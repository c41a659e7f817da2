//! What a failed download leaves.

use super::resume::KIB;
use super::unknown_length::{movie, open_ended, server};
use super::*;

/// MPEG transport stream, which is not known here.
fn stream() -> Vec<u8> {
    let mut packet = b"G\x40\x11\x10\0".to_vec();
    packet.resize(188, 0xff);
    packet.repeat(500)
}

#[tokio::test]
async fn clip_of_unknown_format_is_kept_and_named() {
    let stream = stream();
    let case = Case::of([ok(&stream), ok(&stream), ok(&movie())]).await;
    for _ in 0..2 {
        let outcome = case.run(Wish::default()).await;
        let Err(error @ DownloadError::UnknownFormat { kept, .. }) = &outcome else {
            panic!("{outcome:?}")
        };
        assert!(std::fs::read(kept).expect("it is kept") == stream);
        assert!(error.to_string().contains(&kept.display().to_string()));
        assert_eq!((case.files(), case.left()), (1, None));
    }
    case.makes(&movie()).await;
    assert_eq!(case.files(), 1);
    for page in ["Not found", "<html>", "{}"] {
        let page = page.repeat(1000);
        let case = Case::of([ok(page.as_bytes())]).await;
        let outcome = case.run(Wish::default()).await;
        assert!(matches!(outcome, Err(DownloadError::WrongKind { .. })));
        assert_eq!(case.files(), 0);
    }
}

#[tokio::test]
async fn clip_that_may_be_whole_is_named_in_the_error() {
    for mut file in [b"FLV\x01\x05\0\0\0\x09".to_vec(), stream()] {
        file.resize(200 * KIB, 7);
        let body = file.clone();
        let case = Case::of(server(move |_| open_ended("HTTP/1.1 200 OK", &body))).await;
        for _ in 0..2 {
            let error = case.run(Wish::default()).await.expect_err("no end");
            let part = case.part().display().to_string();
            assert!(error.to_string().contains(&part), "{error}");
            assert!(case.left().as_ref() == Some(&file), "it is kept");
        }
    }
}

#[tokio::test]
async fn reply_without_a_byte_leaves_the_part() {
    let movie = movie();
    for there in [897, 200 * KIB] {
        let part = &movie[..there];
        for empty in [
            ok(b""),
            open_ended("HTTP/1.1 200 OK", b""),
            Act::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n".to_vec()),
        ] {
            let case = Case::begun(part, vec![empty; 3]).await;
            case.run(Wish::default()).await.expect_err("no byte");
            assert!(case.left().as_deref() == Some(part), "{there}");
        }
        // Its first byte takes their place.
        let case = Case::begun(part, [ok(&movie[..]), ok(&movie[..])]).await;
        case.makes(&movie).await;
    }
}
