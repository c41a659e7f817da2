//! The clients of a component other than wasmtime's own.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::provider::ACCEPTED;

type Answered = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

/// A client that reuses connections. Its clones share them.
#[derive(Clone)]
pub struct Kept(Arc<Client<HttpConnector, WasiBody>>);

impl Default for Kept {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Arc::new(
            Client::builder(TokioExecutor::new()).build(connector),
        ))
    }
}

impl WasiHttpHooks for Kept {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Answered, Error>> + Send> {
        let response = self.0.request(request);
        Box::new(async move {
            let internal = |error| Error::InternalError(Some(format!("{error}")));
            let response = response.await.map_err(internal)?;
            let body = |body: Incoming| body.map_err(Error::from).boxed_unsync();
            Ok((response.map(body), done()))
        })
    }
}

/// Answers from memory.
pub(super) struct Memory;

impl WasiHttpHooks for Memory {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Answered, Error>> + Send> {
        Box::new(async move {
            request.into_body().collect().await?;
            let job = Bytes::from_static(ACCEPTED.as_bytes());
            let body = Full::new(job).map_err(|never| match never {});
            Ok((Response::new(body.boxed_unsync()), done()))
        })
    }
}

/// The future of a request that is sent completely.
fn done() -> Box<dyn Future<Output = Result<(), Error>> + Send> {
    Box::new(std::future::ready(Ok(())))
}
