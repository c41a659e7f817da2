//! Rows that become others.

use super::error::LedgerError;
use super::record;
use super::row::Job;
use super::stage::{Millis, Stage};
use super::store::{Kept, Ledger, kind, note};

/// A row's next content.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The row that it was decided from.
    pub before: Job,
    /// What it becomes; its revision is not looked at.
    pub after: Job,
    /// When.
    pub at: Millis,
}

impl Change {
    /// Whether it only says when the provider is asked next.
    pub(crate) fn only_paces(&self) -> bool {
        let Self { before, after, .. } = self;
        // Every field is named here, so that none is forgotten.
        let Job {
            spec,
            stage,
            billing,
            schedule,
            last_error,
            target,
            force,
            revision,
        } = before;
        matches!(after.stage, Stage::Started { .. })
            && schedule.next_at.is_some()
            && after.schedule.next_at.is_some()
            && schedule.differs_in_time_only(&after.schedule)
            && *spec == after.spec
            && *stage == after.stage
            && *billing == after.billing
            && *last_error == after.last_error
            && *target == after.target
            && *force == after.force
            && *revision == after.revision
    }
}

impl Ledger {
    /// Commits changes of several rows together, on the disk when this returns; of polls
    /// that taught nothing, the next one's time is only handed to the system: a machine that
    /// loses its power asks once too early. The rows as they are from now on, or why one of
    /// them is not.
    ///
    /// # Errors
    ///
    /// When nothing could be committed. Within: [`LedgerError::Outdated`] where a row is
    /// not what the change was decided from any more.
    pub fn commit_all(
        &self,
        changes: &[Change],
    ) -> Result<Vec<Result<Job, LedgerError>>, LedgerError> {
        let kept = if changes.iter().all(Change::only_paces) {
            Kept::ByTheSystem
        } else {
            Kept::OnTheDisk
        };
        self.write_until(kept, |transaction| {
            let mut committed = Vec::with_capacity(changes.len());
            for Change { before, after, at } in changes {
                let mut next = after.clone();
                next.revision = before.revision;
                if !record::update(transaction, &next)? {
                    let job = before.spec.id.clone();
                    committed.push(Err(LedgerError::Outdated { job }));
                    continue;
                }
                next.revision += 1;
                if before.state() != next.state() || kind(before) != kind(&next) {
                    note(transaction, &next, *at)?;
                }
                committed.push(Ok(next));
            }
            Ok(committed)
        })
    }

    /// Commits one change; see [`commit_all`](Self::commit_all).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn commit(&self, before: &Job, after: &Job, at: Millis) -> Result<Job, LedgerError> {
        let change = Change {
            before: before.clone(),
            after: after.clone(),
            at,
        };
        self.commit_all(std::slice::from_ref(&change))?
            .pop()
            .unwrap_or_else(|| {
                Err(LedgerError::Outdated {
                    job: before.spec.id.clone(),
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::decide::decide;
    use crate::driver::event::Event;
    use crate::ledger::{JobSpec, Target};

    fn change(before: &Job, event: Event) -> Change {
        let at = 5_000;
        let (after, _) = decide(before, event, at);
        let before = before.clone();
        Change { before, after, at }
    }

    #[test]
    fn a_poll_that_taught_nothing_only_paces_and_nothing_else_does() {
        let spec = JobSpec {
            id: "j".into(),
            node: "image_to_video".into(),
            raw_input: "{}".into(),
            raw_input_sha256: String::new(),
            input: "{}".into(),
            component: String::new(),
            connection: "pixelml".into(),
            provider_origin: "https://p.example".into(),
            key: "k".into(),
            idempotency_ms: 0,
            created_at: 1_000,
        };
        let target = Target::File("/clips/j.mp4".into());
        let queued = Job::new(spec, target, "requester".into(), 1_800_000);
        let waiting = |ticket: Option<&str>| Event::Waiting {
            ticket: ticket.map(Into::into),
            hint: Some(250),
            unrecognized: None,
        };
        let accepted = Event::Accepted {
            ticket: "t".into(),
            provider_job_id: "p".into(),
            hint: None,
            cost: None,
        };
        let accepted = change(&queued, accepted);
        assert!(!accepted.only_paces());
        let started = accepted.after;
        assert!(change(&started, waiting(None)).only_paces());
        assert!(!change(&started, waiting(Some("another"))).only_paces());
        assert!(!change(&started, Event::CancelWanted).only_paces());
        assert!(!change(&queued, Event::RateLimited { until: 9_000 }).only_paces());
    }
}
