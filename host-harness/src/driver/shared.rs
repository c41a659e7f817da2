//! State that the leader and the rest of a driver share.

use std::path::PathBuf;
use std::sync::Arc;

use super::busy::retry_while_busy;
use super::clock::now;
use super::connections::ConnectionResolver;
use super::deadlines::Deadlines;
use super::error::DriverError;
use super::event::Event;
use super::group_commit::BusyPolicy;
use super::listener::JobUpdate;
use super::requester::Requester;
use super::settings::DriverSettings;
use super::steps::Steps;
use super::wait::{DriveMode, LATE, WaitFor, Waiting};
use crate::component::Pack;
use crate::egress::Egress;
use crate::error::ErrorKind;
use crate::ledger::Ledger;
use crate::trace::Caller;

/// The parts that a driver was built from, for the commands that make jobs.
pub(crate) struct Origin {
    pub(crate) data_dir: PathBuf,
    pub(crate) pack: Pack,
    pub(crate) resolver: Arc<dyn ConnectionResolver>,
    pub(crate) egress: Egress,
}

/// The ledger, this process's name in it, and the steps for its jobs.
pub(super) struct Shared {
    pub(super) ledger: Arc<Ledger>,
    pub(super) requester: Requester,
    pub(super) steps: Arc<Steps>,
    pub(super) settings: DriverSettings,
    pub(super) caller: Option<Caller>,
    pub(super) deadlines: Deadlines,
}

impl Shared {
    /// Marks the submits whose process has ended. Only for the process that holds the lock.
    pub(super) async fn settle_orphans(&self, if_busy: BusyPolicy) -> Result<(), DriverError> {
        for orphan in retry_while_busy(|| self.ledger.submitting()).await?.jobs {
            let settled = self.steps.settle_with(orphan, &Event::Orphaned, if_busy);
            Box::pin(settled).await?;
        }
        Ok(())
    }

    /// The ids of the jobs whose own deadline has passed by more than [`LATE`].
    pub(super) fn late(&self, waiting: &Waiting) -> Vec<String> {
        waiting.late(LATE, self.deadlines.awake())
    }

    /// The ids of the jobs whose own deadline has passed, while another command waits for them longer.
    pub(super) fn late_alone(&self, waiting: &Waiting) -> Result<Vec<String>, DriverError> {
        let late = waiting.late(0, self.deadlines.awake());
        if late.is_empty() {
            return Ok(late);
        }
        let ids: Vec<_> = late.iter().map(String::as_str).collect();
        let mut deadlines = self.ledger.deadlines(&ids)?;
        let now = now();
        deadlines
            .retain(|(id, deadline_at)| self.deadlines.left(id, *deadline_at, now).awake > LATE);
        Ok(deadlines.into_iter().map(|(id, _)| id).collect())
    }

    /// Removes the settled jobs from `waiting`, and reports the rows if there are few. Resumes
    /// those that were abandoned because a later requester has ended, and those whose wait was ended
    /// at the deadline of another command, before the own one.
    pub(super) async fn update_waiting(
        &self,
        waiting: &mut Waiting,
        modes: DriveMode,
    ) -> Result<(), DriverError> {
        const FEW: usize = 8;
        let ids: Vec<_> = waiting.ids.iter().map(String::as_str).collect();
        if ids.len() <= FEW {
            for id in &ids {
                if let Some(job) = retry_while_busy(|| self.ledger.readable_job(id)).await? {
                    (self.steps.listener)(id, JobUpdate::Committed(&job));
                }
            }
        }
        let accepted_too = waiting.until == WaitFor::Accepted;
        let settled = retry_while_busy(|| self.ledger.settled(&ids, accepted_too)).await?;
        for (id, is_given_up) in settled {
            if !is_given_up || modes != DriveMode::Normal {
                waiting.ids.remove(&id);
            } else if let Some(job) = retry_while_busy(|| self.ledger.readable_job(&id)).await? {
                let awake = self.deadlines.awake();
                let kind = job.last_error.as_ref().map(|error| error.kind);
                let deadline_at = match waiting.left_of_ended(&job, awake) {
                    Some(left) => now().saturating_add(left),
                    None if kind == Some(ErrorKind::Deadline) => {
                        waiting.ids.remove(&id);
                        continue;
                    }
                    None => job.schedule.deadline_at,
                };
                let event = Event::Resumed {
                    deadline_at,
                    requester: self.requester.name().to_owned(),
                };
                let settled = self.steps.settle_with(job, &event, BusyPolicy::Wait);
                Box::pin(settled).await?;
            }
        }
        Ok(())
    }
}
