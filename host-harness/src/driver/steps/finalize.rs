//! Gives the complete files of a result their final names, on a blocking thread.

use std::path::{Path, PathBuf};

use super::results::places_of;
use crate::digest::Sha256Digest;
use crate::download::{self, DownloadError, DownloadFailure};
use crate::driver::event::Event;
use crate::error::{ErrorKind, chain};
use crate::ledger::{ClipFile, FurtherFile, Job, JobError};

/// Runs file work on a blocking thread: reading a large file takes long. `clips`: the folder of the
/// data directory for results.
pub(super) async fn run_blocking(
    job: &Job,
    clips: &Path,
    work: impl FnOnce(&Job, &Path) -> Option<Event> + Send + 'static,
) -> Option<Event> {
    let (job, clips) = (job.clone(), clips.to_owned());
    let worked = tokio::task::spawn_blocking(move || work(&job, &clips)).await;
    worked.ok().flatten()
}

/// Gives the files that are complete their final names; `None` if one is not complete. If the
/// name of a further file is taken, the event has another one.
pub(super) fn finalize_complete(job: &Job, clips: &Path) -> Option<Event> {
    let first = job.file()?;
    let has_it = |path: &Path, wanted: Sha256Digest| {
        download::digest_of(path).ok().flatten() == Some(wanted)
    };
    let digest: Sha256Digest = first.sha256.parse().ok()?;
    let places = places_of(job, 0, clips);
    // The unfinished files are those of the present target.
    let whole = Some(&places).filter(|_| job.target.is_place_of(first));
    let part = match whole.and_then(|places| places.whole(&digest)) {
        Some(part) => part,
        None if has_it(&first.path, digest) => places.into_part(),
        None => return None,
    };
    let mut digests = Vec::new();
    for FurtherFile { part, file } in &first.others {
        let wanted: Sha256Digest = file.sha256.parse().ok()?;
        let is_complete = has_it(part, wanted) || has_it(&file.path, wanted);
        digests.push(is_complete.then_some(wanted)?);
    }
    if let Err(error) = download::finalize(&part, &first.path, &digest, job.force) {
        return Some(not_placed(job, &error, &part));
    }
    for (index, (FurtherFile { part, file }, digest)) in
        first.others.iter().zip(digests).enumerate()
    {
        // A further file never replaces another one.
        match download::finalize(part, &file.path, &digest, false) {
            Ok(()) => {}
            Err(DownloadError::Target(_)) => {
                let mut file: ClipFile = first.clone();
                let other = &mut file.others[index].file;
                let path: PathBuf = job.target.unused_path_of(index + 1, &other.media_type);
                other.path = path;
                return Some(Event::Fetched { file });
            }
            Err(error) => return Some(not_placed(job, &error, part)),
        }
    }
    Some(Event::Finalized)
}

/// The event of a complete file that did not get its name, which says where it is.
fn not_placed(job: &Job, error: &DownloadError, part: &Path) -> Event {
    let mut event = download_failed(job, error);
    let is_kept = std::fs::symlink_metadata(part).is_ok_and(|metadata| metadata.is_file());
    if let Event::DownloadFailed { error, .. } = &mut event
        && is_kept
    {
        let kept = format!("; the complete file is kept as `{}`", part.display());
        error.message.push_str(&kept);
    }
    event
}

pub(super) fn download_failed(job: &Job, error: &DownloadError) -> Event {
    let (mut message, failure) = (chain(error), error.failure());
    if let Some(lacks) = error.lacks() {
        message = format!("{message}; {lacks}");
    }
    if failure == DownloadFailure::Forbidden {
        let id = &job.spec.id;
        message = format!(
            "{message}. The job is paid and its result was not downloaded; \
             after the change, `zoetrope jobs resume {id}` downloads it"
        );
    }
    Event::DownloadFailed {
        error: JobError::new(ErrorKind::DownloadFailed, message),
        failure,
    }
}
