//! Changes of rows, and their commits.

use super::earlier;
use super::end_commands;
use super::error::LedgerError;
use super::job_error::JobError;
use super::record;
use super::row::Job;
use super::stage::{Millis, Stage};
use super::store::{Durability, Ledger, kind, note};

/// A change of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The row that the change was decided from.
    pub before: Job,
    /// The new row; its revision is ignored.
    pub after: Job,
    /// The time of the change.
    pub at: Millis,
}

impl Change {
    /// Whether a request that can cost money is sent after it.
    fn submits(&self) -> bool {
        let is_submitting = |job: &Job| matches!(job.stage, Stage::Submitting { .. });
        is_submitting(&self.after) && !is_submitting(&self.before)
    }

    /// Whether it changes nothing but the time of the next poll, the pause before it and the
    /// number of failed polls.
    pub(crate) fn only_reschedules(&self) -> bool {
        let Self { before, after, .. } = self;
        // Names every field, so that a new one is a compile error here.
        let Job {
            spec,
            stage,
            billing,
            schedule,
            submit_path,
            retries,
            local_pictures,
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
            && *submit_path == after.submit_path
            && *retries == after.retries
            && *local_pictures == after.local_pictures
            && is_same_error(last_error.as_ref(), after.last_error.as_ref())
            && *target == after.target
            && *force == after.force
            && *revision == after.revision
    }
}

/// Whether two errors differ at most in the number of failures and their time.
fn is_same_error(one: Option<&JobError>, other: Option<&JobError>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.differs_in_failures_only(other),
        (None, None) => true,
        _ => false,
    }
}

/// Most history entries of a job after which a change of its error alone adds no other: a
/// component could return another error at each poll.
const MAX_ERRORS: u32 = 1000;

impl Ledger {
    /// Commits changes of several rows in one transaction; returns each new row, or why it was
    /// not changed. The commit is synced when this returns. If all changes only set the time of
    /// the next poll and count failed polls, it is not synced: a power cut costs one early poll.
    ///
    /// # Errors
    ///
    /// When nothing could be committed. Within: [`LedgerError::Outdated`] for a row that has
    /// changed since `before`, and for a submit of a process that does not drive any more.
    pub fn commit_all(
        &self,
        changes: &[Change],
    ) -> Result<Vec<Result<Job, LedgerError>>, LedgerError> {
        let durability = if changes.iter().all(Change::only_reschedules) {
            Durability::Unsynced
        } else {
            Durability::Synced
        };
        let submits = changes.iter().filter(|change| change.submits());
        let submitted_at = submits.map(|change| change.at).max();
        let committed = self.write_until(durability, |transaction| {
            let may_submit = match submitted_at {
                Some(at) => {
                    self.latest_time().keep(transaction, at)?;
                    self.driving().confirm(transaction, at)?
                }
                None => true,
            };
            let mut committed = Vec::with_capacity(changes.len());
            for change in changes {
                let Change { before, after, at } = change;
                let mut next = after.clone();
                next.revision = before.revision;
                if change.submits() && !may_submit || !record::update(transaction, &next)? {
                    let job = before.spec.id.clone();
                    committed.push(Err(LedgerError::Outdated { job }));
                    continue;
                }
                next.revision += 1;
                if before.retries < next.retries {
                    earlier::add(transaction, before, *at)?;
                }
                if next.is_done() && !before.is_done() {
                    end_commands::add(transaction, &next, self.end_commands().configured())?;
                }
                if before.state() != next.state() {
                    note(transaction, &next, *at, None)?;
                } else if kind(before) != kind(&next) {
                    note(transaction, &next, *at, Some(MAX_ERRORS))?;
                }
                committed.push(Ok(next));
            }
            Ok(committed)
        });
        if submitted_at.is_some() && committed.is_ok() {
            self.driving().confirmed();
        }
        committed
    }

    /// Commits one change; see [`commit_all`](Self::commit_all).
    ///
    /// # Errors
    ///
    /// As [`commit_all`](Self::commit_all), or [`LedgerError::Outdated`].
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
    use crate::driver::event::{Event, PollFailure};
    use crate::error::ErrorKind;
    use crate::ledger::{JobSpec, Target};

    fn change(before: &Job, event: Event) -> Change {
        let at = 5_000;
        let (after, _) = decide(before, event, at);
        let before = before.clone();
        Change { before, after, at }
    }

    #[test]
    fn only_an_unchanged_poll_counts_as_a_reschedule() {
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
        assert!(!accepted.only_reschedules());
        let started = accepted.after;
        assert!(change(&started, waiting(None)).only_reschedules());
        assert!(!change(&started, waiting(Some("another"))).only_reschedules());
        assert!(!change(&started, Event::CancelWanted).only_reschedules());
        let failed = |message: &str| Event::PollFailed {
            error: JobError::new(ErrorKind::Unavailable, message),
            failure: PollFailure::Transient { after: None },
        };
        let failing = change(&started, failed("HTTP status 503")).after;
        assert!(change(&failing, failed("HTTP status 503")).only_reschedules());
        assert!(!change(&failing, failed("HTTP status 502")).only_reschedules());
        assert!(!change(&failing, waiting(None)).only_reschedules());
        let delayed = Event::Delayed {
            until: 9_000,
            error: None,
        };
        assert!(!change(&queued, delayed).only_reschedules());
    }
}
