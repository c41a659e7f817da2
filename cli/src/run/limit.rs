//! `--max-cost` of a run: what the command may still submit.

use zoetrope_host::driver::pure::may_retry;
use zoetrope_host::jobs::{Checked, Jobs};
use zoetrope_host::ledger::{Job, State};

use crate::args::Run;
use crate::context::Context;
use crate::max_cost::{Bound, check};
use crate::report::Failure;

impl Run {
    /// Checks `--max-cost`: the sum over these inputs of what their submits cost at most. Each has the
    /// id of its connection, and the job of its key, if there is one.
    pub(super) async fn check_limit<'a>(
        &self,
        context: &Context,
        jobs: &Jobs,
        inputs: impl IntoIterator<Item = (&'a Checked, &'a str, Option<&'a Job>)>,
    ) -> Result<(), Failure> {
        let Some(limit) = &self.limit.max_cost else {
            return Ok(());
        };
        let mut runs = Vec::new();
        for (checked, connection, known) in inputs {
            let is_submitted =
                known.is_none_or(|job| jobs.submission_of(job).is_some() || self.retries(job));
            if is_submitted {
                let bound = self.bound(context, checked, connection).await?;
                runs.push((connection.to_owned(), bound));
            }
        }
        check(limit, &runs)
    }

    /// What a run of this input costs at most.
    pub(super) async fn bound(
        &self,
        context: &Context,
        checked: &Checked,
        connection: &str,
    ) -> Result<Bound, Failure> {
        let plan = Some(checked.plan());
        context.bound(checked.node(), connection, plan).await
    }

    /// Whether `--retry-failed` submits a job again.
    pub(super) fn retries(&self, job: &Job) -> bool {
        self.retry_failed
            && job.state() == State::Failed
            && !job.is_removed()
            && may_retry(job, self.again)
    }
}
