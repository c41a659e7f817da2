//! Jobs that were removed: what stays known of them, so that their keys do not buy again.

use std::num::NonZeroU32;
use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::{Row, Transaction};

use super::columns::lossy;
use super::error::{DamagedRow, Failure, RowProblem};
use super::job_error::JobError;
use super::record;
use super::row::{Billing, Cost, Job, JobSpec, NO_INPUT, Target};
use super::stage::{Attempts, ClipFile, Millis, PastSubmits, ProviderJob, ResultFile, Stage};
use super::state::State;
use crate::contract::Charge;
use crate::error::ErrorKind;

/// The columns, in the order in which both tables are read and written.
macro_rules! kept {
    () => {
        "connection, key, id, node, raw_input_sha256, provider_origin, component, retries, \
         submits, state, charge, \
         reported_charge, cost_amount, cost_unit, created_at, submitted_at, ticket, \
         provider_job_id, file, error_kind"
    };
}

/// Copies the jobs of a condition, damaged ones too: no column is read. A key that was used again
/// after a job that cost nothing is that of the later job.
pub(super) const KEEP: &str = concat!(
    "INSERT OR REPLACE INTO removed_jobs (",
    kept!(),
    ", removed_at) SELECT ",
    kept!(),
    ", ?3 FROM jobs WHERE "
);

macro_rules! select_removed {
    ($rest:literal) => {
        concat!("SELECT ", kept!(), ", removed_at FROM removed_jobs ", $rest)
    };
}

/// The queries whose rows [`removed`] reads.
pub(super) const OF_KEY: &str = select_removed!("WHERE connection = ?1 AND key = ?2");
pub(super) const OF_ID: &str = select_removed!("WHERE id = ?1");
pub(super) const LIKE: &str = select_removed!("WHERE substr(id, 1, length(?1)) = ?1 LIMIT 6");
pub(super) const OF_PROVIDER_ID: &str = select_removed!("WHERE provider_job_id = ?1 LIMIT 6");

/// A job that was removed from the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct RemovedJob {
    /// The job as far as it is known: without inputs and output. Its error has the kind alone.
    pub job: Job,
    /// When the first submit that the provider may have accepted was ready to be sent.
    pub submitted_at: Option<Millis>,
    /// When it was removed.
    pub removed_at: Millis,
}

impl RemovedJob {
    /// Whether its key does not buy again. A job that ended without a result and without a charge does
    /// not hold its key.
    #[must_use]
    pub fn holds_key(&self) -> bool {
        let is_unpaid = self.job.charge() == Charge::No;
        !is_unpaid || !matches!(self.job.state(), State::Failed | State::Cancelled)
    }
}

/// The removed job of this connection and key, within a transaction.
pub(super) fn removed_of_key(
    transaction: &Transaction<'_>,
    connection: &str,
    key: &str,
) -> Result<Option<RemovedJob>, Failure> {
    let mut statement = transaction.prepare_cached(OF_KEY)?;
    let mut rows = statement.query([connection, key])?;
    rows.next()?.map(removed).transpose()
}

/// Reads a row.
pub(super) fn removed(row: &Row<'_>) -> Result<RemovedJob, Failure> {
    read(row).map_err(|problem| {
        Failure::Row(DamagedRow {
            job: lossy(row, 2).unwrap_or_default(),
            charge: Charge::Unknown,
            problem,
        })
    })
}

/// A text of a row.
fn optional<'a>(row: &'a Row<'_>, column: &'static str) -> Result<Option<&'a str>, RowProblem> {
    let value = row.get_ref(column).ok();
    let text = value.and_then(|value| value.as_str_or_null().ok());
    text.ok_or(RowProblem::Unreadable { column })
}

fn text<'a>(row: &'a Row<'_>, column: &'static str) -> Result<&'a str, RowProblem> {
    optional(row, column)?.ok_or(RowProblem::Unreadable { column })
}

fn time(row: &Row<'_>, column: &'static str) -> Result<Option<Millis>, RowProblem> {
    row.get(column)
        .map_err(|_| RowProblem::Unreadable { column })
}

