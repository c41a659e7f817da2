//! Submits, and the hook that commits a submit before it is sent.

use std::future::ready;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::Instrument as _;

use super::{Done, ResolvedJob, Steps, of_provider};
use crate::driver::decide::decide;
use crate::driver::event::{Action, Event, SubmitFailure};
use crate::driver::group_commit::{WriteError, Writer};
use crate::driver::{JobUpdate, Listener, classify, now};
use crate::egress::{Sent, Submission, SubmitHook};
use crate::error::ErrorKind;
use crate::json;
use crate::ledger::{Change, Job, JobError, LedgerError};
use crate::policy::KeyPlace;

/// The option of a connection that names the header of the idempotency key.
const KEY_HEADER_OPTION: &str = "idempotency_header";

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
            key_place: key_place(resolved_job),
            kept: Arc::new(Mutex::new(Kept {
                row: job.clone(),
                refused: None,
            })),
        });
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
            Some(Refused::OtherBytes) if !has_sent => Event::SubmitFailed {
                error: JobError::new(
                    ErrorKind::OutcomeUnknown,
                    "the submit differs from the first one, so it was not sent again",
                ),
                failure: SubmitFailure::Permanent,
            },
            _ => classify::of_start(started),
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

/// Where a submit of this job carries the key: as the connection's options say, else as the pack is
/// granted.
fn key_place(resolved_job: &ResolvedJob) -> KeyPlace {
    let connection = resolved_job.context.connection();
    let connection = connection.map(|open| open.connection());
    let configured = connection.and_then(|connection| {
        let option = connection.options().get(KEY_HEADER_OPTION)?;
        option.as_str()?.parse().ok()
    });
    configured
        .or_else(|| {
            let permissions = resolved_job.known.pack.permissions();
            permissions.idempotency(connection?.category()).cloned()
        })
        .unwrap_or_default()
}

/// Commits the state `submitting` before a submit is sent.
struct LedgerHook {
    writer: Writer,
    listener: Listener,
    key_place: KeyPlace,
    /// Locked while a commit runs.
    kept: Arc<Mutex<Kept>>,
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
    /// The row, after the commit that may run still: the call can end before it.
    async fn ended(&self) -> Kept {
        self.kept.lock().await.clone()
    }
}

/// Commits the row that follows from `ready`.
async fn commit_submitting(writer: Writer, before: Job, ready: Event) -> Result<Job, Refused> {
    let at = now();
    let (after, action) = decide(&before, ready, at);
    if action != Action::AllowSubmit {
        return Err(Refused::OtherBytes);
    }
    match writer.commit(Change { before, after, at }).await {
        Ok(row) => Ok(row),
        Err(WriteError::Outdated) => Err(Refused::Changed),
        Err(WriteError::Ledger(error)) => Err(Refused::Ledger(error)),
    }
}

impl SubmitHook for LedgerHook {
    fn before_submit<'a>(&'a self, submission: Submission<'a>) -> BoxFuture<'a, bool> {
        // Whoever finds it locked comes second.
        let Ok(mut kept) = Arc::clone(&self.kept).try_lock_owned() else {
            return Box::pin(ready(false));
        };
        // After a refusal, no further submit of this call is sent.
        if kept.refused.is_some() {
            return Box::pin(ready(false));
        }
        let submit_ready = Event::SubmitReady {
            sha256: submission.digest.to_string(),
            keyed: submission.carries(&kept.row.spec.key, &self.key_place),
            account: None,
        };
        let (writer, listener) = (self.writer.clone(), Arc::clone(&self.listener));
        // A task of its own: a commit that has begun is awaited, also if the call ends first.
        let committing = tokio::spawn(
            async move {
                match commit_submitting(writer, kept.row.clone(), submit_ready).await {
                    Ok(row) => {
                        tracing::info!(submits = row.submits(), "the submit is sent");
                        listener(&row.spec.id, JobUpdate::Committed(&row));
                        kept.row = row;
                        true
                    }
                    Err(refused) => {
                        kept.refused = Some(refused);
                        false
                    }
                }
            }
            .in_current_span(),
        );
        Box::pin(async move { committing.await.unwrap_or(false) })
    }
}
