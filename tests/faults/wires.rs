//! The wires, their documents, and runs over them. Subjects in `cases/` have their scripts.

use serde_json::{Map, Value, json};

use crate::support::cases::context_of;
use crate::support::outcome::Outcome;
use crate::support::provider::{Reply, Script};
use crate::support::steps::CaseContext;

/// A wire, or a configuration of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Jobs,
    /// The wire `jobs` with other paths, pointers and status words.
    Configured,
    AgenticFlow,
    ShortApi,
    PopiArt,
}

/// The request lines of a wire.
pub(super) struct Lines {
    pub(super) submit: &'static str,
    pub(super) poll: &'static str,
}

/// A run that has ended, with its servers and its sandbox.
pub(super) struct Ran {
    pub(super) context: CaseContext,
    pub(super) outcome: Outcome,
}

impl Wire {
    fn subject(self) -> &'static str {
        match self {
            Self::Jobs => "faults_jobs",
            Self::Configured => "faults_configured",
            Self::AgenticFlow => "faults_agenticflow",
            Self::ShortApi => "faults_shortapi",
            Self::PopiArt => "faults_popiart",
        }
    }

    pub(super) fn lines(self) -> Lines {
        let (submit, poll) = match self {
            Self::Jobs | Self::PopiArt => ("POST /v1/jobs", "GET /v1/jobs/j-1"),
            Self::Configured => ("PUT /v1/renders/new", "POST /v1/renders/j-1/state"),
            Self::AgenticFlow => ("POST /v1/workflow_runs/", "GET /v1/workflow_runs/r-1"),
            Self::ShortApi => ("POST /api/v1/job/create", "GET /api/v1/job/query"),
        };
        Lines { submit, poll }
    }

    /// The document of a job with this status, which names a clip, with `more` fields.
    pub(super) fn job(self, status: &Value, more: &Value) -> Value {
        let url = "{cdn}/clips/1.mp4";
        let with = |mut job: Value| {
            let fields = job.as_object_mut().expect("an object");
            fields.extend(more.as_object().cloned().unwrap_or_default());
            job
        };
        match self {
            Self::Jobs => with(json!({
                "id": "j-1", "status": status, "poll_after_ms": 100, "output": {"video": url},
            })),
            Self::Configured => with(json!({
                "data": [{"ref": "j-1", "phase": status, "made": url, "wait": 100}],
            })),
            Self::AgenticFlow => with(json!({
                "id": "r-1", "status": status, "state": {"nodes_state": []},
                "operation_cost": null, "output": {"video": url},
            })),
            Self::ShortApi => {
                let job = with(json!({"status": status, "result": {"videos": [{"url": url}]}}));
                json!({"code": 0, "data": job})
            }
            Self::PopiArt => {
                let job = with(json!({
                    "job_id": "j-1", "status": status, "output": {"url": url},
                }));
                json!({"ok": true, "data": job})
            }
        }
    }

    pub(super) fn failed_job(self, more: &Value) -> Value {
        let status = match self {
            Self::Jobs | Self::AgenticFlow | Self::PopiArt => json!("failed"),
            Self::Configured => json!("burnt out"),
            Self::ShortApi => json!(3),
        };
        self.job(&status, more)
    }

    /// The document of a reply with the HTTP status 200 that is an error.
    pub(super) fn error_inside(self, error: &Value) -> Value {
        let mut envelope = match self {
            Self::Jobs | Self::Configured | Self::AgenticFlow => Map::new(),
            Self::ShortApi => Map::from_iter([
                ("code".to_owned(), json!(1001)),
                ("data".to_owned(), Value::Null),
            ]),
            Self::PopiArt => Map::from_iter([("ok".to_owned(), json!(false))]),
        };
        envelope.extend(error.as_object().cloned().unwrap_or_default());
        envelope.into()
    }

    /// Whether such a reply to a submit is a refusal; otherwise the outcome is unknown.
    pub(super) fn has_envelopes(self) -> bool {
        matches!(self, Self::ShortApi | Self::PopiArt)
    }

    /// The servers and the sandbox of a run that succeeds.
    pub(super) fn context(self) -> CaseContext {
        context_of(self.subject())
    }

    /// Runs with these replies to one kind of request, and `more` arguments.
    pub(super) fn run(self, line: &str, replies: Vec<Reply>, more: &[&str]) -> Ran {
        let context = self.context();
        let provider = context.provider.as_ref().expect("a provider");
        provider.script(Script::from([(line.to_owned(), replies)]));
        let arguments = context.arguments.iter().map(String::as_str);
        let outcome = context.sandbox.run(arguments.chain(more.iter().copied()));
        Ran { context, outcome }
    }
}

impl Ran {
    /// The error of the run, of this kind, exit code and charge.
    #[track_caller]
    pub(super) fn error(&self, kind: &str, exit: i32, charged: &str) -> Value {
        let error = self.outcome.error(kind);
        assert_eq!(self.outcome.code, exit, "{:?}", self.outcome);
        assert_eq!(error["charged"], charged, "{error}");
        error
    }

    /// Asserts that the clip is there and that one submit was sent.
    #[track_caller]
    pub(super) fn has_a_clip(&self, wire: Wire) {
        assert_eq!(self.outcome.code, 0, "{:?}", self.outcome);
        assert!(self.context.sandbox.path("clip.mp4").is_file());
        assert_eq!(self.count(wire.lines().submit), 1);
    }

    pub(super) fn count(&self, line: &str) -> usize {
        let provider = self.context.provider.as_ref().expect("a provider");
        provider.counts().get(line).copied().unwrap_or(0)
    }
}

/// The message of an error.
#[track_caller]
pub(super) fn message(error: &Value) -> &str {
    error["message"].as_str().expect("a message")
}

/// Defines a test for each wire, in a module with the name of the property. `$check` gets the wire.
macro_rules! for_each_wire {
    ($property:ident: $check:expr) => {
        mod $property {
            use super::*;
            use crate::faults::wires::Wire;

            #[test]
            fn over_jobs() {
                $check(Wire::Jobs);
            }

            #[test]
            fn over_configured_jobs() {
                $check(Wire::Configured);
            }

            #[test]
            fn over_agenticflow() {
                $check(Wire::AgenticFlow);
            }

            #[test]
            fn over_shortapi() {
                $check(Wire::ShortApi);
            }

            #[test]
            fn over_popiart() {
                $check(Wire::PopiArt);
            }
        }
    };
}
pub(super) use for_each_wire;
