//! Events of submits, and the rule for whether a submit may be sent.

use super::step::{Ending, Step};
use crate::contract::Charge;
use crate::driver::clock::Time;
use crate::driver::event::{Action, Event, SubmitFailure};
use crate::error::ErrorKind;
use crate::ledger::{Attempts, Job, JobError, PastSubmits, ProviderJob, Stage, State, Submit};

/// Failed submits in a row after which the job is suspended.
const MAX_SUBMIT_FAILURES: u32 = 4;

/// Whether a submit may be sent now: the first one, or a repetition under the same key while
/// the provider honours it. A clock that is set back does not prolong that time. If the job is to
/// be cancelled, only the repetition: it finds the job, which is then cancelled.
#[must_use]
pub fn may_submit(job: &Job, time: impl Into<Time>) -> bool {
    let Time { latest, .. } = time.into();
    match &job.stage {
        Stage::Queued { .. } => !job.schedule.cancel_wanted,
        Stage::OutcomeUnknown { submit } => {
            let first = submit.first_at;
            let is_honoured = latest >= first && latest - first < job.spec.idempotency_ms;
            submit.attempts.keyed && is_honoured
        }
        _ => false,
    }
}

/// Whether the user may say what became of the job's submit: its outcome is unknown, or the user has
/// said something that no reply of the provider has confirmed.
#[must_use]
pub fn may_resolve(job: &Job) -> bool {
    let kind = job.last_error.as_ref().map(|error| error.kind);
    match &job.stage {
        Stage::OutcomeUnknown { .. } => true,
        Stage::Started { job, .. } => job.is_unconfirmed,
        Stage::Failed { job: None, .. } => kind == Some(ErrorKind::NeverStarted),
        _ => false,
    }
}

