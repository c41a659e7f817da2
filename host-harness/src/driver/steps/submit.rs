//! Submits.

use std::sync::Arc;

use serde_json::Value;

use super::ledger_hook::{LedgerHook, Refused};
use super::{Done, ResolvedJob, Steps, account, of_provider};
use crate::driver::classify;
use crate::driver::decide::may_upload_again;
use crate::driver::event::{Event, SubmitFailure};
use crate::driver::gone::is_upload_gone;
use crate::egress::Sent;
use crate::error::{ErrorKind, chain};
use crate::json;
use crate::ledger::{FieldValue, Job, JobError, LedgerError};

impl Steps {
    pub(super) async fn submit(
        &self,
        job: Job,
        resolved_job: &ResolvedJob,
    ) -> Result<Done, Arc<LedgerError>> {
        let input = match self.input(&job).await {
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
        let is_gone = resolved_job.known.pack.permissions().is_trusted()
            && may_upload_again(&kept.row)
            && started.as_ref().is_err_and(is_upload_gone);
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
            _ => match classify::of_start(started) {
                Event::SubmitFailed { error, .. } if is_gone => Event::UploadGone { error },
                event => event,
            },
        };
        if matches!(event, Event::SubmitFailed { .. } | Event::UploadGone { .. }) {
            self.connections.forget(&spec.connection).await;
        }
        let event = of_provider(event, &job);
        Box::pin(self.settled_result(kept.row, event, resolved_job)).await
    }

    /// The completed input with its pictures. It is the same at each submit after the pictures were
    /// handed over.
    async fn input(&self, job: &Job) -> Result<Value, String> {
        let parsed = json::parse(&job.spec.input).map_err(|error| error.to_string());
        let mut input = parsed?;
        let attached = self.pictures.attach(&mut input);
        attached.map_err(|error| error.to_string())?;
        job.local_pictures.fill(&mut input);
        for picture in &job.local_pictures.pictures {
            if picture.value == Some(FieldValue::Base64)
                && let Some(place) = input.pointer_mut(&picture.field)
            {
                let stored = self.stored(picture).await;
                let value = stored.and_then(|picture| picture.inline());
                *place = value.map_err(|error| chain(&error))?;
            }
        }
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
