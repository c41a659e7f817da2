use std::future::ready;

use super::super::HttpLimits;
use super::super::testing::early::{EarlyServer, Step};
use super::super::testing::{Act, Server, connection, narrow, reply, uploading};
use super::*;
use crate::contract::Multipart;

fn digest(bytes: &[u8]) -> Sha256Digest {
    Sha256::digest(bytes).into()
}

/// The file at this path, which was checked when it had these bytes.
async fn unread(path: &Path, checked: &[u8]) -> Unread {
    Unread {
        file: tokio::fs::File::open(path).await.expect("open"),
        left: checked.len() as u64,
        digest: Sha256::new(),
        expected: digest(checked),
    }
}

/// Of an upload that is not sent.
fn never() -> impl Future<Output = bool> {
    std::future::poll_fn(|_| panic!("nothing is recorded"))
}

fn raw(method: &str, path: &str, header: &str) -> Upload {
    Upload {
        method: method.into(),
        path: path.into(),
        body: Body::Raw(vec![(header.into(), "image/png".into())]),
    }
}

#[tokio::test]
async fn upload_is_checked_authorized_and_redacted_like_a_request() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.png");
    std::fs::write(&path, b"png").expect("write");
    let sha256 = digest(b"png");
    let part = LocalPart {
        path: &path,
        name: "a.png",
        media_type: "image/png",
        length: 3,
        sha256: &sha256,
    };
    let units = "\u{feff}sk-hunter2".encode_utf16();
    let body: Vec<_> = units.flat_map(u16::to_le_bytes).collect();
    let server = Server::start([Act::Reply(reply("413 Too Large", "", &body))]).await;
    let connection = connection(&server.url("/v1"));
    let egress = narrow();
    let quota = uploading(&["PUT /files", "POST /files"], 600);
    let plan = raw("PUT", "/files?name=a", "content-type");
    let replied = egress
        .upload(&connection, &quota, &plan, part, ready(true))
        .await
        .expect("reply");
    assert_eq!(replied.status, 413);
    assert_eq!(replied.body, "**********");
    let [seen] = &server.seen()[..] else {
        panic!("one request")
    };
    assert!(seen.head.starts_with("put /v1/files?name=a http/1.1\r\n"));
    assert!(seen.head.contains("content-type: image/png\r\n"));
    assert!(seen.head.contains("authorization: bearer sk-hunter2\r\n"));
    assert_eq!(seen.body, b"png");

    for plan in [
        raw("DELETE", "/files", "content-type"),
        raw("POST", "/../files", "content-type"),
        raw("POST", "@evil.example/files", "content-type"),
        raw("POST", "/files", "authorization"),
        raw("POST", "/files", "no header"),
        raw("POST", "/files", "X_HTTP_Method_Override"),
        raw("POST", "/files", "user-agent"),
        raw("POST", "/files", "content-encoding"),
        raw("POST", "/files", "host"),
        // Its value is not the length.
        raw("POST", "/files", "content-length"),
        raw("POST", "/jobs", "content-type"),
        raw("POST", "/files/", "content-type"),
        raw("PUT", "/files/a", "content-type"),
        raw("POST", "/files", &"x".repeat(70_000)),
    ] {
        let refused = egress
            .upload(&connection, &quota, &plan, part, never())
            .await;
        let denied = matches!(refused, Err(EgressError::NotSent(NotSent::Denied(_))));
        assert!(denied, "{plan:?}: {refused:?}");
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn upload_is_recorded_before_it_is_sent_and_counts_as_a_request() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.png");
    std::fs::write(&path, b"png").expect("write");
    let sha256 = digest(b"png");
    let part = LocalPart {
        path: &path,
        name: "a.png",
        media_type: "image/png",
        length: 3,
        sha256: &sha256,
    };
    let server = Server::start([Act::ok("{}")]).await;
    let connection = connection(&server.url(""));
    let (egress, quota) = (narrow(), uploading(&["POST /files"], 2));
    let plan = raw("POST", "/files", "content-type");
    let seen_before = async {
        assert_eq!(server.seen().len(), 0);
        true
    };
    let sent = egress.upload(&connection, &quota, &plan, part, seen_before);
    assert_eq!(sent.await.expect("reply").status, 200);
    let held = egress.upload(&connection, &quota, &plan, part, ready(false));
    let held = held.await;
    let denial = NotSent::Denied(Denial::HeldBack);
    assert_eq!(held.expect_err("held back").to_string(), denial.to_string());
    let beyond = egress.upload(&connection, &quota, &plan, part, never());
    let beyond = beyond.await.expect_err("put off");
    assert!(matches!(beyond, EgressError::NotSent(NotSent::PutOff(_))));
    assert_eq!(server.seen().len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn picture_that_became_a_pipe_is_not_sent_and_does_not_block() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.png");
    crate::bounded::testing::make_pipe(&path);
    let sha256 = digest(b"png");
    let part = LocalPart {
        path: &path,
        name: "a.png",
        media_type: "image/png",
        length: 3,
        sha256: &sha256,
    };
    let server = Server::start([Act::ok("{}")]).await;
    let connection = connection(&server.url(""));
    let (egress, quota) = (narrow(), uploading(&["POST /files"], 2));
    let plan = raw("POST", "/files", "content-type");
    let sent = egress.upload(&connection, &quota, &plan, part, never());
    let refused = sent.await.expect_err("it is no file");
    assert!(
        matches!(refused, EgressError::NotSent(NotSent::File(_))),
        "{refused:?}"
    );
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn reply_to_an_upload_counts_until_its_text_is_read() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.png");
    std::fs::write(&path, b"png").expect("write");
    let sha256 = digest(b"png");
    let part = LocalPart {
        path: &path,
        name: "a.png",
        media_type: "image/png",
        length: 3,
        sha256: &sha256,
    };
    let server = Server::start([Act::ok(&"x".repeat(100_000))]).await;
    let connection = connection(&server.url(""));
    let egress = Egress::new(HttpLimits {
        reply_body: 1 << 20,
        ..*narrow().limits()
    });
    let quota = uploading(&["POST /files"], 600);
    let plan = raw("POST", "/files", "content-type");
    let mut sent = Box::pin(egress.upload(&connection, &quota, &plan, part, ready(true)));
    let counted = async {
        while egress.budget().used() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = counted => {}
        _ = &mut sent => panic!("the reply does not count"),
    }
    let reply = sent.await.expect("reply");
    assert_eq!((reply.body.len(), egress.budget().used()), (100_000, 0));
}

#[tokio::test]
async fn large_upload_is_repeated_with_the_same_bytes_after_a_failed_expectation() {
    const FAILED: &str = "HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n";
    const REFUSED: &str = "HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno";
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.png");
    let picture = vec![7; 2 << 20];
    std::fs::write(&path, &picture).expect("write");
    let sha256 = digest(&picture);
    let part = LocalPart {
        path: &path,
        name: "a.png",
        media_type: "image/png",
        length: picture.len() as u64,
        sha256: &sha256,
    };
    let scripts: [&[Step]; 3] = [
        &[Step::Head, Step::Say(FAILED), Step::Rest],
        &[
            Step::Head,
            Step::Rest,
            Step::Say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"),
        ],
        &[Step::Head, Step::Say(REFUSED), Step::Rest],
    ];
    let server = EarlyServer::start(&scripts).await;
    let connection = connection(&server.url(""));
    let egress = Egress::new(HttpLimits::default());
    let quota = uploading(&["POST /files"], 600);
    let plan = Upload {
        method: "POST".into(),
        path: "/files".into(),
        body: Body::Multipart(Multipart {
            file_part: "file".into(),
            fields: Vec::new(),
        }),
    };
    let upload = async || {
        let sent = egress.upload(&connection, &quota, &plan, part, ready(true));
        sent.await.expect("reply").status
    };
    assert_eq!((upload().await, upload().await), (200, 413));
    let got = server.got().await;
    let bodies: Vec<_> = got.iter().map(|got| got.body.len()).collect();
    let [0, second, 0] = bodies[..] else {
        panic!("{bodies:?}")
    };
    let without = got[0].head.replace("expect: 100-continue\r\n", "");
    assert_eq!(without, got[1].head, "also the boundary");
    assert!(without.contains(&format!("content-length: {second}\r\n")));
    assert!(got[1].body.windows(9).any(|bytes| bytes == [7; 9]));
}

#[tokio::test]
async fn upload_without_a_connection_is_not_recorded() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.png");
    std::fs::write(&path, b"png").expect("write");
    let sha256 = digest(b"png");
    let part = LocalPart {
        path: &path,
        name: "a.png",
        media_type: "image/png",
        length: 3,
        sha256: &sha256,
    };
    let unused = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let connection = connection(&format!("http://127.0.0.1:{unused}"));
    let plan = raw("POST", "/files", "content-type");
    let quota = uploading(&["POST /files"], 600);
    let refused = narrow()
        .upload(&connection, &quota, &plan, part, never())
        .await;
    assert!(refused.is_err_and(|error| error.is_not_sent()));
}

