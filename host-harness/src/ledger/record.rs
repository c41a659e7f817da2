//! Converts between a job and the columns of its row.
//!
//! Only combinations of values that a [`Stage`] can hold are read; any other combination is a
//! [`RowProblem`].

use std::num::NonZeroU32;
use std::sync::Arc;

use rusqlite::{Connection, Row};
use serde_json::{Value, json};

use super::columns::{Columns, lossy};
use super::error::{DamagedRow, Failure, RowProblem};
use super::job_error::JobError;
use super::local_pictures::LocalPictures;
use super::path_text;
use super::row::{Billing, Cost, Job, JobSpec, Schedule, Target};
use super::stage::{
    Attempts, ClipFile, FurtherFile, Media, PastSubmits, ProviderJob, ResultFile, Stage, Submit,
};
use super::state::State;
use crate::contract::Charge;
use crate::error::ErrorKind;

/// Inserts a row.
pub(super) fn insert(to: &Connection, job: &Job) -> rusqlite::Result<()> {
    with_columns(job, |columns| columns.insert(to))
}

/// Updates a row and counts its revision, if it has the job's revision; returns whether it
/// had.
pub(super) fn update(to: &Connection, job: &Job) -> rusqlite::Result<bool> {
    with_columns(job, |columns| columns.update(to))
}

/// Reads a row of [`select_job`](super::columns::select_job).
pub(super) fn job(row: &Row<'_>) -> Result<Job, Failure> {
    let read = Columns::read(row).and_then(|columns| of_columns(&columns));
    read.map_err(|problem| {
        let text = |column| row.get::<_, String>(column).ok();
        let charge = text("charge").and_then(|word| charge(&word).ok());
        // `no` is believed only where nothing else says that a submit may have been accepted.
        let state = text("state");
        let is_unaccepted = text("ticket").is_none()
            && matches!(state.as_deref(), Some("queued" | "failed" | "cancelled"));
        let charge = charge.filter(|charge| *charge != Charge::No || is_unaccepted);
        Failure::Row(DamagedRow {
            job: lossy(row, 0).unwrap_or_default(),
            charge: charge.unwrap_or(Charge::Unknown),
            problem,
        })
    })
}

/// Converts a job to columns and back.
#[cfg(test)]
pub(crate) fn round_trip(job: &Job) -> Result<Job, RowProblem> {
    with_columns(job, of_columns)
}

