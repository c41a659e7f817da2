//! A repeated submit, and the account that the first one was sent to.

use crate::connections::OpenConnection;
use crate::error::ErrorKind;
use crate::ledger::{Job, JobError, Stage};

/// Whether an earlier submit may have been accepted under another credential than the connection's,
/// or by an earlier version that did not record it. The provider would not recognize the key of a
/// repetition there, and would charge again.
pub(super) fn has_changed(stage: &Stage, connection: Option<&OpenConnection>) -> bool {
    let (Stage::OutcomeUnknown { submit }, Some(connection)) = (stage, connection) else {
        return false;
    };
    let recorded = submit.attempts.account.as_deref();
    !recorded.is_some_and(|recorded| connection.is_account(recorded))
}

/// The error of a submit that is not repeated under another account.
pub(super) fn change_error(job: &Job) -> JobError {
    let (id, connection) = (&job.spec.id, &job.spec.connection);
    if job
        .stage
        .attempts()
        .is_some_and(|made| made.account.is_none())
    {
        let message = format!(
            "the first submit, whose outcome is unknown and which may be charged, was sent by an \
             earlier version of this program, which did not record the credential of connection \
             `{connection}`; nothing was sent again. Look for the job at the provider and run \
             `zoetrope jobs resolve {id}`"
        );
        return JobError::new(ErrorKind::OutcomeUnknown, message);
    }
    let message = format!(
        "the credential of connection `{connection}` was changed after the first submit, whose \
         outcome is unknown and which may be charged under the earlier credential; nothing was sent \
         again. Restore that credential and resume the job, or look for the job under the earlier \
         account and run `zoetrope jobs resolve {id}`"
    );
    JobError::new(ErrorKind::ConnectionChanged, message)
}
