//! The record of the one request of a cancellation that changes something.

use jiff::Timestamp;

use super::step::Step;
use crate::driver::event::{Action, Event};
use crate::error::ErrorKind;
use crate::ledger::{JobError, Millis, Stage};

impl Step<'_> {
    /// One such request is sent for a job. A row has it from before its first byte.
    pub(super) fn on_cancel(&mut self, event: &Event) -> Action {
        if !matches!(self.job.stage, Stage::Started { .. }) {
            return Action::Wait;
        }
        match (event, self.job.schedule.cancel_sent_at) {
            (Event::CancelReady, None) => {
                self.job.schedule.cancel_sent_at = Some(self.now);
                return Action::AllowCancel;
            }
            (Event::CancelRepeatable, _) => self.job.schedule.cancel_sent_at = None,
            (Event::CancelSpent, Some(at)) if self.job.schedule.cancel_wanted => {
                self.end_cancellation();
                self.suspend(JobError::new(ErrorKind::Unavailable, spent(at)));
            }
            _ => {}
        }
        Action::Wait
    }
}

fn spent(at: Millis) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or_default();
    format!(
        "the cancellation was requested already ({at:.0}), and is not requested again, because such \
         a request may cost money; the job continues at the provider and may be paid for; its \
         result can still be downloaded"
    )
}
