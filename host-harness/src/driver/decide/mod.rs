//! The next row and action of a job, as a pure function: row, event, time → row, action.
//!
//! The driver commits the row, carries out the action, and passes the result as the next
//! event. An event that no longer fits the row (its job was resolved or cancelled meanwhile)
//! changes nothing.
//!
//! - `hand_over`: events of uploads; `submit`: of submits; `poll`: of polls and cancellations;
//!   `cancel`: the record of a cancellation's request; `download`: of downloads; `no_result`: of a
//!   success without a result; `request`: of the driver and of the user's commands; `retry`: of the
//!   command to submit again
//! - `step`: what these share

mod cancel;
mod download;
mod hand_over;
mod no_result;
mod poll;
mod request;
mod retry;
mod step;
mod submit;

use step::Step;

use crate::driver::clock::Time;
use crate::driver::event::{Action, Event};
use crate::ledger::Job;

pub(super) use download::is_last_failure;
pub(super) use hand_over::may_upload_again;
pub use hand_over::{UPLOADS_LAST, must_hand_over, uploads_since};
pub use no_result::NO_RESULT;
pub use poll::{GRACE, UNRECOGNIZED};
pub use retry::may_retry;
pub use submit::{may_resolve, may_submit};

/// The row and action that follow from `job`, `event` and the time.
#[must_use]
pub fn decide(job: &Job, event: Event, time: impl Into<Time>) -> (Job, Action) {
    let Time { now, latest } = time.into();
    let mut next = job.clone();
    let mut step = Step {
        job: &mut next,
        now,
        latest,
    };
    let action = match event {
        Event::SubmitReady { .. }
        | Event::Accepted { .. }
        | Event::SubmitFailed { .. }
        | Event::Orphaned
        | Event::Adopted { .. }
        | Event::NeverStarted => step.on_submit(event),
        Event::UploadsBegin
        | Event::HandedOver { .. }
        | Event::HandOverFailed { .. }
        | Event::UploadGone { .. } => step.on_hand_over(event),
        Event::Waiting { .. }
        | Event::Succeeded { .. }
        | Event::Ended { .. }
        | Event::PollFailed { .. }
        | Event::CancelAnswered
        | Event::NoCancellation => step.on_poll(event),
        Event::NoResult { .. } => step.on_no_result(event),
        Event::CancelReady | Event::CancelRepeatable | Event::CancelSpent => step.on_cancel(&event),
        Event::Fetched { .. } | Event::Finalized | Event::DownloadFailed { .. } => {
            step.on_download(event)
        }
        Event::Due
        | Event::CancelWanted
        | Event::Resumed { .. }
        | Event::Retried { .. }
        | Event::Abandoned { .. }
        | Event::Delayed { .. }
        | Event::ConnectionUnavailable { .. }
        | Event::TargetChanged { .. }
        | Event::ResultRemoved { .. } => step.on_request(event),
    };
    next.billing.settle_charge();
    (next, action)
}

#[cfg(test)]
mod tests;
