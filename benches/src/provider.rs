//! Providers on loopback that speak the jobs wire and answer from memory, each on a thread
//! and a runtime of its own.

use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, header};
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
    received: Arc<Received>,
}

#[derive(Default)]
struct Received {
    submits: AtomicUsize,
    last: Mutex<Bytes>,
}

impl Provider {
    /// Starts it on a free port, for callers with this credential.
    ///
    /// # Errors
    ///
    /// When it gets no thread or no port.
    pub fn start(credential: &'static str) -> Result<Self, Failure> {
        let received = Arc::new(Received::default());
        let kept = Arc::clone(&received);
        let address = serve(move |parts, body| ready(kept.answer(credential, &parts, &body)))?;
        Ok(Self { address, received })
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Number of submits.
    #[must_use]
    pub fn submits(&self) -> usize {
        self.received.submits.load(Ordering::SeqCst)
    }

    /// The body of the last submit.
    #[must_use]
    pub fn last_submit(&self) -> Bytes {
        self.received.last().clone()
    }
}

impl Received {
    fn last(&self) -> MutexGuard<'_, Bytes> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, credential: &str, parts: &Parts, body: &Bytes) -> (StatusCode, Bytes) {
        let path = parts.uri.path();
        let has = |name: &str| parts.headers.contains_key(name);
        let known = parts.headers.get(header::AUTHORIZATION);
        let (status, document) = match parts.method {
            _ if known.is_none_or(|known| known != credential) => {
                (StatusCode::UNAUTHORIZED, UNAUTHORIZED)
            }
            Method::POST if path == "/v1/jobs" && has("idempotency-key") => {
                self.submits.fetch_add(1, Ordering::SeqCst);
                *self.last() = body.clone();
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
}

const UNAUTHORIZED: &str = r#"{"error":{"code":"unauthorized"}}"#;

/// The reply to a request that the wire does not have.
pub(crate) const NOT_FOUND: &str = r#"{"error":{"code":"not_found"}}"#;

/// Answers every complete request with the JSON of `answer`. Returns the address; ends with the
/// process.
pub(crate) fn serve<A, F>(answer: A) -> Result<SocketAddr, Failure>
where
    A: Fn(Parts, Bytes) -> F + Send + Sync + 'static,
    F: Future<Output = (StatusCode, Bytes)> + Send + 'static,
{
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

/// Ends only when the listener fails; later requests then fail.
async fn accept<A, F>(listener: &TcpListener, answer: &Arc<A>) -> std::io::Result<()>
where
    A: Fn(Parts, Bytes) -> F + Send + Sync + 'static,
    F: Future<Output = (StatusCode, Bytes)> + Send + 'static,
{
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = Arc::clone(answer);
        let service = service_fn(move |request| reply(request, Arc::clone(&answer)));
        // Errors of a connection are ignored: the client has disconnected.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn reply<A, F>(
    request: Request<Incoming>,
    answer: Arc<A>,
) -> Result<Response<Full<Bytes>>, Infallible>
where
    A: Fn(Parts, Bytes) -> F,
    F: Future<Output = (StatusCode, Bytes)>,
{
    let (parts, body) = request.into_parts();
    let (status, document) = match body.collect().await {
        Ok(body) => answer(parts, body.to_bytes()).await,
        Err(_) => {
            let cut = Bytes::from_static(NOT_FOUND.as_bytes());
            (StatusCode::BAD_REQUEST, cut)
        }
    };
    let mut response = Response::new(Full::new(document));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    Ok(response)
}
