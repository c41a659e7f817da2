//! A job as columns, and back.

use rusqlite::types::Type;
use rusqlite::{Row, ToSql, named_params};
use serde_json::{Value, json};

use super::row::{ClipFile, Cost, Job, Media, Order, State, Target, Trouble};
use crate::contract::Charge;

/// Every column of a new row, and its parameter.
pub(super) const INSERT: &str = "INSERT INTO jobs (
    id, node, given, given_sha256, input, component, connection, place, key, idempotency_ms,
    created_at, state, doubtful, submit_sha256, keyed, submits, submitted_at, ticket,
    provider_job_id, charge, cost_amount, cost_unit, deadline_at, next_at, pause_ms,
    puzzled_since, tries, cancel_wanted, asker, trouble_kind, trouble_message, output, media,
    target, target_is_stem, force, file, placed, revision
) VALUES (
    :id, :node, :given, :given_sha256, :input, :component, :connection, :place, :key, :idempotency_ms,
    :created_at, :state, :doubtful, :submit_sha256, :keyed, :submits, :submitted_at, :ticket,
    :provider_job_id, :charge, :cost_amount, :cost_unit, :deadline_at, :next_at, :pause_ms,
    :puzzled_since, :tries, :cancel_wanted, :asker, :trouble_kind, :trouble_message, :output, :media,
    :target, :target_is_stem, :force, :file, :placed, :revision
)";

/// Every column that changes; the order of a job never does.
pub(super) const UPDATE: &str = "UPDATE jobs SET
    state = :state, doubtful = :doubtful, submit_sha256 = :submit_sha256, keyed = :keyed, submits = :submits,
    submitted_at = :submitted_at, ticket = :ticket, provider_job_id = :provider_job_id,
    charge = :charge, cost_amount = :cost_amount, cost_unit = :cost_unit,
    deadline_at = :deadline_at, next_at = :next_at, pause_ms = :pause_ms,
    puzzled_since = :puzzled_since, tries = :tries, cancel_wanted = :cancel_wanted,
    asker = :asker, trouble_kind = :trouble_kind, trouble_message = :trouble_message,
    output = :output, media = :media, target = :target, target_is_stem = :target_is_stem,
    force = :force, file = :file, placed = :placed, revision = :revision + 1
    WHERE id = :id AND revision = :revision";

/// Calls `run` with the parameters of the columns that change, and `id`.
pub(super) fn with_changing<T>(job: &Job, run: impl FnOnce(&[(&str, &dyn ToSql)]) -> T) -> T {
    let media = job.media.as_ref().map(media_text);
    let file = job.file.as_ref().map(file_text);
    let (target, is_stem) = match &job.target {
        Target::File(path) => (path, false),
        Target::Stem(path) => (path, true),
    };
    let cost = job.cost.as_ref();
    let trouble = job.trouble.as_ref();
    run(named_params! {
        ":id": job.order.id,
        ":state": job.state.as_str(),
        ":doubtful": job.doubtful,
        ":submit_sha256": job.submit_sha256,
        ":keyed": job.keyed,
        ":submits": job.submits,
        ":submitted_at": job.submitted_at,
        ":ticket": job.ticket,
        ":provider_job_id": job.provider_job_id,
        ":charge": job.charge.as_str(),
        ":cost_amount": cost.map(|cost| &cost.amount),
        ":cost_unit": cost.map(|cost| &cost.unit),
        ":deadline_at": job.deadline_at,
        ":next_at": job.next_at,
        ":pause_ms": job.pause_ms,
        ":puzzled_since": job.puzzled_since,
        ":tries": job.tries,
        ":cancel_wanted": job.cancel_wanted,
        ":asker": job.asker,
        ":trouble_kind": trouble.map(|trouble| &trouble.kind),
        ":trouble_message": trouble.map(|trouble| &trouble.message),
        ":output": job.output,
        ":media": media,
        ":target": target.to_string_lossy(),
        ":target_is_stem": is_stem,
        ":force": job.force,
        ":file": file,
        ":placed": job.placed,
        ":revision": job.revision,
    })
}

/// Calls `run` with the parameters of the columns that never change, but for `id`.
pub(super) fn with_order<T>(order: &Order, run: impl FnOnce(&[(&str, &dyn ToSql)]) -> T) -> T {
    run(named_params! {
        ":node": order.node,
        ":given": order.given,
        ":given_sha256": order.given_sha256,
        ":input": order.input,
        ":component": order.component,
        ":connection": order.connection,
        ":place": order.place,
        ":key": order.key,
        ":idempotency_ms": order.idempotency_ms,
        ":created_at": order.created_at,
    })
}

