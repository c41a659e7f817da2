//! Downloads a result and gives the file its final name. Each step is committed before the
//! next one.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::results::{IN_REPLY, InHand, part_of, path_of};
use super::{Done, ResolvedJob, Steps};
use crate::contract::MediaKind;
use crate::digest::Sha256Digest;
use crate::download::{self, Download, DownloadError, DownloadFailure, Fetched, MAX_BYTES};
use crate::driver::JobUpdate;
use crate::driver::event::Event;
use crate::egress::AddressRule;
use crate::error::{ErrorKind, chain};
use crate::ledger::{ClipFile, FurtherFile, Job, JobError, LedgerError, Media};
use crate::media::file_url;

impl Steps {
    /// Downloads the files of a result that are not in hand, and gives all their final names.
    pub(super) async fn download(
        &self,
        job: Job,
        resolved_job: &ResolvedJob,
        in_hand: InHand,
    ) -> Result<Done, Arc<LedgerError>> {
        let Some(media) = job.media().cloned() else {
            return self.settled(job, &Event::Due).await;
        };
        // A file that was complete before a crash is not downloaded again.
        if let Some(finalized) = run_blocking(&job, finalize_complete).await {
            return self.settled(job, &finalized).await;
        }
        let file = match self.fetch_all(&job, &media, resolved_job, in_hand).await {
            Ok(file) => file,
            Err(error) => return self.settled(job, &download_failed(&error)).await,
        };
        let row = self.settle(job, &Event::Fetched { file }).await?;
        match run_blocking(&row, finalize_complete).await {
            Some(finalized) => self.settled(row, &finalized).await,
            None => self.settled(row, &Event::Due).await,
        }
    }

    /// All files of a result.
    ///
    /// A further file of another kind is not a result. One that no place has, even after a poll
    /// has named its places again, is left out, so that it does not withhold the first.
    async fn fetch_all(
        &self,
        job: &Job,
        media: &Media,
        resolved_job: &ResolvedJob,
        mut in_hand: InHand,
    ) -> Result<ClipFile, DownloadError> {
        let taken = in_hand.take(0);
        let mut file = self.fetch_any(job, 0, media, resolved_job, taken).await?;
        for (index, medium) in media.others.iter().enumerate() {
            let number = index + 1;
            let taken = in_hand.take(number);
            match self
                .fetch_any(job, number, medium, resolved_job, taken)
                .await
            {
                Ok(other) => file.others.push(FurtherFile {
                    part: part_of(job, number),
                    file: other,
                }),
                Err(error @ DownloadError::WrongKind { .. }) => {
                    tracing::warn!(number, error = chain(&error), "no result");
                }
                Err(error)
                    if error.failure() == DownloadFailure::UrlExpired
                        && job.schedule.attempts > 0 =>
                {
                    tracing::warn!(number, error = chain(&error), "a further file is missing");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(file)
    }

    /// The file of this number: the one in hand, else from the first place that has it. A part
    /// of the file from one place is continued from another one only if their bytes agree.
    async fn fetch_any(
        &self,
        job: &Job,
        number: usize,
        media: &Media,
        resolved_job: &ResolvedJob,
        in_hand: Option<Bytes>,
    ) -> Result<ClipFile, DownloadError> {
        if let Some(bytes) = in_hand {
            return write(job, number, kind_of(media, resolved_job), bytes).await;
        }
        let mut failed = match self.fetch(job, number, media, resolved_job).await {
            Ok(fetched) => return Ok(fetched),
            Err(error) => error,
        };
        for place in &media.alternatives {
            if failed.failure() == DownloadFailure::Permanent {
                break;
            }
            match self.fetch(job, number, place, resolved_job).await {
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
        number: usize,
        media: &Media,
        resolved_job: &ResolvedJob,
    ) -> Result<ClipFile, DownloadError> {
        if media.url == IN_REPLY || file_url::is_one(&media.url) {
            return Err(DownloadError::NotInHand);
        }
        let connection = resolved_job.context.connection();
        let part = part_of(job, number);
        let wanted = Download {
            url: &media.url,
            kind: kind_of(media, resolved_job),
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
        Ok(clip_file(job, number, &fetched))
    }
}

/// Writes a file that was inside a reply to its unfinished file.
async fn write(
    job: &Job,
    number: usize,
    kind: MediaKind,
    bytes: Bytes,
) -> Result<ClipFile, DownloadError> {
    let part = part_of(job, number);
    let written = tokio::task::spawn_blocking(move || download::write(&part, kind, &bytes));
    let fetched = written.await.unwrap_or(Err(DownloadError::NotInHand))?;
    Ok(clip_file(job, number, &fetched))
}

/// The kind that the node declares for a medium, else that of its first one.
fn kind_of(media: &Media, resolved_job: &ResolvedJob) -> MediaKind {
    let mut declared = resolved_job.node.output_media.iter();
    let first = declared.clone().next();
    let field = declared.find(|field| field.pointer == media.pointer);
    field.or(first).map_or(MediaKind::Video, |field| field.kind)
}

fn clip_file(job: &Job, number: usize, fetched: &Fetched) -> ClipFile {
    ClipFile {
        path: path_of(job, number, fetched.media_type),
        sha256: fetched.sha256.to_string(),
        bytes: fetched.bytes,
        media_type: fetched.media_type.into(),
        others: Vec::new(),
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

/// Gives the files that are complete their final names; `None` if one is not complete.
fn finalize_complete(job: &Job) -> Option<Event> {
    let first = job.file()?;
    let is_complete = |part: &Path, file: &ClipFile| {
        let wanted: Sha256Digest = file.sha256.parse().ok()?;
        let has_it = |path: &Path| download::digest_of(path).ok().flatten() == Some(wanted);
        (has_it(part) || has_it(&file.path)).then_some(wanted)
    };
    let part = part_of(job, 0);
    let mut named = vec![(part.clone(), first, is_complete(&part, first)?, job.force)];
    for FurtherFile { part, file } in &first.others {
        // A further file never replaces another one.
        named.push((part.clone(), file, is_complete(part, file)?, false));
    }
    let outcomes = named
        .into_iter()
        .map(|(part, file, digest, force)| download::finalize(&part, &file.path, &digest, force));
    Some(finalized(outcomes.collect()))
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
