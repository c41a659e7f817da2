//! Events of uploads: the local pictures of a queued job are handed over shortly before its submit.

use super::step::{Ending, Step};
use crate::contract::Charge;
use crate::driver::event::{Action, Event, SubmitFailure};
use crate::ledger::{FieldValue, Job, JobError, LocalPicture, LocalPictures, Millis, Stage};

/// Failed uploads in a row after which the job is suspended.
const MAX_UPLOAD_FAILURES: u32 = 4;

/// How long uploads count before the first submit. A provider may delete them later.
pub const UPLOADS_LAST: Millis = 600_000;

/// Whether the pictures of a job are handed over before its next submit: they are not yet, or too
/// long ago. Never where an earlier submit may have been accepted: a repetition under the same key
/// has the same bytes. A queued job was refused for certain at each earlier submit. Uploads that may
/// be charged are not repeated after one.
#[must_use]
pub fn must_hand_over(job: &Job, now: Millis) -> bool {
    if !matches!(job.stage, Stage::Queued { .. }) {
        return false;
    }
    let local = &job.local_pictures;
    if local.pictures.is_empty() {
        return false;
    }
    let Some(at) = local.handed_over_at else {
        return true;
    };
    repeats_old(job) && (now < at || now - at >= UPLOADS_LAST)
}

/// Uploads before this time do not count.
#[must_use]
pub fn uploads_since(job: &Job, now: Millis) -> Millis {
    let local = &job.local_pictures;
    let gone_at = local.gone_at.filter(|_| local.retries == job.retries);
    // Uploads at the very time of the provider's answer are those that it refused.
    let since_gone = gone_at.map_or(Millis::MIN, |at| at + 1);
    if repeats_old(job) {
        since_gone.max(now - UPLOADS_LAST + 1)
    } else {
        since_gone
    }
}

/// Whether old uploads of a job are repeated: before its first submit, and before a later one if
/// uploads cost nothing.
fn repeats_old(job: &Job) -> bool {
    let is_later = matches!(job.stage, Stage::Queued { earlier: Some(_) })
        && job.local_pictures.retries == job.retries;
    !(is_later && job.billing.has_uploads)
}

/// Whether a submit that was refused because an upload is gone is sent once more with new uploads:
/// once for each attempt of the user.
pub(in crate::driver) fn may_upload_again(job: &Job) -> bool {
    let local = &job.local_pictures;
    let is_first = local.gone_at.is_none() || local.retries != job.retries;
    let is_refused = matches!(
        job.stage,
        Stage::Submitting {
            uncertain: false,
            ..
        }
    );
    local.handed_over_at.is_some() && is_first && is_refused && !job.billing.has_uploads
}

impl Step<'_> {
    pub(super) fn on_hand_over(&mut self, event: Event) -> Action {
        let is_queued = matches!(self.job.stage, Stage::Queued { .. });
        match event {
            Event::UploadGone { error } => self.upload_gone(error),
            Event::UploadsBegin if is_queued => self.job.billing.has_uploads = true,
            Event::HandedOver {
                values,
                at,
                has_uploads,
            } if is_queued && values.len() == self.job.local_pictures.pictures.len() => {
                self.count_paid_uploads(has_uploads);
                self.handed_over(values, at);
            }
            Event::HandOverFailed {
                error,
                failure,
                has_uploads,
            } if is_queued => {
                self.count_paid_uploads(has_uploads);
                self.hand_over_failed(error, failure);
            }
            _ => {}
        }
        Action::Wait
    }

    /// The charge of a queued job depends on its uploads alone.
    fn count_paid_uploads(&mut self, has_uploads: bool) {
        self.job.billing.has_uploads = has_uploads;
        self.job.billing.charge = Charge::No;
    }

    fn handed_over(&mut self, values: Vec<FieldValue>, at: Millis) {
        let job = &mut *self.job;
        let earlier = std::mem::take(&mut job.local_pictures);
        let pictures = earlier.pictures.into_iter().zip(values);
        job.local_pictures = LocalPictures {
            pictures: pictures
                .map(|(picture, value)| LocalPicture {
                    value: Some(value),
                    ..picture
                })
                .collect(),
            handed_over_at: Some(at),
            gone_at: earlier.gone_at.filter(|_| earlier.retries == job.retries),
            retries: job.retries,
        };
        job.last_error = None;
        job.schedule.attempts = 0;
        job.schedule.backoff_ms = 0;
        self.sleep(self.now);
    }

    fn hand_over_failed(&mut self, error: JobError, failure: SubmitFailure) {
        let schedule = &mut self.job.schedule;
        schedule.attempts += 1;
        let again = schedule.attempts < MAX_UPLOAD_FAILURES;
        match failure {
            SubmitFailure::Refused { charge } => self.end(Ending::Failed, error, charge),
            SubmitFailure::Retryable { after } if again => self.retry(error, after),
            _ => self.give_up(error),
        }
    }

    /// The provider refused the submit without a charge, since it no longer has an upload.
    fn upload_gone(&mut self, error: JobError) {
        if !may_upload_again(self.job) {
            let charge = Charge::No;
            self.submit_failed(error, SubmitFailure::Refused { charge });
            return;
        }
        let job = &mut *self.job;
        job.stage = match std::mem::take(&mut job.stage) {
            Stage::Submitting { submit, .. } => Stage::Queued {
                earlier: Some(submit.attempts),
            },
            other => other,
        };
        job.billing.charge = Charge::No;
        let local = &mut job.local_pictures;
        local.handed_over_at = None;
        local.gone_at = Some(self.now);
        local.retries = job.retries;
        for picture in &mut local.pictures {
            picture.value = None;
        }
        if job.schedule.cancel_wanted {
            self.cancel_unsent();
            return;
        }
        job.last_error = Some(error);
        job.schedule.attempts = 0;
        self.sleep(self.now);
    }
}
