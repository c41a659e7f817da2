//! Providers on loopback that speak the jobs wire and answer from memory, each on a thread
//! and a runtime of its own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::Failure;

/// The reply to a submit.
pub const ACCEPTED: &str = r#"{"id":"job-1","status":"queued"}"#;

/// A running provider; it ends with the process.
pub struct Provider {
    address: SocketAddr,
    submits: Arc<AtomicUsize>,
}

impl Provider {
    /// Starts it on a free port.
    ///
    /// # Errors
    ///
    /// When it gets no thread or no port.
    pub fn start() -> Result<Self, Failure> {
        let submits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&submits);
        let address = serve(move |method, path| answer(method, path, &counted))?;
        Ok(Self { address, submits })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Jobs it has been given.
    #[must_use]
    pub fn submits(&self) -> usize {
        self.submits.load(Ordering::SeqCst)
    }
}

fn answer(method: &Method, path: &str, submits: &AtomicUsize) -> (StatusCode, Bytes) {
    let (status, document) = match *method {
        Method::POST if path == "/v1/jobs" => {
            submits.fetch_add(1, Ordering::SeqCst);
            (StatusCode::ACCEPTED, ACCEPTED)
        }
        Method::GET if path.starts_with("/v1/jobs/") => {
            let running = r#"{"id":"job-1","status":"running","progress":0.5}"#;
            (StatusCode::OK, running)
        }
        _ => (StatusCode::NOT_FOUND, NOT_FOUND),
    };
    (status, Bytes::from_static(document.as_bytes()))
}

/// The reply to what is no request of the wire.
pub(crate) const NOT_FOUND: &str = r#"{"error":{"code":"not_found"}}"#;

/// Gives every request that arrives whole the JSON that `answer` has for its method and
/// path; where it listens. Ends with the process.
pub(crate) fn serve(
    answer: impl Fn(&Method, &str) -> (StatusCode, Bytes) + Send + Sync + 'static,
) -> Result<SocketAddr, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    std::thread::Builder::new()
        .name("provider".into())
        .spawn(move || runtime.block_on(accept(&listener, &Arc::new(answer))))?;
    Ok(address)
}

/// Ends only when the listener breaks; the callers' next requests then fail.
async fn accept<A>(listener: &TcpListener, answer: &Arc<A>) -> std::io::Result<()>
where
    A: Fn(&Method, &str) -> (StatusCode, Bytes) + Send + Sync + 'static,
{
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = Arc::clone(answer);
        let service = service_fn(move |request| reply(request, Arc::clone(&answer)));
        // A caller that goes away is no trouble of the provider's.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn reply<A>(
    request: Request<Incoming>,
    answer: Arc<A>,
) -> Result<Response<Full<Bytes>>, Infallible>
where
    A: Fn(&Method, &str) -> (StatusCode, Bytes),
{
    let (parts, body) = request.into_parts();
    let whole = body.collect().await.is_ok();
    let (status, document) = if whole {
        answer(&parts.method, parts.uri.path())
    } else {
        let cut = Bytes::from_static(NOT_FOUND.as_bytes());
        (StatusCode::BAD_REQUEST, cut)
    };
    let mut response = Response::new(Full::new(document));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    Ok(response)
}
