//! The hook that commits a submit, or the request of a cancellation that changes something, before
//! it is sent.

use std::future::ready;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::Mutex;
use tracing::Instrument as _;

use super::{ResolvedJob, Steps, account};
use crate::connections::OpenConnection;
use crate::driver::account_refusals::AccountRefusals;
use crate::driver::clock::Time;
use crate::driver::decide::{decide, may_submit};
use crate::driver::event::{Action, Event};
use crate::driver::group_commit::{WriteError, Writer};
use crate::driver::holds::Party;
use crate::driver::key_place::key_place;
use crate::driver::{JobUpdate, Listener};
use crate::egress::{Decision, Submission, SubmitHook};
use crate::ledger::{Change, Job, JobError, Ledger, LedgerError, Stage};
use crate::policy::KeyPlace;

/// Commits the row of a request that can cost money before the request is sent.
pub(super) struct LedgerHook {
    ledger: Arc<Ledger>,
    writer: Writer,
    listener: Listener,
    request: Request,
    /// Locked while a commit runs.
    kept: Arc<Mutex<Kept>>,
}

/// What is sent.
enum Request {
    Submit {
        /// Where the provider looks for the key; `None`: nowhere that is known.
        key_place: Option<KeyPlace>,
        /// The connection that it is sent over.
        connection: Option<Arc<OpenConnection>>,
        /// The accounts that the provider refuses, and whether the component is bundled.
        refusals: (Arc<AccountRefusals>, bool),
    },
    Cancel,
}

#[derive(Clone)]
pub(super) struct Kept {
    /// The row that this request last committed, or started from.
    pub(super) row: Job,
    pub(super) refused: Option<Refused>,
}

/// Why a request was not sent.
#[derive(Clone)]
pub(super) enum Refused {
    /// The submit's bytes differ from the first one's, or its key is elsewhere.
    OtherBytes,
    /// The provider no longer honours the key of the first submit.
    KeyExpired,
    /// An earlier submit may have been accepted under another account of the provider.
    OtherAccount,
    /// The provider has refused the account since the submit was admitted.
    Account(JobError),
    /// The row was changed meanwhile, so another action may follow.
    Changed,
    /// The ledger cannot be written.
    Ledger(Arc<LedgerError>),
}

impl LedgerHook {
    /// The hook of the next submit of this job.
    pub(super) fn of_submit(steps: &Steps, job: &Job, resolved_job: &ResolvedJob) -> Self {
        let connection = resolved_job.context.connection();
        let permissions = resolved_job.known.pack.permissions();
        let request = Request::Submit {
            key_place: connection.and_then(|open| key_place(open.connection(), permissions)),
            connection: connection.cloned(),
            refusals: (
                Arc::clone(&steps.account_refusals),
                steps.packs.trusts(&job.spec.component),
            ),
        };
        let Steps {
            ledger,
            writer,
            listener,
            ..
        } = steps;
        Self::new(ledger, writer, listener, job, request)
    }

    /// The hook of the cancellation of this job.
    pub(super) fn of_cancel(steps: &Steps, job: &Job) -> Self {
        let Steps {
            ledger,
            writer,
            listener,
            ..
        } = steps;
        Self::new(ledger, writer, listener, job, Request::Cancel)
    }

    fn new(
        ledger: &Arc<Ledger>,
        writer: &Writer,
        listener: &Listener,
        job: &Job,
        request: Request,
    ) -> Self {
        Self {
            ledger: Arc::clone(ledger),
            writer: writer.clone(),
            listener: Arc::clone(listener),
            request,
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

    /// The event of a request that is ready to be sent, and whether it carries its key.
    fn ready(&self, row: &Job, submission: &Submission<'_>) -> Result<(Event, bool), Refused> {
        let Request::Submit {
            key_place,
            connection,
            refusals: (refusals, is_bundled),
        } = &self.request
        else {
            return Ok((Event::CancelReady, false));
        };
        let party = Party::of(&row.spec.component, *is_bundled);
        if let Some(error) = refusals.of(&row.spec.connection, party) {
            return Err(Refused::Account(error));
        }
        let connection = connection.as_deref();
        if account::has_changed(&row.stage, connection) {
            return Err(Refused::OtherAccount);
        }
        let key = row.provider_key();
        let carries = |place| submission.carries(&key, place);
        let keyed = key_place.as_ref().is_some_and(carries);
        let ready = Event::SubmitReady {
            sha256: submission.digest.to_string(),
            keyed,
            account: connection.map(OpenConnection::account),
            path: submission.path().to_owned(),
        };
        Ok((ready, keyed))
    }
}

/// Commits the row that follows from `ready`.
async fn commit(writer: Writer, before: Job, ready: Event, time: Time) -> Result<Job, Refused> {
    let at = time.now;
    let (after, action) = decide(&before, ready, time);
    if !matches!(action, Action::AllowSubmit | Action::AllowCancel) {
        return Err(refusal(&before, action, time));
    }
    match writer.commit(Change { before, after, at }).await {
        Ok(row) => Ok(row),
        Err(WriteError::Outdated) => Err(Refused::Changed),
        Err(WriteError::Ledger(error)) => Err(Refused::Ledger(error)),
    }
}

/// Why `action` does not send the request.
fn refusal(row: &Job, action: Action, time: Time) -> Refused {
    match (action, &row.stage) {
        (Action::AbortSubmit, _) if may_submit(row, time) => Refused::OtherBytes,
        (Action::AbortSubmit, Stage::OutcomeUnknown { .. }) => Refused::KeyExpired,
        _ => Refused::Changed,
    }
}

impl SubmitHook for LedgerHook {
    fn before_submit<'a>(&'a self, submission: Submission<'a>) -> BoxFuture<'a, Decision> {
        let held_back = || Box::pin(ready(Decision::Refuse)) as BoxFuture<'a, Decision>;
        // It is locked while another request of the call is committed.
        let Ok(mut kept) = Arc::clone(&self.kept).try_lock_owned() else {
            return held_back();
        };
        // After a refusal, no further request of this call is sent.
        if kept.refused.is_some() {
            return held_back();
        }
        let (ready, is_keyed) = match self.ready(&kept.row, &submission) {
            Ok(ready) => ready,
            Err(refused) => {
                kept.refused = Some(refused);
                return held_back();
            }
        };
        let ledger = Arc::clone(&self.ledger);
        let (writer, listener) = (self.writer.clone(), Arc::clone(&self.listener));
        // A task of its own: a commit that has begun is awaited, also if the call ends first.
        let committing = tokio::spawn(
            async move {
                let is_submit = matches!(ready, Event::SubmitReady { .. });
                let time = Time::of(&ledger);
                match commit(writer, kept.row.clone(), ready, time).await {
                    Ok(row) => {
                        if is_submit {
                            tracing::info!(submits = row.submits(), "the submit is sent");
                        } else {
                            tracing::info!("the cancellation is sent");
                        }
                        listener(&row.spec.id, JobUpdate::Committed(&row));
                        kept.row = row;
                        Decision::Send { is_keyed }
                    }
                    Err(refused) => {
                        kept.refused = Some(refused);
                        Decision::Refuse
                    }
                }
            }
            .in_current_span(),
        );
        Box::pin(async move { committing.await.unwrap_or(Decision::Refuse) })
    }
}

#[cfg(test)]
mod tests;
