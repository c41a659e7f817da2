//! `zoetrope jobs show`.

use std::process::ExitCode;

use serde_json::{Value, json};
use zoetrope_host::driver::{Time, now};
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{
    Comparison, FileState, JobsError, NextStep, find, removed_job, short_id,
};
use zoetrope_host::ledger::{EarlierAttempt, HistoryEntry, Job, Ledger, RemovedJob, Target};

use super::end_hooks;
use super::list::SHORT_ID;
use super::receipt::Receipt;
use crate::args::jobs::Show;
use crate::context::Context;
use crate::report::{Failure, next_step, of_jobs, of_ledger, outcome, unwritten};
use crate::table::width;

/// The width of a receipt that is not shown on a terminal.
const WIDTH: usize = 80;

impl Show {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let ledger = context.ledger()?;
        let job = match find(&ledger, &self.id) {
            Err(JobsError::Removed { removed }) => {
                return print_removed(*removed, &ledger, context);
            }
            found => found.map_err(|error| of_jobs(error, &context.options()))?,
        };
        let failed = |error| of_ledger(&error, &context.options());
        let history = ledger.history(&job.spec.id).map_err(failed)?;
        let uploads = ledger.uploads_of(&job.spec.connection, &job.spec.key);
        let uploads = uploads.map_err(failed)?;
        let earlier = ledger.earlier_attempts(&job.spec.id).map_err(failed)?;
        let hooks = ledger.end_hooks_of(&job.spec.id).map_err(failed)?;
        let hooks: Vec<_> = hooks.iter().map(end_hooks::document).collect();
        if !context.json() {
            let input = self
                .input
                .then(|| serde_json::to_string_pretty(&inputs(&job)));
            let ids = ledger.ids().map_err(failed)?;
            let receipt = Receipt {
                history: &history,
                earlier: &earlier,
                uploads,
                end_commands: hooks.iter().map(end_hooks::text).collect(),
                submitted_at: job.submitted_at(),
                removed_at: None,
                input: input.and_then(Result::ok),
                next: next(&job, &ids, context),
                job: &job,
                now: now(),
            };
            return print(&receipt, context);
        }
        let mut document = self.document(&job, &history);
        if uploads > 0 {
            document["uploads"] = uploads.into();
        }
        if !earlier.is_empty() {
            document["earlier_attempts"] = earlier.iter().map(earlier_attempt).collect();
        }
        if !hooks.is_empty() {
            document["end_hooks"] = hooks.into();
        }
        if let Some(at) = job.schedule.cancel_sent_at {
            document["cancel_sent_at"] = outcome::time(at).into();
        }
        let written = context.printer().line(&document);
        let files = outcome::files(&job);
        unwritten::end_of_job(written, &job, &files, context.printer(), &context.options())
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
        merge(&mut document, more);
        if let Value::Object(document) = &mut document {
            outcome::put_path(document, "target", Some(target));
        }
        if self.input {
            merge(&mut document, inputs(job));
        }
        document
    }
}

/// The input as given and as submitted.
fn inputs(job: &Job) -> Value {
    let mut inputs = json!({
        "raw_input": outcome::document(Some(&job.spec.raw_input)),
        "input": outcome::document(Some(&job.spec.input)),
    });
    job.local_pictures.fill(&mut inputs["input"]);
    inputs
}

fn merge(document: &mut Value, more: Value) {
    if let (Value::Object(document), Value::Object(more)) = (document, more) {
        document.extend(more);
    }
}

/// The command that goes on with a job, with its short id; none if its result is there.
fn next(job: &Job, ids: &[String], context: &Context) -> Option<String> {
    let (id, options) = (&job.spec.id, context.options());
    let step = || next_step::text(&NextStep::of(job, Time::present()), &options);
    let next = match FileState::of_job(job, Comparison::Content) {
        Some(FileState::Present) => return None,
        Some(FileState::Changed | FileState::Unreadable) => {
            outcome::of(job, &options).err()?.next().to_owned()
        }
        // The result is a document.
        None if job.is_finalized() => return None,
        Some(FileState::Missing) | None => step(),
    };
    Some(next.replace(id, short_id(id, ids, SHORT_ID)))
}

fn print(receipt: &Receipt<'_>, context: &Context) -> Result<ExitCode, Failure> {
    let width = width().unwrap_or(WIDTH);
    let (printer, job) = (context.printer(), receipt.job);
    let written = printer.styled(&receipt.text(width));
    unwritten::end_of_job(
        written,
        job,
        &outcome::files(job),
        printer,
        &context.options(),
    )
}

/// Prints what is known of a removed job.
fn print_removed(
    removed: RemovedJob,
    ledger: &Ledger,
    context: &Context,
) -> Result<ExitCode, Failure> {
    let (submitted_at, removed_at) = (removed.submitted_at, removed.removed_at);
    let job = removed_job(removed);
    if !context.json() {
        let ids = ledger.ids();
        let ids = ids.map_err(|error| of_ledger(&error, &context.options()))?;
        let receipt = Receipt {
            job: &job,
            history: &[],
            earlier: &[],
            uploads: 0,
            end_commands: Vec::new(),
            submitted_at,
            removed_at: Some(removed_at),
            input: None,
            next: next(&job, &ids, context),
            now: now(),
        };
        return print(&receipt, context);
    }
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
    let written = context.printer().line(&document);
    let files = outcome::files(&job);
    unwritten::end_of_job(written, &job, &files, context.printer(), &context.options())
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
