//! Events of downloads.

use super::step::Step;
use crate::download::DownloadFailure;
use crate::driver::event::{Action, Event};
use crate::ledger::{JobError, ResultFile, Stage};

/// Failed downloads in a row after which the job is suspended. An expired URL counts for
/// more than a broken connection.
const MAX_DOWNLOAD_FAILURES: u32 = 8;
const EXPIRED_URL_WEIGHT: u32 = 2;

/// Whether a job is suspended if its download fails now, after `attempts` failures.
pub(crate) fn is_last_failure(attempts: u32, failure: DownloadFailure) -> bool {
    attempts + weight(failure) >= MAX_DOWNLOAD_FAILURES
        || matches!(
            failure,
            DownloadFailure::Permanent | DownloadFailure::Forbidden
        )
}

fn weight(failure: DownloadFailure) -> u32 {
    match failure {
        DownloadFailure::UrlExpired => EXPIRED_URL_WEIGHT,
        _ => 1,
    }
}

impl Step<'_> {
    pub(super) fn on_download(&mut self, event: Event) -> Action {
        let Stage::Succeeded { file: kept, .. } = &mut self.job.stage else {
            return Action::Wait;
        };
        match event {
            Event::Fetched { file } if !kept.is_finalized() => {
                *kept = ResultFile::Complete(file);
                return Action::Finalize;
            }
            // Without a complete file, the file that got its name belongs to an earlier
            // target.
            Event::Finalized if *kept != ResultFile::Missing => {
                *kept = match std::mem::replace(kept, ResultFile::Missing) {
                    ResultFile::Complete(file) => ResultFile::Finalized(file),
                    other => other,
                };
                self.job.last_error = None;
                self.job.schedule.next_at = None;
            }
            Event::DownloadFailed { error, failure } if !kept.is_finalized() => {
                self.download_failed(error, failure);
            }
            _ => {}
        }
        Action::Wait
    }

    fn download_failed(&mut self, error: JobError, failure: DownloadFailure) {
        let job = &mut *self.job;
        let is_last = is_last_failure(job.schedule.attempts, failure);
        job.schedule.attempts += weight(failure);
        // A URL that only a change of the configuration permits may have expired after it.
        let needs_fresh_url = match failure {
            DownloadFailure::Forbidden => true,
            DownloadFailure::UrlExpired => !is_last,
            DownloadFailure::Transient | DownloadFailure::Permanent => false,
        };
        if needs_fresh_url && let Stage::Succeeded { media, .. } = &mut job.stage {
            *media = None;
        }
        if is_last {
            if failure == DownloadFailure::UrlExpired {
                job.schedule.unrecognized_since.get_or_insert(self.now);
            }
            return self.give_up(error);
        }
        self.retry(error, None);
    }
}
