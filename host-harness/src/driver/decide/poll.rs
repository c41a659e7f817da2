//! Events of polls and cancellations: the provider's answers on an accepted job.

use super::step::{Ending, Step};
use crate::contract::Charge;
use crate::driver::event::{Action, Event, PollFailure};
use crate::error::ErrorKind;
use crate::json;
use crate::ledger::{Cost, JobError, Media, Millis, ProviderJob, ResultFile, Stage, State};

/// Failed cancellations in a row after which the job is only polled.
const MAX_CANCEL_FAILURES: u32 = 3;

/// How long a poll is repeated whose reply is unreadable or says that the job is not found, and
/// one that no longer offers a result. Counts from the first of such replies in a row.
pub const GRACE: Millis = 20_000;

/// How long a job is polled whose state the component does not recognize. Counts from the first
/// such reply since the last recognized one.
pub const UNRECOGNIZED: Millis = 600_000;

/// A result and its billing.
struct Success {
    output: String,
    media: Option<Media>,
    charge: Charge,
    reported: Option<Charge>,
    cost: Option<Cost>,
}

impl Step<'_> {
    pub(super) fn on_poll(&mut self, event: Event) -> Action {
        use State::{Started, Succeeded};
        match (event, self.job.state()) {
            (
                Event::Waiting {
                    ticket,
                    hint,
                    unrecognized,
                },
                Started,
            ) => self.waiting(ticket, hint, unrecognized),
            (
                Event::Succeeded {
                    ticket,
                    provider_job_id,
                    output,
                    media,
                    charge,
                    reported,
                    cost,
                },
                _,
            ) => {
                let success = Success {
                    output,
                    media,
                    charge,
                    reported,
                    cost,
                };
                self.succeed(ticket, provider_job_id, success);
            }
            (event @ Event::Ended { .. }, Started) => self.ended(event),
            (Event::PollFailed { error, failure }, Started | Succeeded) => {
                self.read_failed(error, failure);
            }
            (Event::Waiting { .. } | Event::Ended { .. }, Succeeded) => self.no_longer_offered(),
            (Event::CancelAnswered, Started) => {
                self.end_cancellation();
                self.job.last_error = None;
                self.wait(Some(0));
            }
            // The user decides whether to resume the job.
            (Event::NoCancellation, Started) => {
                self.end_cancellation();
                let message = "the provider has no cancellation; the job continues there and \
                               will be paid for; its result can still be downloaded";
                self.suspend(JobError::new(ErrorKind::Unsupported, message));
            }
            _ => {}
        }
        Action::Wait
    }

    fn waiting(
        &mut self,
        ticket: Option<String>,
        hint: Option<Millis>,
        unrecognized: Option<String>,
    ) {
        if let (Stage::Started { job, .. }, Some(ticket)) = (&mut self.job.stage, ticket) {
            job.ticket = ticket;
        }
        match unrecognized {
            None => {
                self.is_found();
                self.job.last_error = None;
                self.job.schedule.clear_failures();
                self.wait(hint);
            }
            Some(message) => {
                self.retry_unrecognized(
                    JobError::new(ErrorKind::Unavailable, message),
                    UNRECOGNIZED,
                );
            }
        }
    }

    fn ended(&mut self, event: Event) {
        let Event::Ended {
            cancelled,
            error,
            charge,
            reported,
            cost,
        } = event
        else {
            return;
        };
        self.is_found();
        let billing = &mut self.job.billing;
        billing.cost = cost.or(billing.cost.take());
        billing.reported = reported;
        let ending = if cancelled {
            Ending::Cancelled
        } else {
            Ending::Failed
        };
        self.end(ending, error, charge);
    }

    /// A job that has failed or was cancelled, or that would be without a ticket, does not
    /// change.
    fn succeed(&mut self, ticket: Option<String>, id: Option<String>, success: Success) {
        let Success {
            output,
            media,
            charge,
            reported,
            cost,
        } = success;
        let job = &mut *self.job;
        let was_succeeded = job.state() == State::Succeeded;
        let has_ended = matches!(job.state(), State::Failed | State::Cancelled);
        if has_ended || ticket.is_none() && job.ticket().is_none() {
            return;
        }
        let (old_media, file) = match &mut job.stage {
            Stage::Succeeded { media, file, .. } => {
                let file = std::mem::replace(file, ResultFile::Missing);
                (media.take(), file)
            }
            _ => (None, ResultFile::Missing),
        };
        let is_document = media.is_none() && !file.is_finalized() && is_document(&output);
        let is_finalized = is_document || file.is_finalized();
        let has_media = media.is_some();
        let (known, submits) = std::mem::take(&mut job.stage).into_past();
        let (known_ticket, known_id) = known.map_or((None, None), |it| (Some(it.ticket), it.id));
        job.stage = Stage::Succeeded {
            job: ProviderJob {
                ticket: ticket.or(known_ticket).unwrap_or_default(),
                id: id.or(known_id),
                is_unconfirmed: false,
            },
            submits,
            output,
            media: media.filter(|_| !is_finalized).or(old_media),
            file: if is_document {
                ResultFile::Unrecorded
            } else {
                file
            },
        };
        if !was_succeeded {
            job.schedule.attempts = 0;
            job.schedule.backoff_ms = 0;
            job.billing.charge = charge;
            job.billing.reported = reported;
        }
        // A new URL does not overcome failed downloads.
        let is_missing = was_succeeded && has_media && !is_finalized;
        let is_overcome =
            |error: &mut JobError| !is_missing || error.kind != ErrorKind::DownloadFailed;
        job.last_error.take_if(is_overcome);
        let billing = &mut job.billing;
        billing.cost = cost
            .or(billing.cost.take())
            .filter(|_| billing.charge != Charge::No);
        job.schedule.clear_failures();
        job.schedule.cancel_wanted = false;
        self.after_success(has_media, is_document, is_finalized);
    }

    fn after_success(&mut self, has_media: bool, is_document: bool, is_finalized: bool) {
        if is_document {
            self.job.schedule.next_at = None;
        } else if !has_media {
            let message = "the output names nothing that can be downloaded";
            self.suspend(JobError::new(ErrorKind::DownloadFailed, message));
        } else if !is_finalized {
            self.job.schedule.next_at = Some(self.now);
        }
    }

    pub(super) fn end_cancellation(&mut self) {
        self.job.schedule.cancel_wanted = false;
        self.job.schedule.attempts = 0;
    }

    fn read_failed(&mut self, error: JobError, failure: PollFailure) {
        if self.job.schedule.cancel_wanted {
            self.job.schedule.attempts += 1;
            // After its one request left, the polls show the outcome.
            let is_sent = self.job.schedule.cancel_sent_at.is_some();
            // One that is not permitted is not sent the next time either; the job can be resumed.
            let is_denied = error.kind == ErrorKind::Denied;
            if is_sent || is_denied || self.job.schedule.attempts >= MAX_CANCEL_FAILURES {
                self.end_cancellation();
            }
        }
        match failure {
            PollFailure::Transient { after } => self.retry(error, after),
            PollFailure::Unrecognized => self.retry_unreadable(error),
            PollFailure::Permanent => self.give_up(error),
        }
    }

    /// After a reply that is readable, and about the job.
    pub(super) fn retry_unrecognized(&mut self, error: JobError, limit: Millis) {
        let schedule = &mut self.job.schedule;
        schedule.unreadable_since = None;
        let since = *schedule.unrecognized_since.get_or_insert(self.now);
        self.retry_within(error, since, limit);
    }

    fn retry_unreadable(&mut self, error: JobError) {
        let since = *self.job.schedule.unreadable_since.get_or_insert(self.now);
        self.retry_within(error, since, GRACE);
    }

    fn retry_within(&mut self, error: JobError, since: Millis, limit: Millis) {
        if self.now - since >= limit {
            self.give_up(error);
        } else {
            self.retry(error, None);
        }
    }
}

/// Whether an output without a file is a result: that of a node whose results are documents.
fn is_document(output: &str) -> bool {
    json::parse(output).is_ok_and(|output| !output.is_null())
}