fn read(row: &Row<'_>) -> Result<RemovedJob, RowProblem> {
    let missing = |column| RowProblem::Unreadable { column };
    let created_at = time(row, "created_at")?.ok_or(missing("created_at"))?;
    let removed_at = time(row, "removed_at")?.ok_or(missing("removed_at"))?;
    let file = optional(row, "file")?.map(record::file).transpose()?;
    let target = file
        .as_ref()
        .map_or_else(PathBuf::new, |file| file.path.clone());
    let target = Target::File(target);
    let mut job = Job::new(spec(row, created_at)?, target, String::new(), created_at);
    job.stage = stage(row, file)?;
    job.billing = billing(row)?;
    job.schedule.next_at = None;
    job.retries = row.get("retries").map_err(|_| missing("retries"))?;
    let error = optional(row, "error_kind")?.map(record::kind).transpose()?;
    job.last_error = error.map(|kind| ended(kind, job.state(), removed_at));
    Ok(RemovedJob {
        job,
        submitted_at: time(row, "submitted_at")?,
        removed_at,
    })
}

fn spec(row: &Row<'_>, created_at: Millis) -> Result<JobSpec, RowProblem> {
    let owned = |column| text(row, column).map(str::to_owned);
    Ok(JobSpec {
        id: owned("id")?,
        node: owned("node")?,
        raw_input: NO_INPUT.to_owned(),
        raw_input_sha256: owned("raw_input_sha256")?,
        input: NO_INPUT.to_owned(),
        // A removed job whose component cannot be read is not put back.
        component: owned("component").unwrap_or_default(),
        connection: owned("connection")?,
        provider_origin: owned("provider_origin")?,
        key: owned("key")?,
        idempotency_ms: 0,
        created_at,
    })
}

fn stage(row: &Row<'_>, file: Option<ClipFile>) -> Result<Stage, RowProblem> {
    let ticket = optional(row, "ticket")?.map(str::to_owned);
    let id = optional(row, "provider_job_id")?.map(str::to_owned);
    let job = ticket.map(|ticket| ProviderJob {
        ticket,
        id,
        is_unconfirmed: false,
    });
    let submits = past_submits(row)?;
    match record::state(text(row, "state")?)? {
        State::Succeeded => Ok(Stage::Succeeded {
            job: job.ok_or(RowProblem::Unreadable { column: "ticket" })?,
            submits,
            output: "null".to_owned(),
            media: None,
            file: file.map_or(ResultFile::Unrecorded, ResultFile::Finalized),
        }),
        State::Failed => Ok(Stage::Failed { job, submits }),
        State::Cancelled => Ok(Stage::Cancelled { job, submits }),
        state => {
            let why = "a job of this state is not removed";
            Err(RowProblem::Impossible { state, why })
        }
    }
}

fn billing(row: &Row<'_>) -> Result<Billing, RowProblem> {
    let reported = optional(row, "reported_charge")?;
    let amount = optional(row, "cost_amount")?;
    let cost = amount.zip(optional(row, "cost_unit")?);
    Ok(Billing {
        charge: record::charge(text(row, "charge")?)?,
        reported: reported.map(record::charge).transpose()?,
        cost: cost.map(|(amount, unit)| Cost {
            amount: amount.to_owned(),
            unit: unit.to_owned(),
        }),
        has_uploads: false,
        // The charge is that of all attempts.
        earlier: None,
    })
}

/// The submits of the job, of which their number alone is kept.
fn past_submits(row: &Row<'_>) -> Result<PastSubmits, RowProblem> {
    let count: u32 = row
        .get("submits")
        .map_err(|_| RowProblem::Unreadable { column: "submits" })?;
    let submit = NonZeroU32::new(count).map(|count| Attempts {
        count,
        sha256: String::new(),
        // Without its bytes, none is repeated.
        keyed: false,
        account: None,
    });
    Ok(submit.map_or(PastSubmits::None, PastSubmits::NotAccepted))
}

/// The error of a removed job that ended without a result.
fn ended(kind: ErrorKind, state: State, removed_at: Millis) -> JobError {
    let at = Timestamp::from_millisecond(removed_at).unwrap_or_default();
    let verb = if state == State::Cancelled {
        "was cancelled"
    } else {
        "failed"
    };
    let message = format!(
        "the job of this key {verb}, and was removed from the ledger at {at:.0}; nothing was sent; \
         a run under another key is a new purchase"
    );
    JobError::new(kind, message)
}
