//! `zoetrope jobs retry`.

use std::process::ExitCode;
use std::sync::Arc;

use zoetrope_host::driver::{WaitFor, deadline_after};

use super::{find_job, has_connection, needs_connections, print_result, settle};
use crate::args::jobs::Retry;
use crate::context::Context;
use crate::interrupts::Interrupts;
use crate::picture_notes;
use crate::progress::Progress;
use crate::report::{Continuation, Failure, Summary, of_jobs};
use crate::retry::{announce, submit_again};
use crate::wait::wait_for;

impl Retry {
    pub(super) async fn run(self, context: &Arc<Context>) -> Result<ExitCode, Failure> {
        let progress = Progress::new(context.options(), context.printer().clone());
        let jobs = context.jobs(progress.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let failed = |error| of_jobs(error, &context.options());
        let mut ended = Vec::with_capacity(self.ids.len());
        for id in &self.ids {
            let job = find_job(jobs.ledger(), id, context)?;
            jobs.check_retry(&job, self.again).map_err(failed)?;
            if ended.iter().all(|known| *known != job) {
                ended.push(job);
            }
        }
        needs_connections(context, &ended.iter().collect::<Vec<_>>()).await?;
        for job in &ended {
            let again = if self.again { " --again" } else { "" };
            let command = format!("zoetrope jobs retry {}{again}", job.spec.id);
            has_connection(context, job, &command).await?;
        }
        announce(&jobs, &ended, context)?;
        let deadline_at = deadline_after(self.deadline);
        let mut queued = Vec::with_capacity(ended.len());
        for job in &ended {
            queued.push(
                submit_again(
                    &jobs,
                    job,
                    deadline_at,
                    self.again,
                    context,
                    &mut interrupts,
                )
                .await?,
            );
        }
        let rest = queued.split_off(1.min(queued.len()));
        match queued.pop() {
            Some(job) if rest.is_empty() => {
                let job = settle(&jobs, &progress, job, &mut interrupts).await?;
                print_result(&job, context)
            }
            first => {
                let ids = first.iter().chain(&rest);
                let ids: Vec<_> = ids.map(|job| job.spec.id.clone()).collect();
                let until = WaitFor::Settled;
                let rows = wait_for(&jobs, &progress, &ids, until, &mut interrupts).await?;
                let next = Continuation::of_all(&context.options());
                let solutions = context.solutions().await;
                context.note_all(picture_notes::results(&rows.jobs));
                Summary::of(&rows, &context.options(), &solutions)
                    .with_notes(context.notes())
                    .report(context.printer(), &next)
            }
        }
    }
}
