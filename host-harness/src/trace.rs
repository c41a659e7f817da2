//! Trace context (W3C Trace Context, level 2) of requests.
//!
//! A job's requests belong to the caller's trace, if the caller passed one. Otherwise they
//! belong to the job's own trace, whose id is the job's id, so that every process that resumes
//! the job uses the same trace. Only requests to the origin of the job's connection carry it;
//! storage and CDNs get no id that links downloads.

use std::fmt;
use std::future::Future;
use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::hex;
use crate::net::Origin;

#[cfg(feature = "otlp")]
mod export;

/// The header with the position of a request in its trace.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The header with vendors' data about the trace.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The flag `sampled`: the sender may have recorded the trace.
const SAMPLED: u8 = 0b01;

/// The flag `random`: the right-most seven bytes of the trace id are random.
const RANDOM: u8 = 0b10;

/// The length and number of members that the specification requires to be passed on. A longer
/// `tracestate` is rejected.
const LONGEST_STATE: usize = 512;
const MEMBERS: usize = 32;

/// A position in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace: [u8; 16],
    span: [u8; 8],
    flags: u8,
}

/// A text is not a valid `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a traceparent like 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
pub struct NoTraceParent;

impl TraceParent {
    /// The root of a job's own trace, whose id is the job's id.
    ///
    /// # Errors
    ///
    /// When the job's id is not a UUID.
    pub fn of_job(id: &str) -> Result<Self, NoTraceParent> {
        let id = Uuid::parse_str(id).ok().filter(|id| !id.is_nil());
        let id = id.ok_or(NoTraceParent)?;
        Ok(Self {
            trace: id.into_bytes(),
            // The parent of all spans of the job.
            span: half(id),
            // Not flagged random: ids of earlier versions are a clock and a counter in part.
            flags: SAMPLED,
        })
    }

    /// The position of the current span in the same trace: with its exported id, or with a
    /// new id if it is not exported.
    #[must_use]
    pub fn child(&self) -> Self {
        let span = half(Uuid::now_v7());
        #[cfg(feature = "otlp")]
        let span = export::present(self.trace).unwrap_or(span);
        Self { span, ..*self }
    }

    /// Makes `span` a child of this position, if it is exported. `span` must not have been
    /// entered yet.
    pub fn adopt(&self, span: &tracing::Span) {
        #[cfg(feature = "otlp")]
        export::adopt(span, self.trace, self.span, self.flags);
        #[cfg(not(feature = "otlp"))]
        let _ = span;
    }

    /// The trace's id in lower-case hexadecimal.
    #[must_use]
    pub fn trace_id(&self) -> String {
        hex::encoded(&self.trace).to_string()
    }
}

impl FromStr for TraceParent {
    type Err = NoTraceParent;

    /// As in section 3.2 of the specification. Of later versions only the fields of version
    /// 00 are read.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (known, rest) = text.split_at_checked(55).ok_or(NoTraceParent)?;
        let mut parts = known.split('-');
        let mut part = || parts.next().ok_or(NoTraceParent);
        let [version] = bytes(part()?)?;
        let (trace, span, [flags]) = (bytes(part()?)?, bytes(part()?)?, bytes(part()?)?);
        let ends_well = match version {
            0x00 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let nothing = trace == [0; 16] || span == [0; 8];
        if nothing || !ends_well || parts.next().is_some() {
            return Err(NoTraceParent);
        }
        Ok(Self {
            trace,
            span,
            flags: flags & (SAMPLED | RANDOM),
        })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (hex::encoded(&self.trace), hex::encoded(&self.span));
        write!(f, "00-{trace}-{span}-{:02x}", self.flags)
    }
}

/// The trace context that the caller of this process passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    parent: TraceParent,
    state: Option<HeaderValue>,
}

impl Caller {
    /// A caller at this position.
    #[must_use]
    pub fn at(parent: TraceParent) -> Self {
        Self {
            parent,
            state: None,
        }
    }

    /// The same with a `tracestate`, which is passed on unchanged; `None` if it is not
    /// well-formed (section 3.3), or longer than the specification requires to pass on.
    #[must_use]
    pub fn with_state(self, state: &str) -> Option<Self> {
        let is_member = |member: &str| {
            let member = member.trim_matches([' ', '\t']);
            let legal = |byte: u8| (b' '..=b'~').contains(&byte);
            member.is_empty()
                || member.split_once('=').is_some_and(|(key, value)| {
                    !key.is_empty() && !value.is_empty() && !value.contains('=')
                }) && member.bytes().all(legal)
        };
        let is_state = state.len() <= LONGEST_STATE
            && state.split(',').count() <= MEMBERS
            && state.split(',').all(is_member);
        let state = HeaderValue::from_str(state).ok().filter(|_| is_state)?;
        Some(Self {
            state: Some(state),
            ..self
        })
    }

    /// The caller's position.
    #[must_use]
    pub fn parent(&self) -> &TraceParent {
        &self.parent
    }
}

/// The current trace, and the one origin whose requests carry it.
#[derive(Clone, Debug)]
pub struct Trace {
    caller: Caller,
    origin: Origin,
}

tokio::task_local! {
    static PRESENT: Option<Trace>;
}

impl Trace {
    /// The trace of a job: the caller's, else its own. Only requests to `origin`, that of the
    /// job's connection, carry it. `None` if there is no caller and the job's id is not a
    /// UUID.
    #[must_use]
    pub fn of_job(id: &str, caller: Option<&Caller>, origin: &Origin) -> Option<Self> {
        let caller = match caller {
            Some(caller) => caller.clone(),
            None => Caller::at(TraceParent::of_job(id).ok()?),
        };
        Some(Self {
            caller,
            origin: origin.clone(),
        })
    }

