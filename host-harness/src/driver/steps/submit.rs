//! Submits.

use std::sync::Arc;

use serde_json::Value;

use super::ledger_hook::{LedgerHook, Refused};
use super::{Done, ResolvedJob, Steps, account, of_provider};
use crate::driver::classify;
use crate::driver::event::{Event, SubmitFailure};
use crate::egress::Sent;
use crate::error::ErrorKind;
use crate::json;
use crate::ledger::{Job, JobError, LedgerError};

impl Steps {
    pub(super) async fn submit(
        &self,
        job: Job,
        resolved_job: &ResolvedJob,
    ) -> Result<Done, Arc<LedgerError>> {
        let input = match self.input(&job) {
            Ok(input) => input,
            Err(error) => {
                let message = format!("the job's picture cannot be read: {error}");
                let error = JobError::new(ErrorKind::Internal, message);
                return self
                    .settled(job, &Event::ConnectionUnavailable { error })
                    .await;
            }
        };
        let text = input.to_string();
        let submit_hook = Arc::new(LedgerHook::of_submit(self, &job, resolved_job));
        let context = resolved_job
            .context
            .clone()
            .with_submit_hook(Arc::clone(&submit_hook) as _);
        let spec = &job.spec;
        let pack = &resolved_job.known.pack;
        let report = pack.start(&context, &spec.node, &text, &spec.key).await;
        let has_sent = report.sent != Sent::Nothing;
        let started = report.judged();
        let kept = submit_hook.ended().await;
        let event = match kept.refused {
            // What was sent decides, not what was refused beside it.
            Some(Refused::Ledger(error)) if !has_sent => return Err(error),
            Some(Refused::Changed) if !has_sent => {
                let job = self.ledger.job(&spec.id)?.unwrap_or(kept.row);
                return Ok(Done {
                    job,
                    provider_delay: None,
                    blocked: None,
                    rate: None,
                });
            }
            Some(Refused::OtherAccount) if !has_sent => unsent(account::change_error(&kept.row)),
            Some(Refused::OtherBytes) if !has_sent => unsent(JobError::new(
                ErrorKind::OutcomeUnknown,
                "the submit differs from the first one, so it was not sent again",
            )),
            Some(Refused::KeyExpired) if !has_sent => unsent(JobError::new(
                ErrorKind::OutcomeUnknown,
                "the provider no longer honours the key of the first submit, so it was not sent \
                 again",
            )),
            _ => classify::of_start(started),
        };
        if matches!(event, Event::SubmitFailed { .. }) {
            self.connections.forget(&spec.connection).await;
        }
        let event = of_provider(event, &job);
        Box::pin(self.settled_result(kept.row, event, resolved_job)).await
    }

    /// The completed input with its picture.
    fn input(&self, job: &Job) -> std::io::Result<Value> {
        let mut input = json::parse(&job.spec.input)?;
        self.pictures.attach(&mut input)?;
        Ok(input)
    }
}

/// The event of a submit that was not sent.
fn unsent(error: JobError) -> Event {
    Event::SubmitFailed {
        error,
        failure: SubmitFailure::Permanent,
    }
}