/// The columns of a job.
#[expect(clippy::too_many_lines, reason = "a line for each column")]
fn with_columns<T>(job: &Job, run: impl FnOnce(&Columns<'_>) -> T) -> T {
    let (Target::File(target) | Target::Stem(target)) = &job.target;
    let target = path_text::of(target);
    let media = job.media().map(media_text);
    let file = job.file().map(file_text);
    let (spec, schedule) = (&*job.spec, &job.schedule);
    let attempts = job.stage.attempts();
    let cost = job.billing.cost.as_ref();
    let last_error = job.last_error.as_ref();
    let error_message = last_error.map(JobError::to_column);
    let local_pictures = job.local_pictures.to_column();
    run(&Columns {
        id: &spec.id,
        node: &spec.node,
        raw_input: &spec.raw_input,
        raw_input_sha256: &spec.raw_input_sha256,
        input: &spec.input,
        component: &spec.component,
        connection: &spec.connection,
        provider_origin: &spec.provider_origin,
        key: &spec.key,
        idempotency_ms: spec.idempotency_ms,
        created_at: spec.created_at,
        state: job.state().as_str(),
        outcome_uncertain: is_uncertain(&job.stage),
        submit_sha256: job.submit_sha256(),
        keyed: job.is_keyed(),
        submits: job.submits(),
        submitted_at: job.submitted_at(),
        ticket: job.ticket(),
        provider_job_id: job.provider_job_id(),
        charge: job.charge().as_str(),
        attempt_charge: Some(job.billing.charge)
            .filter(|charge| *charge != job.charge())
            .map(Charge::as_str),
        reported_charge: job.billing.reported.map(Charge::as_str),
        submit_account: attempts.and_then(|made| made.account.as_deref()),
        cancel_sent_at: schedule.cancel_sent_at,
        submit_path: job.submit_path.as_deref(),
        has_uploads: job.billing.has_uploads,
        retries: job.retries,
        earlier_charge: job.billing.earlier.map(Charge::as_str),
        local_pictures: local_pictures.as_deref(),
        cost_amount: cost.map(|cost| cost.amount.as_str()),
        cost_unit: cost.map(|cost| cost.unit.as_str()),
        deadline_at: schedule.deadline_at,
        next_at: schedule.next_at,
        backoff_ms: schedule.backoff_ms,
        unrecognized_since: schedule.unrecognized_since,
        unreadable_since: schedule.unreadable_since,
        no_result_since: schedule.no_result_since,
        attempts: schedule.attempts,
        cancel_wanted: schedule.cancel_wanted,
        requester: &schedule.requester,
        error_kind: last_error.map(|error| error.kind.as_str()),
        error_message: error_message.as_deref(),
        output: job.output(),
        media: media.as_deref(),
        target: &target,
        target_is_stem: matches!(job.target, Target::Stem(_)),
        force: job.force,
        file: file.as_deref(),
        finalized: job.is_finalized(),
        revision: job.revision,
    })
}

/// The job of these columns.
fn of_columns(columns: &Columns<'_>) -> Result<Job, RowProblem> {
    // A commit counts it.
    if columns.revision == i64::MAX {
        return Err(RowProblem::Unreadable { column: "revision" });
    }
    let target = path_text::path(columns.target);
    Ok(Job {
        spec: Arc::new(spec(columns)),
        stage: stage(columns)?,
        billing: Billing {
            charge: charge(columns.attempt_charge.unwrap_or(columns.charge))?,
            reported: columns.reported_charge.map(charge).transpose()?,
            cost: pair("cost", columns.cost_amount, columns.cost_unit)?.map(cost),
            has_uploads: columns.has_uploads,
            earlier: columns.earlier_charge.map(charge).transpose()?,
        },
        schedule: Schedule {
            deadline_at: columns.deadline_at,
            next_at: columns.next_at,
            backoff_ms: columns.backoff_ms,
            unrecognized_since: columns.unrecognized_since,
            unreadable_since: columns.unreadable_since,
            no_result_since: columns.no_result_since,
            attempts: columns.attempts,
            cancel_wanted: columns.cancel_wanted,
            cancel_sent_at: columns.cancel_sent_at,
            requester: columns.requester.to_owned(),
        },
        last_error: pair("error", columns.error_kind, columns.error_message)?
            .map(|(word, text)| kind(word).map(|kind| JobError::of_column(kind, text)))
            .transpose()?,
        submit_path: columns.submit_path.map(str::to_owned),
        retries: columns.retries,
        local_pictures: local_pictures(columns.local_pictures)?,
        target: if columns.target_is_stem {
            Target::Stem(target)
        } else {
            Target::File(target)
        },
        force: columns.force,
        revision: columns.revision,
    })
}

/// The local pictures of a row; none in a row of an earlier version, whose input is complete.
fn local_pictures(column: Option<&str>) -> Result<LocalPictures, RowProblem> {
    let Some(text) = column else {
        return Ok(LocalPictures::default());
    };
    LocalPictures::of_column(text).ok_or(RowProblem::Unreadable {
        column: "local_pictures",
    })
}

/// Parses the column `state`.
pub(super) fn state(word: &str) -> Result<State, RowProblem> {
    let state = State::ALL.into_iter().find(|state| state.as_str() == word);
    state.ok_or_else(|| unknown("state", word))
}

/// Parses the column `error_kind`, and `error` of the history.
pub(super) fn kind(word: &str) -> Result<ErrorKind, RowProblem> {
    word.parse().map_err(|_| unknown("error_kind", word))
}

/// Parses the column `charge`.
pub(super) fn charge(word: &str) -> Result<Charge, RowProblem> {
    let mut charges = [Charge::No, Charge::Yes, Charge::Unknown].into_iter();
    let charge = charges.find(|charge| charge.as_str() == word);
    charge.ok_or_else(|| unknown("charge", word))
}

fn unknown(column: &'static str, word: &str) -> RowProblem {
    RowProblem::UnknownWord {
        column,
        word: word.to_owned(),
    }
}

fn spec(columns: &Columns<'_>) -> JobSpec {
    JobSpec {
        id: columns.id.to_owned(),
        node: columns.node.to_owned(),
        raw_input: columns.raw_input.to_owned(),
        raw_input_sha256: columns.raw_input_sha256.to_owned(),
        input: columns.input.to_owned(),
        component: columns.component.to_owned(),
        connection: columns.connection.to_owned(),
        provider_origin: columns.provider_origin.to_owned(),
        key: columns.key.to_owned(),
        idempotency_ms: columns.idempotency_ms,
        created_at: columns.created_at,
    }
}

fn cost((amount, unit): (&str, &str)) -> Cost {
    Cost {
        amount: amount.to_owned(),
        unit: unit.to_owned(),
    }
}

/// Two columns of which both or neither have a value.
fn pair<'a>(
    name: &'static str,
    first: Option<&'a str>,
    second: Option<&'a str>,
) -> Result<Option<(&'a str, &'a str)>, RowProblem> {
    if first.is_some() == second.is_some() {
        Ok(first.zip(second))
    } else {
        Err(RowProblem::Incomplete { name })
    }
}