/// Reads a row of `SELECT *`.
pub(super) fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let text = |name: &str| row.get::<_, Option<String>>(name);
    let pair =
        |first: &str, second: &str| -> rusqlite::Result<_> { Ok(text(first)?.zip(text(second)?)) };
    Ok(Job {
        order: Order {
            id: row.get("id")?,
            node: row.get("node")?,
            given: row.get("given")?,
            given_sha256: row.get("given_sha256")?,
            input: row.get("input")?,
            component: row.get("component")?,
            connection: row.get("connection")?,
            place: row.get("place")?,
            key: row.get("key")?,
            idempotency_ms: row.get("idempotency_ms")?,
            created_at: row.get("created_at")?,
        },
        state: state(row)?,
        doubtful: row.get("doubtful")?,
        submit_sha256: row.get("submit_sha256")?,
        keyed: row.get("keyed")?,
        submits: row.get("submits")?,
        submitted_at: row.get("submitted_at")?,
        ticket: row.get("ticket")?,
        provider_job_id: row.get("provider_job_id")?,
        charge: word(row, "charge", |word| {
            [Charge::No, Charge::Yes, Charge::Unknown]
                .into_iter()
                .find(|known| known.as_str() == word)
        })?,
        cost: pair("cost_amount", "cost_unit")?.map(|(amount, unit)| Cost { amount, unit }),
        deadline_at: row.get("deadline_at")?,
        next_at: row.get("next_at")?,
        pause_ms: row.get("pause_ms")?,
        puzzled_since: row.get("puzzled_since")?,
        tries: row.get("tries")?,
        cancel_wanted: row.get("cancel_wanted")?,
        asker: row.get("asker")?,
        trouble: pair("trouble_kind", "trouble_message")?
            .map(|(kind, message): (String, String)| Trouble { kind, message }),
        output: row.get("output")?,
        media: text("media")?.as_deref().and_then(media),
        target: target(row)?,
        force: row.get("force")?,
        file: text("file")?.as_deref().and_then(file),
        placed: row.get("placed")?,
        revision: row.get("revision")?,
    })
}

/// The column `state`.
pub(super) fn state(row: &Row<'_>) -> rusqlite::Result<State> {
    let known = |word: &str| State::ALL.into_iter().find(|state| state.as_str() == word);
    word(row, "state", known)
}

fn word<T>(row: &Row<'_>, name: &str, known: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let word: String = row.get(name)?;
    known(&word).ok_or_else(|| {
        let message = format!("`{word}` is no {name} of a job");
        rusqlite::Error::FromSqlConversionFailure(0, Type::Text, message.into())
    })
}

fn target(row: &Row<'_>) -> rusqlite::Result<Target> {
    let path = row.get::<_, String>("target")?.into();
    Ok(if row.get("target_is_stem")? {
        Target::Stem(path)
    } else {
        Target::File(path)
    })
}

fn file_text(file: &ClipFile) -> String {
    json!({
        "path": file.path,
        "sha256": file.sha256,
        "bytes": file.bytes,
        "media_type": file.media_type,
    })
    .to_string()
}

fn file(text: &str) -> Option<ClipFile> {
    let document: Value = serde_json::from_str(text).ok()?;
    let text = |name: &str| document[name].as_str();
    Some(ClipFile {
        path: text("path")?.into(),
        sha256: text("sha256")?.into(),
        bytes: document["bytes"].as_u64()?,
        media_type: text("media_type")?.into(),
    })
}

fn media_text(media: &Media) -> String {
    json!({
        "pointer": media.pointer,
        "url": media.url,
        "media_type": media.media_type,
        "sha256": media.sha256,
        "needs_credential": media.needs_credential,
    })
    .to_string()
}

fn media(text: &str) -> Option<Media> {
    let document: Value = serde_json::from_str(text).ok()?;
    let text = |name: &str| document[name].as_str().map(str::to_owned);
    Some(Media {
        pointer: text("pointer")?,
        url: text("url")?,
        media_type: text("media_type"),
        sha256: text("sha256"),
        needs_credential: document["needs_credential"].as_bool()?,
    })
}
