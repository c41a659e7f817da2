//! What jobs were or may have been charged: of the present attempts, of the earlier ones, and of
//! removed jobs.

use rusqlite::{Connection, Row, params};

use super::error::LedgerError;
use super::row::{Cost, Job};
use super::stage::Millis;
use super::store::Ledger;
use crate::contract::Charge;

/// A charge that is certain or possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeRecord {
    /// When the attempt was submitted, else when its job was made.
    pub at: Millis,
    /// The id of its connection.
    pub connection: String,
    /// The provider, as rows name it.
    pub provider_origin: String,
    /// Its node type.
    pub node: String,
    /// `yes`, or `unknown`: it may be charged.
    pub charge: Charge,
    /// The cost, if it is known.
    pub cost: Option<Cost>,
}

/// The time of the last submit in the history of the job before `$before`.
macro_rules! submitted {
    ($before:literal) => {
        concat!(
            "(SELECT max(at) FROM history WHERE history.job = jobs.id
                AND history.state = 'submitting'",
            $before,
            ")"
        )
    };
}

/// The charges of the present attempts, with the conditions on them.
macro_rules! present {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            "coalesce(",
            submitted!(""),
            ", submitted_at, created_at) AS at,
                connection, provider_origin, node, coalesce(attempt_charge, charge) AS word,
                cost_amount, cost_unit
            FROM jobs WHERE word IS NOT 'no'"
        )
    };
}

/// The same of the earlier attempts.
macro_rules! earlier {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            "coalesce(",
            submitted!(" AND history.at <= earlier_attempts.replaced_at"),
            ", earlier_attempts.replaced_at),
                jobs.connection, jobs.provider_origin, jobs.node, earlier_attempts.charge,
                earlier_attempts.cost_amount, earlier_attempts.cost_unit
            FROM earlier_attempts JOIN jobs ON jobs.id = earlier_attempts.job
            WHERE earlier_attempts.charge IS NOT 'no'"
        )
    };
}

/// A removed job has the charge of all attempts together, and its attempts apart if it had several.
const CHARGES: &str = concat!(
    present!(""),
    " UNION ALL ",
    earlier!(""),
    " UNION ALL
    SELECT at, connection, provider_origin, node, charge, cost_amount, cost_unit
    FROM removed_attempts
    UNION ALL
    SELECT coalesce(submitted_at, created_at), connection, provider_origin, node, charge,
        cost_amount, cost_unit
    FROM removed_jobs WHERE charge IS NOT 'no'
        AND NOT EXISTS (SELECT 1 FROM removed_attempts WHERE job = removed_jobs.id)"
);

const KEEP: &str = "INSERT OR REPLACE INTO removed_attempts (job, retries, at, connection,
    provider_origin, node, charge, cost_amount, cost_unit) ";

/// Keeps the charges of the attempts at jobs that are about to be removed, if they had several.
/// `removed`: the condition on the jobs, with the parameters ?1 and ?2.
pub(super) fn keep(
    to: &Connection,
    removed: &str,
    parameters: (&str, Millis),
) -> rusqlite::Result<()> {
    let earlier = earlier!("earlier_attempts.job, earlier_attempts.retries, ");
    let ids = format!("(SELECT id FROM jobs WHERE {removed})");
    let earlier = format!("{KEEP}{earlier} AND earlier_attempts.job IN {ids}");
    to.prepare_cached(&earlier)?.execute(parameters)?;
    let last = present!("id, retries, ");
    let last = format!(
        "{KEEP}{last} AND id IN {ids}
        AND EXISTS (SELECT 1 FROM removed_attempts WHERE job = jobs.id)"
    );
    to.prepare_cached(&last)?.execute(parameters).map(drop)
}

/// Forgets the last attempt at a job that is put back: its row has the charge again.
pub(super) fn put_back(to: &Connection, job: &Job) -> rusqlite::Result<()> {
    let forget = "DELETE FROM removed_attempts WHERE job = ?1 AND retries = ?2";
    to.execute(forget, params![job.spec.id, job.retries])
        .map(drop)
}

/// Forgets the attempts at jobs that are forgotten.
pub(super) fn forget(to: &Connection) -> rusqlite::Result<()> {
    let forget = "DELETE FROM removed_attempts WHERE job NOT IN (SELECT id FROM removed_jobs)
        AND job NOT IN (SELECT id FROM jobs)";
    to.execute(forget, []).map(drop)
}