/// Whether a submit other than a running one may have been accepted, or the job at the provider is
/// unconfirmed.
fn is_uncertain(stage: &Stage) -> bool {
    match stage {
        Stage::OutcomeUnknown { .. } => true,
        Stage::Submitting { uncertain, .. } => *uncertain,
        Stage::Started { job, .. } => job.is_unconfirmed,
        _ => false,
    }
}

fn stage(columns: &Columns<'_>) -> Result<Stage, RowProblem> {
    let state = state(columns.state)?;
    let impossible = |why| RowProblem::Impossible { state, why };
    let job = provider_job(columns).map_err(impossible)?;
    let submits = past_submits(columns).map_err(impossible)?;
    let may_be_accepted = matches!(state, State::Submitting | State::OutcomeUnknown);
    if may_be_accepted && job.is_some() || state == State::Queued && job.is_some() {
        return Err(impossible("it has a ticket"));
    }
    let may_be_uncertain = matches!(state, State::Submitting | State::Started);
    if columns.outcome_uncertain != (state == State::OutcomeUnknown) && !may_be_uncertain {
        return Err(impossible("`outcome_uncertain` belongs to another state"));
    }
    let has_result = columns.output.is_some()
        || columns.media.is_some()
        || columns.file.is_some()
        || columns.finalized;
    if has_result && state != State::Succeeded {
        return Err(impossible("it has a result"));
    }
    Ok(match (state, submits) {
        (State::Queued, PastSubmits::None) => Stage::Queued { earlier: None },
        (State::Queued, PastSubmits::NotAccepted(attempts)) => Stage::Queued {
            earlier: Some(attempts),
        },
        (State::Queued, PastSubmits::Sent(_)) => {
            return Err(impossible("it has the time of a submit"));
        }
        (State::Submitting, PastSubmits::Sent(submit)) => Stage::Submitting {
            submit,
            uncertain: columns.outcome_uncertain,
        },
        (State::OutcomeUnknown, PastSubmits::Sent(submit)) => Stage::OutcomeUnknown { submit },
        (State::Submitting | State::OutcomeUnknown, _) => {
            return Err(impossible("it has no submit"));
        }
        (State::Started, submits) => Stage::Started {
            job: job.ok_or(impossible("it has no ticket"))?,
            submits,
        },
        (State::Succeeded, submits) => Stage::Succeeded {
            job: job.ok_or(impossible("it has no ticket"))?,
            submits,
            output: columns
                .output
                .ok_or(impossible("it has no output"))?
                .to_owned(),
            media: columns.media.map(media).transpose()?,
            file: result_file(columns)?,
        },
        (State::Failed, submits) => Stage::Failed { job, submits },
        (State::Cancelled, submits) => Stage::Cancelled { job, submits },
    })
}

