//! A provider on loopback that speaks the jobs wire and answers from memory, on a
//! thread and a runtime of its own.

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
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let counted = Arc::clone(&submits);
        std::thread::Builder::new()
            .name("provider".into())
            .spawn(move || runtime.block_on(serve(&listener, &counted)))?;
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

/// Ends only when the listener breaks; the callers' next requests then fail.
async fn serve(listener: &TcpListener, submits: &Arc<AtomicUsize>) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let submits = Arc::clone(submits);
        let service = service_fn(move |request| answer(request, Arc::clone(&submits)));
        // A caller that goes away is no trouble of the provider's.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    submits: Arc<AtomicUsize>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let whole = body.collect().await.is_ok();
    let (status, document) = match (parts.method, parts.uri.path()) {
        (Method::POST, "/v1/jobs") if whole => {
            submits.fetch_add(1, Ordering::SeqCst);
            (StatusCode::ACCEPTED, ACCEPTED)
        }
        (Method::GET, path) if path.starts_with("/v1/jobs/") => {
            let running = r#"{"id":"job-1","status":"running","progress":0.5}"#;
            (StatusCode::OK, running)
        }
        _ => (StatusCode::NOT_FOUND, r#"{"error":{"code":"not_found"}}"#),
    };
    let mut response = Response::new(Full::new(Bytes::from_static(document.as_bytes())));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    Ok(response)
}
