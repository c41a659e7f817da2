//! Results that are not at their places any more: removed, or replaced by other files.

use std::path::Path;

use zoetrope_host::contract::Charge;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{Comparison, FileState, NextStep};
use zoetrope_host::ledger::{ClipFile, Job, State};

use super::failure::{Failure, Phase};
use super::next_step;
use crate::shell::quoted;

/// The failure of a job whose result has its final name in the ledger, and is not there.
pub(super) fn failure(job: &Job, options: &str, comparison: Comparison) -> Option<Failure> {
    let file = job.file().filter(|_| job.is_finalized())?;
    let is_one_of_several = !file.others.is_empty();
    let files = file
        .all()
        .map(|file| (file, FileState::of(file, comparison)));
    let (file, state) = worst(files)?;
    let path = file.path.display();
    let resume = NextStep::Resume {
        job: job.spec.id.clone(),
    };
    let resume = next_step::text(&resume, options);
    let (what, next) = match state {
        FileState::Unreadable => (
            format!("the result `{path}` {}", FileState::unreadable(&file.path)),
            format!("Fix the permissions, then run: {resume} (nothing is charged)"),
        ),
        FileState::Changed => (
            format!("the result was removed from its place: `{path}` is another file now"),
            // A fetch writes the first file of a result to the path that it is given.
            if is_one_of_several {
                format!("Move that file away, then run: {resume} (nothing is charged)")
            } else {
                fetch(job, &file.path, options)
            },
        ),
        _ => (
            format!("the result was removed from its place: `{path}`"),
            format!("To get it again, run: {resume} (nothing is charged)"),
        ),
    };
    let message = format!("{what}. {}", paid(job));
    let failure = Failure::new(ErrorKind::DownloadFailed, Phase::Download, message);
    Some(failure.about(job).then(next))
}

/// The first of the files in the worst state, if that is not the right one.
fn worst<'a>(
    files: impl Iterator<Item = (&'a ClipFile, FileState)>,
) -> Option<(&'a ClipFile, FileState)> {
    files
        .filter(|(_, state)| *state != FileState::Present)
        .reduce(|worst, next| if next.1 > worst.1 { next } else { worst })
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use zoetrope_host::ledger::{
        FurtherFile, JobSpec, PastSubmits, ProviderJob, ResultFile, Stage, Target,
    };

    use super::*;

    fn file(path: PathBuf) -> ClipFile {
        ClipFile {
            path,
            sha256: String::new(),
            bytes: 3,
            media_type: "image/png".into(),
            others: Vec::new(),
            left_out: Vec::new(),
        }
    }

    fn job(mut first: ClipFile, others: Vec<PathBuf>) -> Job {
        let further = |path| FurtherFile {
            part: PathBuf::new(),
            file: file(path),
        };
        first.others = others.into_iter().map(further).collect();
        let spec = JobSpec {
            id: "0a1b".into(),
            node: "n".into(),
            raw_input: "{}".into(),
            raw_input_sha256: String::new(),
            input: "{}".into(),
            component: String::new(),
            connection: "c".into(),
            provider_origin: "https://p.example".into(),
            key: "k".into(),
            idempotency_ms: 0,
            created_at: 0,
        };
        let mut job = Job::new(spec, Target::File(first.path.clone()), "r".into(), 0);
        job.stage = Stage::Succeeded {
            job: ProviderJob {
                ticket: "t".into(),
                id: None,
                is_unconfirmed: false,
            },
            submits: PastSubmits::None,
            output: "{}".into(),
            media: None,
            file: ResultFile::Finalized(first),
        };
        job
    }

    #[test]
    fn next_step_fits_the_state_of_the_worst_file() {
        let folder = tempfile::tempdir().expect("folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.png"), "one").expect("write");
        std::fs::write(path("c.png"), "another").expect("write");
        let said = |job: &Job| {
            let failure = failure(job, "", Comparison::Length).expect("a failure");
            (failure.message().to_owned(), failure.next().to_owned())
        };
        let changed = job(file(path("c.png")), Vec::new());
        let (_, next) = said(&changed);
        assert!(
            next.contains("zoetrope jobs fetch 0a1b --out FILE"),
            "{next}"
        );
        // A fetch would give the first file the name of the third one.
        let several = job(file(path("a.png")), vec![path("b.png"), path("c.png")]);
        let (message, next) = said(&several);
        assert!(message.contains("c.png` is another file now"), "{message}");
        let move_away = "Move that file away, then run: zoetrope jobs resume 0a1b";
        assert!(next.starts_with(move_away), "{next}");
        assert!(!next.contains("fetch"), "{next}");
        // No file system has this name.
        let hidden = job(file(path("c.png")), vec![path(&"n".repeat(5_000))]);
        let (message, next) = said(&hidden);
        assert!(message.contains("cannot be read: "), "{message}");
        assert!(
            next.starts_with("Fix the permissions, then run: "),
            "{next}"
        );
    }
}
