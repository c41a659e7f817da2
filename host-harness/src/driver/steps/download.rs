//! Downloads a result and gives the file its final name. Each step is committed before the
//! next one.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::finalize::{download_failed, finalize_complete, run_blocking};
use super::results::{IN_REPLY, InHand, kind_of, part_of, path_of};
use super::{Done, ResolvedJob, Steps};
use crate::contract::MediaKind;
use crate::digest::Sha256Digest;
use crate::download::{self, Download, DownloadError, DownloadFailure, Fetched, MAX_BYTES};
use crate::driver::JobUpdate;
use crate::driver::decide::is_last_failure;
use crate::driver::event::Event;
use crate::error::chain;
use crate::ledger::{ClipFile, FurtherFile, Job, LedgerError, Media};
use crate::media::file_url;

impl Steps {
    /// Gives the files of a complete result their final names; goes on with the row if one is missing.
    pub(super) async fn finalize_first(
        &self,
        job: Job,
    ) -> Result<ControlFlow<Box<Done>, Box<Job>>, Arc<LedgerError>> {
        Ok(match self.finalized(job).await? {
            Finalizing::Settled(done) => ControlFlow::Break(done),
            Finalizing::Incomplete(job) => ControlFlow::Continue(job),
        })
    }

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
        let job = match self.finalized(job).await? {
            Finalizing::Settled(done) => return Ok(*done),
            Finalizing::Incomplete(job) => *job,
        };
        let file = match self.fetch_all(&job, &media, resolved_job, in_hand).await {
            Ok(file) => file,
            Err(error) => {
                let failed = download_failed(&job, &error);
                return self.settled(job, &failed).await;
            }
        };
        let row = self.settle(job, &Event::Fetched { file }).await?;
        match self.finalized(row).await? {
            Finalizing::Settled(done) => Ok(*done),
            // It was removed meanwhile.
            Finalizing::Incomplete(row) => self.settled(*row, &Event::Due).await,
        }
    }

    /// Gives the files of a row that are complete their final names.
    async fn finalized(&self, mut row: Job) -> Result<Finalizing, Arc<LedgerError>> {
        for _ in 0..NAMES {
            match run_blocking(&row, &self.clips, finalize_complete).await {
                None => break,
                // Another file took the name of a further file.
                Some(renamed @ Event::Fetched { .. }) => row = self.settle(row, &renamed).await?,
                Some(event) => {
                    let done = self.settled(row, &event).await?;
                    return Ok(Finalizing::Settled(Box::new(done)));
                }
            }
        }
        Ok(Finalizing::Incomplete(Box::new(row)))
    }

    /// All files of a result. The files in hand are written first: they exist in no other place
    /// of this machine, and hold memory. A file that is complete is kept, and not fetched again
    /// if another one fails.
    ///
    /// A file of several is left out if it is of another kind, or if no place has it until the job
    /// would be suspended, so that it does not withhold the others. One that fails for another
    /// reason may be collected later.
    async fn fetch_all(
        &self,
        job: &Job,
        media: &Media,
        resolved_job: &ResolvedJob,
        mut in_hand: InHand,
    ) -> Result<ClipFile, DownloadError> {
        let all = || std::iter::once(media).chain(&media.others).enumerate();
        let keeps = !in_hand.is_empty() || !media.others.is_empty();
        let is_lost = |error: &DownloadError| {
            let failure = error.failure();
            let is_gone = failure == DownloadFailure::UrlExpired
                && is_last_failure(job.schedule.attempts, failure);
            !media.others.is_empty() && (is_gone || error.is_another_kind())
        };
        let mut failed = self.write_all(job, media, resolved_job, &mut in_hand).await;
        let (mut files, mut left_out, mut withheld) = (Vec::new(), Vec::new(), None);
        for (number, medium) in all() {
            let part = part_of(job, number, &self.clips);
            let kind = kind_of(medium, resolved_job);
            let kept = kept(&part, kind).await;
            let is_kept = kept.is_some();
            let fetched = match (kept, failed.remove(&number)) {
                (Some(fetched), _) => Ok(clip_file(job, files.len(), &fetched).await),
                (None, Some(error)) if medium.alternatives.is_empty() => Err(error),
                _ => self.fetch_any(job, number, medium, resolved_job).await,
            };
            match fetched {
                Ok(mut file) if keeps => {
                    if !is_kept {
                        keep(&part).await?;
                    }
                    file.path = unused_path(job, files.len(), &file.media_type, &file.sha256).await;
                    files.push(FurtherFile {
                        part: download::complete_of(&part),
                        file,
                    });
                }
                Ok(file) => files.push(FurtherFile { part, file }),
                Err(error) if is_lost(&error) => {
                    let why = chain(&error);
                    let number = number + 1;
                    left_out.push(format!("file {number} of the result is missing: {why}"));
                    withheld.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        let mut files = files.into_iter();
        let Some(first) = files.next() else {
            return Err(withheld.unwrap_or(DownloadError::NotInHand));
        };
        // The first file is looked for under its own name.
        let own = download::complete_of(&part_of(job, 0, &self.clips));
        if keeps && first.part != own {
            rename(&first.part, own).await?;
        }
        Ok(ClipFile {
            others: files.collect(),
            left_out,
            ..first.file
        })
    }

    /// The file of this number from the first place that has it. A part of the file from one
    /// place is continued from another one only if their bytes agree.
    async fn fetch_any(
        &self,
        job: &Job,
        number: usize,
        media: &Media,
        resolved_job: &ResolvedJob,
    ) -> Result<ClipFile, DownloadError> {
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
                Err(error) => match error.failure() {
                    DownloadFailure::UrlExpired | DownloadFailure::Forbidden => {}
                    // The places are tried again if one of them failed temporarily.
                    DownloadFailure::Transient | DownloadFailure::Permanent => failed = error,
                },
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
        let part = part_of(job, number, &self.clips);
        let wanted = Download {
            url: &media.url,
            kind: kind_of(media, resolved_job),
            connection: connection.map(AsRef::as_ref),
            needs_credential: media.needs_credential,
            sha256: media.sha256.as_deref(),
            part: &part,
            limit: MAX_BYTES,
        };
        let listener = |received| {
            (self.listener)(&job.spec.id, JobUpdate::Downloading(received));
        };
        let fetched = download::fetch(&self.egress, &wanted, listener).await?;
        Ok(clip_file(job, number, &fetched).await)
    }

    /// Writes the files of a result that are in hand, and drops what is left of their replies. Returns
    /// the errors by number.
    async fn write_all(
        &self,
        job: &Job,
        media: &Media,
        resolved_job: &ResolvedJob,
        in_hand: &mut InHand,
    ) -> BTreeMap<usize, DownloadError> {
        let mut failed = BTreeMap::new();
        for (number, medium) in std::iter::once(media).chain(&media.others).enumerate() {
            let Some(bytes) = in_hand.take(number) else {
                continue;
            };
            let part = part_of(job, number, &self.clips);
            if let Err(error) = write(medium, resolved_job, part, bytes).await {
                failed.insert(number, error);
            }
        }
        resolved_job.context.attachments().clear();
        failed
    }
}

/// The most names that are tried for the further files of a result.
const NAMES: usize = 8;

/// The outcome of giving files their final names.
enum Finalizing {
    /// The row is settled.
    Settled(Box<Done>),
    /// A file is missing.
    Incomplete(Box<Job>),
}

/// Writes a file that was inside a reply, and keeps it.
async fn write(
    media: &Media,
    resolved_job: &ResolvedJob,
    part: PathBuf,
    bytes: Bytes,
) -> Result<(), DownloadError> {
    let kind = kind_of(media, resolved_job);
    let announced = media.sha256.clone();
    let work = move || {
        download::write(&part, kind, announced.as_deref(), &bytes)?;
        download::keep(&part)
    };
    let written = tokio::task::spawn_blocking(work).await;
    written.unwrap_or(Err(DownloadError::NotInHand))
}

/// The complete file that was kept for this unfinished one.
async fn kept(part: &Path, kind: MediaKind) -> Option<Fetched> {
    let part = part.to_owned();
    let read = tokio::task::spawn_blocking(move || download::kept(&part, kind)).await;
    read.ok().flatten()
}

/// Keeps a complete file until the others of its result are there.
async fn keep(part: &Path) -> Result<(), DownloadError> {
    let part = part.to_owned();
    let kept = tokio::task::spawn_blocking(move || download::keep(&part)).await;
    kept.unwrap_or(Err(DownloadError::NotInHand))
}

/// Renames a file of the same folder.
async fn rename(from: &Path, to: PathBuf) -> Result<(), DownloadError> {
    let from = from.to_owned();
    let work = move || {
        let renamed = std::fs::rename(from, &to);
        renamed.map_err(|source| DownloadError::Write { path: to, source })
    };
    let renamed = tokio::task::spawn_blocking(work).await;
    renamed.unwrap_or(Err(DownloadError::NotInHand))
}

/// The final path for the file of this number, type and digest. That of a further file is looked
/// for on a blocking thread: one that is there already keeps its name.
async fn unused_path(job: &Job, number: usize, media_type: &str, sha256: &str) -> PathBuf {
    let (target, of_type) = (job.target.clone(), media_type.to_owned());
    let wanted = sha256.parse::<Sha256Digest>().ok();
    let looking = tokio::task::spawn_blocking(move || {
        let is_it =
            |path: &Path| wanted.is_some() && download::digest_of(path).ok().flatten() == wanted;
        target.free_path_of(number, &of_type, is_it)
    });
    let found = looking.await;
    found.unwrap_or_else(|_| path_of(job, number, media_type))
}

async fn clip_file(job: &Job, number: usize, fetched: &Fetched) -> ClipFile {
    let sha256 = fetched.sha256.to_string();
    ClipFile {
        path: unused_path(job, number, fetched.media_type, &sha256).await,
        sha256,
        bytes: fetched.bytes,
        media_type: fetched.media_type.into(),
        others: Vec::new(),
        left_out: Vec::new(),
    }
}
