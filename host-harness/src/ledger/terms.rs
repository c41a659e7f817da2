//! The term of a process as the driver, and the latest time, in the ledger.

use rusqlite::params;

use super::driving::DrivingProcess;
use super::error::LedgerError;
use super::stage::Millis;
use super::store::{Durability, Ledger};

impl Ledger {
    /// The process that drives, or drove last and did not end as it should.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn driving_process(&self) -> Result<Option<DrivingProcess>, LedgerError> {
        let query = "SELECT token, process, host, since, seen_at FROM driver";
        let found = self.read(query, [], |row| {
            Ok(DrivingProcess {
                token: row.get(0)?,
                process: row.get(1)?,
                host: row.get(2)?,
                since: row.get(3)?,
                seen_at: row.get(4)?,
            })
        });
        Ok(found?.pop())
    }

    /// Begins the term of this process, which holds the lock. If another process writes at this
    /// moment, the row is written with the next submit, or by [`note_driving`](Self::note_driving).
    pub(crate) fn begin_driving(&self, process: DrivingProcess) {
        let now = process.since;
        self.driving().begin(process);
        self.note_driving(now);
    }

    /// Writes that this process is at work. It does not wait for another process, and the commit is
    /// not synced. A failure is logged: the next commit of a submit finds what is wrong.
    pub(crate) fn note_driving(&self, now: Millis) {
        // The term may have ended meanwhile.
        let Some(token) = self.driving().token() else {
            return;
        };
        let noted = self.write_once(Durability::Unsynced, |transaction| {
            if self.driving().confirm(transaction, now)? {
                let seen = "UPDATE driver SET seen_at = ?1 WHERE token = ?2";
                let mut seen = transaction.prepare_cached(seen)?;
                seen.execute(params![now, token])?;
                self.latest_time().keep(transaction, now)?;
            }
            Ok(())
        });
        match noted {
            Ok(()) => self.driving().confirmed(),
            Err(error) => tracing::debug!(%error, "the driver's row is not written"),
        }
    }

    /// Whether another process has begun to drive during the term of this one.
    pub(crate) fn has_lost_driving(&self) -> bool {
        self.driving().is_lost()
    }

    /// Ends the term of this process, and removes its row.
    pub(crate) fn end_driving(&self) {
        let Some(process) = self.driving().end() else {
            return;
        };
        let removed = self.write_once(Durability::Unsynced, |transaction| {
            let remove = "DELETE FROM driver WHERE token = ?1";
            Ok(transaction
                .prepare_cached(remove)?
                .execute([&process.token])?)
        });
        if let Err(error) = removed {
            tracing::debug!(%error, "the driver's row is not removed");
        }
    }

    /// The latest time, at `now` by the wall clock: later than that if the clock was set back. The
    /// ledger keeps it with every submit, and while a process drives.
    #[must_use]
    pub fn latest(&self, now: Millis) -> Millis {
        self.latest_time().at(now)
    }

    /// The latest time that the ledger keeps.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn kept_time(&self) -> Result<Option<Millis>, LedgerError> {
        let kept = self.read("SELECT highest FROM clock", [], |row| Ok(row.get(0)?));
        Ok(kept?.pop())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::decide::decide;
    use crate::driver::event::Event;
    use crate::ledger::testing::queued;
    use crate::ledger::{Change, State};

    fn process(token: &str) -> DrivingProcess {
        DrivingProcess {
            token: token.into(),
            process: 123,
            host: "studio".into(),
            since: 1_769_860_800_000,
            seen_at: 1_769_860_800_000,
        }
    }

    fn submit_of(ledger: &Ledger) -> Change {
        let before = ledger.job("j").expect("read").expect("a row");
        let ready = Event::SubmitReady {
            sha256: "s".into(),
            keyed: true,
            account: None,
            path: "/v1/jobs".into(),
        };
        let (after, _) = decide(&before, ready, 2_000);
        Change {
            before,
            after,
            at: 2_000,
        }
    }

    #[test]
    fn process_that_lost_its_term_commits_no_submit() {
        let folder = tempfile::tempdir().expect("folder");
        let [first, second] = [(); 2].map(|()| Ledger::open(folder.path()).expect("ledger"));
        first.insert_all(&[queued(0)]).expect("insert");
        first.begin_driving(process("first"));
        // The lock of this file system did not exclude the second process.
        second.begin_driving(process("second"));
        let change = submit_of(&first);
        let committed = first.commit_all(std::slice::from_ref(&change));
        assert!(matches!(
            committed.expect("a transaction").as_slice(),
            [Err(LedgerError::Outdated { .. })]
        ));
        assert!(first.has_lost_driving() && !second.has_lost_driving());
        let committed = second.commit_all(&[change]).expect("a transaction");
        let [Ok(job)] = committed.as_slice() else {
            panic!("the process that drives commits");
        };
        assert_eq!(job.state(), State::Submitting);
        // What the first process still knows is recorded: an answer may be a paid ticket.
        let accepted = Event::Accepted {
            ticket: "t".into(),
            provider_job_id: "p".into(),
            hint: None,
            cost: None,
        };
        let (after, _) = decide(job, accepted, 3_000);
        let started = first.commit(job, &after, 3_000).expect("commit");
        assert_eq!(started.state(), State::Started);
    }

    #[test]
    fn row_names_the_process_that_drives_until_its_term_ends() {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        assert_eq!(ledger.driving_process().expect("read"), None);
        ledger.begin_driving(process("a"));
        ledger.note_driving(1_769_860_805_999);
        let found = ledger.driving_process().expect("read").expect("a process");
        assert_eq!(
            found.to_string(),
            "process 123 on studio, last seen at work at 2026-01-31T12:00:05Z"
        );
        ledger.end_driving();
        assert_eq!(ledger.driving_process().expect("read"), None);
        assert!(!ledger.has_lost_driving());
    }

    const HOUR: Millis = 3_600_000;

    /// Commits a submit at this time.
    fn submit(ledger: &Ledger, at: Millis) {
        let job = queued(HOUR);
        ledger
            .insert_all(std::slice::from_ref(&job))
            .expect("insert");
        let ready = Event::SubmitReady {
            sha256: "s".into(),
            keyed: true,
            account: None,
            path: "/v1/jobs".into(),
        };
        let (after, _) = decide(&job, ready, at);
        ledger.commit(&job, &after, at).expect("commit");
    }

    #[test]
    fn time_of_a_submit_is_kept_for_the_next_process() {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        submit(&ledger, 50 * HOUR);
        drop(ledger);
        let ledger = Ledger::open(folder.path()).expect("ledger");
        assert!(ledger.kept_time().expect("read") >= Some(50 * HOUR));
        assert!(
            ledger.latest(7 * HOUR) >= 50 * HOUR,
            "the clock was set back"
        );
        assert_eq!(ledger.latest(60 * HOUR), 60 * HOUR);
        assert!(ledger.latest(7 * HOUR) >= 60 * HOUR);
    }
}