impl Ledger {
    /// What was or may have been charged since this time, oldest first. A charge that cannot be read is
    /// unknown.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn charges(&self, since: Millis) -> Result<Vec<ChargeRecord>, LedgerError> {
        let query = format!("SELECT * FROM ({CHARGES}) WHERE at >= ?1 ORDER BY at");
        self.read(&query, params![since], |row| Ok(charge(row)?))
    }
}

fn charge(row: &Row<'_>) -> rusqlite::Result<ChargeRecord> {
    let word: String = row.get(4)?;
    let cost: (Option<String>, Option<String>) = (row.get(5)?, row.get(6)?);
    let cost = cost.0.zip(cost.1);
    Ok(ChargeRecord {
        at: row.get(0)?,
        connection: row.get(1)?,
        provider_origin: row.get(2)?,
        node: row.get(3)?,
        charge: if word == Charge::Yes.as_str() {
            Charge::Yes
        } else {
            Charge::Unknown
        },
        cost: cost.map(|(amount, unit)| Cost { amount, unit }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::decide::decide;
    use crate::driver::event::{Event, SubmitFailure};
    use crate::error::ErrorKind;
    use crate::ledger::JobError;
    use crate::ledger::testing::queued;

    /// A ledger with one job after these events, at 2, 3, 4 … seconds.
    fn ledger(events: Vec<Event>) -> (tempfile::TempDir, Ledger, Job) {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        ledger.insert_all(&[queued(0)]).expect("insert");
        let mut job = ledger.job("j").expect("read").expect("a job");
        for (event, at) in events.into_iter().zip((2_000..).step_by(1_000)) {
            let (after, _) = decide(&job, event, at);
            job = ledger.commit(&job, &after, at).expect("commit");
        }
        (folder, ledger, job)
    }

    fn refused(charge: Charge) -> [Event; 2] {
        let sent = Event::SubmitReady {
            sha256: "bytes".into(),
            keyed: true,
            account: None,
            path: "/v1/jobs".into(),
        };
        let refused = Event::SubmitFailed {
            error: JobError::new(ErrorKind::Rejected, "no"),
            failure: SubmitFailure::Refused { charge },
        };
        [sent, refused]
    }

    fn retried(after: u32) -> Event {
        Event::Retried {
            after,
            deadline_at: 90_000,
            requester: "another".into(),
            again: true,
        }
    }

    #[test]
    fn each_attempt_that_may_be_charged_is_listed_at_its_submit() {
        let [first, refusal] = refused(Charge::Unknown);
        let [second, free] = refused(Charge::No);
        let (_folder, ledger, _) = ledger(vec![first, refusal, retried(0), second, free]);
        let charges = ledger.charges(0).expect("read");
        let expected = ChargeRecord {
            at: 2_000,
            connection: "pixelml".into(),
            provider_origin: "https://p.example".into(),
            node: "image_to_video".into(),
            charge: Charge::Unknown,
            cost: None,
        };
        assert_eq!(charges, [expected], "the second attempt cost nothing");
        assert_eq!(ledger.charges(2_001).expect("read"), []);
    }

    #[test]
    fn charge_of_a_removed_job_stays() {
        let [first, refusal] = refused(Charge::Unknown);
        let (_folder, ledger, _) = ledger(vec![first, refusal]);
        assert_eq!(ledger.charges(0).expect("read").len(), 1);
        assert_eq!(ledger.prune(50_000).expect("prune"), 1);
        let charges = ledger.charges(0).expect("read");
        assert_eq!(charges.len(), 1);
        assert_eq!(charges[0].charge, Charge::Unknown);
    }

    #[test]
    fn charge_of_each_attempt_stays_when_the_job_is_removed() {
        for last in [Charge::Unknown, Charge::No] {
            let [first, refusal] = refused(Charge::Unknown);
            let [second, end] = refused(last);
            let (_folder, ledger, _) = ledger(vec![first, refusal, retried(0), second, end]);
            let before = ledger.charges(0).expect("read");
            assert_eq!(before.len(), 1 + usize::from(last == Charge::Unknown));
            assert_eq!(ledger.prune(50_000).expect("prune"), 1);
            assert_eq!(ledger.charges(0).expect("read"), before);
            ledger.forget_removed(50_000).expect("forget");
            assert_eq!(ledger.charges(0).expect("read"), []);
        }
    }

    #[test]
    fn job_that_was_not_submitted_has_no_charge() {
        let (_folder, ledger, _) = ledger(Vec::new());
        assert_eq!(ledger.charges(0).expect("read"), []);
    }
}
