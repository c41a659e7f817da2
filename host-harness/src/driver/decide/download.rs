//! What comes of downloads.

use super::step::Step;
use crate::download::DownloadVerdict;
use crate::driver::event::{Action, Event};
use crate::ledger::{ResultFile, Stage, Trouble};

/// Downloads that fail in a row before somebody must look. A URL that is no good counts
/// for more than a connection that breaks.
const DOWNLOADS: u32 = 8;
const STALE: u32 = 2;

impl Step<'_> {
    pub(super) fn on_download(&mut self, event: Event) -> Action {
        let Stage::Succeeded { file: kept, .. } = &mut self.job.stage else {
            return Action::Wait;
        };
        match event {
            Event::Fetched { file } if !kept.is_finalized() => {
                *kept = ResultFile::Complete(file);
                return Action::Place;
            }
            // Without a complete file it was another one that got its name: the target was
            // changed meanwhile.
            Event::Placed if *kept != ResultFile::Missing => {
                *kept = match std::mem::replace(kept, ResultFile::Missing) {
                    ResultFile::Complete(file) => ResultFile::Finalized(file),
                    other => other,
                };
                self.job.last_error = None;
                self.job.schedule.next_at = None;
            }
            Event::DownloadFailed { trouble, verdict } if !kept.is_finalized() => {
                self.download_failed(trouble, verdict);
            }
            _ => {}
        }
        Action::Wait
    }

    fn download_failed(&mut self, trouble: Trouble, verdict: DownloadVerdict) {
        let job = &mut *self.job;
        job.schedule.tries += match verdict {
            DownloadVerdict::Stale => STALE,
            _ => 1,
        };
        if job.schedule.tries >= DOWNLOADS || verdict == DownloadVerdict::Stopped {
            return self.halt(trouble);
        }
        if verdict == DownloadVerdict::Stale
            && let Stage::Succeeded { media, .. } = &mut job.stage
        {
            *media = None;
        }
        self.retry(trouble, None);
    }
}
