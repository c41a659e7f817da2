use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::*;
use crate::connections::OpenConnection;
use crate::contract::MediaKind;
use crate::digest::Sha256Digest;
use crate::egress::testing::{Act, Server, connection, narrow, reply};
use crate::egress::{FetchError, ReplyLost};

mod classify;
mod encoded;
mod half;
mod kept;
mod resume;
mod unknown_length;

/// A clip whose data reach to the end of the file, wherever that is.
fn clip() -> Vec<u8> {
    let mut clip = b"\0\0\0\x18ftypisom\0\0\0\0isommp42".to_vec();
    clip.extend_from_slice(b"\0\0\0\x08moov\0\0\0\0mdat");
    clip.resize(700, 7);
    clip
}

fn sha256(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest::from(Sha256::digest(bytes))
}

/// The settings of a download that differ from the defaults.
#[derive(Default)]
struct Wish<'a> {
    sha256: Option<&'a str>,
    limit: Option<u64>,
}

impl<'a> Wish<'a> {
    fn of_digest(sha256: &'a str) -> Self {
        Self {
            sha256: Some(sha256),
            limit: None,
        }
    }

    fn up_to(limit: u64) -> Self {
        Self {
            sha256: None,
            limit: Some(limit),
        }
    }
}

struct Case {
    folder: tempfile::TempDir,
    server: Server,
    connection: Arc<OpenConnection>,
}

impl Case {
    async fn of(acts: impl IntoIterator<Item = Act>) -> Self {
        let server = Server::start(acts).await;
        Self {
            folder: tempfile::tempdir().expect("folder"),
            connection: connection(&server.url("")),
            server,
        }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("clip.mp4")
    }

    fn part(&self) -> PathBuf {
        part_of(&self.target(), "job")
    }

    /// The content of the unfinished file; `None` if there is none.
    fn left(&self) -> Option<Vec<u8>> {
        std::fs::read(self.part()).ok()
    }

    fn wanted<'a>(&'a self, url: &'a str, part: &'a Path, wish: &Wish<'a>) -> Download<'a> {
        Download {
            url,
            kind: MediaKind::Video,
            connection: Some(self.connection.as_ref()),
            needs_credential: false,
            sha256: wish.sha256,
            part,
            limit: wish.limit.unwrap_or(MAX_BYTES),
        }
    }

    async fn run(&self, wish: Wish<'_>) -> Result<(Fetched, Vec<Received>), DownloadError> {
        let url = self.server.url("/clip.mp4?sig=SECRET");
        let part = self.part();
        let wanted = self.wanted(&url, &part, &wish);
        let mut seen = Vec::new();
        let fetched = fetch(&narrow(), &wanted, |received| seen.push(received)).await?;
        Ok((fetched, seen))
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.folder.path())
            .expect("folder")
            .count()
    }
}

fn ok(body: &[u8]) -> Act {
    Act::Reply(reply("200 OK", "", body))
}