fn provider_job(columns: &Columns<'_>) -> Result<Option<ProviderJob>, &'static str> {
    let id = columns.provider_job_id.map(str::to_owned);
    match columns.ticket.map(str::to_owned) {
        Some(ticket) => Ok(Some(ProviderJob {
            ticket,
            id,
            is_unconfirmed: columns.outcome_uncertain,
        })),
        None if id.is_some() => Err("it has a provider's id without a ticket"),
        None => Ok(None),
    }
}

fn past_submits(columns: &Columns<'_>) -> Result<PastSubmits, &'static str> {
    let count = NonZeroU32::new(columns.submits);
    match (count, columns.submit_sha256, columns.submitted_at) {
        (None, None, None) if columns.keyed => Ok(PastSubmits::None),
        (Some(count), Some(sha256), first_at) => {
            let attempts = Attempts {
                count,
                sha256: sha256.to_owned(),
                keyed: columns.keyed,
                account: columns.submit_account.map(str::to_owned),
            };
            Ok(match first_at {
                Some(first_at) => PastSubmits::Sent(Submit { attempts, first_at }),
                None => PastSubmits::NotAccepted(attempts),
            })
        }
        _ => Err("the columns of its submits contradict each other"),
    }
}

fn result_file(columns: &Columns<'_>) -> Result<ResultFile, RowProblem> {
    Ok(
        match (columns.file.map(file).transpose()?, columns.finalized) {
            (None, false) => ResultFile::Missing,
            (Some(file), false) => ResultFile::Complete(file),
            (Some(file), true) => ResultFile::Finalized(file),
            (None, true) => ResultFile::Unrecorded,
        },
    )
}

fn file_text(file: &ClipFile) -> String {
    file_document(file).to_string()
}

fn file_document(file: &ClipFile) -> Value {
    let mut document = json!({
        "path": path_text::of(&file.path),
        "sha256": file.sha256,
        "bytes": file.bytes,
        "media_type": file.media_type,
    });
    // Programs before this field ignore it.
    if !file.others.is_empty() {
        let others = file.others.iter();
        let others = others.map(|other| {
            let mut document = file_document(&other.file);
            document["part"] = json!(path_text::of(&other.part));
            document
        });
        document["others"] = others.collect();
    }
    if !file.left_out.is_empty() {
        document["left_out"] = json!(file.left_out);
    }
    document
}

pub(super) fn file(text: &str) -> Result<ClipFile, RowProblem> {
    let document = serde_json::from_str(text).ok();
    let read = document.as_ref().and_then(file_of);
    read.ok_or(RowProblem::Unreadable { column: "file" })
}

fn file_of(document: &Value) -> Option<ClipFile> {
    let text = |name: &str| document[name].as_str();
    let others = listed(&document["others"], |other| {
        Some(FurtherFile {
            part: path_text::path(other["part"].as_str()?),
            file: file_of(other)?,
        })
    })?;
    Some(ClipFile {
        path: path_text::path(text("path")?),
        sha256: text("sha256")?.into(),
        bytes: document["bytes"].as_u64()?,
        media_type: text("media_type")?.into(),
        others,
        left_out: listed(&document["left_out"], |why| Some(why.as_str()?.to_owned()))?,
    })
}

/// The entries of a list; none if it is absent.
fn listed<T>(list: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    match list {
        Value::Null => Some(Vec::new()),
        list => list.as_array()?.iter().map(read).collect(),
    }
}

fn media_text(media: &Media) -> String {
    media_document(media).to_string()
}

fn media_document(media: &Media) -> Value {
    let mut document = json!({
        "pointer": media.pointer,
        "url": media.url,
        "media_type": media.media_type,
        "sha256": media.sha256,
        "needs_credential": media.needs_credential,
    });
    // Programs before this field ignore it.
    if !media.alternatives.is_empty() {
        document["alternatives"] = media.alternatives.iter().map(media_document).collect();
    }
    if !media.others.is_empty() {
        document["others"] = media.others.iter().map(media_document).collect();
    }
    document
}

fn media(text: &str) -> Result<Media, RowProblem> {
    let document = serde_json::from_str(text).ok();
    let read = document.as_ref().and_then(media_of);
    read.ok_or(RowProblem::Unreadable { column: "media" })
}

fn media_of(document: &Value) -> Option<Media> {
    let text = |name: &str| document[name].as_str().map(str::to_owned);
    let optional = |name: &str| match &document[name] {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.clone())),
        _ => None,
    };
    Some(Media {
        pointer: text("pointer")?,
        url: text("url")?,
        media_type: optional("media_type")?,
        sha256: optional("sha256")?,
        needs_credential: document["needs_credential"].as_bool()?,
        alternatives: listed(&document["alternatives"], media_of)?,
        others: listed(&document["others"], media_of)?,
    })
}
