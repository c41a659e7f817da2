//! A job as columns, and back.

use std::sync::Arc;

use rusqlite::types::{FromSql, Type};
use rusqlite::{Connection, Row, ToSql, params_from_iter};
use serde_json::{Value, json};

use super::row::{ClipFile, Cost, Job, Media, Order, State, Target, Trouble};
use crate::contract::Charge;

/// What never changes, in the order of [`with_order`] and [`job`].
macro_rules! order {
    () => {
        "id, node, given, given_sha256, input, component, connection, place, key, \
         idempotency_ms, created_at"
    };
}

/// What changes, in the order of [`with_changing`] and [`job`].
macro_rules! changing {
    () => {
        "state, doubtful, submit_sha256, keyed, submits, submitted_at, ticket, \
         provider_job_id, charge, cost_amount, cost_unit, deadline_at, next_at, pause_ms, \
         puzzled_since, tries, cancel_wanted, asker, trouble_kind, trouble_message, output, \
         media, target, target_is_stem, force, file, placed, revision"
    };
}

/// Begins every query whose rows [`job`] reads.
macro_rules! select_job {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            $crate::ledger::columns::order!(),
            ", ",
            $crate::ledger::columns::changing!(),
            " FROM jobs ",
            $rest
        )
    };
}

pub(super) use {changing, order, select_job};

const INSERT: &str = concat!(
    "INSERT INTO jobs (",
    order!(),
    ", ",
    changing!(),
    ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \
     ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
);

const UPDATE: &str = concat!(
    "UPDATE jobs SET (",
    changing!(),
    ") = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, \
     ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28 + 1) WHERE id = ?29 AND revision = ?28"
);

/// Adds a row.
pub(super) fn insert(to: &Connection, job: &Job) -> rusqlite::Result<()> {
    let values = |order: &[&dyn ToSql], changing: &[&dyn ToSql]| {
        let all = order.iter().chain(changing);
        to.prepare_cached(INSERT)?.execute(params_from_iter(all))
    };
    with_order(&job.order, |order| {
        with_changing(job, |changing| values(order, changing))
    })
    .map(drop)
}

/// Writes what changes of a row, if it is of the job's revision: the next one then.
pub(super) fn update(to: &Connection, job: &Job) -> rusqlite::Result<bool> {
    with_changing(job, |changing| {
        let id: &dyn ToSql = &job.order.id;
        let all = changing.iter().chain([&id]);
        let rows = to.prepare_cached(UPDATE)?.execute(params_from_iter(all))?;
        Ok(rows > 0)
    })
}

fn with_order<T>(order: &Order, run: impl FnOnce(&[&dyn ToSql]) -> T) -> T {
    run(&[
        &order.id,
        &order.node,
        &order.given,
        &order.given_sha256,
        &order.input,
        &order.component,
        &order.connection,
        &order.place,
        &order.key,
        &order.idempotency_ms,
        &order.created_at,
    ])
}

fn with_changing<T>(job: &Job, run: impl FnOnce(&[&dyn ToSql]) -> T) -> T {
    let (target, is_stem) = match &job.target {
        Target::File(path) => (path, false),
        Target::Stem(path) => (path, true),
    };
    let cost = job.cost.as_ref();
    let trouble = job.trouble.as_ref();
    run(&[
        &job.state.as_str(),
        &job.doubtful,
        &job.submit_sha256,
        &job.keyed,
        &job.submits,
        &job.submitted_at,
        &job.ticket,
        &job.provider_job_id,
        &job.charge.as_str(),
        &cost.map(|cost| &cost.amount),
        &cost.map(|cost| &cost.unit),
        &job.deadline_at,
        &job.next_at,
        &job.pause_ms,
        &job.puzzled_since,
        &job.tries,
        &job.cancel_wanted,
        &job.asker,
        &trouble.map(|trouble| &trouble.kind),
        &trouble.map(|trouble| &trouble.message),
        &job.output,
        &job.media.as_ref().map(media_text),
        &target.to_string_lossy(),
        &is_stem,
        &job.force,
        &job.file.as_ref().map(file_text),
        &job.placed,
        &job.revision,
    ])
}

/// Reads a row of [`select_job`].
pub(super) fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let mut cells = Cells { row, read: 0 };
    Ok(Job {
        order: Arc::new(Order {
            id: cells.next()?,
            node: cells.next()?,
            given: cells.next()?,
            given_sha256: cells.next()?,
            input: cells.next()?,
            component: cells.next()?,
            connection: cells.next()?,
            place: cells.next()?,
            key: cells.next()?,
            idempotency_ms: cells.next()?,
            created_at: cells.next()?,
        }),
        state: cells.state()?,
        doubtful: cells.next()?,
        submit_sha256: cells.next()?,
        keyed: cells.next()?,
        submits: cells.next()?,
        submitted_at: cells.next()?,
        ticket: cells.next()?,
        provider_job_id: cells.next()?,
        charge: cells.charge()?,
        cost: cells.pair()?.map(|(amount, unit)| Cost { amount, unit }),
        deadline_at: cells.next()?,
        next_at: cells.next()?,
        pause_ms: cells.next()?,
        puzzled_since: cells.next()?,
        tries: cells.next()?,
        cancel_wanted: cells.next()?,
        asker: cells.next()?,
        trouble: cells
            .pair()?
            .map(|(kind, message)| Trouble { kind, message }),
        output: cells.next()?,
        media: cells.next::<Option<String>>()?.as_deref().and_then(media),
        target: cells.target()?,
        force: cells.next()?,
        file: cells.next::<Option<String>>()?.as_deref().and_then(file),
        placed: cells.next()?,
        revision: cells.next()?,
    })
}

/// A row's columns, one after the other: looking them up by name takes longer than all else.
struct Cells<'a> {
    row: &'a Row<'a>,
    read: usize,
}

impl Cells<'_> {
    fn next<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let cell = self.row.get(self.read)?;
        self.read += 1;
        Ok(cell)
    }

    /// Two columns that are there both or not at all.
    fn pair(&mut self) -> rusqlite::Result<Option<(String, String)>> {
        let (first, second): (Option<_>, Option<_>) = (self.next()?, self.next()?);
        Ok(first.zip(second))
    }

    fn state(&mut self) -> rusqlite::Result<State> {
        state(&self.next::<String>()?)
    }

    fn charge(&mut self) -> rusqlite::Result<Charge> {
        let charges = [Charge::No, Charge::Yes, Charge::Unknown];
        known(&self.next::<String>()?, "charge", charges, Charge::as_str)
    }

    fn target(&mut self) -> rusqlite::Result<Target> {
        let path = self.next::<String>()?.into();
        Ok(if self.next()? {
            Target::Stem(path)
        } else {
            Target::File(path)
        })
    }
}

/// What the column `state` says.
pub(super) fn state(word: &str) -> rusqlite::Result<State> {
    known(word, "state", State::ALL, State::as_str)
}

fn known<T: Copy>(
    word: &str,
    name: &str,
    all: impl IntoIterator<Item = T>,
    as_str: impl Fn(T) -> &'static str,
) -> rusqlite::Result<T> {
    let mut all = all.into_iter();
    all.find(|one| as_str(*one) == word).ok_or_else(|| {
        let message = format!("`{word}` is no {name} of a job");
        rusqlite::Error::FromSqlConversionFailure(0, Type::Text, message.into())
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
