//! The host of the component: `wasi:http`, the monotonic clock, and `connections`.

use wasip2::clocks::monotonic_clock;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    Scheme,
};
use wasip2::io::streams::StreamError;

use crate::bindings::{Connection, ConnectionError, connections};
use crate::host::{Host, SendError};
use crate::http::{Reply, Request};

/// The host that runs this component.
pub struct Wasi;

/// Longest reply, in bytes; the known providers answer in a few kilobytes.
const REPLY_LIMIT: usize = 8 << 20;

const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

impl Host for Wasi {
    fn connection(&self, category: &str) -> Result<Connection, ConnectionError> {
        connections::get(category)
    }

    fn send(&self, request: &Request) -> Result<Reply, SendError> {
        let (outgoing, body) = outgoing(request)?;
        let response = outgoing_handler::handle(outgoing, None).map_err(|code| classify(&code))?;
        // If the host denies the request, writing fails, and the response has the reason.
        let written = write(
            &body,
            request.body.as_deref().unwrap_or_default().as_bytes(),
        );
        if written.is_ok() {
            let _ = OutgoingBody::finish(body, None);
        } else {
            drop(body);
        }
        response.subscribe().block();
        match response.get() {
            Some(Ok(Ok(response))) => read(&response),
            Some(Ok(Err(code))) => Err(classify(&code)),
            _ => Err(SendError::Lost("the host gave no reply".into())),
        }
    }

    fn now_ms(&self) -> u64 {
        monotonic_clock::now() / NANOSECONDS_PER_MILLISECOND
    }

    fn sleep_ms(&self, duration: u64) {
        monotonic_clock::subscribe_duration(duration.saturating_mul(NANOSECONDS_PER_MILLISECOND))
            .block();
    }
}

fn outgoing(request: &Request) -> Result<(OutgoingRequest, OutgoingBody), SendError> {
    let unusable = |what: &str| SendError::NotSent(format!("the request's {what} cannot be sent"));
    let length = request.body.as_ref().map(|body| body.len().to_string());
    let length = length.map(|length| ("content-length".into(), length.into_bytes()));
    let given = request.headers.iter();
    let given = given.map(|(name, value)| (name.clone(), value.clone().into_bytes()));
    let headers: Vec<_> = given.chain(length).collect();
    let headers = Fields::from_list(&headers).map_err(|_| unusable("headers"))?;
    let outgoing = OutgoingRequest::new(headers);
    let (scheme, rest) = match request.url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(("http", rest)) => (Scheme::Http, rest),
        _ => return Err(unusable("URL")),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let set = outgoing
        .set_method(&method(&request.method))
        .and_then(|()| {
            outgoing.set_scheme(Some(&scheme))?;
            outgoing.set_authority(Some(authority))?;
            outgoing.set_path_with_query(Some(if path.is_empty() { "/" } else { path }))
        });
    set.map_err(|()| unusable("method or URL"))?;
    let body = outgoing.body().map_err(|()| unusable("body"))?;
    Ok((outgoing, body))
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        other => Method::Other(other.into()),
    }
}

/// Writes `bytes`, and waits only while the host accepts no more.
fn write(body: &OutgoingBody, mut bytes: &[u8]) -> Result<(), StreamError> {
    let Ok(stream) = body.write() else {
        return Err(StreamError::Closed);
    };
    while !bytes.is_empty() {
        let room = stream.check_write()?;
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let (chunk, rest) = bytes.split_at(room.min(bytes.len()));
        stream.write(chunk)?;
        bytes = rest;
    }
    stream.flush()
}

fn read(response: &IncomingResponse) -> Result<Reply, SendError> {
    let lost = |what: &str| SendError::Lost(format!("the reply's body {what}"));
    let headers = response.headers().entries();
    let headers = headers
        .into_iter()
        .map(|(name, value)| {
            (
                name.to_ascii_lowercase(),
                String::from_utf8_lossy(&value).into_owned(),
            )
        })
        .collect();
    let incoming = response.consume().map_err(|()| lost("cannot be read"))?;
    let mut body = Vec::new();
    {
        let stream = incoming.stream().map_err(|()| lost("cannot be read"))?;
        loop {
            match stream.blocking_read(64 << 10) {
                Ok(bytes) => body.extend_from_slice(&bytes),
                Err(StreamError::Closed) => break,
                Err(StreamError::LastOperationFailed(_)) => return Err(lost("broke off")),
            }
            if body.len() > REPLY_LIMIT {
                return Err(lost("is longer than 8 MiB"));
            }
        }
    }
    drop(IncomingBody::finish(incoming));
    Ok(Reply {
        url: String::new(),
        status: response.status(),
        headers,
        body,
    })
}

/// Classifies a failure. Nothing was sent only if the code cannot mean anything else.
fn classify(code: &ErrorCode) -> SendError {
    match code {
        ErrorCode::HttpRequestDenied => {
            SendError::Denied("the host's policy refuses this request".into())
        }
        ErrorCode::DestinationIpProhibited => {
            SendError::Denied("the host's policy refuses the provider's address".into())
        }
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
            SendError::NotSent("the provider's name was not resolved".into())
        }
        ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached => {
            SendError::NotSent("no connection to the provider".into())
        }
        ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => {
            SendError::NotSent("no trusted connection to the provider (TLS)".into())
        }
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => {
            SendError::Lost("the provider did not answer in time".into())
        }
        _ => SendError::Lost("the connection to the provider broke".into()),
    }
}
