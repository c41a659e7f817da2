//! Uploads a local file to a connection's provider, streamed from the disk.

use std::fmt::{self, Write as _};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri, response};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

use super::broker::Egress;
use super::budget::Reserved;
use super::charset::{DECODED, to_utf8};
use super::client::{Reuse, SLOWEST};
use super::destination::{Destination, RequestBody};
use super::error::{Denial, EgressError, NotSent, ReplyLost};
use super::header::{self, length_of};
use super::redact::redacted;
use super::reply_capacity::ReplyCapacity;
use super::request_count::count;
use super::resolver::AddressRule;
use super::{policy, routes, spans};
use crate::connections::OpenConnection;
use crate::contract::{Body, Upload};
use crate::digest::Sha256Digest;
use crate::policy::Quota;
use crate::trace;

/// Bytes of a file in memory at once.
const CHUNK: usize = 64 << 10;

/// A provider's reply to an upload.
#[derive(Clone, PartialEq, Eq)]
pub struct UploadReply {
    /// HTTP status.
    pub status: u16,
    /// The body as text; invalid UTF-8 is replaced.
    pub body: String,
}

/// Without the body, which may hold signed URLs.
impl fmt::Debug for UploadReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("UploadReply");
        shown.field("status", &self.status).finish_non_exhaustive()
    }
}

/// A file to upload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalPart<'a> {
    pub(crate) path: &'a Path,
    pub(crate) name: &'a str,
    pub(crate) media_type: &'a str,
    pub(crate) length: u64,
    /// The digest of the file that was checked. A file of another digest is not sent whole.
    pub(crate) sha256: &'a Sha256Digest,
}

impl Egress {
    /// Sends an upload that the component planned, under the connection's policy and with its
    /// credential, like a request of the component. It counts as one of the pack's requests. The
    /// file is streamed, so that it does not count as `request_bytes`; what the plan adds to it
    /// counts as `header_bytes`. Its reply is in the byte budget until its text is read.
    ///
    /// `record` is awaited when a connection is open, before the first byte. If it returns `false`,
    /// nothing is sent. If it is not awaited, nothing was sent.
    pub(crate) async fn upload(
        &self,
        connection: &Arc<OpenConnection>,
        quota: &Quota,
        plan: &Upload,
        file: LocalPart<'_>,
        record: impl Future<Output = bool> + Send,
    ) -> Result<UploadReply, EgressError> {
        let limits = self.limits();
        let base = connection.base_url();
        let denied = |denial| {
            spans::denied(&denial);
            EgressError::from(NotSent::denied(denial))
        };
        let (method, uri) = permitted(connection, quota, plan).map_err(denied)?;
        let (mut headers, body, length) =
            body(plan, file, connection)
                .await
                .map_err(|error| match error {
                    RequestNotSendable::Denied(denial) => denied(denial),
                    RequestNotSendable::File(source) => NotSent::File(source).into(),
                })?;
        let added = length_of(&headers).saturating_add(length - file.length);
        count(quota, added)?;
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));

        let destination = Destination {
            origin: base.origin().clone(),
            rule: AddressRule::of_connection(base.origin()),
        };
        if let Some(credential) = connection.credential() {
            headers.insert(credential.name().clone(), credential.header_value());
        }
        let span = spans::span(&method, &destination.origin, uri.path(), length);
        span.in_scope(|| trace::stamp(&mut headers, &destination.origin));
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        // The calls of a pack are known by the address of its quota.
        let pack = std::ptr::from_ref(quota).addr();
        let mut reply_capacity = ReplyCapacity {
            longest: limits.reply_body,
            reserved: self
                .budget()
                .of_call(pack, limits.call_bytes)
                .reserved_at_once(),
        };
        let time_limit = limits.first_byte + Duration::from_secs(length / SLOWEST);
        let exchange = async {
            let channel = self
                .client()
                .open(&destination, Reuse::Fresh, limits.connect)
                .await?;
            if !record.await {
                return Err(NotSent::denied(Denial::HeldBack).into());
            }
            let reply = channel.send(request, time_limit).await?;
            let collected = reply.collect_in(limits.reply_body, limits.idle, &mut reply_capacity);
            Ok(collected.await?)
        };
        let (header, bytes) = spans::traced(span, exchange).await?;
        let status = header.status.as_u16();
        let body = text_of(header, bytes, reply_capacity.reserved, connection).await?;
        Ok(UploadReply { status, body })
    }
}

