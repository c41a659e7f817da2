//! How a command fails: what happened, whether money was spent, what to do next.

use std::process::ExitCode;

use serde_json::{Map, Value, json};
use zoetrope_host::component::{CallError, TrapKind};
use zoetrope_host::contract::{Charge, ErrorCause, NodeError, Violation};
use zoetrope_host::driver::DriverError;
use zoetrope_host::error::chain;
use zoetrope_host::ledger::{Job, LedgerError};
use zoetrope_host::words::harmless;

use super::{outcome, output};

/// How far a run had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Setup,
    Check,
    Upload,
    Submit,
    Poll,
    Download,
}

impl Phase {
    fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Check => "check",
            Self::Upload => "upload",
            Self::Submit => "submit",
            Self::Poll => "poll",
            Self::Download => "download",
        }
    }

    /// What is known of the money when a failure of this phase does not say.
    fn charge(self) -> Charge {
        match self {
            Self::Setup | Self::Check | Self::Upload => Charge::No,
            Self::Submit | Self::Poll => Charge::Unknown,
            Self::Download => Charge::Yes,
        }
    }
}

/// How a failure's `next` ends where nothing has happened yet.
const SAME_COMMAND: &str = ", and the same command again";

/// A command that did not do what it was asked.
#[derive(Debug)]
pub(super) struct Failure {
    kind: Box<str>,
    message: String,
    violations: Vec<Violation>,
    phase: Phase,
    charge: Charge,
    next: String,
    /// The job's ids, once there are any.
    job: Map<String, Value>,
}

