//! How a command for jobs fails.

use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::jobs::JobsError;
use zoetrope_host::media::MediaError;

use super::failure::{Failure, Phase, of_driver};
use super::next_step;

/// What a command for jobs came to. `options`: the global options that a further command
/// needs.
pub(crate) fn of_jobs(error: JobsError, options: &str) -> Failure {
    let next = next_step::text(&error.next_step(), options);
    let kind = error.kind().unwrap_or(ErrorKind::Internal);
    match error {
        // What is said of the next step there depends on how the call failed.
        JobsError::List(error) => Failure::of_call(error, Phase::Context),
        JobsError::Driver(error) => of_driver(&error),
        JobsError::Unwritten { job, source } => of_driver(&source).about(&job),
        JobsError::NotResumed { spent, source } => match spent {
            // Nothing was sent; what may have been spent before is said.
            Some(spent) => of_driver(&source).charged(spent.charge()),
            None => of_driver(&source),
        },
        JobsError::Check { source, .. } => Failure::of_call(source, Phase::Check).then(next),
        JobsError::Picture(MediaError::Call(error)) => {
            Failure::of_call(error, Phase::Upload).then(next)
        }
        JobsError::Connection(error) => Failure::of_job_error(error, Phase::Context).then(next),
        JobsError::NotAdopted { job, error } => Failure::of_job_error(error, Phase::Poll)
            .then(next)
            .about(&job),
        JobsError::Copy { job, source } => Failure::new(kind, Phase::Download, chain(&source))
            .about(&job)
            .then(next),
        JobsError::UnknownNodeType { ref known, .. } => {
            let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("{error}; there are {}", known.join(", "));
            Failure::new(kind, Phase::Context, message).then(next)
        }
        error => Failure::new(kind, phase(&error), chain(&error)).then(next),
    }
}

/// How far a run had come that was no job yet.
fn phase(error: &JobsError) -> Phase {
    match error {
        JobsError::NotJson(_) | JobsError::FileUrl { .. } => Phase::Check,
        JobsError::Picture(_) => Phase::Upload,
        _ => Phase::Context,
    }
}
