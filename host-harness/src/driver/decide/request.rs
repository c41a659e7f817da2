//! Events of the driver, and the user's commands.

use super::hand_over::must_hand_over;
use super::step::Step;
use super::submit::may_submit;
use crate::driver::event::{Action, Event};
use crate::error::ErrorKind;
use crate::ledger::{JobError, Millis, ResultFile, Stage, State, Target};

impl Step<'_> {
    pub(super) fn on_request(&mut self, event: Event) -> Action {
        use State::{OutcomeUnknown, Queued};
        match (event, self.job.state()) {
            (Event::Due, _) => return self.due(),
            (Event::CancelWanted, _) => self.want_cancel(),
            (
                Event::Resumed {
                    deadline_at,
                    requester,
                },
                _,
            ) => self.resume(deadline_at, requester),
            (
                Event::Retried {
                    after,
                    deadline_at,
                    requester,
                    again,
                },
                _,
            ) if after == self.job.retries => self.try_again(deadline_at, requester, again),
            (Event::Abandoned { requester }, Queued | OutcomeUnknown)
                if requester == self.job.schedule.requester =>
            {
                let message = match self.job.state() {
                    OutcomeUnknown => "no process waits for the job, so it is not submitted again",
                    _ => "no process waits for the job any more, so it is not submitted",
                };
                self.suspend(JobError::new(ErrorKind::Interrupted, message));
            }
            (Event::Delayed { until, error }, _) if self.job.schedule.next_at.is_some() => {
                // The job's own error says more.
                if self.job.last_error.is_none() {
                    self.job.last_error = error;
                }
                self.sleep(until);
            }
            (Event::ConnectionUnavailable { error }, _) if !self.job.is_done() => {
                self.suspend(error);
            }
            (Event::TargetChanged { target, force }, _) => self.change_target(target, force),
            (Event::ResultRemoved { force }, _) => self.result_removed(force),
            _ => {}
        }
        Action::Wait
    }

    fn due(&mut self) -> Action {
        let state = self.job.state();
        if self.job.is_done() {
            self.job.schedule.next_at = None;
            return Action::Wait;
        }
        if state == State::Submitting {
            return Action::Wait;
        }
        let schedule = &self.job.schedule;
        if schedule.cancel_wanted && state == State::Queued {
            self.cancel_unsent();
            return Action::Wait;
        }
        let cancels = schedule.cancel_wanted && state == State::Started;
        let is_late = self.now >= schedule.deadline_at && !cancels;
        if is_late && state != State::Succeeded {
            let message = match state {
                State::Started => "the deadline passed; the job continues at the provider",
                State::OutcomeUnknown => {
                    "the deadline passed; it is unknown whether the provider accepted the job"
                }
                _ if self.job.submits() == 0 => {
                    "the deadline passed before the job was submitted; nothing was submitted"
                }
                _ => "the deadline passed before the provider accepted the job",
            };
            self.end_wait(ErrorKind::Deadline, message);
            return Action::Wait;
        }
        // A result that is paid for is downloaded at least once, also after the deadline.
        let known = self.job.last_error.as_ref().map(|error| error.kind);
        if is_late && let Some(kind) = known {
            let message = "the deadline passed before the result was downloaded";
            self.end_wait(kind, message);
            return Action::Wait;
        }
        match &self.job.stage {
            Stage::Queued { .. } | Stage::OutcomeUnknown { .. }
                if may_submit(self.job, self.time()) =>
            {
                if must_hand_over(self.job, self.now) {
                    Action::HandOver
                } else {
                    Action::Submit
                }
            }
            Stage::Started { .. } if self.job.schedule.cancel_wanted => Action::Cancel,
            Stage::Succeeded { media: Some(_), .. } => Action::Download,
            Stage::Started { .. } | Stage::Succeeded { .. } => Action::Poll,
            _ => {
                self.job.schedule.next_at = None;
                Action::Wait
            }
        }
    }

    /// Suspends the job at its deadline. A problem that was not overcome is kept.
    fn end_wait(&mut self, kind: ErrorKind, message: &str) {
        let problem = self.job.last_error.take();
        self.suspend(JobError::new(kind, message).after(problem));
    }

    /// The wish is kept until the job is cancelled or has ended.
    fn want_cancel(&mut self) {
        let may_find = may_submit(self.job, self.time());
        let schedule = &mut self.job.schedule;
        match self.job.stage {
            Stage::Queued { .. } => self.cancel_unsent(),
            Stage::Submitting { .. } => schedule.cancel_wanted = true,
            Stage::Started { .. } => {
                schedule.cancel_wanted = true;
                schedule.attempts = 0;
                schedule.next_at = Some(self.now);
            }
            Stage::OutcomeUnknown { .. } => {
                schedule.cancel_wanted = true;
                if may_find {
                    schedule.attempts = 0;
                    schedule.next_at = Some(self.now);
                }
            }
            Stage::Succeeded { .. } | Stage::Failed { .. } | Stage::Cancelled { .. } => {}
        }
    }

    fn resume(&mut self, deadline_at: Millis, requester: String) {
        let time = self.time();
        if self.job.is_done() && !self.reopen() {
            return;
        }
        let job = &mut *self.job;
        job.schedule.requester = requester;
        job.schedule.deadline_at = deadline_at;
        let may_go_on = match &mut job.stage {
            Stage::Submitting { .. } => return,
            Stage::OutcomeUnknown { .. } => may_submit(job, time),
            Stage::Succeeded { media, .. } => {
                // A URL from before may have expired.
                *media = None;
                true
            }
            _ => true,
        };
        job.schedule.attempts = 0;
        job.schedule.backoff_ms = 0;
        // A success without a result counts on: otherwise short waits would never end it.
        job.schedule.unrecognized_since = None;
        job.schedule.unreadable_since = None;
        if may_go_on {
            job.schedule.next_at = Some(self.now);
            // The driver asks first with one such job whether the provider takes jobs again.
            let is_held = matches!(job.stage, Stage::Queued { .. });
            job.last_error
                .take_if(|error| !(is_held && error.kind == ErrorKind::AccountRefused));
        }
    }

    /// The record of the files is kept: they are found again if the user puts them back.
    fn result_removed(&mut self, force: bool) {
        let job = &mut *self.job;
        let Stage::Succeeded { media, file, .. } = &mut job.stage else {
            return;
        };
        let ResultFile::Finalized(known) = &*file else {
            return;
        };
        *file = ResultFile::Complete(known.clone());
        *media = None;
        job.force = force;
        job.schedule.attempts = 0;
        job.schedule.next_at = Some(self.now);
    }

    /// A job that is being submitted, has failed or was cancelled keeps its target. The record of files
    /// that were delivered to the earlier target stays until others are: they may be put back there.
    fn change_target(&mut self, target: Target, force: bool) {
        let job = &mut *self.job;
        match &mut job.stage {
            Stage::Submitting { .. } | Stage::Failed { .. } | Stage::Cancelled { .. } => return,
            Stage::Succeeded { media, file, .. } => {
                *media = None;
                *file = match std::mem::replace(file, ResultFile::Missing) {
                    ResultFile::Finalized(known) => ResultFile::Complete(known),
                    // No step that was begun for the earlier target gives it its name now.
                    ResultFile::Complete(known)
                        if job.schedule.next_at.is_none() || !job.target.is_place_of(&known) =>
                    {
                        ResultFile::Complete(known)
                    }
                    _ => ResultFile::Missing,
                };
                job.schedule.attempts = 0;
                job.schedule.next_at = Some(self.now);
            }
            Stage::Queued { .. } | Stage::OutcomeUnknown { .. } | Stage::Started { .. } => {}
        }
        job.target = target;
        job.force = force;
    }
}
