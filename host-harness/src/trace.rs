//! Trace context (W3C Trace Context, level 2): to which trace a request belongs, and the
//! one origin that is told of it.
//!
//! A job's requests belong to the trace of whoever asked for it, if that one has said so,
//! else to a trace of the job's own, whose id is the job's id: it is the same in every
//! process that goes on with the job. Only requests to the origin of the job's connection
//! carry it; storage and CDNs learn nothing that would let them tell one download from
//! another.

use std::fmt;
use std::future::Future;
use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::hex;
use crate::net::Origin;

#[cfg(feature = "otlp")]
mod export;

/// Says which trace a request belongs to.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What further systems have to say about the trace.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Whoever sends it may have recorded something.
const SAMPLED: u8 = 0b01;

/// The right-most seven bytes of the trace id are random.
const RANDOM: u8 = 0b10;

/// What a `tracestate` may hold at least, by the specification; no more is passed on.
const LONGEST_STATE: usize = 512;
const MEMBERS: usize = 32;

/// A position in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace: [u8; 16],
    span: [u8; 8],
    flags: u8,
}

/// Not a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a traceparent like 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
pub struct NoTraceParent;

impl TraceParent {
    /// The beginning of a job's own trace: the id is the job's, a UUID.
    ///
    /// # Errors
    ///
    /// When the job's id is none.
    pub fn of_job(id: &str) -> Result<Self, NoTraceParent> {
        let id = Uuid::parse_str(id).ok().filter(|id| !id.is_nil());
        let id = id.ok_or(NoTraceParent)?;
        Ok(Self {
            trace: id.into_bytes(),
            // Everything that is ever done for the job is below this one.
            span: half(id),
            // A part of a UUID of version 7 is a clock and a counter, so it is not called
            // random.
            flags: SAMPLED,
        })
    }

    /// The present span as a part of the same trace: under the id under which it is
    /// exported, else one of its own.
    #[must_use]
    pub fn child(&self) -> Self {
        let span = half(Uuid::now_v7());
        #[cfg(feature = "otlp")]
        let span = export::present(self.trace).unwrap_or(span);
        Self { span, ..*self }
    }

    /// Makes `span`, which nobody has entered yet, a part of this trace where it is
    /// exported.
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

    /// As the specification has it, section 3.2: of a later version than 00 only what
    /// version 00 has is read.
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

/// The trace that this process was asked to go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    parent: TraceParent,
    state: Option<HeaderValue>,
}

impl Caller {
    /// Whoever is at this position.
    #[must_use]
    pub fn at(parent: TraceParent) -> Self {
        Self {
            parent,
            state: None,
        }
    }

    /// The same with a `tracestate`, which is passed on as it is; `None` when it is not
    /// well-formed (section 3.3), or longer than has to be passed on.
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

    /// Where the caller is.
    #[must_use]
    pub fn parent(&self) -> &TraceParent {
        &self.parent
    }
}

/// The trace of what is done at present, and who is told of it.
#[derive(Clone, Debug)]
pub struct Trace {
    caller: Caller,
    origin: Origin,
}

tokio::task_local! {
    static PRESENT: Option<Trace>;
}

impl Trace {
    /// The trace of a job: the caller's, else its own. Only requests to `origin`, that of
    /// the job's connection, carry it. `None` when there is no caller and the job's id is
    /// no UUID.
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

    /// Where in the trace this is.
    #[must_use]
    pub fn parent(&self) -> &TraceParent {
        &self.caller.parent
    }
}

/// Does `work` within a trace.
pub fn within<W: Future>(trace: Option<Trace>, work: W) -> impl Future<Output = W::Output> {
    PRESENT.scope(trace, work)
}

/// Does `work` within the present trace wherever it is done: another task has none.
pub(crate) fn with_current_trace<W: Future>(work: W) -> impl Future<Output = W::Output> {
    let present = PRESENT.try_with(Clone::clone).unwrap_or_default();
    PRESENT.scope(present, work)
}

/// Puts the present trace, as another span of it, into the header of a request to
/// `origin`, if that one is told of it.
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

/// The half of a UUID that is no time: never only zeros, since it holds the variant.
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
    fn a_traceparent_is_read_as_specified() {
        assert_eq!(read(KNOWN).as_deref(), Ok(KNOWN));
        let random = KNOWN.replace("-01", "-03");
        assert_eq!(read(&random), Ok(random));
        // Later versions may have more, and flags that nobody knows are not passed on.
        let later = KNOWN.replace("00-", "cc-").replace("-01", "-ff-what-comes");
        assert_eq!(read(&later), Ok(KNOWN.replace("-01", "-03")));
    }

    #[test]
    fn what_is_none_is_refused() {
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
    fn a_jobs_own_trace_has_its_id() {
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
    fn a_tracestate_is_passed_on_as_it_is() {
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
    async fn only_the_connections_origin_is_told() {
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