#[tokio::test]
async fn multipart_body_holds_fields_and_file() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.png");
    let picture = vec![7; 3 * CHUNK / 2];
    std::fs::write(&path, &picture).expect("write");
    let sha256 = digest(&picture);
    let part = LocalPart {
        path: &path,
        name: "say \"hi\"\r\n.png",
        media_type: "image/png",
        length: picture.len() as u64,
        sha256: &sha256,
    };
    let before = opening("B", &[("role".into(), "source".into())], "file", part);
    let expected = "--B\r\ncontent-disposition: form-data; name=\"role\"\r\n\r\nsource\r\n\
         --B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"say %22hi%22%0D%0A.png\"\r\n\
         content-type: image/png\r\n\r\n";
    assert_eq!(before, expected.as_bytes());

    let file = unread(&path, &picture).await;
    let body = streamed(before, file, Bytes::from("\r\n--B--\r\n"));
    let whole = body.collect().await.expect("body").to_bytes();
    assert!(whole.starts_with(expected.as_bytes()));
    assert_eq!(whole[expected.len()..][..picture.len()], picture);
    assert!(whole.ends_with(b"\r\n--B--\r\n"));
}

#[tokio::test]
async fn upload_of_a_file_that_shrank_or_changed_fails() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.png");
    std::fs::write(&path, b"short").expect("write");
    for (checked, is_sent) in [
        (&b"short"[..], true),
        (b"shorter", false),
        (b"sport", false),
    ] {
        let body = streamed(Bytes::new(), unread(&path, checked).await, Bytes::new());
        assert_eq!(body.collect().await.is_ok(), is_sent, "{checked:?}");
    }
}
