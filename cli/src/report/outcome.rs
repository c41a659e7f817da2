//! The answer or the failure of a job. It depends on the job's row alone, so every command
//! reports the same.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use zoetrope_host::contract::Charge;
use zoetrope_host::driver::Time;
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::jobs::{Comparison, FileState, NextStep, error_text, with_charge};
use zoetrope_host::ledger::{
    ClipFile, Job, JobError, LedgerError, Millis, ResultFile, Stage, State, path_text,
};

use super::failure::{Failure, Phase};
use super::removed;

/// The answer of a job whose result files are complete and at their places; else its failure. `options`: the global
/// options to repeat in the command of the next step.
pub(crate) fn of(job: &Job, options: &str) -> Result<Value, Failure> {
    of_compared(job, options, Comparison::Content)
}

/// The same, with this comparison of the files.
pub(super) fn of_compared(
    job: &Job,
    options: &str,
    comparison: Comparison,
) -> Result<Value, Failure> {
    if let Some(failure) = removed::failure(job, options, comparison) {
        Err(failure)
    } else if job.state() == State::Succeeded && job.is_finalized() {
        Ok(answer(job))
    } else {
        Err(failure(job, options))
    }
}

/// The answer of a job whose result file is complete.
fn answer(job: &Job) -> Value {
    let mut answer = facts(job);
    answer.insert("ok".into(), true.into());
    answer.insert("node".into(), job.spec.node.as_str().into());
    answer.insert("output".into(), document(job.output()));
    if let Some(file) = job.file() {
        put_path(&mut answer, "file", Some(&file.path));
        answer.insert("media_type".into(), file.media_type.as_str().into());
        answer.insert("bytes".into(), file.bytes.into());
        answer.insert("sha256".into(), file.sha256.as_str().into());
        if !file.others.is_empty() {
            answer.insert("files".into(), file.all().map(described).collect());
        }
    }
    answer.insert("charged".into(), job.charge().as_str().into());
    Value::Object(answer)
}

/// An entry of `files`, the list of a result with several files.
pub(crate) fn described(file: &ClipFile) -> Value {
    let mut entry = Map::new();
    put_path(&mut entry, "file", Some(&file.path));
    entry.insert("media_type".into(), file.media_type.as_str().into());
    entry.insert("bytes".into(), file.bytes.into());
    entry.insert("sha256".into(), file.sha256.as_str().into());
    Value::Object(entry)
}

/// Sets a field to a path as text, and a second one, `NAME_bytes`, to its exact bytes in
/// hexadecimal if the path is not UTF-8: `NAME_wide` with its UTF-16 code units on Windows.
pub(crate) fn put_path(document: &mut Map<String, Value>, name: &str, path: Option<&Path>) {
    const EXACT: &str = if cfg!(windows) { "wide" } else { "bytes" };
    let text = path.map(Path::to_string_lossy);
    document.insert(name.into(), text.into());
    let exact = format!("{name}_{EXACT}");
    match path.and_then(path_text::exact) {
        Some(digits) => drop(document.insert(exact, digits.into())),
        None => drop(document.remove(&exact)),
    }
}

/// The files of a result.
pub(crate) fn files(job: &Job) -> Vec<PathBuf> {
    let files = job.file().into_iter().flat_map(ClipFile::all);
    files.map(|file| file.path.clone()).collect()
}

/// The fields of a job in every answer and error.
pub(crate) fn facts(job: &Job) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("job".into(), job.spec.id.as_str().into());
    facts.insert("key".into(), job.spec.key.as_str().into());
    facts.insert("connection".into(), job.spec.connection.as_str().into());
    if let Some(id) = job.provider_job_id() {
        facts.insert("provider_job_id".into(), id.into());
    }
    if let Some(cost) = cost(job) {
        facts.insert("cost".into(), cost);
    }
    if job.retries > 0 {
        facts.insert("retries".into(), job.retries.into());
        facts.insert("provider_key".into(), (*job.provider_key()).into());
    }
    if let Some(reported) = job.billing.reported {
        facts.insert("reported".into(), json!({ "charged": reported.as_str() }));
    }
    facts
}

