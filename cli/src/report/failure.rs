//! The failure of a command: its cause, what was charged, and the next step.

use std::process::ExitCode;

use serde_json::{Map, Value, json};
use zoetrope_host::component::{CallError, TrapKind};
use zoetrope_host::contract::{Charge, NodeError, Violation};
use zoetrope_host::driver::DriverError;
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::jobs::{NextStep, Repair, with_charge};
use zoetrope_host::ledger::{JobError, LedgerError};
use zoetrope_host::sanitize::{line, sanitize};

use super::bad_lines::BadLines;
use super::{next_step, violations};
use crate::exit_code;
use crate::printer::{PrintError, Printer};

/// The phase of a run in which it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
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

    /// The charge of a failure in this phase that does not state its own.
    fn charge(self) -> Charge {
        match self {
            Self::Setup | Self::Check | Self::Upload => Charge::No,
            Self::Submit | Self::Poll => Charge::Unknown,
            Self::Download => Charge::Yes,
        }
    }
}

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: ErrorKind,
    message: String,
    violations: Box<[Violation]>,
    phase: Phase,
    charge: Charge,
    next: String,
    /// The next step that `next` is the text of, if the library chose it.
    step: Option<Box<NextStep>>,
    /// The job's ids, once there are any, and the last problem before its deadline.
    job: Map<String, Value>,
    more: Box<More>,
}

