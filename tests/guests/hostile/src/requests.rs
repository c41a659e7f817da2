//! HTTP requests of the component, permitted or not.

use std::mem::forget;

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, FutureIncomingResponse, HeaderError, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, Scheme,
};

use crate::bindings::connections;
use crate::instructions::{Payload, Sending};
use crate::text::{Seen, Text};

/// The most bytes that `blocking-write-and-flush` accepts, by its documentation.
const CHUNK: usize = 4096;

/// Bytes of a reply's body that are recorded.
const NOTED: u64 = 1 << 10;

/// Sends the requests. Records what the host refused and the replies.
pub fn send(sending: &Sending, seen: &mut Seen) {
    let mut open = Vec::new();
    for _ in 0..sending.times {
        open.extend(begin(sending, seen));
    }
    let awaited = sending.awaited.unwrap_or(open.len());
    for (at, response) in open.into_iter().enumerate() {
        if at < awaited {
            wait_for(&response, sending.unread, seen);
        } else {
            forget(response);
        }
    }
}

fn begin(sending: &Sending, seen: &mut Seen) -> Option<FutureIncomingResponse> {
    let (request, body) = prepare(sending, seen)?;
    if sending.body_first {
        end(body, sending, seen);
        return hand_over(request, seen);
    }
    let response = hand_over(request, seen)?;
    if sending.unfinished {
        write(&body, sending, seen);
        forget(body);
    } else {
        end(body, sending, seen);
    }
    Some(response)
}

/// A request and its body, before the host has it.
pub(crate) fn prepare(
    sending: &Sending,
    seen: &mut Seen,
) -> Option<(OutgoingRequest, OutgoingBody)> {
    let fields = fields(sending, seen)?;
    let request = OutgoingRequest::new(fields);
    address(&request, sending, seen);
    let body = request.body().expect("the first body");
    Some((request, body))
}

/// Hands a request to the host. Records a refusal.
pub(crate) fn hand_over(
    request: OutgoingRequest,
    seen: &mut Seen,
) -> Option<FutureIncomingResponse> {
    let response = outgoing_handler::handle(request, None);
    response
        .map_err(|code| seen.note(format!("not taken: {code:?}")))
        .ok()
}

/// Writes and ends a body.
pub(crate) fn end(body: OutgoingBody, sending: &Sending, seen: &mut Seen) {
    write(&body, sending, seen);
    finish(body, sending, seen);
}

/// Ends a body whose content is written.
pub(crate) fn finish(body: OutgoingBody, sending: &Sending, seen: &mut Seen) {
    let trailers = (!sending.trailers.is_empty()).then(|| {
        let trailers = Fields::new();
        for (name, value) in &sending.trailers {
            append(&trailers, name, value, seen);
        }
        trailers
    });
    if let Err(code) = OutgoingBody::finish(body, trailers) {
        seen.note(format!("body: {code:?}"));
    }
}

fn fields(sending: &Sending, seen: &mut Seen) -> Option<Fields> {
    let length = match (&sending.length, length(&sending.body, seen)) {
        (Some(said), _) => Some(said.clone()),
        (None, 0) => None,
        (None, length) => Some(length.to_string()),
    };
    let length = length.filter(|length| !length.is_empty());
    let length = length.map(|length| ("content-length".to_owned(), length.into_bytes()));
    if sending.as_a_list {
        let given = sending.headers.iter();
        let mut list: Vec<_> = given
            .map(|(name, value)| (name.written(seen), value.written(seen).into_bytes()))
            .collect();
        list.extend(length);
        let fields = Fields::from_list(&list);
        return fields
            .map_err(|error| seen.note(format!("headers: {}", why(error))))
            .ok();
    }
    let fields = Fields::new();
    for (name, value) in &sending.headers {
        append(&fields, name, value, seen);
    }
    if let Some((name, value)) = length
        && let Err(error) = fields.append(&name, &value)
    {
        seen.note(format!("content-length: {}", why(error)));
    }
    Some(fields)
}

fn append(fields: &Fields, name: &Text, value: &Text, seen: &mut Seen) {
    let (name, value) = (name.written(seen), value.written(seen));
    if let Err(error) = fields.append(&name, value.as_bytes()) {
        seen.note(format!("header: {}", why(error)));
    }
}

fn why(error: HeaderError) -> &'static str {
    match error {
        HeaderError::InvalidSyntax => "invalid",
        HeaderError::Forbidden => "forbidden",
        HeaderError::Immutable => "immutable",
    }
}

