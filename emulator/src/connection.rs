//! Connections: accepting them, and hanging up in the middle of an exchange.
//!
//! `axum::serve` has no way for a handler to close a connection without an answer, so this is a
//! loop of our own around hyper's server. Every request carries its connection's [`ConnectionControl`] in its
//! extensions. Hanging up is an error of the connection's next flush: hyper flushes once it has
//! handed over everything that was answered so far, so exactly that has left, and it drops a
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

/// How long accepting pauses when the process can have no further connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How a connection ends without a complete answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disconnect {
    /// As a program does that closes its socket.
    Close = 1,
    /// As a program does that dies: with a reset.
    Reset = 2,
}

/// One connection, for whoever answers its requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionControl(Arc<AtomicU8>);

impl ConnectionControl {
    /// Hangs up once everything is sent that was handed over before. Does not return: whoever
    /// waits for it is dropped with the connection.
    pub(crate) async fn hang_up(&self, how: Disconnect) -> Infallible {
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

/// Serves a router until told to stop; then answers what was asked and returns.
///
/// Dropping it drops its connections.
pub(crate) async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let stopping = stop.clone();
    // An error says that the sender is gone, which stops as well.
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

/// A connection that was gone before it was accepted concerns nobody else; a lack of file
/// descriptors passes.
async fn pause(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        warn!(%error, "no connection can be accepted");
        sleep(ACCEPT_PAUSE).await;
    }
}

async fn connection(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) {
    // Small pieces of an answer are to leave when they are written.
    drop(stream.set_nodelay(true));
    let line = ConnectionControl::default();
    let io = TokioIo::new(Wire {
        stream,
        line: line.clone(),
    });
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(line.clone());
        router.call(request)
    });
    let mut exchange = pin!(http1::Builder::new().serve_connection(io, service));
    let ended = tokio::select! {
        ended = exchange.as_mut() => ended,
        // An error says that the sender is gone, which stops as well.
        () = async { drop(stop.wait_for(|stop| *stop).await) } => {
            exchange.as_mut().graceful_shutdown();
            exchange.await
        }
    };
    if let Err(error) = ended {
        trace!(%error, "a connection ended early");
    }
}

/// A socket that fails its next flush once its line is to be hung up.
struct Wire {
    stream: TcpStream,
    line: ConnectionControl,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
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
        let Some(how) = self.line.is_to_end() else {
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
