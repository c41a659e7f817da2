//! The hook that commits a submit before it is sent.

use std::future::ready;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::Mutex;
use tracing::Instrument as _;

use super::{ResolvedJob, Steps, account};
use crate::connections::OpenConnection;
use crate::driver::decide::decide;
use crate::driver::event::{Action, Event};
use crate::driver::group_commit::{WriteError, Writer};
use crate::driver::{JobUpdate, Listener, now};
use crate::egress::{Submission, SubmitHook};
use crate::ledger::{Change, Job, LedgerError};
use crate::policy::KeyPlace;

/// The option of a connection that names the header of the idempotency key.
const KEY_HEADER_OPTION: &str = "idempotency_header";

/// Commits the state `submitting` before a submit is sent.
pub(super) struct LedgerHook {
    writer: Writer,
    listener: Listener,
    key_place: KeyPlace,
    /// The connection that the submit is sent over.
    connection: Option<Arc<OpenConnection>>,
    /// Locked while a commit runs.
    kept: Arc<Mutex<Kept>>,
}

#[derive(Clone)]
pub(super) struct Kept {
    /// The row that this submit last committed, or started from.
    pub(super) row: Job,
    pub(super) refused: Option<Refused>,
}

/// Why a submit was not sent.
#[derive(Clone)]
pub(super) enum Refused {
    /// Its bytes differ from the first one's, or it may not be sent any more.
    OtherBytes,
    /// An earlier one may have been accepted under another account of the provider.
    OtherAccount,
    /// The row was changed meanwhile, so another action may follow.
    Changed,
    /// The ledger cannot be written.
    Ledger(Arc<LedgerError>),
}

impl LedgerHook {
    /// The hook of the next submit of this job.
    pub(super) fn of(steps: &Steps, job: &Job, resolved_job: &ResolvedJob) -> Self {
        Self {
            writer: steps.writer.clone(),
            listener: Arc::clone(&steps.listener),
            key_place: key_place(resolved_job),
            connection: resolved_job.context.connection().cloned(),
            kept: Arc::new(Mutex::new(Kept {
                row: job.clone(),
                refused: None,
            })),
        }
    }

    /// The row, after the commit that may run still: the call can end before it.
    pub(super) async fn ended(&self) -> Kept {
        self.kept.lock().await.clone()
    }
}

/// Commits the row that follows from `ready`, with the path of the submit.
async fn commit_submitting(
    writer: Writer,
    before: Job,
    ready: Event,
    path: String,
) -> Result<Job, Refused> {
    let at = now();
    let (mut after, action) = decide(&before, ready, at);
    after.submit_path = Some(path);
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
        let connection = self.connection.as_deref();
        if account::has_changed(&kept.row.stage, connection) {
            kept.refused = Some(Refused::OtherAccount);
            return Box::pin(ready(false));
        }
        let submit_ready = Event::SubmitReady {
            sha256: submission.digest.to_string(),
            keyed: submission.carries(&kept.row.spec.key, &self.key_place),
            account: connection.map(OpenConnection::account),
        };
        let path = submission.path().to_owned();
        let (writer, listener) = (self.writer.clone(), Arc::clone(&self.listener));
        // A task of its own: a commit that has begun is awaited, also if the call ends first.
        let committing = tokio::spawn(
            async move {
                match commit_submitting(writer, kept.row.clone(), submit_ready, path).await {
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
