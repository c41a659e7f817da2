//! Submits.

use std::sync::Arc;

use serde_json::Value;

use super::ledger_hook::{LedgerHook, Refused};
use super::{Done, ResolvedJob, Steps, account, of_provider};
use crate::component::CallError;
use crate::driver::classify;
use crate::driver::decide::may_upload_again;
use crate::driver::event::{Event, SubmitFailure};
use crate::driver::gone::is_upload_gone;
use crate::egress::Sent;
use crate::error::{ErrorKind, chain};
use crate::json;
use crate::ledger::{FieldValue, Job, JobError, LedgerError};
use crate::open_files;

impl Steps {
    pub(super) async fn submit(
        &self,
        job: Job,
        resolved_job: &ResolvedJob,
    ) -> Result<Done, Arc<LedgerError>> {
        let input = match self.ready_input(&job).await {
            Ok(input) => input,
            Err(error) => {
                let unavailable = Event::ConnectionUnavailable { error };
                return self.settled(job, &unavailable).await;
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
        let key = job.provider_key();
        let report = pack.start(&context, &spec.node, &text, &key).await;
        let has_sent = report.sent != Sent::Nothing;
        let started = report.judged();
        let kept = submit_hook.ended().await;
        let is_gone = resolved_job.known.pack.permissions().is_trusted()
            && may_upload_again(&kept.row)
            && started.as_ref().is_err_and(of_upload_alone);
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
            Some(Refused::Account(error)) if !has_sent => {
                let unavailable = Event::ConnectionUnavailable { error };
                return self.settled(kept.row, &unavailable).await;
            }
            Some(Refused::OtherBytes) if !has_sent => {
                unrepeated("the submit differs from the first one, so it was not sent again")
            }
            Some(Refused::KeyExpired) if !has_sent => unrepeated(KEY_EXPIRED),
            _ => match classify::of_start(started) {
                Event::SubmitFailed { error, .. } if is_gone => Event::UploadGone { error },
                event => event,
            },
        };
        if let Event::SubmitFailed { error, .. } | Event::UploadGone { error } = &event {
            self.connections.forget(&spec.connection, error.kind).await;
        }
        let event = of_provider(event, &job);
        Box::pin(self.settled_result(kept.row, event, resolved_job)).await
    }

    /// The completed input, if the result could also be collected.
    async fn ready_input(&self, job: &Job) -> Result<Value, JobError> {
        open_files::probe(open_files::AFTER_A_SUBMIT).map_err(|error| {
            let message = format!("the result could not be collected: {error} (ulimit -n)");
            JobError::new(ErrorKind::NotSent, message)
        })?;
        self.input(job).await.map_err(|error| {
            let message = format!("the job's picture cannot be read: {error}");
            JobError::new(ErrorKind::Internal, message)
        })
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

/// Whether an error says that an upload is gone, and nothing of the account.
fn of_upload_alone(error: &CallError) -> bool {
    is_upload_gone(error) && !classify::is_account_refused(error)
}

/// The error of a submit after the time in which the provider honours its key.
const KEY_EXPIRED: &str =
    "the provider no longer honours the key of the first submit, so it was not sent again";

/// The event of a submit that was not repeated: the first one's outcome is unknown.
fn unrepeated(why: &str) -> Event {
    unsent(JobError::new(ErrorKind::OutcomeUnknown, why))
}

/// The event of a submit that was not sent.
fn unsent(error: JobError) -> Event {
    Event::SubmitFailed {
        error,
        failure: SubmitFailure::Permanent,
    }
}
