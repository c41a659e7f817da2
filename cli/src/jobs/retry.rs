//! `zoetrope jobs retry`.

use std::process::ExitCode;
use std::sync::Arc;

use zoetrope_host::driver::{Time, WaitFor, deadline_after};
use zoetrope_host::jobs::{Jobs, Submission};
use zoetrope_host::ledger::Job;

use super::{find_job, has_connection, needs_connections, print_result, settle};
use crate::args::jobs::Retry;
use crate::context::Context;
use crate::interrupts::Interrupts;
use crate::max_cost::check;
use crate::picture_notes;
use crate::progress::Progress;
use crate::report::{Continuation, Failure, Summary, of_jobs, outcome};
use crate::retry::{announce, submit_again};
use crate::wait::wait_for;

impl Retry {
    pub(super) async fn run(self, context: &Arc<Context>) -> Result<ExitCode, Failure> {
        let progress = Progress::new(context.options(), context.printer().clone());
        let jobs = context.jobs(progress.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let failed = |error| of_jobs(error, &context.options());
        let (mut ended, mut waiting) = (Vec::with_capacity(self.ids.len()), Vec::new());
        for id in &self.ids {
            let job = find_job(jobs.ledger(), id, context)?;
            // Of several, the first ones may have been queued by a command that was interrupted.
            if self.ids.len() > 1 && job.retries > 0 && !job.is_done() {
                waiting.push(job);
                continue;
            }
            jobs.check_retry(&job, self.again).map_err(failed)?;
            if ended.iter().all(|known| *known != job) {
                ended.push(job);
            }
        }
        needs_connections(context, &ended.iter().collect::<Vec<_>>()).await?;
        for job in &ended {
            has_connection(context, job, &self.command_for(job)).await?;
        }
        self.begin(context, &jobs, &ended, &waiting).await?;
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
        for job in &waiting {
            queued.push(jobs.resume(job, deadline_at).await.map_err(failed)?);
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
                Ok(Summary::of(&rows, &context.options(), &solutions)
                    .with_notes(context.notes())
                    .report(context.printer(), &next))
            }
        }
    }

    /// Checks `--max-cost`, the sum of what the new attempts cost at most; then says what was
    /// charged before.
    async fn begin(
        &self,
        context: &Context,
        jobs: &Jobs,
        ended: &[Job],
        waiting: &[Job],
    ) -> Result<(), Failure> {
        let Some(limit) = &self.limit.max_cost else {
            return announce(jobs, ended, context);
        };
        let mut runs = Vec::new();
        let may_be_sent = |job: &&Job| Submission::of(job, Time::present()).is_some();
        for job in ended.iter().chain(waiting.iter().filter(may_be_sent)) {
            let bound = context.bound_of_job(job).await?;
            runs.push((job.spec.connection.clone(), bound));
        }
        let spent = ended.iter().map(|job| Some(job.charge()));
        let spent = outcome::charge_of(spent);
        check(limit, &runs).map_err(|failure| failure.charged(spent))?;
        announce(jobs, ended, context)
    }

    /// The same command for one of the jobs.
    fn command_for(&self, job: &Job) -> String {
        let again = if self.again { " --again" } else { "" };
        format!("zoetrope jobs retry {}{again}", job.spec.id)
    }
}