/// Sets the method and the URL without correcting them.
fn address(request: &OutgoingRequest, sending: &Sending, seen: &mut Seen) {
    let method = match sending.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "CONNECT" => Method::Connect,
        "TRACE" => Method::Trace,
        other => Method::Other(other.into()),
    };
    let base = connections::get("pixelml").map(|connection| connection.base_url);
    let base = base.unwrap_or_default();
    let url = sending.url.written(seen).replace("{base}", &base);
    let url = url.replace("{origin}", origin(&base));
    let (scheme, rest) = url.split_once("://").unwrap_or(("", &url));
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let scheme = match scheme {
        "http" => Some(Scheme::Http),
        "https" => Some(Scheme::Https),
        "" => None,
        other => Some(Scheme::Other(other.into())),
    };
    let parts = [
        ("method", request.set_method(&method)),
        ("scheme", request.set_scheme(scheme.as_ref())),
        ("authority", request.set_authority(Some(authority))),
        ("path", request.set_path_with_query(Some(path))),
    ];
    for (part, set) in parts {
        if set.is_err() {
            seen.note(format!("{part}: invalid"));
        }
    }
}

/// Scheme, host and port of a URL.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    let end = url[host..].find('/').map_or(url.len(), |path| host + path);
    &url[..end]
}

fn length(payload: &Payload, seen: &Seen) -> u64 {
    match payload {
        Payload::Nothing => 0,
        Payload::Text(text) => text.written(seen).len() as u64,
        Payload::Bytes(count) => *count,
        Payload::Memory => memory().len() as u64,
    }
}

/// Writes the content of a body. Records that the host refused a part of it.
pub(crate) fn write(body: &OutgoingBody, sending: &Sending, seen: &mut Seen) {
    if !is_written(body, &sending.body, seen) {
        seen.note("body: broken off by the host");
    }
}

fn is_written(body: &OutgoingBody, payload: &Payload, seen: &Seen) -> bool {
    let Ok(stream) = body.write() else {
        return false;
    };
    let write = |bytes: &[u8]| stream.blocking_write_and_flush(bytes).is_ok();
    match payload {
        Payload::Nothing => true,
        Payload::Text(text) => text.written(seen).as_bytes().chunks(CHUNK).all(write),
        Payload::Memory => memory().chunks(CHUNK).all(write),
        Payload::Bytes(count) => {
            let chunk = [b'x'; CHUNK];
            let rest = usize::try_from(count % CHUNK as u64).unwrap_or_default();
            (0..count / CHUNK as u64).all(|_| write(&chunk)) && write(&chunk[..rest])
        }
    }
}

/// The component's memory except the first byte, whose address is the null pointer.
#[cfg(target_family = "wasm")]
#[expect(unsafe_code, reason = "reads bytes that the host may have left there")]
fn memory() -> &'static [u8] {
    const PAGE: usize = 1 << 16;
    let length = core::arch::wasm32::memory_size(0) * PAGE;
    // SAFETY: all of linear memory may be read, and nothing writes while it is sent.
    unsafe { std::slice::from_raw_parts(std::ptr::without_provenance(1), length - 1) }
}

#[cfg(not(target_family = "wasm"))]
fn memory() -> &'static [u8] {
    &[]
}

/// Waits for a reply and records it.
pub(crate) fn wait_for(response: &FutureIncomingResponse, unread: bool, seen: &mut Seen) {
    response.subscribe().block();
    match response.get() {
        Some(Ok(Ok(response))) if unread => {
            seen.reply(response.status());
            seen.note(format!("answered {}", response.status()));
            forget(response);
        }
        Some(Ok(Ok(response))) => {
            seen.reply(response.status());
            seen.note(read(&response));
        }
        Some(Ok(Err(code))) => seen.note(format!("no reply: {code:?}")),
        other => seen.note(format!("nothing: {other:?}")),
    }
}

fn read(response: &IncomingResponse) -> String {
    let headers = response.headers().entries();
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
        .collect();
    let body = response.consume().ok().and_then(|body| {
        let stream = body.stream().ok()?;
        stream.blocking_read(NOTED).ok()
    });
    let body = body.unwrap_or_default();
    format!(
        "answered {} {headers:?} {}",
        response.status(),
        String::from_utf8_lossy(&body)
    )
}