#[tokio::test]
async fn fetched_clip_is_complete_and_can_be_placed() {
    let case = Case::of([ok(&clip())]).await;
    let announced = sha256(&clip()).to_string().to_uppercase();
    let fetched = case.run(Wish::of_digest(&announced)).await;
    let (fetched, seen) = fetched.expect("fetched");
    assert_eq!(case.left(), Some(clip()));
    assert_eq!(fetched.bytes, 700);
    assert_eq!(fetched.media_type, "video/mp4");
    assert_eq!(fetched.sha256, sha256(&clip()));
    let whole = Received {
        bytes: 700,
        total: Some(700),
    };
    assert_eq!(seen.last(), Some(&whole));
    finalize(&case.part(), &case.target(), &fetched.sha256, false).expect("finalized");
    assert_eq!(std::fs::read(case.target()).expect("file"), clip());
    assert_eq!(case.files(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let probe = case.folder.path().join("probe");
        std::fs::write(&probe, "").expect("probe");
        let mode = |path: &Path| std::fs::metadata(path).expect("file").mode();
        assert_eq!(mode(&case.target()), mode(&probe));
    }
}

#[tokio::test]
async fn relative_url_is_resolved_against_the_base_url_and_sent_as_it_is_written() {
    let case = Case::of([ok(&clip())]).await;
    let part = case.part();
    let wanted = case.wanted("media/../o'b/{x}.mp4?s='{y}'", &part, &Wish::default());
    fetch(&narrow(), &wanted, |_| {}).await.expect("fetched");
    let head = &case.server.seen()[0].head;
    assert!(
        head.starts_with("get /o'b/{x}.mp4?s='{y}' http/1.1"),
        "{head}"
    );
}

#[tokio::test]
async fn download_of_another_kind_fails_and_leaves_no_file() {
    let page = format!("<html>{}</html>", "sign in ".repeat(100));
    for (body, expected) in [
        (&b"<html><body>sign in</body></html>"[..], "an HTML page"),
        (page.as_bytes(), "an HTML page"),
        (b"{\"error\": \"expired\"}", "a JSON document"),
        (b"", "an empty file"),
        (b"\x89PNG\r\n\x1a\n...", "a picture (image/png)"),
        (b"GIF89a, which does not move", "a picture (image/gif)"),
        (b"%PDF-1.7", "a PDF"),
        (b"plain words", "something else"),
    ] {
        let case = Case::of([ok(body)]).await;
        match case.run(Wish::default()).await {
            Err(DownloadError::WrongKind { what, url, .. }) => {
                assert_eq!(what, expected);
                assert!(!url.contains("SECRET"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(case.files(), 0);
    }
}

#[tokio::test]
async fn clip_of_another_container_or_an_animation_is_kept_with_its_type() {
    let animation = [
        &b"GIF89a\x01\0\x01\0\0\0\0"[..],
        b"\x21\xff\x0bNETSCAPE2.0\x03\x01",
    ]
    .concat();
    for (body, expected) in [
        (
            &b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm..."[..],
            "video/webm",
        ),
        (
            b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska",
            "video/x-matroska",
        ),
        (b"\0\0\0\x14ftypqt  ....", "video/quicktime"),
        (b"RIFF\x10\0\0\0AVI LIST", "video/x-msvideo"),
        (&animation, "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0", "image/webp"),
    ] {
        let case = Case::of([ok(body)]).await;
        let (fetched, _) = case.run(Wish::default()).await.expect("a clip");
        assert_eq!(fetched.media_type, expected);
    }
}

#[tokio::test]
async fn incomplete_download_is_kept() {
    let mut half = reply("200 OK", "", &clip());
    half.truncate(half.len() - 1);
    let case = Case::of([Act::Last(half)]).await;
    let outcome = case.run(Wish::default()).await;
    assert!(
        matches!(outcome, Err(DownloadError::Broken { .. })),
        "{outcome:?}"
    );
    assert_eq!(case.left().as_deref(), Some(&clip()[..699]));
}

#[tokio::test]
async fn download_beyond_the_limit_or_with_another_digest_fails() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n";
    let unannounced = [&head[..], &clip()].concat();
    for act in [ok(&clip()), Act::Last(unannounced)] {
        let case = Case::of([act]).await;
        let outcome = case.run(Wish::up_to(699)).await;
        assert!(
            matches!(outcome, Err(DownloadError::TooLong { limit: 699, .. })),
            "{outcome:?}"
        );
        assert_eq!(case.files(), 0);
    }
    let case = Case::of([ok(&clip())]).await;
    let outcome = case.run(Wish::of_digest("00")).await;
    // It is paid for, and the announced digest may be wrong.
    let Err(DownloadError::Digest { kept, .. }) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(std::fs::read(kept).expect("it is kept"), clip());
    assert_eq!((case.left(), case.files()), (None, 1));
}

#[tokio::test]
async fn download_with_status_403_fails_and_leaves_no_file() {
    let case = Case::of([Act::Reply(reply("403 Forbidden", "", b"expired"))]).await;
    let outcome = case.run(Wish::default()).await;
    assert!(matches!(
        outcome,
        Err(DownloadError::Fetch(FetchError::Status { status: 403, .. }))
    ));
    assert_eq!(case.files(), 0);
}

#[tokio::test]
async fn download_to_an_unwritable_part_fails_before_any_request() {
    let case = Case::of([ok(&clip())]).await;
    std::fs::create_dir(case.part()).expect("folder");
    let outcome = case.run(Wish::default()).await;
    assert!(
        matches!(&outcome, Err(DownloadError::Write { path, .. }) if *path == case.part()),
        "{outcome:?}"
    );
    assert_eq!(case.server.seen().len(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn link_in_place_of_the_unfinished_file_is_not_followed() {
    let case = Case::of([ok(&clip())]).await;
    let other = case.folder.path().join("other");
    std::fs::write(&other, "other").expect("write");
    std::os::unix::fs::symlink(&other, case.part()).expect("link");
    let outcome = case.run(Wish::default()).await;
    assert!(matches!(outcome, Err(DownloadError::Write { .. })));
    assert_eq!(std::fs::read(&other).expect("read"), b"other");
    assert_eq!(case.server.seen().len(), 0);
}

#[tokio::test]
async fn two_downloads_of_one_part_do_not_run_at_once() {
    let case = Case::of([ok(&clip())]).await;
    let file = std::fs::File::create(case.part()).expect("file");
    file.try_lock().expect("lock");
    let outcome = case.run(Wish::default()).await;
    assert!(matches!(outcome, Err(DownloadError::Busy { .. })));
    drop(file);
    case.run(Wish::default()).await.expect("fetched");
}
