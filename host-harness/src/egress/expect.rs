//! `Expect: 100-continue` (RFC 9110, 10.1.1): a large body waits until the server asks for it or
//! for a second, so that a refusal by the header alone arrives before any of the body is sent.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, EXPECT, HeaderMap, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};

use super::destination::{RequestBody, full};
use crate::awake::Sleep;

/// Longest body that is sent without asking: less than a second's transfer at a usual rate.
const LARGEST_UNASKED: u64 = 1 << 20;

/// How long a body waits. Servers that do not know `Expect` never ask for it; `curl` waits as long.
const WAIT: Duration = Duration::from_secs(1);

/// The state of a body that waits, shared with the exchange that it belongs to.
#[derive(Default)]
pub(super) struct Gate(Mutex<State>);

#[derive(Default)]
struct State {
    stage: Stage,
    /// The connection's task.
    task: Option<Waker>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Waiting,
    /// The body may be sent.
    Asked,
    /// Bytes of the body may have been sent.
    Begun,
    /// The whole body was passed on.
    Ended,
    /// None of the body was sent, and none will be.
    Withheld,
    /// The connection ends as soon as it needs more of the body.
    Cancelled,
}

impl Gate {
    /// Adds `Expect` to a request with a large body, and makes the body wait: for a second, but no
    /// longer than half of `time_limit`. Other requests stay as they are.
    pub(super) fn before(
        request: Request<RequestBody>,
        time_limit: Duration,
    ) -> (Request<RequestBody>, Option<Arc<Self>>) {
        if length_of_body(request.headers()).is_none_or(|length| length <= LARGEST_UNASKED) {
            return (request, None);
        }
        let gate = Arc::new(Self::default());
        let (mut parts, body) = request.into_parts();
        let continued = HeaderValue::from_static("100-continue");
        parts.headers.insert(EXPECT, continued);
        let body = Gated {
            body,
            gate: Arc::clone(&gate),
            wait: Sleep::after(WAIT.min(time_limit / 2)),
        };
        let mut request = Request::from_parts(parts, body.boxed_unsync());
        let asked = Arc::clone(&gate);
        hyper::ext::on_informational(&mut request, move |reply| {
            // 102 and 103 ask for nothing.
            if reply.status() == StatusCode::CONTINUE {
                asked.ask();
            }
        });
        (request, Some(gate))
    }

    /// Lets the body be sent.
    fn ask(&self) {
        self.advance(|stage| match stage {
            Stage::Waiting => Stage::Asked,
            stage => stage,
        });
    }

    /// Lets no byte of the body be sent any more, and returns whether none was.
    pub(super) fn withhold(&self) -> bool {
        let stage = self.advance(|stage| match stage {
            Stage::Waiting | Stage::Asked => Stage::Withheld,
            stage => stage,
        });
        stage == Stage::Withheld
    }

    /// Ends the connection if not the whole body was passed to it; returns whether it was.
    fn cancel(&self) -> bool {
        let stage = self.advance(|stage| match stage {
            Stage::Ended => Stage::Ended,
            _ => Stage::Cancelled,
        });
        stage == Stage::Ended
    }

    fn advance(&self, next: impl FnOnce(Stage) -> Stage) -> Stage {
        let mut state = self.state();
        state.stage = next(state.stage);
        if let Some(task) = state.task.take() {
            task.wake();
        }
        state.stage
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that need not be sent to its end. The connection ends with this value, if not the whole
/// body was passed to it.
pub(super) struct Unsent {
    gate: Arc<Gate>,
    /// Whether none of the body was sent, and none will be.
    pub(super) is_withheld: bool,
}

impl Unsent {
    /// The body of a request that is answered with `status`. None if all of it is sent: the server
    /// that accepts a request may still read its body.
    pub(super) fn after(gate: Option<Arc<Gate>>, status: StatusCode) -> Option<Self> {
        let gate = gate?;
        if status.is_success() {
            gate.ask();
            return None;
        }
        let is_withheld = gate.withhold();
        Some(Self { gate, is_withheld })
    }

    /// Ends the connection if not the whole body was passed to it; returns whether it was.
    pub(super) fn cancel(self) -> bool {
        self.gate.cancel()
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        self.gate.cancel();
    }
}

/// The announced length of a request's body.
fn length_of_body(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body that waits at its gate.
struct Gated {
    body: RequestBody,
    gate: Arc<Gate>,
    wait: Sleep,
}

impl Gated {
    /// Whether the body may be sent.
    fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.gate.state();
        match state.stage {
            Stage::Waiting if Pin::new(&mut self.wait).poll(cx).is_ready() => {
                tracing::debug!("the body is sent without being asked for");
                state.stage = Stage::Begun;
            }
            Stage::Asked => state.stage = Stage::Begun,
            Stage::Begun | Stage::Ended => {}
            Stage::Waiting => {
                state.task = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Stage::Withheld => {
                state.task = Some(cx.waker().clone());
                // The reply may need its memory.
                self.body = full(Bytes::new());
                return Poll::Pending;
            }
            Stage::Cancelled => {
                let refused = "the reply came before the body was sent";
                return Poll::Ready(Err(io::Error::other(refused)));
            }
        }
        // A file that is slow to read may not be polled again before the exchange ends.
        state.task = Some(cx.waker().clone());
        Poll::Ready(Ok(()))
    }
}

impl Body for Gated {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.poll_begin(cx) {
            Poll::Ready(Ok(())) => Pin::new(&mut self.body).poll_frame(cx),
            Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The connection drops a body when it has all of it, or when it ends.
impl Drop for Gated {
    fn drop(&mut self) {
        self.gate.advance(|stage| match stage {
            Stage::Begun => Stage::Ended,
            stage => stage,
        });
    }
}
