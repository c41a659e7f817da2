//! Submits, and the hook that commits a submit before it is sent.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use serde_json::Value;

use super::{Done, ResolvedJob, Steps, of_provider};
use crate::driver::decide::decide;
use crate::driver::event::{Action, Event, SubmitFailure};
use crate::driver::group_commit::{WriteError, Writer};
use crate::driver::{JobUpdate, Listener, classify, now};
use crate::egress::{Submission, SubmitHook};
use crate::error::ErrorKind;
use crate::json;
use crate::ledger::{Change, Job, JobError, LedgerError};

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
        let submit_hook = Arc::new(LedgerHook {
            writer: self.writer.clone(),
            listener: Arc::clone(&self.listener),
            input,
            kept: Mutex::new(Kept {
                row: job.clone(),
                refused: None,
            }),
        });
        let context = resolved_job
            .context
            .clone()
            .with_submit_hook(Arc::clone(&submit_hook) as _);
        let spec = &job.spec;
        let started = resolved_job
            .known
            .pack
            .start(&context, &spec.node, &text, &spec.key)
            .await
            .judged();
        let kept = submit_hook.state();
        let event = match kept.refused {
            None => classify::of_start(started),
            Some(Refused::Ledger(error)) => return Err(error),
            Some(Refused::Changed) => {
                let job = self.ledger.job(&spec.id)?.unwrap_or(kept.row);
                return Ok(Done {
                    job,
                    provider_delay: None,
                    blocked: None,
                    rate: None,
                });
            }
            Some(Refused::OtherBytes) => Event::SubmitFailed {
                error: JobError::new(
                    ErrorKind::OutcomeUnknown,
                    "the submit differs from the first one, so it was not sent again",
                ),
                failure: SubmitFailure::Permanent,
            },
        };
        if matches!(event, Event::SubmitFailed { .. }) {
            self.connections.forget(&spec.connection).await;
        }
        let event = of_provider(event, &job);
        self.settled_result(kept.row, event, resolved_job).await
    }

    /// The completed input with its picture.
    fn input(&self, job: &Job) -> std::io::Result<Value> {
        let mut input = json::parse(&job.spec.input)?;
        self.pictures.attach(&mut input)?;
        Ok(input)
    }
}

/// Commits the state `submitting` before a submit is sent.
struct LedgerHook {
    writer: Writer,
    listener: Listener,
    /// The input that the component was given.
    input: Value,
    kept: Mutex<Kept>,
}

#[derive(Clone)]
struct Kept {
    /// The row that this submit last committed, or started from.
    row: Job,
    refused: Option<Refused>,
}

/// Why a submit was not sent.
#[derive(Clone)]
enum Refused {
    /// Its bytes differ from the first one's, or it may not be sent any more.
    OtherBytes,
    /// The row was changed meanwhile, so another action may follow.
    Changed,
    /// The ledger cannot be written.
    Ledger(Arc<LedgerError>),
}

impl LedgerHook {
    fn state(&self) -> Kept {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn commit_submitting(
        &self,
        before: Job,
        submission: &Submission<'_>,
    ) -> Result<Job, Refused> {
        let at = now();
        let ready = Event::SubmitReady {
            sha256: submission.digest.to_string(),
            keyed: submission.carries(&before.spec.key, &self.input),
            account: None,
        };
        let (mut after, action) = decide(&before, ready, at);
        after.submit_path = Some(submission.path().to_owned());
        if action != Action::AllowSubmit {
            return Err(Refused::OtherBytes);
        }
        match self.writer.commit(Change { before, after, at }).await {
            Ok(row) => Ok(row),
            Err(WriteError::Outdated) => Err(Refused::Changed),
            Err(WriteError::Ledger(error)) => Err(Refused::Ledger(error)),
        }
    }
}

impl SubmitHook for LedgerHook {
    fn before_submit<'a>(&'a self, submission: Submission<'a>) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let before = self.state();
            // After a refusal, no further submit of this call is sent.
            if before.refused.is_some() {
                return false;
            }
            let outcome = self.commit_submitting(before.row, &submission).await;
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(row) => {
                    tracing::info!(submits = row.submits(), "the submit is sent");
                    (self.listener)(&row.spec.id, JobUpdate::Committed(&row));
                    kept.row = row;
                    true
                }
                Err(refused) => {
                    kept.refused = Some(refused);
                    false
                }
            }
        })
    }
}
