//! Downloads a result and gives the file its final name. Each step is committed before the
//! next one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Done, ResolvedJob, Steps};
use crate::contract::MediaKind;
use crate::digest::Sha256Digest;
use crate::download::{self, Download, DownloadError, DownloadFailure, MAX_BYTES};
use crate::driver::JobUpdate;
use crate::driver::event::Event;
use crate::egress::AddressRule;
use crate::error::{ErrorKind, chain};
use crate::ledger::{ClipFile, Job, JobError, LedgerError, Media, Target};

impl Steps {
    pub(super) async fn download(
        &self,
        job: Job,
        resolved_job: &ResolvedJob,
    ) -> Result<Done, Arc<LedgerError>> {
        let Some(media) = job.media().cloned() else {
            return self.settled(job, &Event::Due).await;
        };
        // A file that was complete before a crash is not downloaded again.
        if let Some(finalized) = run_blocking(&job, finalize_complete).await {
            return self.settled(job, &finalized).await;
        }
        let (file, digest) = match self.fetch_any(&job, &media, resolved_job).await {
            Ok(fetched) => fetched,
            Err(error) => return self.settled(job, &download_failed(&error)).await,
        };
        let row = self.settle(job, &Event::Fetched { file }).await?;
        let named = run_blocking(&row, move |job| {
            let file = job.file()?;
            let part = part_of(job);
            Some(finalized(download::finalize(
                &part, &file.path, &digest, job.force,
            )))
        });
        match named.await {
            Some(finalized) => self.settled(row, &finalized).await,
            None => self.settled(row, &Event::Due).await,
        }
    }

    /// Downloads from the first place that has the file. A part of the file from one place is
    /// continued from another one only if their bytes agree.
    async fn fetch_any(
        &self,
        job: &Job,
        media: &Media,
        resolved_job: &ResolvedJob,
    ) -> Result<(ClipFile, Sha256Digest), DownloadError> {
        let mut failed = match self.fetch(job, media, resolved_job).await {
            Ok(fetched) => return Ok(fetched),
            Err(error) => error,
        };
        for place in &media.alternatives {
            if failed.failure() == DownloadFailure::Permanent {
                break;
            }
            match self.fetch(job, place, resolved_job).await {
                Ok(fetched) => return Ok(fetched),
                // The places are tried again if one of them failed temporarily.
                Err(error) if error.failure() != DownloadFailure::UrlExpired => failed = error,
                Err(_) => {}
            }
        }
        Err(failed)
    }

    async fn fetch(
        &self,
        job: &Job,
        media: &Media,
        resolved_job: &ResolvedJob,
    ) -> Result<(ClipFile, Sha256Digest), DownloadError> {
        let mut declared = resolved_job.node.output_media.iter();
        let first = declared.clone().next();
        let field = declared.find(|field| field.pointer == media.pointer);
        let kind = field.or(first).map(|field| field.kind);
        let connection = resolved_job.context.connection();
        let part = part_of(job);
        let wanted = Download {
            url: &media.url,
            kind: kind.unwrap_or(MediaKind::Video),
            rule: connection.map_or(AddressRule::PUBLIC, |open| {
                AddressRule::of_media(open.base_url().origin())
            }),
            credential: connection
                .filter(|_| media.needs_credential)
                .map(AsRef::as_ref),
            own: connection.map(|open| open.base_url().origin()),
            sha256: media.sha256.as_deref(),
            part: &part,
            limit: MAX_BYTES,
        };
        let listener = |received| {
            (self.listener)(&job.spec.id, JobUpdate::Downloading(received));
        };
        let fetched = download::fetch(&self.egress, &wanted, listener).await?;
        let file = ClipFile {
            path: job.target.path_of(fetched.media_type),
            sha256: fetched.sha256.to_string(),
            bytes: fetched.bytes,
            media_type: fetched.media_type.into(),
        };
        Ok((file, fetched.sha256))
    }
}

/// Runs file work on a blocking thread: reading a large file takes long.
async fn run_blocking(
    job: &Job,
    modes: impl FnOnce(&Job) -> Option<Event> + Send + 'static,
) -> Option<Event> {
    let job = job.clone();
    let worked = tokio::task::spawn_blocking(move || modes(&job)).await;
    worked.ok().flatten()
}

/// Gives a file that was complete before a crash its final name, if it is still complete.
fn finalize_complete(job: &Job) -> Option<Event> {
    let file = job.file()?;
    let wanted: Sha256Digest = file.sha256.parse().ok()?;
    let is_complete = |path: &Path| {
        let digest = download::digest_of(path).ok().flatten();
        digest == Some(wanted)
    };
    let part = part_of(job);
    if !is_complete(&part) && !is_complete(&file.path) {
        return None;
    }
    let outcome = download::finalize(&part, &file.path, &wanted, job.force);
    Some(finalized(outcome))
}

fn download_failed(error: &DownloadError) -> Event {
    Event::DownloadFailed {
        error: JobError::new(ErrorKind::DownloadFailed, chain(error)),
        failure: error.failure(),
    }
}

fn finalized(outcome: Result<(), DownloadError>) -> Event {
    match outcome {
        Ok(()) => Event::Finalized,
        Err(error) => download_failed(&error),
    }
}

/// The unfinished file.
fn part_of(job: &Job) -> PathBuf {
    let (Target::File(path) | Target::Stem(path)) = &job.target;
    download::part_of(path, &job.spec.id)
}
