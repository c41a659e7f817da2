//! How a job stands, as an answer or a failure: from its row alone, so that whoever asks
//! gets the same.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use zoetrope_host::contract::Charge;
use zoetrope_host::driver::decide::may_submit;
use zoetrope_host::driver::now;
use zoetrope_host::ledger::{Job, Millis, State};

use super::failure::{Failure, Phase};
use super::setup::{Setup, quoted_text};

/// The answer of a run whose result is in place, else how it failed.
pub(super) fn of(job: &Job, setup: &Setup) -> Result<Value, Failure> {
    if job.state() == State::Succeeded && job.is_finalized() {
        Ok(answer(job))
    } else {
        Err(failure(job, setup))
    }
}

/// Everything about a result that is in place.
fn answer(job: &Job) -> Value {
    let mut answer = facts(job);
    answer.insert("ok".into(), true.into());
    answer.insert("node".into(), job.spec.node.as_str().into());
    answer.insert("output".into(), document(job.output()));
    if let Some(file) = job.file() {
        answer.insert("file".into(), json!(file.path));
        answer.insert("media_type".into(), file.media_type.as_str().into());
        answer.insert("bytes".into(), file.bytes.into());
        answer.insert("sha256".into(), file.sha256.as_str().into());
    }
    answer.insert("charged".into(), job.charge().as_str().into());
    Value::Object(answer)
}

/// What every answer and error says of a job.
pub(super) fn facts(job: &Job) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("job".into(), job.spec.id.as_str().into());
    facts.insert("key".into(), job.spec.key.as_str().into());
    if let Some(id) = job.provider_job_id() {
        facts.insert("provider_job_id".into(), id.into());
    }
    if let Some(cost) = cost(job) {
        facts.insert("cost".into(), cost);
    }
    facts
}

/// A line of `zoetrope jobs --json`.
pub(super) fn listed(job: &Job) -> Value {
    let file = job.file().filter(|_| job.is_finalized());
    let trouble = job
        .last_error
        .as_ref()
        .map(|trouble| json!({ "kind": trouble.kind.as_str(), "message": trouble.message }));
    json!({
        "id": job.spec.id,
        "key": job.spec.key,
        "node": job.spec.node,
        "connection": job.spec.connection,
        "state": job.state().as_str(),
        "provider_job_id": job.provider_job_id(),
        "charged": job.charge().as_str(),
        "cost": cost(job),
        "file": file.map(|file| &file.path),
        "sha256": file.map(|file| &file.sha256),
        "trouble": trouble,
        "created_at": time(job.spec.created_at),
        "deadline_at": time(job.schedule.deadline_at),
        "next_at": job.schedule.next_at.map(time),
    })
}

fn failure(job: &Job, setup: &Setup) -> Failure {
    let (kind, message) = match &job.last_error {
        // Whatever stopped it, that nobody knows whether it is paid for comes first.
        Some(trouble) if job.is_settled() && job.state() == State::OutcomeUnknown => {
            ("outcome_unknown", trouble.message.clone())
        }
        Some(trouble) if job.is_settled() => (trouble.kind.as_str(), trouble.message.clone()),
        _ => ("interrupted", interrupted(job).into()),
    };
    let message = if job.state() == State::Succeeded && kind != "download_failed" {
        format!("the result is made, but not on the disk yet: {message}")
    } else {
        message
    };
    let kind = if job.state() == State::Succeeded && kind == "deadline" {
        "download_failed"
    } else {
        kind
    };
    Failure::new(kind, phase(job), message)
        .charged(job.charge())
        .then(next(job, setup))
        .of_job(facts(job))
}

fn interrupted(job: &Job) -> &'static str {
    match job.state() {
        State::Queued => "interrupted before anything was submitted",
        State::Submitting => "interrupted before the provider's answer to the submit",
        State::Succeeded => "interrupted before the result was on the disk",
        _ => "interrupted; the job goes on at the provider",
    }
}

/// How far a job has come.
pub(super) fn phase(job: &Job) -> Phase {
    match job.state() {
        State::Queued | State::Submitting | State::OutcomeUnknown => Phase::Submit,
        State::Succeeded => Phase::Download,
        State::Failed | State::Cancelled if job.ticket().is_none() => Phase::Submit,
        _ => Phase::Poll,
    }
}

/// The command that goes on from here.
fn next(job: &Job, setup: &Setup) -> String {
    let (id, options) = (&job.spec.id, setup.options());
    let kind = job.last_error.as_ref().map(|trouble| trouble.kind.as_str());
    match job.state() {
        State::Failed | State::Cancelled if job.ticket().is_some() => {
            "nothing: the provider has ended this job".into()
        }
        State::Failed | State::Cancelled if job.charge() == Charge::No => format!(
            "a run with another input: this one cost nothing; its fields: zoetrope nodes {}{options}",
            quoted_text(&job.spec.node)
        ),
        State::Failed | State::Cancelled => "nothing: this job has ended".into(),
        State::OutcomeUnknown if may_submit(job, now()) => format!(
            "zoetrope jobs resume {id}{options} finds the job or starts it, and cannot cost twice within {}",
            humantime::format_duration(Duration::from_millis(
                job.spec.idempotency_ms.unsigned_abs()
            ))
        ),
        State::OutcomeUnknown => {
            // A provider that was not told the key knows nothing by it.
            let known_by = if job.is_keyed() {
                format!(" (idempotency key {})", job.spec.key)
            } else {
                String::new()
            };
            format!(
                "look for the job at the provider{known_by}, then: \
                 zoetrope jobs resolve {id} --provider-job-id ID{options}, or --never-started"
            )
        }
        State::Succeeded if job.schedule.next_at.is_none() && kind == Some("download_failed") => {
            format!(
                "zoetrope jobs resume {id}{options}, or zoetrope jobs fetch {id} --out FILE{options}"
            )
        }
        _ => format!("zoetrope jobs resume {id}{options}"),
    }
}

/// What a job cost, for people.
pub(super) fn price(job: &Job) -> Option<String> {
    let cost = job.cost()?;
    Some(format!("{} {}", cost.amount, cost.unit))
}

fn cost(job: &Job) -> Option<Value> {
    let cost = job.cost()?;
    Some(json!({ "amount": cost.amount, "unit": cost.unit }))
}

/// A document as JSON.
pub(super) fn document(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or(Value::Null)
}

/// RFC 3339, UTC.
pub(super) fn time(time: Millis) -> String {
    Timestamp::from_millisecond(time).map_or_else(|_| time.to_string(), |time| time.to_string())
}