/// What few failures have.
#[derive(Debug, Default)]
struct More {
    /// The node type and the connection of the job.
    of: Option<(String, String)>,
    /// The lines of a batch that are refused.
    lines: Option<BadLines>,
    /// The facts of an answer that standard output did not take, a line each.
    unwritten: Option<Vec<String>>,
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, phase: Phase, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            violations: Box::default(),
            phase,
            charge: phase.charge(),
            next: "zoetrope --help".into(),
            step: None,
            job: Map::new(),
            more: Box::default(),
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, Phase::Setup, message)
    }

    pub(crate) fn internal(phase: Phase, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, phase, message)
            .then(next_step::text(&NextStep::Repeat(Repair::NothingKnown), ""))
    }

    /// An input that breaks a rule of the program, not of the component.
    pub(crate) fn invalid_input(violation: Violation) -> Self {
        Self::invalid_inputs(vec![violation])
    }

    /// An input that breaks several rules of the program.
    pub(crate) fn invalid_inputs(violations: Vec<Violation>) -> Self {
        Self {
            message: violations::message(&violations),
            violations: violations.into(),
            ..Self::new(ErrorKind::InvalidInput, Phase::Check, "")
        }
    }

    /// Changes the violations of an input, if it is the failure of one.
    pub(crate) fn map_violations(
        self,
        change: impl FnOnce(Vec<Violation>) -> Vec<Violation>,
    ) -> Self {
        if self.violations.is_empty() {
            return self;
        }
        let violations = change(self.violations.into_vec());
        Self {
            message: violations::message(&violations),
            violations: violations.into(),
            ..self
        }
    }

    /// Names the lines of a batch that are refused.
    pub(crate) fn of_lines(mut self, lines: BadLines) -> Self {
        self.more.lines = Some(lines);
        self
    }

    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The failure of a call into the component.
    pub(crate) fn of_call(error: CallError, phase: Phase) -> Self {
        match error {
            CallError::Node(error) => Self::of_node(&error, phase),
            CallError::Trap(trap) => {
                let more = match trap.kind {
                    TrapKind::Trapped | TrapKind::Exited => "; this is a bug in the component",
                    _ => "",
                };
                Self::new(
                    ErrorKind::ComponentTrap,
                    phase,
                    format!("the component was stopped: {trap}{more}"),
                )
            }
            CallError::Host(fault) => Self::internal(phase, chain(&fault)),
            other => Self::internal(phase, chain(&other)),
        }
    }

    pub(crate) fn of_node(error: &NodeError, phase: Phase) -> Self {
        let violations = error.cause.violations();
        let mut message = match violations {
            [] => error.cause.message(),
            violations => violations::message(violations),
        };
        if let Some(delay) = error.retry_after_ms {
            message = format!("{message} (wait at least {} s)", delay.div_ceil(1000));
        }
        Self {
            violations: violations.into(),
            charge: error.charge,
            ..Self::new(error.cause.kind(), phase, message)
        }
    }

    /// The error of a row or a connection.
    pub(crate) fn of_job_error(error: JobError, phase: Phase) -> Self {
        Self::new(error.kind, phase, error.message)
    }

    /// Sets the next step.
    pub(crate) fn then(self, next: String) -> Self {
        let step = None;
        Self { next, step, ..self }
    }

    /// Sets the next step that the library chose. `options`: the global options to repeat in
    /// its command.
    pub(crate) fn then_step(self, step: NextStep, options: &str) -> Self {
        Self {
            next: next_step::text(&step, options),
            step: Some(Box::new(step)),
            ..self
        }
    }

    /// Replaces the next step by the documented solution of the error.
    pub(crate) fn solved_by(self, solution: &str, options: &str) -> Self {
        let next = next_step::after_solution(solution, self.step.as_deref(), &self.next, options);
        Self { next, ..self }
    }

    /// Names the repair of a connection in the next step. `options`: the global options to repeat
    /// in its command.
    pub(crate) fn repaired_by(self, repair: &str, options: &str) -> Self {
        let next = match self.step.as_deref() {
            Some(NextStep::Repeat(Repair::Connection)) => {
                format!("{repair}, then run the same command again")
            }
            Some(NextStep::ResumeConfigured { job, .. }) => {
                format!("{repair}, then run: zoetrope jobs resume {job}{options}")
            }
            _ => return self,
        };
        Self { next, ..self }
    }

    /// Names the options of the command in the next step after a destination that exists.
    pub(crate) fn with_places(self, places: &str) -> Self {
        match self.step.as_deref() {
            Some(NextStep::OtherDestination) => {
                let next = format!("Use another {places}, or --force to replace the file");
                Self { next, ..self }
            }
            _ => self,
        }
    }

    /// Names the node type and the connection of the job.
    pub(crate) fn of_node_type(mut self, node: &str, connection: &str) -> Self {
        self.more.of = Some((node.to_owned(), connection.to_owned()));
        self
    }

    /// The node type and the connection of the job, if it is the failure of one.
    pub(crate) fn job_of(&self) -> Option<(&str, &str)> {
        let (node, connection) = self.more.of.as_ref()?;
        Some((node, connection))
    }

    pub(crate) fn charged(self, charge: Charge) -> Self {
        Self { charge, ..self }
    }

    /// Sets the phase, the charge and the next step of jobs that were already submitted.
    pub(crate) fn in_flight(self, phase: Phase, charge: Charge, next: String) -> Self {
        Self {
            phase,
            charge,
            next,
            step: None,
            ..self
        }
    }

    /// Adds the problem that was not overcome before the deadline to the facts of the job.
    pub(crate) fn after_problem(self, last_problem: Option<Value>) -> Self {
        let mut job = self.job;
        if let Some(problem) = last_problem {
            job.insert("last_problem".into(), problem);
        }
        Self { job, ..self }
    }

    pub(crate) fn of_job(self, job: Map<String, Value>) -> Self {
        Self { job, ..self }
    }

    /// Makes it the failure of a batch, in which `failed` of `all` jobs failed.
    pub(crate) fn among(self, failed: usize, all: usize) -> Self {
        let message = format!(
            "{failed} of {all} jobs have no result; one of them: {}",
            self.message
        );
        let job = Map::new();
        Self {
            message,
            job,
            ..self
        }
    }

    /// Makes it the failure to write an answer that has these facts. It goes to standard error alone.
    pub(crate) fn of_unwritten(mut self, facts: Vec<String>) -> Self {
        self.more.unwritten = Some(facts);
        self
    }

    /// Adds a clause to the message.
    pub(crate) fn with(self, clause: &str) -> Self {
        let message = format!("{}{clause}", self.message);
        Self { message, ..self }
    }

    /// Names the line of the input file.
    pub(crate) fn on_line(self, line: usize) -> Self {
        let message = format!("line {line}: {}", self.message);
        Self { message, ..self }
    }

    pub(crate) fn next(&self) -> &str {
        &self.next
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The message. One about the provider's credit says that nothing was charged, where that
    /// is known.
    fn shown_message(&self) -> String {
        with_charge(self.kind, self.message.clone(), self.charge)
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// `{"ok": false, "error": …}`.
    pub(crate) fn document(&self) -> Value {
        let mut error = Map::new();
        error.insert("kind".into(), self.kind.as_str().into());
        // A name with a line end stays within the one sentence.
        let message = self.shown_message().replace(['\n', '\r'], "\u{fffd}");
        error.insert("message".into(), message.into());
        if !self.violations.is_empty() {
            let violations = self.violations.iter().map(violations::document).collect();
            error.insert("violations".into(), Value::Array(violations));
        }
        if let Some(lines) = &self.more.lines {
            lines.put_into(&mut error);
        }
        error.insert("phase".into(), self.phase.as_str().into());
        error.insert("charged".into(), self.charge.as_str().into());
        error.insert("next".into(), self.next.as_str().into());
        error.extend(self.job.clone());
        json!({ "ok": false, "error": error })
    }

    /// Prints it, and returns the exit code.
    pub(crate) fn report(&self, printer: &Printer) -> ExitCode {
        let is_of_output = self.more.unwritten.is_some();
        if is_of_output || !printer.json() {
            printer.message(&self.text("error"));
        } else if let Err(error) = printer.line(&self.document()) {
            printer.message(&self.text("error"));
            // A reader that has gone is no fault of the output.
            if !error.is_closed() {
                printer.message(&format!("note: {error}"));
            }
        }
        self.exit_code()
    }

    /// Prints it as a note: it changes no exit code.
    pub(crate) fn note(&self, printer: &Printer) {
        printer.message(&self.text("note"));
    }

    /// The text for people. `label`: the word that it begins with.
    fn text(&self, label: &str) -> String {
        let headline = match &self.more.lines {
            Some(bad) => bad.headline(),
            None => self.shown_message(),
        };
        let mut lines = vec![format!("{label}: {}", line(&headline))];
        lines.extend(match &self.more.lines {
            Some(bad) => bad.lines(),
            None => violations::lines(&self.violations),
        });
        let reported = match self.job.get("reported").map(|it| &it["charged"]) {
            Some(charge) if charge == "no" => "; the pack reports: not charged",
            _ => "",
        };
        let charged = charged(self.charge, self.phase);
        lines.push(format!("  charged: {charged}{reported}"));
        if let Some(job) = self.job.get("job").and_then(Value::as_str) {
            lines.push(format!("  job: {job}"));
        }
        let facts = self.more.unwritten.iter().flatten();
        lines.extend(facts.map(|fact| format!("  {}", line(fact))));
        lines.push(format!("  next: {}", sanitize(&self.next)));
        lines.join("\n")
    }

    pub(crate) fn code(&self) -> u8 {
        exit_code::of(self.kind)
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

/// The failure of a command that buys nothing and changes nothing: it can be repeated. The others end by
/// [`end`](super::unwritten::end) and `end_of_job`.
impl From<PrintError> for Failure {
    fn from(error: PrintError) -> Self {
        let next = if error.lacks_space() {
            "Free disk space, or send standard output elsewhere, then run the same command again"
        } else {
            "Send standard output elsewhere, then run the same command again"
        };
        Self::new(ErrorKind::Internal, Phase::Setup, error.to_string()).then(next.into())
    }
}

/// The failure of a ledger that cannot be used. Nothing is sent without a ledger.
///
/// `options`: the global options to repeat in its command.
pub(crate) fn of_ledger(error: &LedgerError, options: &str) -> Failure {
    let kind = match error {
        LedgerError::KeyConflict { .. } => ErrorKind::KeyConflict,
        _ => ErrorKind::LedgerUnavailable,
    };
    let next = next_step::text(&NextStep::of_ledger(error), options);
    let failure = Failure::new(kind, Phase::Setup, chain(error)).then(next);
    match error.damaged_row() {
        Some(row) => {
            let job = Map::from_iter([("job".to_owned(), row.job.as_str().into())]);
            failure.charged(row.charge).of_job(job)
        }
        None => failure,
    }
}

/// The failure of a stopped driver. Accepted jobs are in the ledger, or were printed.
pub(crate) fn of_driver(error: &DriverError, options: &str) -> Failure {
    let next = next_step::text(&NextStep::of_driver(error), options);
    match error {
        DriverError::Ledger(error) => of_ledger(error, options),
        error => Failure::new(error.kind(), Phase::Setup, chain(error)).then(next),
    }
}

fn charged(charge: Charge, phase: Phase) -> &'static str {
    match (charge, phase) {
        (Charge::No, _) => "no",
        (Charge::Yes, _) => "yes",
        (Charge::Unknown, Phase::Upload) => {
            "unknown. The provider may charge for the upload. No job was submitted."
        }
        (Charge::Unknown, Phase::Poll | Phase::Download) => {
            "unknown. The provider may charge for this job. Resuming it costs nothing extra."
        }
        (Charge::Unknown, _) => "unknown. The provider may have accepted the job.",
    }
}
