//! A native program in place of a component: the plugin's own code without a sandbox, and its
//! request through hyper.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;
use zoetrope_node_sdk::bindings::{Connection, ConnectionError};
use zoetrope_node_sdk::host::{Host, SendError};
use zoetrope_node_sdk::http::{Reply, Request as PluginRequest};

use crate::Failure;

/// A host without connections, which is enough for `check`.
pub struct Nowhere;

impl Host for Nowhere {
    fn connection(&self, _: &str) -> Result<Connection, ConnectionError> {
        Err(ConnectionError::NotConfigured)
    }

    fn send(&self, _: &PluginRequest) -> Result<Reply, SendError> {
        Err(SendError::Denied("nothing is sent".into()))
    }

    fn now_ms(&self) -> u64 {
        0
    }

    fn sleep_ms(&self, _: u64) {}
}

/// A submit that is sent repeatedly.
pub struct Submit {
    request: Request<Full<Bytes>>,
    pooled: Client<HttpConnector, Full<Bytes>>,
}

impl Submit {
    /// The request that `check` previews, with the headers that only the host adds.
    ///
    /// # Errors
    ///
    /// When the preview is no request.
    pub fn of_preview(preview: &str, credential: &str) -> Result<Self, Failure> {
        let preview: Value = serde_json::from_str(preview)?;
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("no text");
        let mut request = Request::builder()
            .method(text(&preview["method"])?.as_str())
            .uri(text(&preview["url"])?)
            .header(header::AUTHORIZATION, credential)
            .header(header::ACCEPT_ENCODING, "identity");
        let headers = preview["headers"].as_object().ok_or("no headers")?;
        for (name, value) in headers {
            request = request.header(name, text(value)?);
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            request: request.body(Full::new(preview["body"].to_string().into()))?,
            pooled: Client::builder(TokioExecutor::new()).build(connector),
        })
    }

    /// Sends it over a new connection and reads the job's id.
    ///
    /// # Errors
    ///
    /// When no job comes back.
    pub async fn on_a_new_connection(&self) -> Result<String, Failure> {
        let mut request = self.request.clone();
        let authority = request.uri().authority().ok_or("no authority")?.to_string();
        let stream = TcpStream::connect(&authority).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let host = HeaderValue::from_str(&authority)?;
        request.headers_mut().insert(header::HOST, host);
        *request.uri_mut() = request.uri().path().parse()?;
        job(sender.send_request(request).await?).await
    }

    /// Sends it over a connection that is reused.
    ///
    /// # Errors
    ///
    /// When no job comes back.
    pub async fn on_a_kept_connection(&self) -> Result<String, Failure> {
        job(self.pooled.request(self.request.clone()).await?).await
    }
}

async fn job(response: Response<Incoming>) -> Result<String, Failure> {
    let body = response.into_body().collect().await?.to_bytes();
    let document: Value = serde_json::from_slice(&body)?;
    let id = document["id"].as_str().ok_or("a reply without a job")?;
    Ok(id.to_owned())
}
