//! `zoetrope jobs resolve`.

use std::process::ExitCode;
use std::sync::Arc;

use zoetrope_host::contract::Charge;
use zoetrope_host::driver::{Time, deadline_after};
use zoetrope_host::jobs::NextStep;
use zoetrope_host::ledger::{Job, State};

use super::cancel::{TIMEOUT, cancelled};
use super::{find_job, needs_connections, print, settle};
use crate::args::jobs::Resolve;
use crate::context::Context;
use crate::interrupts::Interrupts;
use crate::progress::Progress;
use crate::report::{Failure, next_step, of_jobs, outcome};

impl Resolve {
    pub(super) async fn run(self, context: &Arc<Context>) -> Result<ExitCode, Failure> {
        let progress = Progress::new(context.options(), context.printer().clone());
        let jobs = context.jobs(progress.listener()).await?;
        let job = find_job(jobs.ledger(), &self.id, context)?;
        let asks = self.finding.provider_job_id.is_some() && !self.force;
        let adopted = Some(&job).filter(|_| asks);
        needs_connections(context, adopted.as_slice()).await?;
        let resolved = match &self.finding.provider_job_id {
            Some(id) => jobs.adopt(&job, id, self.force).await,
            None => jobs.mark_never_started(&job).await,
        };
        let job = resolved.map_err(|error| of_jobs(error, &context.options()))?;
        if job.schedule.cancel_wanted && job.state() == State::Started {
            // The wish to cancel outlived the unknown outcome.
            let mut interrupts = Interrupts::listen();
            let resumed = jobs.resume(&job, deadline_after(TIMEOUT)).await;
            let job = resumed.map_err(|error| of_jobs(error, &context.options()))?;
            let job = settle(&jobs, &progress, job, &mut interrupts).await?;
            return cancelled(&job, context);
        }
        let mut answer = outcome::listed(&job);
        answer["ok"] = true.into();
        let text = if job.state() == State::Started {
            let next = NextStep::of(&job, Time::present());
            let next = next_step::text(&next, &context.options());
            answer["next"] = next.as_str().into();
            format!("started; next: {next}")
        } else {
            never_started(&job, &context.options())
        };
        print(&answer, &text, &job, context)
    }
}

/// What is recorded of a job that never started. `options`: the global options.
fn never_started(job: &Job, options: &str) -> String {
    let charge = match job.charge() {
        Charge::No => "; nothing was charged".to_owned(),
        charge => format!(". Charged for earlier attempts: {}", charge.as_str()),
    };
    let next = match NextStep::of(job, Time::present()) {
        NextStep::Retry { job } => {
            format!(" To submit it again, run: zoetrope jobs retry {job}{options}")
        }
        NextStep::RetryAgain { job } => format!(
            " To submit it again, and pay for that attempt, run: zoetrope jobs retry {job} --again{options}"
        ),
        _ => String::new(),
    };
    format!("Recorded: the job never started{charge}.{next}")
}
