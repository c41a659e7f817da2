//! The failure of a command for jobs.

use zoetrope_host::contract::Charge;
use zoetrope_host::driver::now;
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::jobs::JobsError;
use zoetrope_host::ledger::{Job, JobSpec};
use zoetrope_host::media::MediaError;
use zoetrope_host::sanitize::{line, sentence};
use zoetrope_host::similar::most_similar;

use super::failure::{Failure, Phase, of_driver};
use super::{next_step, outcome};
use crate::ago::relative;

/// The most jobs that an ambiguous name lists.
const MOST_CANDIDATES: usize = 5;

/// The failure of a command for a job that exists. What it was or may be charged for can be had without
/// that command too.
fn of_known_job(job: &Job, error: JobsError, options: &str) -> Failure {
    let failure = of_jobs(error, options).about(job);
    let next = failure.next().to_owned();
    if job.charge() == Charge::No || next.contains("zoetrope jobs") {
        return failure;
    }
    let id = &job.spec.id;
    let other = if job.is_finalized() {
        format!("zoetrope jobs fetch {id} --out FILE{options}")
    } else {
        format!("zoetrope jobs resume {id}{options}")
    };
    failure.then(format!("{next}. Or run: {other} (nothing more is charged)"))
}

/// Converts an error of the jobs library. `options`: the global options to repeat in the
/// command of the next step.
pub(crate) fn of_jobs(error: JobsError, options: &str) -> Failure {
    let step = error.next_step();
    let next = next_step::text(&step, options);
    let kind = error.kind().unwrap_or(ErrorKind::Internal);
    match error {
        // `of_call` chooses the next step by how the call failed.
        JobsError::List(error) => Failure::of_call(error, Phase::Setup),
        JobsError::Driver(error) => of_driver(&error, options),
        JobsError::Unwritten { job, source } => of_driver(&source, options).about(&job),
        JobsError::NotResumed { spent, source } => match spent {
            // This command sent nothing, but an earlier submit may have been charged.
            Some(spent) => of_driver(&source, options).charged(spent.charge()),
            None => of_driver(&source, options),
        },
        JobsError::Check { source, .. } => Failure::of_call(source, Phase::Check).then(next),
        JobsError::Picture(MediaError::Call(error)) => {
            Failure::of_call(error, Phase::Upload).then_step(step, options)
        }
        JobsError::Connection(error) => Failure::of_job_error(error, Phase::Setup).then(next),
        JobsError::NotAdopted { job, error } => Failure::of_job_error(error, Phase::Submit)
            .then(next)
            .about(&job),
        JobsError::OfJob { job, error } => of_known_job(&job, *error, options),
        JobsError::Unconfirmed { ref job, .. }
        | JobsError::OtherJob { asked: ref job, .. }
        | JobsError::OutcomeKnown { ref job }
        | JobsError::NotFailed { ref job }
        | JobsError::WithoutInput { ref job }
        | JobsError::MayBeCharged { ref job, .. } => {
            let failure = Failure::new(kind, outcome::phase(job), chain(&error));
            failure.about(job).then(next)
        }
        JobsError::Removed { ref removed } | JobsError::OtherComponent { ref removed } => {
            let job = &removed.job;
            let failure = Failure::new(kind, outcome::phase(job), chain(&error));
            failure.about(job).then(next)
        }
        JobsError::Copy { job, source } => Failure::new(kind, Phase::Download, chain(&source))
            .about(&job)
            .then(next),
        JobsError::UnknownNodeType {
            ref name,
            ref known,
        } => {
            let (meant, next) = meant(name, known, next, options);
            let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("{error}; {meant} node types are {}", known.join(", "));
            Failure::new(kind, Phase::Setup, message).then(next)
        }
        JobsError::AmbiguousId { ref candidates, .. } => {
            let message = format!("{error}: {}", listed(candidates));
            Failure::new(kind, Phase::Setup, message).then(next)
        }
        error => Failure::new(kind, phase(&error), chain(&error)).then(next),
    }
}

/// The node type that a name may mean, and the step that shows it; else `next`.
fn meant(name: &str, known: &[String], next: String, options: &str) -> (String, String) {
    match most_similar(name, known.iter().map(String::as_str)) {
        Some(near) => {
            let shown = next_step::show_node(near, options);
            (format!("did you mean `{}`? The", sentence(near)), shown)
        }
        None => ("the".into(), next),
    }
}

/// The jobs that a name may mean.
fn listed(candidates: &[Job]) -> String {
    let jobs = candidates.iter().take(MOST_CANDIDATES).map(|job| {
        let JobSpec {
            id,
            node,
            connection,
            created_at,
            ..
        } = &*job.spec;
        let (state, made) = (job.state().as_str(), relative(*created_at, now()));
        format!("{id} ({}, {connection}, {state}, {made})", line(node))
    });
    let mut jobs: Vec<_> = jobs.collect();
    if candidates.len() > MOST_CANDIDATES {
        jobs.push("and more".into());
    }
    jobs.join(", ")
}

/// The phase of a run that failed before it had a job.
fn phase(error: &JobsError) -> Phase {
    match error {
        JobsError::NotJson(_) | JobsError::FileUrl { .. } => Phase::Check,
        JobsError::Picture(_) => Phase::Upload,
        _ => Phase::Setup,
    }
}
