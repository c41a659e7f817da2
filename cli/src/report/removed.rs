//! Results that are not at their places any more: removed, or replaced by other files.

use std::path::Path;

use zoetrope_host::contract::Charge;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{Comparison, FileState, NextStep};
use zoetrope_host::ledger::{Job, State};

use super::failure::{Failure, Phase};
use super::next_step;
use crate::shell::quoted;

/// The failure of a job whose result has its final name in the ledger, and is not there.
pub(super) fn failure(job: &Job, options: &str, comparison: Comparison) -> Option<Failure> {
    let file = job.file().filter(|_| job.is_finalized())?;
    let mut files = file
        .all()
        .map(|file| (file, FileState::of(file, comparison)));
    let (file, state) = files.find(|(_, state)| *state != FileState::Present)?;
    let path = file.path.display();
    let (what, next) = if state == FileState::Changed {
        let what = format!("the result was removed from its place: `{path}` is another file now");
        (what, fetch(job, &file.path, options))
    } else {
        let resume = NextStep::Resume {
            job: job.spec.id.clone(),
        };
        let resume = next_step::text(&resume, options);
        let next = format!("To get it again, run: {resume} (nothing is charged)");
        (
            format!("the result was removed from its place: `{path}`"),
            next,
        )
    };
    let message = format!("{what}. {}", paid(job));
    let failure = Failure::new(ErrorKind::DownloadFailed, Phase::Download, message);
    Some(failure.about(job).then(next))
}

fn fetch(job: &Job, path: &Path, options: &str) -> String {
    let id = &job.spec.id;
    format!(
        "To write the result to another file, run: zoetrope jobs fetch {id} --out FILE{options}. \
         To replace the file that is there, run: zoetrope jobs fetch {id} --out {} --force{options} \
         (nothing is charged)",
        quoted(path)
    )
}

/// Whether a result that was delivered before is not at its place again. `message`: the text of the
/// job's error, which names a complete file that only lacks its name.
pub(super) fn is_not_back(job: &Job, message: &str) -> bool {
    job.state() == State::Succeeded
        && !job.is_finalized()
        && job.file().is_some()
        && !message.contains("the complete file is kept as `")
}

/// The text of such a job's error.
pub(super) fn not_back(job: &Job, message: &str) -> String {
    let path = job.file().map_or(Path::new(""), |file| file.path.as_path());
    format!(
        "the result was removed from its place, `{}`, and could not be downloaded again: {message}. {}",
        path.display(),
        paid(job)
    )
}

/// What the job cost.
fn paid(job: &Job) -> &'static str {
    match job.charge() {
        Charge::Yes => "It was paid for",
        Charge::Unknown => "It may have been charged",
        Charge::No => "It cost nothing",
    }
}
