//! `zoetrope jobs show`.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{Comparison, FileState, JobsError, find, removed_job};
use zoetrope_host::ledger::{EarlierAttempt, HistoryEntry, Job, RemovedJob, Target};
use zoetrope_host::sanitize::{escaped_json, line};

use super::end_hooks;
use crate::args::jobs::Show;
use crate::context::Context;
use crate::report::{Failure, of_jobs, of_ledger, outcome};

impl Show {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let ledger = context.ledger()?;
        let job = match find(&ledger, &self.id) {
            Err(JobsError::Removed { removed }) => return print_removed(*removed, context),
            found => found.map_err(|error| of_jobs(error, &context.options()))?,
        };
        let history = ledger.history(&job.spec.id);
        let history = history.map_err(|error| of_ledger(&error, &context.options()))?;
        let mut document = self.document(&job, &history);
        let uploads = ledger.uploads_of(&job.spec.connection, &job.spec.key);
        let uploads = uploads.map_err(|error| of_ledger(&error, &context.options()))?;
        if uploads > 0 {
            document["uploads"] = uploads.into();
        }
        let earlier = ledger.earlier_attempts(&job.spec.id);
        let earlier = earlier.map_err(|error| of_ledger(&error, &context.options()))?;
        if !earlier.is_empty() {
            document["earlier_attempts"] = earlier.iter().map(earlier_attempt).collect();
        }
        let hooks = ledger.end_hooks_of(&job.spec.id);
        let hooks = hooks.map_err(|error| of_ledger(&error, &context.options()))?;
        if !hooks.is_empty() {
            document["end_hooks"] = hooks.iter().map(end_hooks::document).collect();
        }
        if let Some(at) = job.schedule.cancel_sent_at {
            document["cancel_sent_at"] = outcome::time(at).into();
        }
        if context.json() {
            context.printer().line(&document)?;
        } else {
            context.printer().text(&text(&document))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn document(&self, job: &Job, history: &[HistoryEntry]) -> Value {
        let mut document = outcome::listed(job);
        let state = FileState::of_job(job, Comparison::Content);
        document["file_state"] = state.map(FileState::as_str).into();
        let (Target::File(target) | Target::Stem(target)) = &job.target;
        let history = history.iter().map(|entry| {
            json!({
                "at": outcome::time(entry.at),
                "state": entry.state.as_str(),
                "error_kind": entry.error.map(ErrorKind::as_str),
            })
        });
        let more = json!({
            "component": job.spec.component,
            "provider_origin": job.spec.provider_origin,
            "submits": job.submits(),
            "submit_sha256": job.submit_sha256(),
            "submitted_at": job.submitted_at().map(outcome::time),
            "ticket": outcome::document(job.ticket()),
            "output": outcome::document(job.output()),
            "bytes": job.file().map(|file| file.bytes),
            "media_type": job.file().map(|file| &file.media_type),
            "history": history.collect::<Vec<_>>(),
        });
        if let (Value::Object(document), Value::Object(more)) = (&mut document, more) {
            document.extend(more);
            outcome::put_path(document, "target", Some(target));
        }
        if self.input {
            document["raw_input"] = outcome::document(Some(&job.spec.raw_input));
            document["input"] = outcome::document(Some(&job.spec.input));
            job.local_pictures.fill(&mut document["input"]);
        }
        document
    }
}

/// Prints what is known of a removed job.
fn print_removed(removed: RemovedJob, context: &Context) -> Result<ExitCode, Failure> {
    let (submitted_at, removed_at) = (removed.submitted_at, removed.removed_at);
    let job = removed_job(removed);
    let mut document = outcome::listed(&job);
    if let Value::Object(document) = &mut document {
        // A removed job has no schedule.
        document.remove("deadline_at");
        document.remove("next_at");
    }
    document["removed_at"] = outcome::time(removed_at).into();
    document["provider_origin"] = job.spec.provider_origin.as_str().into();
    document["submitted_at"] = submitted_at.map(outcome::time).into();
    document["ticket"] = outcome::document(job.ticket());
    if context.json() {
        context.printer().line(&document)?;
    } else {
        context.printer().text(&text(&document))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// An attempt that ended before the job was submitted again.
fn earlier_attempt(attempt: &EarlierAttempt) -> Value {
    let cost = attempt.cost.as_ref();
    let error = attempt
        .error
        .map(|kind| json!({ "kind": kind.as_str(), "message": attempt.message }));
    json!({
        "state": attempt.state.as_str(),
        "charged": attempt.charge.as_str(),
        "cost": cost.map(|cost| json!({ "amount": cost.amount, "unit": cost.unit })),
        "provider_key": attempt.provider_key,
        "ticket": outcome::document(attempt.ticket.as_deref()),
        "provider_job_id": attempt.provider_job_id,
        "error": error,
        "replaced_at": outcome::time(attempt.replaced_at),
    })
}

/// The text of a job: a line for each field that is not null.
fn text(document: &Value) -> String {
    let mut text = String::new();
    for (name, value) in document.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::String(value) => drop(writeln!(text, "{name}: {}", line(value))),
            Value::Array(history) if name == "history" => {
                let _ = writeln!(text, "history:");
                for entry in history {
                    let field = |name: &str| entry[name].as_str().unwrap_or_default();
                    let line = format!(
                        "  {}  {}  {}",
                        field("at"),
                        field("state"),
                        field("error_kind")
                    );
                    let _ = writeln!(text, "{}", line.trim_end());
                }
            }
            Value::Array(hooks) if name == "end_hooks" => {
                for hook in hooks {
                    let _ = writeln!(text, "command at the end: {}", end_hooks::text(hook));
                }
            }
            Value::Object(cost) if name == "cost" => {
                let field = |name: &str| cost.get(name).and_then(Value::as_str).unwrap_or_default();
                let _ = writeln!(text, "cost: {} {}", field("amount"), field("unit"));
            }
            Value::Object(reported) if name == "reported" => {
                let is_free = reported.get("charged").is_some_and(|charge| charge == "no");
                let word = if is_free { "not charged" } else { "charged" };
                let _ = writeln!(text, "the pack reports: {word}");
            }
            value => drop(writeln!(
                text,
                "{name}: {}",
                escaped_json(&value.to_string())
            )),
        }
    }
    text
}
