//! Accepts connections, and can close them in the middle of an exchange.
//!
//! With `axum::serve` a handler cannot close a connection without an answer, so this module has
//! its own loop around hyper's server. Every request carries its connection's
//! [`ConnectionControl`] in its extensions. A disconnect is an error of the connection's next
//! flush: hyper flushes after it has written everything that was answered so far, and drops a
//! connection whose flush fails.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{trace, warn};

/// The pause in accepting when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How a connection ends without a complete answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disconnect {
    /// The socket is closed without a reset.
    Close = 1,
    /// The connection is reset.
    Reset = 2,
}

/// Lets the handler of a request disconnect its client.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionControl(Arc<AtomicU8>);

impl ConnectionControl {
    /// Disconnects after everything written before has been sent. Never returns: the waiting
    /// future is dropped with the connection.
    pub(crate) async fn disconnect(&self, how: Disconnect) -> Infallible {
        self.0.store(how as u8, Ordering::Release);
        pending().await
    }

    fn is_to_end(&self) -> Option<Disconnect> {
        match self.0.load(Ordering::Acquire) {
            0 => None,
            1 => Some(Disconnect::Close),
            _ => Some(Disconnect::Reset),
        }
    }
}

/// Serves a router until `stop` is true or its sender is dropped, then finishes the requests in
/// progress and returns.
///
/// Dropping the future drops its connections.
pub(crate) async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let stopping = stop.clone();
    // An error means that the sender was dropped, which stops the server too.
    let mut stopped = pin!(async move { drop(stop.wait_for(|stop| *stop).await) });
    loop {
        tokio::select! {
            () = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, router.clone(), stopping.clone()));
                }
                Err(error) => pause(&error).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Pauses after a failed accept, unless only the one connection failed.
async fn pause(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        warn!(%error, "cannot accept connections");
        sleep(ACCEPT_PAUSE).await;
    }
}

async fn connection(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) {
    // Small pieces of a reply are sent when they are written.
    drop(stream.set_nodelay(true));
    let control = ConnectionControl::default();
    let io = TokioIo::new(DisconnectableSocket {
        stream,
        control: control.clone(),
    });
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(control.clone());
        router.call(request)
    });
    let mut exchange = pin!(http1::Builder::new().serve_connection(io, service));
    let ended = tokio::select! {
        ended = exchange.as_mut() => ended,
        // An error means that the sender was dropped, which stops the server too.
        () = async { drop(stop.wait_for(|stop| *stop).await) } => {
            exchange.as_mut().graceful_shutdown();
            exchange.await
        }
    };
    if let Err(error) = ended {
        trace!(%error, "a connection ended early");
    }
}

/// A socket whose next flush fails after [`ConnectionControl::disconnect`].
struct DisconnectableSocket {
    stream: TcpStream,
    control: ConnectionControl,
}

impl AsyncRead for DisconnectableSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for DisconnectableSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(how) = self.control.is_to_end() else {
            return Pin::new(&mut self.stream).poll_flush(context);
        };
        if how == Disconnect::Reset {
            // A socket without lingering time is reset when it is closed.
            self.stream.set_zero_linger()?;
        }
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