/// What the pack says about the charge, after the charge in a text; empty where it is no more than
/// the charge.
pub(crate) fn reported(job: &Job) -> &'static str {
    match job.billing.reported {
        Some(Charge::No) => "; the pack reports: not charged",
        _ => "",
    }
}

/// A line of `zoetrope jobs --json`.
pub(crate) fn listed(job: &Job) -> Value {
    let file = job.file().filter(|_| job.is_finalized());
    let mut listed = json!({
        "id": job.spec.id,
        "key": job.spec.key,
        "node": job.spec.node,
        "connection": job.spec.connection,
        "state": job.state().as_str(),
        "provider_job_id": job.provider_job_id(),
        "charged": job.charge().as_str(),
        "cost": cost(job),
        "file": null,
        "sha256": file.map(|file| &file.sha256),
        "error": error(job),
        "created_at": time(job.spec.created_at),
        "deadline_at": time(job.schedule.deadline_at),
        "next_at": job.schedule.next_at.map(time),
    });
    if job.retries > 0 {
        listed["retries"] = job.retries.into();
        listed["provider_key"] = (*job.provider_key()).into();
    }
    let state = FileState::of_job(job, Comparison::Length);
    listed["file_state"] = state.map(FileState::as_str).into();
    if let Some(listed) = listed.as_object_mut() {
        put_path(listed, "file", file.map(|file| file.path.as_path()));
    }
    if let Some(reported) = job.billing.reported {
        listed["reported"] = json!({ "charged": reported.as_str() });
    }
    if let Some(file) = file.filter(|file| !file.others.is_empty()) {
        let states = file.all().map(|file| {
            let mut entry = described(file);
            let state = FileState::of(file, Comparison::Length);
            entry["file_state"] = state.as_str().into();
            entry
        });
        listed["files"] = states.collect();
    }
    listed
}

/// The error of a job: its kind and text, the failures in a row of which it is the last one, and
/// the last problem before a deadline.
fn error(job: &Job) -> Value {
    let Some(error) = &job.last_error else {
        return Value::Null;
    };
    let mut document = problem(error);
    document.insert("message".into(), error_text(job).into());
    if let Some(last) = last_problem(error) {
        document.insert("last_problem".into(), last);
    }
    Value::Object(document)
}

/// The problem that was not overcome before the deadline: `{kind, message, times, since}`.
fn last_problem(error: &JobError) -> Option<Value> {
    let last = error.last_problem.as_deref()?;
    Some(Value::Object(problem(last)))
}

fn problem(error: &JobError) -> Map<String, Value> {
    let mut document = Map::new();
    document.insert("kind".into(), error.kind.as_str().into());
    document.insert("message".into(), error.message.as_str().into());
    if let Some(failures) = error.failures {
        document.insert("times".into(), failures.times.into());
        document.insert("since".into(), time(failures.since).into());
    }
    document
}

/// A line of `zoetrope jobs --json` for a job whose row is damaged.
pub(crate) fn damaged(error: &LedgerError) -> Value {
    let row = error.damaged_row();
    json!({
        "id": row.map(|row| &row.job),
        "charged": row.map_or(Charge::Unknown, |row| row.charge).as_str(),
        "error": { "kind": ErrorKind::LedgerUnavailable.as_str(), "message": chain(error) },
    })
}

fn failure(job: &Job, options: &str) -> Failure {
    let error = match &job.last_error {
        // An unknown charge matters more than the error that caused it.
        Some(error) if job.is_settled() && job.state() == State::OutcomeUnknown => JobError {
            kind: ErrorKind::OutcomeUnknown,
            ..error.clone()
        },
        Some(error) if job.is_settled() => error.clone(),
        problem => {
            let interrupted = JobError::new(ErrorKind::Interrupted, interrupted(job));
            interrupted.after(problem.clone())
        }
    };
    let (kind, message) = (
        error.kind,
        with_charge(error.kind, error.described(), job.charge()),
    );
    let was_removed = removed::is_not_back(job, &message);
    let message = if was_removed {
        removed::not_back(job, &message)
    } else if job.state() == State::Succeeded && kind != ErrorKind::DownloadFailed {
        format!("the job succeeded, but its result is not downloaded yet: {message}")
    } else {
        message
    };
    let is_late = job.state() == State::Succeeded && kind == ErrorKind::Deadline;
    let is_gone = was_removed && kind != ErrorKind::Interrupted;
    let kind = if is_late || is_gone {
        ErrorKind::DownloadFailed
    } else {
        kind
    };
    Failure::new(kind, phase(job), message)
        .about(job)
        .after_problem(last_problem(&error))
        .then_step(NextStep::of(job, Time::present()), options)
}