    /// The current position in the trace.
    #[must_use]
    pub fn parent(&self) -> &TraceParent {
        &self.caller.parent
    }
}

/// Runs `work` within a trace.
pub fn within<W: Future>(trace: Option<Trace>, work: W) -> impl Future<Output = W::Output> {
    PRESENT.scope(trace, work)
}

/// Runs `work` within the current trace, also in another task.
pub(crate) fn with_current_trace<W: Future>(work: W) -> impl Future<Output = W::Output> {
    let present = PRESENT.try_with(Clone::clone).unwrap_or_default();
    PRESENT.scope(present, work)
}

/// Sets the trace headers of a request to `origin`, if the current trace is for that origin.
pub(crate) fn stamp(headers: &mut HeaderMap, origin: &Origin) {
    let present = PRESENT.try_with(Clone::clone).unwrap_or_default();
    let Some(Trace { caller, .. }) = present.filter(|present| present.origin == *origin) else {
        return;
    };
    if let Ok(parent) = HeaderValue::from_str(&caller.parent.child().to_string()) {
        headers.insert(TRACEPARENT, parent);
        if let Some(state) = caller.state {
            headers.insert(TRACESTATE, state);
        }
    }
}

/// The second half of a UUID. Never zero, since it holds the variant.
fn half(id: Uuid) -> [u8; 8] {
    id.as_u64_pair().1.to_be_bytes()
}

/// Lower-case hexadecimal of exactly `N` bytes.
fn bytes<const N: usize>(text: &str) -> Result<[u8; N], NoTraceParent> {
    let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let bytes = hex::decoded(text).filter(|_| is_lower);
    bytes.ok_or(NoTraceParent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn read(text: &str) -> Result<String, NoTraceParent> {
        text.parse::<TraceParent>().map(|parent| parent.to_string())
    }

    #[test]
    fn valid_traceparent_is_parsed() {
        assert_eq!(read(KNOWN).as_deref(), Ok(KNOWN));
        let random = KNOWN.replace("-01", "-03");
        assert_eq!(read(&random), Ok(random));
        // Later versions may have more fields; unknown flags are not passed on.
        let later = KNOWN.replace("00-", "cc-").replace("-01", "-ff-what-comes");
        assert_eq!(read(&later), Ok(KNOWN.replace("-01", "-03")));
    }

    #[test]
    fn invalid_traceparent_is_rejected() {
        for text in [
            "",
            "00",
            &KNOWN[..54],
            &KNOWN.replace("00-", "ff-"),
            &KNOWN.to_uppercase(),
            &format!("{KNOWN}-"),
            &format!("{KNOWN} "),
            &format!("cc{}x", &KNOWN[2..]),
            &KNOWN.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &KNOWN.replace("b7ad6b7169203331", &"0".repeat(16)),
            &KNOWN.replace("0af", "0ag"),
            &KNOWN.replace("-b7", "b7-"),
            &KNOWN.replace("0af", "0é"),
        ] {
            assert_eq!(read(text), Err(NoTraceParent), "{text}");
        }
    }

    #[test]
    fn trace_id_of_a_job_is_the_jobs_id() {
        let id = "018bcfe5-6800-7000-8000-00000000002a";
        let parent = TraceParent::of_job(id).expect("a job's id");
        assert_eq!(parent.trace_id(), id.replace('-', ""));
        let child = parent.child();
        assert!(child != parent && child.trace_id() == parent.trace_id());
        assert_eq!(read(&child.to_string()), Ok(child.to_string()));
        assert_eq!(TraceParent::of_job("job"), Err(NoTraceParent));
        assert_eq!(TraceParent::of_job(&"0".repeat(32)), Err(NoTraceParent));
    }

    #[test]
    fn valid_tracestate_is_passed_on_unchanged() {
        let caller = || Caller::at(KNOWN.parse().expect("a traceparent"));
        for state in ["", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "a=1, b@c=2"] {
            let passed = caller().with_state(state).and_then(|caller| caller.state);
            assert_eq!(passed.expect("a state"), state);
        }
        let many = vec!["a=1"; 33].join(",");
        for state in ["a", "a=", "=1", "a=\n", "a=1=2", &many, &"a".repeat(600)] {
            assert_eq!(caller().with_state(state), None, "{state}");
        }
    }

    fn origin(text: &str) -> Origin {
        let url = url::Url::parse(text).expect("a URL");
        Origin::of(&url).expect("an origin")
    }

    fn stamped(to: &str) -> Option<HeaderValue> {
        let mut headers = HeaderMap::new();
        stamp(&mut headers, &origin(to));
        headers.remove(TRACEPARENT)
    }

    #[tokio::test]
    async fn trace_headers_are_sent_to_the_connections_origin_only() {
        let own = "https://api.example.com/v1";
        assert_eq!(stamped(own), None);
        let id = "018bcfe5-6800-7000-8000-00000000002a";
        within(Trace::of_job(id, None, &origin(own)), async move {
            assert!(stamped(own).is_some());
            for other in [
                "https://cdn.example.com",
                "http://api.example.com",
                "https://api.example.com:8443",
            ] {
                assert_eq!(stamped(other), None, "{other}");
            }
            let along = tokio::spawn(with_current_trace(async move { stamped(own) }));
            assert!(along.await.expect("a task").is_some());
        })
        .await;
    }
}
