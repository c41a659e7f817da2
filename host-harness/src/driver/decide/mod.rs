//! What happens next to a job, as a pure function: row, event, time → row, action.
//!
//! The driver commits the row, then carries out the action, then comes back with what
//! came of it as the next event. An event that does not fit the row any more (its job
//! was resolved or cancelled meanwhile) changes nothing.
//!
//! - `submit`: what comes of submits; `poll`: what the provider says of an accepted job;
//!   `download`: what comes of downloads; `request`: what the driver and the user want
//! - `step`: what they share

mod download;
mod poll;
mod request;
mod step;
mod submit;

use step::Step;

use crate::driver::event::{Action, Event};
use crate::ledger::{Job, Millis};

pub use poll::{GRACE, UNRECOGNIZED};
pub use submit::may_submit;

/// The next row and action.
#[must_use]
pub fn decide(job: &Job, event: Event, now: Millis) -> (Job, Action) {
    let mut next = job.clone();
    let mut step = Step {
        job: &mut next,
        now,
    };
    let action = match event {
        Event::SubmitReady { .. }
        | Event::Accepted { .. }
        | Event::SubmitFailed { .. }
        | Event::Orphaned
        | Event::Adopted { .. }
        | Event::NeverStarted => step.on_submit(event),
        Event::Waiting { .. }
        | Event::Succeeded { .. }
        | Event::Ended { .. }
        | Event::ReadFailed { .. }
        | Event::CancelAnswered
        | Event::NoCancellation => step.on_poll(event),
        Event::Fetched { .. } | Event::Finalized | Event::DownloadFailed { .. } => {
            step.on_download(event)
        }
        Event::Due
        | Event::CancelWanted
        | Event::Resumed { .. }
        | Event::Abandoned { .. }
        | Event::RateLimited { .. }
        | Event::ConnectionUnavailable { .. }
        | Event::TargetChanged { .. } => step.on_request(event),
    };
    (next, action)
}

#[cfg(test)]
mod tests;