/// A job whose files are these copies, which are in the order of the result's files.
pub(crate) fn at(mut job: Job, copies: &[PathBuf]) -> Job {
    if let Stage::Succeeded {
        file: ResultFile::Finalized(result),
        ..
    } = &mut job.stage
    {
        result.others.truncate(copies.len().saturating_sub(1));
        let others = result.others.iter_mut().map(|other| &mut other.file.path);
        for (path, copy) in std::iter::once(&mut result.path).chain(others).zip(copies) {
            path.clone_from(copy);
        }
    }
    job
}

/// The note on files of a result that are not among its copies.
pub(crate) fn not_copied(job: &Job, copies: &[PathBuf]) -> Option<String> {
    let missing = files(job).len().saturating_sub(copies.len());
    (missing > 0).then(|| {
        format!("{missing} of the files of the result are not at their places and were not copied")
    })
}

impl Failure {
    /// Adds the job's ids, and the charge in its row.
    pub(crate) fn about(self, job: &Job) -> Self {
        self.charged(job.charge())
            .of_job(facts(job))
            .of_node_type(&job.spec.node, &job.spec.connection)
    }

    /// Adds the charge in the rows of these jobs, and the ids of the only one.
    pub(crate) fn about_all(self, jobs: &[&Job]) -> Self {
        match jobs {
            [] => self,
            [job] => self.about(job),
            jobs => self.charged(charge_of(jobs.iter().map(|job| Some(job.charge())))),
        }
    }
}

fn interrupted(job: &Job) -> &'static str {
    match job.state() {
        State::Queued if job.submits() == 0 => {
            "interrupted before the job was submitted; nothing was submitted"
        }
        State::Queued => "interrupted before the provider accepted the job",
        State::Submitting => "interrupted before the provider answered the submit",
        State::Succeeded => "interrupted before the result was downloaded",
        _ => "interrupted; the job continues at the provider",
    }
}

/// The phase that a job has reached.
pub(crate) fn phase(job: &Job) -> Phase {
    match job.state() {
        State::Queued | State::Failed | State::Cancelled if job.local_pictures.are_pending() => {
            Phase::Upload
        }
        State::Queued | State::Submitting | State::OutcomeUnknown => Phase::Submit,
        State::Succeeded => Phase::Download,
        State::Failed | State::Cancelled if job.ticket().is_none() => Phase::Submit,
        _ => Phase::Poll,
    }
}

/// The charge of many jobs together; `None` is a job that cannot be read.
pub(crate) fn charge_of(charges: impl Iterator<Item = Option<Charge>>) -> Charge {
    let mut all = Charge::No;
    for charge in charges {
        match charge.unwrap_or(Charge::Unknown) {
            Charge::Unknown => return Charge::Unknown,
            Charge::Yes => all = Charge::Yes,
            Charge::No => {}
        }
    }
    all
}

/// The cost of a job as text.
pub(crate) fn price(job: &Job) -> Option<String> {
    let cost = job.cost()?;
    Some(format!("{} {}", cost.amount, cost.unit))
}

fn cost(job: &Job) -> Option<Value> {
    let cost = job.cost()?;
    Some(json!({ "amount": cost.amount, "unit": cost.unit }))
}

/// A document as JSON.
pub(crate) fn document(text: Option<&str>) -> Value {
    text.and_then(|text| zoetrope_host::json::parse(text).ok())
        .unwrap_or(Value::Null)
}

/// RFC 3339, UTC.
pub(crate) fn time(time: Millis) -> String {
    Timestamp::from_millisecond(time).map_or_else(|_| time.to_string(), |time| time.to_string())
}