impl Failure {
    pub(super) fn new(kind: impl Into<Box<str>>, phase: Phase, message: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            message: message.into(),
            violations: Vec::new(),
            phase,
            charge: phase.charge(),
            next: "zoetrope --help".into(),
            job: Map::new(),
        }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new("usage", Phase::Setup, message)
    }

    pub(super) fn internal(phase: Phase, message: impl Into<String>) -> Self {
        Self::new("internal", phase, message)
            .then("ZOETROPE_LOG=debug, and the same command again".into())
    }

    /// An input that breaks a rule which the component is not asked about.
    pub(super) fn invalid_input(violation: Violation) -> Self {
        let violations = vec![violation];
        let message = ErrorCause::InvalidInput(violations.clone()).message();
        Self {
            violations,
            ..Self::new("invalid_input", Phase::Check, message)
        }
    }

    /// What a call into the component came to.
    pub(super) fn of_call(error: CallError, phase: Phase) -> Self {
        match error {
            CallError::Node(error) => Self::of_node(&error, phase),
            CallError::Trap(trap) => {
                let more = match trap.kind {
                    TrapKind::Trapped | TrapKind::Exited => "; this is a fault of the component",
                    _ => "",
                };
                Self::new(
                    "component_trap",
                    phase,
                    format!("the component was stopped: {trap}{more}"),
                )
            }
            CallError::Host(fault) => Self::internal(phase, chain(&fault)),
        }
    }

    pub(super) fn of_node(error: &NodeError, phase: Phase) -> Self {
        let mut message = error.cause.message();
        if let Some(delay) = error.retry_after_ms {
            message = format!("{message} (not before {} s from now)", delay.div_ceil(1000));
        }
        Self {
            violations: error.cause.violations().to_vec(),
            charge: error.charge,
            ..Self::new(error.cause.kind().as_str(), phase, message)
        }
    }

    /// The command that goes on from here.
    pub(super) fn then(self, next: String) -> Self {
        Self { next, ..self }
    }

    pub(super) fn charged(self, charge: Charge) -> Self {
        Self { charge, ..self }
    }

    /// The same, once jobs are under way: these are gone on with, not asked for anew.
    pub(super) fn under_way(self, phase: Phase, charge: Charge, way_on: &str) -> Self {
        let cure = self.next.strip_suffix(SAME_COMMAND).unwrap_or(&self.next);
        let next = format!("{cure}, then: {way_on}");
        Self {
            phase,
            charge,
            next,
            ..self
        }
    }

    /// The same about a job that is there: its charge is what its row says.
    pub(super) fn about(self, job: &Job) -> Self {
        let charge = job.charge();
        Self { charge, ..self }.of_job(outcome::facts(job))
    }

    pub(super) fn of_job(self, job: Map<String, Value>) -> Self {
        Self { job, ..self }
    }

    /// The same as the first of many.
    pub(super) fn among(self, failed: usize, all: usize) -> Self {
        let message = format!(
            "{failed} of {all} jobs have no result in place; one of them: {}",
            self.message
        );
        let job = Map::new();
        Self {
            message,
            job,
            ..self
        }
    }

    /// The same about a line of a file.
    pub(super) fn on_line(self, line: usize) -> Self {
        let message = format!("line {line}: {}", self.message);
        Self { message, ..self }
    }

    pub(super) fn next(&self) -> &str {
        &self.next
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    /// `{"ok": false, "error": …}`.
    pub(super) fn document(&self) -> Value {
        let mut error = Map::new();
        error.insert("kind".into(), self.kind.as_ref().into());
        error.insert("message".into(), self.message.as_str().into());
        if !self.violations.is_empty() {
            let violations = self.violations.iter().map(output::violation).collect();
            error.insert("violations".into(), Value::Array(violations));
        }
        error.insert("phase".into(), self.phase.as_str().into());
        error.insert("charged".into(), self.charge.as_str().into());
        error.insert("next".into(), self.next.as_str().into());
        error.extend(self.job.clone());
        json!({ "ok": false, "error": error })
    }

    /// Tells the user, and gives the exit code.
    pub(super) fn report(&self, json: bool) -> ExitCode {
        let code = self.exit_code();
        if json {
            return output::line(&self.document()).map_or_else(|_| code, |()| code);
        }
        eprintln!("error: {}", harmless(&self.message));
        if self.violations.len() > 1 {
            for violation in &self.violations {
                let place = if violation.instance_path.is_empty() {
                    "(document)"
                } else {
                    &violation.instance_path
                };
                eprintln!("  {place}: {} [{}]", violation.message, violation.keyword);
            }
        } else if let [only] = self.violations.as_slice() {
            eprintln!("  broken rule: {}", only.keyword);
        }
        eprintln!("  money: {}", money(self.charge, self.phase));
        if let Some(job) = self.job.get("job").and_then(Value::as_str) {
            eprintln!("  job: {job}");
        }
        eprintln!("  next: {}", harmless(&self.next));
        code
    }

    pub(super) fn code(&self) -> u8 {
        code_of(&self.kind)
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

/// The exit code of each kind of failure; `docs/exit-codes.md` is the same for people.
fn code_of(kind: &str) -> u8 {
    match kind {
        "usage" | "bad_config" | "bad_component" | "unknown_node_type" | "bad_ticket"
        | "key_conflict" => 2,
        "invalid_input" | "unsupported" => 3,
        "connection_unavailable" | "connection_changed" | "unauthorized" | "not_sent" => 4,
        "denied" => 5,
        "throttled" | "rejected" => 6,
        "failed" | "cancelled" | "job_lost" | "never_started" | "too_late" => 7,
        "outcome_unknown" => 8,
        "deadline" | "interrupted" | "unavailable" | "download_failed" | "protocol_violation" => 9,
        _ => 1,
    }
}

/// The ledger cannot be used. Nothing is sent without it.
pub(super) fn of_ledger(error: &LedgerError) -> Failure {
    if let LedgerError::KeyConflict { job } = error {
        return Failure::new("key_conflict", Phase::Setup, error.to_string()).then(format!(
            "another --key for another run; the job that has this one: zoetrope jobs show {job}"
        ));
    }
    let next = match error {
        LedgerError::Newer { .. } => "use the newer zoetrope, or another --data-dir",
        LedgerError::Damaged { .. } | LedgerError::Foreign { .. } => {
            "put a copy of the ledger in its place, or use another --data-dir"
        }
        _ => "make room or mend the rights, and the same command again",
    };
    Failure::new("ledger_unavailable", Phase::Setup, chain(error)).then(next.into())
}

/// The driver stopped; what is paid for is in the ledger, or was shown.
pub(super) fn of_driver(error: &DriverError) -> Failure {
    match error {
        DriverError::Ledger(error) => of_ledger(error),
        DriverError::File { .. } => Failure::new("ledger_unavailable", Phase::Setup, chain(error))
            .then("make room or mend the rights, and the same command again".into()),
    }
}

fn money(charge: Charge, phase: Phase) -> &'static str {
    match (charge, phase) {
        (Charge::No, _) => "nothing was spent",
        (Charge::Yes, _) => "the run was charged",
        (Charge::Unknown, Phase::Poll | Phase::Download) => {
            "the job was accepted and may be charged; going on from here costs nothing"
        }
        (Charge::Unknown, _) => "may have been spent: nobody can tell yet",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_the_documentation() {
        let documented = include_str!("../../docs/exit-codes.md");
        let mut kinds = 0;
        for row in documented.lines().filter(|line| line.starts_with("| ")) {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let Ok(code) = cells[1].parse::<u8>() else {
                continue;
            };
            for kind in cells[2].split(", ").filter(|kind| kind.starts_with('`')) {
                assert_eq!(code_of(kind.trim_matches('`')), code, "{kind}");
                kinds += 1;
            }
        }
        assert_eq!(kinds, 29, "every kind is documented");
    }
}
