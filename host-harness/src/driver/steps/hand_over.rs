//! Hands the local pictures of a job over to its provider, shortly before its submit.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::{Done, ResolvedJob, Steps, of_provider};
use crate::contract::Charge;
use crate::driver::classify;
use crate::driver::decide::uploads_since;
use crate::driver::event::{Event, SubmitFailure};
use crate::driver::redact::texts_without_files;
use crate::driver::{JobUpdate, now};
use crate::egress::{EgressError, NotSent};
use crate::error::{ErrorKind, chain};
use crate::ledger::{FieldValue, Job, JobError, LedgerError, LocalPicture, State};
use crate::media::{JobUploads, MediaError, Picture, field_value};

impl Steps {
    /// Hands the pictures over, one after another. Each upload is recorded before it is sent. If the
    /// step is aborted or its process ends, the job stays queued, and nothing was submitted.
    pub(super) async fn hand_over(
        &self,
        job: Job,
        resolved_job: &ResolvedJob,
    ) -> Result<Done, Arc<LedgerError>> {
        let is_trusted = resolved_job.known.pack.permissions().is_trusted();
        let mut job = job;
        if !is_trusted {
            // The row says so before an upload is sent, for which the provider may charge.
            job = self.settle(job, &Event::UploadsBegin).await?;
            if job.state() != State::Queued {
                return Ok(done(job));
            }
        }
        let spec = &job.spec;
        let uploads = JobUploads::new(Arc::clone(&self.ledger), &spec.connection, &spec.key, now)
            .since(uploads_since(&job, now()))
            .retried(job.retries);
        (self.listener)(&spec.id, JobUpdate::Uploading);
        let mut values = Vec::with_capacity(job.local_pictures.pictures.len());
        let mut failed = None;
        for picture in &job.local_pictures.pictures {
            let value = self.value_of(&job, picture, resolved_job, &uploads);
            match Box::pin(value).await {
                Ok(value) => values.push(value),
                Err(MediaError::Ledger(error)) => return Err(error.into()),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        let has_uploads = !is_trusted && self.ledger.uploads_of(&spec.connection, &spec.key)? > 0;
        let event = match failed {
            None => {
                let oldest = uploads.oldest_of_earlier().await;
                let oldest = oldest.filter(|_| is_trusted);
                Event::HandedOver {
                    values,
                    at: oldest.unwrap_or_else(now),
                    has_uploads,
                }
            }
            Some(error) => {
                let is_reported = matches!(error, MediaError::Call(_));
                let (error, failure) = failure_of(&error, is_trusted);
                self.connections.forget(&spec.connection, error.kind).await;
                let event = Event::HandOverFailed {
                    error,
                    failure,
                    has_uploads,
                };
                if is_reported {
                    of_provider(event, &job)
                } else {
                    event
                }
            }
        };
        self.settled(job, &event).await
    }

    async fn value_of(
        &self,
        job: &Job,
        local: &LocalPicture,
        resolved_job: &ResolvedJob,
        uploads: &JobUploads,
    ) -> Result<FieldValue, MediaError> {
        let picture = self.stored(local).await?;
        let pack = &resolved_job.known.pack;
        let context = resolved_job.context.clone();
        let context = context.with_private_texts(texts_without_files(job));
        let node = &job.spec.node;
        field_value(pack, &context, node, &local.field, &picture, uploads).await
    }

    /// The stored copy of a picture, if it is the one that was accepted.
    pub(super) async fn stored(&self, local: &LocalPicture) -> Result<Picture, MediaError> {
        let (path, name) = (self.pictures.stored(&local.sha256), local.name.clone());
        let opened = spawn_blocking(move || Picture::open_stored(&path, &name)).await;
        let picture = opened.unwrap_or(Err(MediaError::Ledger(LedgerError::Stopped)))?;
        if picture.sha256().to_string() == local.sha256 {
            Ok(picture)
        } else {
            Err(picture.changed())
        }
    }
}

fn done(job: Job) -> Done {
    Done {
        job,
        provider_delay: None,
        blocked: None,
        rate: None,
    }
}

/// The error of a picture that was not handed over, and how the driver handles it. Nothing was
/// submitted, so a charge is that of uploads alone.
fn failure_of(error: &MediaError, is_trusted: bool) -> (JobError, SubmitFailure) {
    let refused = SubmitFailure::Refused { charge: Charge::No };
    let (kind, failure) = match error {
        MediaError::Call(error) if is_trusted && classify::is_account_refused(error) => {
            let error = JobError {
                kind: ErrorKind::AccountRefused,
                ..classify::job_error(error)
            };
            return (error, SubmitFailure::Permanent);
        }
        MediaError::Call(error) => {
            return (
                classify::job_error(error),
                classify::of_upload(error, is_trusted),
            );
        }
        MediaError::Read { .. } | MediaError::Changed { .. } | MediaError::Format { .. } => {
            let message = format!("the stored copy of a picture is damaged: {}", chain(error));
            let error = JobError::new(ErrorKind::Internal, message);
            return (error, SubmitFailure::Permanent);
        }
        MediaError::Upload(EgressError::NotSent(
            NotSent::Denied(_)
            | NotSent::Name { .. }
            | NotSent::Address { .. }
            | NotSent::File(_)
            | NotSent::Body(_),
        )) => (error.kind(), SubmitFailure::Permanent),
        MediaError::Upload(_) | MediaError::Concurrent { .. } => {
            (error.kind(), SubmitFailure::Retryable { after: None })
        }
        MediaError::Unanswered { .. }
        | MediaError::RefusedTwice { .. }
        | MediaError::SecondUpload { .. }
        | MediaError::TooLong { .. } => (error.kind(), refused),
        _ => (error.kind(), SubmitFailure::Permanent),
    };
    let kind = kind.unwrap_or(ErrorKind::Internal);
    (JobError::new(kind, chain(error)), failure)
}