/// The text of a reply, without the credential. `reserved` is the memory of its bytes.
async fn text_of(
    mut header: response::Parts,
    bytes: BytesMut,
    mut reserved: Reserved,
    connection: &Arc<OpenConnection>,
) -> Result<String, ReplyLost> {
    let decoded = DECODED.saturating_mul(bytes.len() as u64);
    reserved.grow_reply_to(decoded).await;
    let bytes = to_utf8(&mut header.headers, bytes).freeze();
    let bytes = redacted(bytes, connection).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The method and URL of a plan, if the policy and a route permit it.
fn permitted(
    connection: &OpenConnection,
    quota: &Quota,
    plan: &Upload,
) -> Result<(Method, Uri), Denial> {
    let base = connection.base_url();
    let method = match plan.method.as_str() {
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        _ => return Err(Denial::Method),
    };
    if !plan.path.starts_with('/') {
        return Err(Denial::Path);
    }
    let url = format!("{base}{}", plan.path);
    // The library drops a fragment.
    let uri = url.parse().ok().filter(|uri: &Uri| uri.to_string() == url);
    let uri = uri.ok_or(Denial::Url)?;
    policy::permitted(base, &method, &uri)?;
    routes::upload(quota.permissions(), connection, &method, uri.path())?;
    Ok((method, uri))
}

enum RequestNotSendable {
    Denied(Denial),
    File(io::Error),
}

async fn body(
    plan: &Upload,
    file: LocalPart<'_>,
    connection: &OpenConnection,
) -> Result<(HeaderMap, RequestBody, u64), RequestNotSendable> {
    let opened = tokio::fs::File::open(file.path).await;
    let opened = opened.map_err(RequestNotSendable::File)?;
    let mut headers = HeaderMap::new();
    let (before, after) = match &plan.body {
        Body::Raw(given) => {
            for (name, value) in given {
                let refused = || RequestNotSendable::Denied(Denial::Header(name.clone()));
                let parsed: HeaderName = name.parse().map_err(|_| refused())?;
                let is_false = parsed == CONTENT_LENGTH && *value != file.length.to_string();
                // The check leaves `host` to the runtime of a component.
                if parsed == HOST || is_false {
                    return Err(refused());
                }
                headers.append(parsed, value.parse().map_err(|_| refused())?);
            }
            header::check(&headers, connection).map_err(RequestNotSendable::Denied)?;
            (Bytes::new(), Bytes::new())
        }
        Body::Multipart(form) => {
            let boundary = format!("zoetrope-{}", uuid::Uuid::now_v7().simple());
            let content_type = format!("multipart/form-data; boundary={boundary}");
            if let Ok(content_type) = HeaderValue::from_str(&content_type) {
                headers.insert(CONTENT_TYPE, content_type);
            }
            (
                opening(&boundary, &form.fields, &form.file_part, file),
                Bytes::from(format!("\r\n--{boundary}--\r\n")),
            )
        }
    };
    let length = before.len() as u64 + file.length + after.len() as u64;
    let unread = Unread {
        file: opened,
        left: file.length,
        digest: Sha256::new(),
        expected: *file.sha256,
    };
    Ok((headers, streamed(before, unread, after), length))
}

/// The part of a form before the file's bytes.
fn opening(
    boundary: &str,
    fields: &[(String, String)],
    file_part: &str,
    file: LocalPart<'_>,
) -> Bytes {
    let mut form = String::new();
    for (name, value) in fields {
        let _ = write!(
            form,
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"\r\n\r\n{value}\r\n",
            quoted(name)
        );
    }
    let _ = write!(
        form,
        "--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"; filename=\"{}\"\r\ncontent-type: {}\r\n\r\n",
        quoted(file_part),
        quoted(file.name),
        file.media_type
    );
    form.into()
}

/// A name in a form, escaped as browsers do (HTML, 4.10.21.8).
fn quoted(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A file that is being sent.
struct Unread {
    file: tokio::fs::File,
    left: u64,
    digest: Sha256,
    expected: Sha256Digest,
}

impl Unread {
    /// The next bytes. The last of them are returned only if all are those that were checked.
    async fn next(&mut self) -> io::Result<Bytes> {
        let wanted = usize::try_from(self.left).map_or(CHUNK, |left| left.min(CHUNK));
        let mut chunk = BytesMut::zeroed(wanted);
        let count = self.file.read(&mut chunk).await?;
        if count == 0 {
            // The file is shorter than its announced length.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        chunk.truncate(count);
        self.digest.update(&chunk);
        self.left -= count as u64;
        if self.left == 0 && Sha256Digest::from(self.digest.finalize_reset()) != self.expected {
            let changed = "the file was changed after it was checked";
            return Err(io::Error::new(io::ErrorKind::InvalidData, changed));
        }
        Ok(chunk.freeze())
    }
}

fn streamed(before: Bytes, file: Unread, after: Bytes) -> RequestBody {
    enum Part {
        Before(Bytes, Unread),
        File(Unread),
        End,
    }
    let frames = stream::unfold(
        (Part::Before(before, file), after),
        move |(part, after)| async move {
            match part {
                Part::Before(before, file) => {
                    Some((Ok(Frame::data(before)), (Part::File(file), after)))
                }
                Part::File(file) if file.left == 0 => {
                    Some((Ok(Frame::data(after)), (Part::End, Bytes::new())))
                }
                Part::File(mut file) => match file.next().await {
                    Ok(bytes) => Some((Ok(Frame::data(bytes)), (Part::File(file), after))),
                    Err(error) => Some((Err(error), (Part::End, after))),
                },
                Part::End => None,
            }
        },
    );
    StreamBody::new(frames).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::super::HttpLimits;
    use super::super::testing::{Act, Server, connection, narrow, reply, uploading};
    use super::*;

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
}
