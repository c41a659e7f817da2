//! `zoetrope jobs watch`.

use std::process::ExitCode;
use std::sync::Arc;

use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::NextStep;
use zoetrope_host::ledger::{Job, State};

use super::{NOTHING_LEFT, find_job, needs_connections, only, print_result};
use crate::args::jobs::Watch;
use crate::context::Context;
use crate::follow::{Follow, is_at_provider};
use crate::interrupts::Interrupts;
use crate::picture_notes;
use crate::progress::Progress;
use crate::report::{Continuation, Failure, Phase, Summary, next_step, of_ledger};

impl Watch {
    pub(super) async fn run(self, context: &Arc<Context>) -> Result<ExitCode, Failure> {
        let progress = Progress::new(context.options(), context.printer().clone());
        let jobs = context.jobs(progress.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let ledger = jobs.ledger();
        let watched = if self.ids.is_empty() {
            let rows = ledger.rows();
            let rows = rows.map_err(|error| of_ledger(&error, &context.options()))?;
            let unfinished = rows.jobs.into_iter().filter(|job| !job.is_done());
            let unfinished: Vec<_> = unfinished.collect();
            if unfinished.is_empty() && !context.json() {
                context.printer().info(NOTHING_LEFT);
                return Ok(ExitCode::SUCCESS);
            }
            unfinished
        } else {
            let mut watched: Vec<Job> = Vec::with_capacity(self.ids.len());
            for id in &self.ids {
                let job = find_job(ledger, id, context)?;
                if watched.iter().all(|known| known.spec.id != job.spec.id) {
                    watched.push(job);
                }
            }
            watched
        };
        let polled = watched
            .iter()
            .filter(|job| !job.is_done() && is_at_provider(job));
        needs_connections(context, &polled.collect::<Vec<_>>()).await?;
        for job in &watched {
            progress.is_known(job);
        }
        let ids: Vec<_> = watched.iter().map(|job| job.spec.id.clone()).collect();
        let follow = Follow {
            context,
            jobs: &jobs,
            progress: &progress,
            ids: &ids,
            limit: self.deadline,
        };
        let rows = follow.until_ended(&mut interrupts).await?;
        if let ([_], Some(job)) = (self.ids.as_slice(), watched.into_iter().next()) {
            let job = only(rows, job, &context.options())?;
            if job.state() == State::Queued {
                return Err(not_submitted(&job, context));
            }
            return print_result(&job, context);
        }
        let queued = rows.jobs.iter().filter(|job| job.state() == State::Queued);
        if let Some(text) = still_queued(queued.count(), &context.options()) {
            context.printer().info(&text);
        }
        let next = Continuation::of_all(&context.options());
        let solutions = context.solutions().await;
        context.note_all(picture_notes::results(&rows.jobs));
        Ok(Summary::of(&rows, &context.options(), &solutions)
            .with_notes(context.notes())
            .report(context.printer(), &next))
    }
}

/// The failure of the only job, which is queued.
fn not_submitted(job: &Job, context: &Context) -> Failure {
    let resume = NextStep::Resume {
        job: job.spec.id.clone(),
    };
    let resume = next_step::text(&resume, &context.options());
    let message = "the job is queued, and this command submits nothing";
    Failure::new(ErrorKind::Interrupted, Phase::Submit, message)
        .about(job)
        .then(format!("To submit it, run: {resume}"))
}

/// The note on jobs that are still queued.
fn still_queued(count: usize, options: &str) -> Option<String> {
    let all = next_step::text(&NextStep::ResumeAll, options);
    match count {
        0 => None,
        1 => Some(format!("1 job is still queued. To submit it, run: {all}")),
        count => Some(format!(
            "{count} jobs are still queued. To submit them, run: {all}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queued_jobs_are_counted_with_the_command_that_submits_them() {
        assert_eq!(still_queued(0, ""), None);
        let one = "1 job is still queued. To submit it, run: zoetrope jobs resume --all";
        assert_eq!(still_queued(1, "").as_deref(), Some(one));
        let many = "3 jobs are still queued. To submit them, run: zoetrope jobs resume --all";
        assert_eq!(still_queued(3, "").as_deref(), Some(many));
    }
}
