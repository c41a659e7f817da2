//! Attempts at a job that ended before it was submitted again. Only their charge, cost and names at
//! the provider are kept.

use rusqlite::{Connection, params};

use super::error::{DamagedRow, Failure, LedgerError};
use super::record;
use super::row::{Cost, Job};
use super::stage::Millis;
use super::state::State;
use super::store::Ledger;
use crate::contract::Charge;
use crate::error::ErrorKind;

/// An attempt that ended without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierAttempt {
    /// The retries before it.
    pub retries: u32,
    /// When the next attempt replaced it.
    pub replaced_at: Millis,
    /// How it ended.
    pub state: State,
    /// Whether this attempt was charged.
    pub charge: Charge,
    /// Its cost, if it is known.
    pub cost: Option<Cost>,
    /// The key that the provider received.
    pub provider_key: String,
    /// The ticket of the provider's job, if the attempt was accepted.
    pub ticket: Option<String>,
    /// The provider's own id of it.
    pub provider_job_id: Option<String>,
    /// The kind of its error.
    pub error: Option<ErrorKind>,
    /// The message of its error.
    pub message: Option<String>,
}

/// Keeps the attempt that a job has made until now.
pub(super) fn add(to: &Connection, job: &Job, at: Millis) -> rusqlite::Result<()> {
    let add = "INSERT INTO earlier_attempts (job, retries, replaced_at, state, charge, cost_amount,
            cost_unit, provider_key, ticket, provider_job_id, error_kind, error_message)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let (cost, error) = (job.cost(), job.last_error.as_ref());
    let row = params![
        job.spec.id,
        job.retries,
        at,
        job.state().as_str(),
        job.billing.charge.as_str(),
        cost.map(|cost| &cost.amount),
        cost.map(|cost| &cost.unit),
        job.provider_key(),
        job.ticket(),
        job.provider_job_id(),
        error.map(|error| error.kind.as_str()),
        error.map(|error| &error.message),
    ];
    to.prepare_cached(add)?.execute(row).map(drop)
}

impl Ledger {
    /// The attempts at a job before the present one, oldest first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn earlier_attempts(&self, id: &str) -> Result<Vec<EarlierAttempt>, LedgerError> {
        let of_job =
            "SELECT retries, replaced_at, state, charge, cost_amount, cost_unit, provider_key,
                ticket, provider_job_id, error_kind, error_message
            FROM earlier_attempts WHERE job = ?1 ORDER BY retries";
        self.read(of_job, [id], |row| {
            let damaged = |problem| {
                Failure::Row(DamagedRow {
                    job: id.to_owned(),
                    charge: Charge::Unknown,
                    problem,
                })
            };
            let (state, charge): (String, String) = (row.get(2)?, row.get(3)?);
            let cost: (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
            let error: Option<String> = row.get(9)?;
            Ok(EarlierAttempt {
                retries: row.get(0)?,
                replaced_at: row.get(1)?,
                state: record::state(&state).map_err(damaged)?,
                charge: record::charge(&charge).map_err(damaged)?,
                cost: cost
                    .0
                    .zip(cost.1)
                    .map(|(amount, unit)| Cost { amount, unit }),
                provider_key: row.get(6)?,
                ticket: row.get(7)?,
                provider_job_id: row.get(8)?,
                error: error
                    .map(|word| record::kind(&word))
                    .transpose()
                    .map_err(damaged)?,
                message: row.get(10)?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::decide::decide;
    use crate::driver::event::{Event, SubmitFailure};
    use crate::ledger::JobError;
    use crate::ledger::testing::queued;

    #[test]
    fn retried_job_keeps_its_earlier_attempts_until_it_is_removed() {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        ledger.insert_all(&[queued(0)]).expect("insert");
        let mut job = ledger.job("j").expect("read").expect("a job");
        let refused = Event::SubmitFailed {
            error: JobError::new(ErrorKind::Rejected, "no"),
            failure: SubmitFailure::Refused { charge: Charge::No },
        };
        let retried = Event::Retried {
            after: 0,
            deadline_at: 9_000,
            requester: "another".into(),
            again: false,
        };
        for (event, at) in [(refused, 2_000), (retried, 3_000)] {
            let (after, _) = decide(&job, event, at);
            job = ledger.commit(&job, &after, at).expect("commit");
        }
        assert_eq!(ledger.job("j").expect("read"), Some(job.clone()));
        assert_eq!((job.retries, job.state()), (1, State::Queued));
        assert_ne!(job.provider_key(), "k");
        let earlier = ledger.earlier_attempts("j").expect("read");
        let expected = EarlierAttempt {
            retries: 0,
            replaced_at: 3_000,
            state: State::Failed,
            charge: Charge::No,
            cost: None,
            provider_key: "k".into(),
            ticket: None,
            provider_job_id: None,
            error: Some(ErrorKind::Rejected),
            message: Some("no".into()),
        };
        assert_eq!(earlier, [expected]);
        let states: Vec<_> = ledger.history("j").expect("read");
        let states: Vec<_> = states.iter().map(|entry| entry.state).collect();
        assert_eq!(states, [State::Queued, State::Failed, State::Queued]);
    }

    #[test]
    fn attempt_that_cost_nothing_is_kept_as_such_after_one_that_was_paid() {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        ledger.insert_all(&[queued(0)]).expect("insert");
        let mut job = ledger.job("j").expect("read").expect("a job");
        let refused = |charge| Event::SubmitFailed {
            error: JobError::new(ErrorKind::Rejected, "no"),
            failure: SubmitFailure::Refused { charge },
        };
        let retried = |after| Event::Retried {
            after,
            deadline_at: 9_000,
            requester: "another".into(),
            again: true,
        };
        let events = [
            refused(Charge::Unknown),
            retried(0),
            refused(Charge::No),
            retried(1),
        ];
        for (event, at) in events.into_iter().zip(2_000..) {
            let (after, _) = decide(&job, event, at);
            job = ledger.commit(&job, &after, at).expect("commit");
            assert_eq!(ledger.job("j").expect("read"), Some(job.clone()));
            assert_eq!(job.charge(), Charge::Unknown);
        }
        let earlier = ledger.earlier_attempts("j").expect("read");
        let charges: Vec<_> = earlier.iter().map(|one| one.charge).collect();
        assert_eq!(charges, [Charge::Unknown, Charge::No]);
    }
}
