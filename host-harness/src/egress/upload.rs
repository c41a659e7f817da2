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
use crate::bounded::{self, Links};
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
    /// nothing is sent. If it is not awaited, nothing was sent. It is awaited once, also if the
    /// server takes no `Expect` and gets the same bytes over a second connection.
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
        let (method, uri) = permitted(connection, quota, plan).map_err(denied)?;
        let boundary = format!("zoetrope-{}", uuid::Uuid::now_v7().simple());
        let prepared = body(plan, file, connection, &boundary).await;
        let (mut headers, whole, length) = prepared.map_err(unsendable)?;
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
        let request = request(method, uri, headers);
        let again = request.clone();
        // The calls of a pack are known by the address of its quota.
        let pack = std::ptr::from_ref(quota).addr();
        let budget = self.budget().of_call(pack, limits.call_bytes);
        let mut reply_capacity = ReplyCapacity {
            longest: limits.reply_body,
            reserved: budget.reserved_at_once(),
        };
        let time_limit = limits.first_byte + Duration::from_secs(length / SLOWEST);
        let exchange = async {
            let connect = limits.connect;
            let fresh = self.client().open(&destination, Reuse::Fresh, connect);
            let channel = fresh.await?;
            if !record.await {
                return Err(NotSent::denied(Denial::HeldBack).into());
            }
            let mut reply = channel.send(request.map(|()| whole), time_limit).await?;
            if reply.is_expectation_failed() {
                // The same bytes once more: the server has none of them.
                drop(reply);
                let prepared = body(plan, file, connection, &boundary).await;
                let (_, whole, _) = prepared.map_err(unsendable)?;
                let fresh = self.client().open(&destination, Reuse::Fresh, connect);
                let channel = fresh.await?.without_asking();
                reply = channel.send(again.map(|()| whole), time_limit).await?;
            }
            let collected = reply.collect_in(limits.reply_body, limits.idle, &mut reply_capacity);
            Ok(collected.await?)
        };
        let (header, bytes) = spans::traced(span, exchange).await?;
        let status = header.status.as_u16();
        let body = text_of(header, bytes, reply_capacity.reserved, connection).await?;
        Ok(UploadReply { status, body })
    }
}

/// A request without its body.
fn request(method: Method, uri: Uri, headers: HeaderMap) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
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

/// Whether the policy and a route permit an upload over this connection. Nothing is sent.
pub(crate) fn check_upload(
    connection: &OpenConnection,
    quota: &Quota,
    plan: &Upload,
) -> Result<(), EgressError> {
    permitted(connection, quota, plan)
        .map(drop)
        .map_err(|denial| {
            spans::denied(&denial);
            NotSent::denied(denial).into()
        })
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

fn denied(denial: Denial) -> EgressError {
    spans::denied(&denial);
    NotSent::denied(denial).into()
}

fn unsendable(error: RequestNotSendable) -> EgressError {
    match error {
        RequestNotSendable::Denied(denial) => denied(denial),
        RequestNotSendable::File(source) => NotSent::File(source).into(),
    }
}

enum RequestNotSendable {
    Denied(Denial),
    File(io::Error),
}

async fn body(
    plan: &Upload,
    file: LocalPart<'_>,
    connection: &OpenConnection,
    boundary: &str,
) -> Result<(HeaderMap, RequestBody, u64), RequestNotSendable> {
    // It may have become a pipe after it was checked: opening one must not wait.
    let path = file.path.to_owned();
    let open = move || bounded::open_regular(&path, Links::Followed);
    let opened = tokio::task::spawn_blocking(open).await;
    let opened = opened.map_err(|error| RequestNotSendable::File(error.into()))?;
    let (opened, _) = opened.map_err(|fault| RequestNotSendable::File(fault.into_io()))?;
    let opened = tokio::fs::File::from_std(opened);
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
            let content_type = format!("multipart/form-data; boundary={boundary}");
            if let Ok(content_type) = HeaderValue::from_str(&content_type) {
                headers.insert(CONTENT_TYPE, content_type);
            }
            (
                opening(boundary, &form.fields, &form.file_part, file),
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
mod tests;
