//! `--max-cost` of a run: what the command may still submit.

use zoetrope_host::driver::Time;
use zoetrope_host::driver::pure::may_retry;
use zoetrope_host::jobs::{Checked, Submission};
use zoetrope_host::ledger::{Job, State};

use crate::args::Run;
use crate::context::Context;
use crate::max_cost::{Bound, check};
use crate::report::Failure;

/// What the submits of a command cost at most: of each input, in order, with the id of its
/// connection. Empty without a limit.
#[derive(Default)]
pub(super) struct Bounds(Vec<(String, Bound)>);

impl Run {
    /// Checks `--max-cost`: the sum over these inputs of what their submits cost at most. Each has the
    /// id of its connection, and the job of its key, if there is one.
    pub(super) async fn check_limit<'a>(
        &self,
        context: &Context,
        inputs: impl IntoIterator<Item = (&'a Checked, &'a str, Option<&'a Job>)>,
    ) -> Result<Bounds, Failure> {
        let mut bounds = Bounds::default();
        let Some(limit) = &self.limit.max_cost else {
            return Ok(bounds);
        };
        let (mut submitted, mut existing) = (Vec::new(), Vec::new());
        for (checked, connection, known) in inputs {
            existing.extend(known);
            let bound = self.bound(context, checked, connection).await?;
            let run = (connection.to_owned(), bound);
            if known.is_none_or(|job| self.submits(job)) {
                submitted.push(run.clone());
            }
            bounds.0.push(run);
        }
        // What an existing job was charged stays true.
        check(limit, &submitted).map_err(|failure| failure.about_all(&existing))?;
        Ok(bounds)
    }

    /// Checks `--max-cost` again, with the rows of these inputs as they are now: another process may
    /// have ended a job meanwhile, which `--retry-failed` submits again.
    pub(super) fn check_limit_of_rows(&self, rows: &[Job], bounds: &Bounds) -> Result<(), Failure> {
        let Some(limit) = &self.limit.max_cost else {
            return Ok(());
        };
        let of_rows = rows.iter().zip(&bounds.0);
        let submitted = of_rows.filter(|(job, _)| self.submits(job));
        let submitted: Vec<_> = submitted.map(|(_, run)| run.clone()).collect();
        let existing: Vec<_> = rows.iter().collect();
        check(limit, &submitted).map_err(|failure| failure.about_all(&existing))
    }

    /// Whether this command submits a job: also one that another running process requested, since this
    /// process requests it then.
    pub(super) fn submits(&self, job: &Job) -> bool {
        Submission::of(job, Time::present()).is_some() || self.retries(job)
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
    fn retries(&self, job: &Job) -> bool {
        self.retry_failed
            && job.state() == State::Failed
            && !job.is_removed()
            && may_retry(job, self.again)
    }
}