impl Step<'_> {
    pub(super) fn on_submit(&mut self, event: Event) -> Action {
        use State::{OutcomeUnknown, Queued, Started, Submitting};
        match (event, self.job.state()) {
            (
                Event::SubmitReady {
                    sha256,
                    keyed,
                    account,
                    path,
                },
                _,
            ) => return self.submit_ready(sha256, keyed, account, path),
            (
                Event::Accepted {
                    ticket,
                    provider_job_id,
                    hint,
                    cost,
                },
                // A component may report an acceptance without a request that the host
                // counts as a submit.
                Submitting | Queued | OutcomeUnknown,
            ) => {
                self.start(ticket, Some(provider_job_id));
                self.job.billing.cost = cost;
                self.wait(hint);
            }
            (Event::SubmitFailed { error, failure }, Queued | OutcomeUnknown | Submitting) => {
                self.submit_failed(error, failure);
            }
            (Event::Orphaned, Submitting) => self.orphaned(),
            (
                Event::Adopted {
                    ticket,
                    provider_job_id,
                    is_confirmed,
                },
                _,
            ) if may_resolve(self.job) => {
                self.start(ticket, Some(provider_job_id));
                if let Stage::Started { job, .. } = &mut self.job.stage {
                    job.is_unconfirmed = !is_confirmed;
                }
                self.wait(Some(0));
            }
            (Event::NeverStarted, OutcomeUnknown | Started) if may_resolve(self.job) => {
                self.forget_unconfirmed();
                let message = "the user marked the job as never started at the provider";
                let never = JobError::new(ErrorKind::NeverStarted, message);
                self.end(Ending::Failed, never, Charge::No);
            }
            _ => {}
        }
        Action::Wait
    }

    fn submit_ready(
        &mut self,
        sha256: String,
        keyed: bool,
        account: Option<String>,
        path: String,
    ) -> Action {
        if !may_submit(self.job, self.time()) {
            return Action::AbortSubmit;
        }
        let job = &mut *self.job;
        let (earlier, first_at, uncertain) = match std::mem::take(&mut job.stage) {
            // The clock that `may_submit` compares it with.
            Stage::Queued { earlier } => (earlier, self.latest, false),
            Stage::OutcomeUnknown { submit } if keyed && submit.attempts.sha256 == sha256 => {
                (Some(submit.attempts), submit.first_at, true)
            }
            other => {
                job.stage = other;
                return Action::AbortSubmit;
            }
        };
        let attempts = Attempts::after(earlier, sha256, keyed, account);
        job.stage = Stage::Submitting {
            submit: Submit { attempts, first_at },
            uncertain,
        };
        job.submit_path = Some(path);
        job.billing.charge = Charge::Unknown;
        Action::AllowSubmit
    }

    pub(super) fn submit_failed(&mut self, error: JobError, failure: SubmitFailure) {
        let time = self.time();
        let job = &mut *self.job;
        job.stage = match std::mem::take(&mut job.stage) {
            Stage::Submitting { submit, uncertain } => match failure {
                _ if uncertain => Stage::OutcomeUnknown { submit },
                // Its end keeps the submit, which may be charged.
                SubmitFailure::Refused { charge } if charge != Charge::No => {
                    Stage::Submitting { submit, uncertain }
                }
                SubmitFailure::Unknown => Stage::OutcomeUnknown { submit },
                _ => Stage::Queued {
                    earlier: Some(submit.attempts),
                },
            },
            other => other,
        };
        let is_uncertain = matches!(job.stage, Stage::OutcomeUnknown { .. });
        if matches!(job.stage, Stage::Queued { .. }) {
            job.billing.charge = Charge::No;
        }
        job.schedule.attempts += 1;
        let again = job.schedule.attempts < MAX_SUBMIT_FAILURES && may_submit(job, time);
        let cancel_wanted = job.schedule.cancel_wanted;
        match failure {
            SubmitFailure::Refused { charge } if !is_uncertain => {
                self.end(Ending::Failed, error, charge);
            }
            _ if cancel_wanted && !is_uncertain => self.cancel_unsent(),
            SubmitFailure::Retryable { after } if again => self.retry(error, after),
            SubmitFailure::Unknown if again => self.retry(error, None),
            _ => self.give_up(error),
        }
    }

    fn orphaned(&mut self) {
        let job = &mut *self.job;
        job.stage = match std::mem::take(&mut job.stage) {
            Stage::Submitting { submit, .. } => Stage::OutcomeUnknown { submit },
            other => other,
        };
        let message = "the process that was submitting ended before the provider's answer";
        self.suspend(JobError::new(ErrorKind::OutcomeUnknown, message));
        if may_submit(self.job, self.time()) {
            self.job.schedule.next_at = Some(self.now);
        }
    }

    pub(super) fn start(&mut self, ticket: String, provider_job_id: Option<String>) {
        let job = &mut *self.job;
        let (_, submits) = std::mem::take(&mut job.stage).into_past();
        job.stage = Stage::Started {
            job: ProviderJob {
                ticket,
                id: provider_job_id,
                is_unconfirmed: false,
            },
            submits,
        };
        job.billing.charge = Charge::Unknown;
        job.last_error = None;
        job.schedule.attempts = 0;
        job.schedule.backoff_ms = 0;
    }

    /// A job at the provider that was not confirmed is not this one.
    fn forget_unconfirmed(&mut self) {
        self.job.stage = match std::mem::take(&mut self.job.stage) {
            Stage::Started {
                submits: PastSubmits::Sent(submit),
                ..
            } => Stage::OutcomeUnknown { submit },
            other => other,
        };
    }

    /// A reply of the provider has shown the job.
    pub(super) fn is_found(&mut self) {
        if let Stage::Started { job, .. } = &mut self.job.stage {
            job.is_unconfirmed = false;
        }
    }

    pub(super) fn cancel_unsent(&mut self) {
        let message = "the job was cancelled before the provider accepted it";
        let nothing = JobError::new(ErrorKind::Cancelled, message);
        self.end(Ending::Cancelled, nothing, Charge::No);
    }
}
