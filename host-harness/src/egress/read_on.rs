//! A stream that is still read after a write to it has failed.
//!
//! A server that refuses a large body may answer and close its connection before it has read the
//! body. The next write fails, and HTTP libraries give up on the first failed write, although the
//! reply is there to be read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::awake::Sleep;

/// How long the other side's bytes may be read after a failed write. They have arrived, so this is
/// the time that a reader may wait for memory.
const READING: Duration = Duration::from_mins(1);

/// A stream whose failed writes wait while the other side's bytes are read. Then reading reports
/// the failure.
pub(super) struct ReadOn<S> {
    stream: S,
    failure: Option<Failure>,
}

/// A failed write.
struct Failure {
    kind: io::ErrorKind,
    /// When further writes report it.
    end: Sleep,
    /// Whether the other side had ended its bytes before, so that the end of the bytes that are
    /// read is the end of those that were sent.
    is_after_end: bool,
}

impl Failure {
    fn of(error: &io::Error) -> Self {
        let kind = error.kind();
        Self {
            kind,
            end: Sleep::after(READING),
            // Linux reports `EPIPE` for a reset after the other side's FIN, and `ECONNRESET` for
            // one without. Other systems report `EPIPE` for both.
            is_after_end: cfg!(target_os = "linux") && kind == io::ErrorKind::BrokenPipe,
        }
    }
}

impl<S> ReadOn<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            failure: None,
        }
    }

    /// Writes by `write`; waits from the first failure on.
    fn poll_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>>
    where
        S: Unpin,
    {
        if let Some(failure) = &mut self.failure {
            let end = Pin::new(&mut failure.end).poll(cx);
            return end.map(|()| Err(failure.kind.into()));
        }
        match write(Pin::new(&mut self.stream), cx) {
            Poll::Ready(Err(error)) => {
                tracing::debug!(%error, "a write failed; what the server has sent is read");
                self.failure = Some(Failure::of(&error));
                // The task reads before it writes, and may not be waiting for bytes.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            written => written,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadOn<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let is_full = buffer.remaining() == 0;
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        match (&read, &self.failure) {
            (Poll::Ready(Ok(())), Some(failure))
                if buffer.filled().len() == before && !is_full && !failure.is_after_end =>
            {
                Poll::Ready(Err(failure.kind.into()))
            }
            _ => read,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadOn<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_with(cx, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.failure {
            // There is no connection to end.
            Some(_) => Poll::Ready(Ok(())),
            None => Pin::new(&mut self.stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |stream, cx| stream.poll_write_vectored(cx, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Whose writes fail in this way, and which reads these bytes.
    struct Broken(&'static [u8], io::ErrorKind);

    impl AsyncRead for Broken {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let (now, later) = self.0.split_at(self.0.len().min(4));
            buffer.put_slice(now);
            self.0 = later;
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Broken {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(self.1.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(self.1.into()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(self.1.into()))
        }
    }

    async fn read_after_a_failed_write(kind: io::ErrorKind) -> (Vec<u8>, io::Result<usize>) {
        let mut stream = ReadOn::new(Broken(b"the whole reply", kind));
        tokio::select! {
            biased;
            _ = stream.write_all(b"body") => panic!("a failed write does not end"),
            () = std::future::ready(()) => {}
        }
        let mut read = Vec::new();
        let end = stream.read_to_end(&mut read).await;
        (read, end)
    }

    #[tokio::test]
    async fn bytes_are_read_after_a_failed_write_and_then_its_error() {
        let (read, end) = read_after_a_failed_write(io::ErrorKind::ConnectionReset).await;
        assert_eq!(read, b"the whole reply");
        let error = end.expect_err("not the end that the server sent");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn failed_write_is_reported_after_its_time() {
        let kind = io::ErrorKind::ConnectionReset;
        let mut stream = ReadOn::new(Broken(b"", kind));
        stream.failure = Some(Failure {
            end: Sleep::after(Duration::ZERO),
            ..Failure::of(&kind.into())
        });
        let written = stream.write_all(b"body").await;
        assert_eq!(written.expect_err("a reset").kind(), kind);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn end_before_a_failed_write_is_the_end_of_the_reply() {
        let (read, end) = read_after_a_failed_write(io::ErrorKind::BrokenPipe).await;
        assert_eq!(read, b"the whole reply");
        assert_eq!(end.expect("the end"), read.len());
    }
}
