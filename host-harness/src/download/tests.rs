use super::*;
use crate::egress::testing::{Act, Server, narrow, reply};
use crate::urls::Origin;

fn clip() -> Vec<u8> {
    let mut clip = b"\0\0\0\x18ftypisom\0\0\0\0isommp42".to_vec();
    clip.resize(700, 7);
    clip
}

struct Case {
    folder: tempfile::TempDir,
    server: Server,
}

impl Case {
    async fn of(act: Act) -> Self {
        Self {
            folder: tempfile::tempdir().expect("folder"),
            server: Server::start([act]).await,
        }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("clip.mp4")
    }

    async fn run(
        &self,
        change: impl FnOnce(&mut Download<'_>),
    ) -> Result<(Downloaded, Vec<Received>), DownloadError> {
        let url = self.server.url("/clip.mp4?sig=SECRET");
        let target = self.target();
        let origin = Origin::of(&Url::parse(&url).expect("url")).expect("origin");
        let mut wanted = Download {
            url: &url,
            kind: MediaKind::Video,
            rule: AddressRule::of_media(&origin),
            credential: None,
            sha256: None,
            target: &target,
            force: false,
            limit: LONGEST,
        };
        change(&mut wanted);
        let mut seen = Vec::new();
        let downloaded = download(&narrow(), &wanted, |received| seen.push(received)).await?;
        Ok((downloaded, seen))
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
async fn a_clip_arrives_whole() {
    let case = Case::of(ok(&clip())).await;
    let (downloaded, seen) = case.run(|_| {}).await.expect("downloaded");
    assert_eq!(std::fs::read(case.target()).expect("file"), clip());
    assert_eq!(downloaded.path, case.target());
    assert_eq!(downloaded.bytes, 700);
    assert_eq!(downloaded.media_type, "video/mp4");
    assert_eq!(
        downloaded.sha256,
        Sha256Digest::from(Sha256::digest(clip()))
    );
    let whole = Received {
        bytes: 700,
        total: Some(700),
    };
    assert_eq!(seen.last(), Some(&whole));
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
async fn what_is_no_clip_leaves_nothing_behind() {
    for (body, expected) in [
        (&b"<html><body>sign in</body></html>"[..], "an HTML page"),
        (b"{\"error\": \"expired\"}", "a JSON document"),
        (b"", "an empty file"),
        (b"\x89PNG\r\n\x1a\n...", "a picture (image/png)"),
        (b"plain words", "something else"),
    ] {
        let case = Case::of(ok(body)).await;
        match case.run(|_| {}).await {
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
async fn half_a_clip_leaves_nothing_behind() {
    let mut half = reply("200 OK", "", &clip());
    half.truncate(half.len() - 1);
    let case = Case::of(Act::Last(half)).await;
    let outcome = case.run(|_| {}).await;
    assert!(
        matches!(outcome, Err(DownloadError::Broken { .. })),
        "{outcome:?}"
    );
    assert_eq!(case.files(), 0);
}

#[tokio::test]
async fn limits_and_digests_hold() {
    let case = Case::of(ok(&clip())).await;
    let outcome = case.run(|wanted| wanted.limit = 699).await;
    assert!(matches!(outcome, Err(DownloadError::TooLong { .. })));
    let case = Case::of(ok(&clip())).await;
    let outcome = case.run(|wanted| wanted.sha256 = Some("00")).await;
    assert!(matches!(outcome, Err(DownloadError::Digest { .. })));
    assert_eq!(case.files(), 0);
}

#[tokio::test]
async fn a_status_is_told() {
    let case = Case::of(Act::Reply(reply("403 Forbidden", "", b"expired"))).await;
    let outcome = case.run(|_| {}).await;
    assert!(matches!(
        outcome,
        Err(DownloadError::Fetch(FetchError::Status { status: 403, .. }))
    ));
}

#[tokio::test]
async fn an_existing_file_is_replaced_only_when_asked() {
    let case = Case::of(ok(&clip())).await;
    std::fs::write(case.target(), "mine").expect("write");
    let outcome = case.run(|_| {}).await;
    assert!(matches!(
        outcome,
        Err(DownloadError::Target(TargetError::Exists { .. }))
    ));
    assert_eq!(case.server.seen().len(), 0);
    assert_eq!(std::fs::read(case.target()).expect("file"), b"mine");
    case.run(|wanted| wanted.force = true)
        .await
        .expect("replaced");
    assert_eq!(std::fs::read(case.target()).expect("file"), clip());
}

#[test]
fn targets_are_judged_before_anything_is_paid_for() {
    let folder = tempfile::tempdir().expect("folder");
    let target = folder.path().join("clip.mp4");
    check_target(&target, false).expect("free");
    assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 0);
    std::fs::write(&target, "mine").expect("write");
    assert!(matches!(
        check_target(&target, false),
        Err(TargetError::Exists { .. })
    ));
    check_target(&target, true).expect("forced");
    assert!(matches!(
        check_target(folder.path(), true),
        Err(TargetError::IsAFolder { .. })
    ));
    assert!(matches!(
        check_target(&folder.path().join("gone/clip.mp4"), false),
        Err(TargetError::Unwritable { .. })
    ));
    assert!(matches!(
        check_target(Path::new(".."), false),
        Err(TargetError::IsAFolder { .. })
    ));
}
