//! Asks the provider whether it knows a job of an id that the user gives.

use std::time::Duration;

use super::{Steps, of_provider};
use crate::awake::timeout;
use crate::driver::classify;
use crate::driver::event::Event;
use crate::error::ErrorKind;
use crate::ledger::{Job, JobError};
use crate::trace::{self, Trace};

/// The longest wait for the answer.
const LONGEST: Duration = Duration::from_mins(1);

impl Steps {
    /// Polls the job of this ticket once; fails unless the reply shows it. The row does not change.
    pub(in crate::driver) async fn confirm(&self, job: &Job, ticket: &str) -> Result<(), JobError> {
        let resolved_job = self.resolved_job(job).await?;
        let connection = resolved_job.context.connection();
        let trace =
            connection.and_then(|open| Trace::of_job(&job.spec.id, None, open.base_url().origin()));
        let poll = resolved_job.known.pack.poll(&resolved_job.context, ticket);
        let Ok(polled) = timeout(LONGEST, trace::within(trace, poll)).await else {
            let message = format!("no answer within {} s", LONGEST.as_secs());
            return Err(JobError::new(ErrorKind::Unavailable, message));
        };
        match of_provider(classify::of_poll(polled), job) {
            Event::PollFailed { error, .. } => {
                let connection = &job.spec.connection;
                self.connections.forget(connection, error.kind).await;
                Err(error)
            }
            Event::Waiting {
                unrecognized: Some(message),
                ..
            } => Err(JobError::new(ErrorKind::ProtocolViolation, message)),
            _ => Ok(()),
        }
    }
}
