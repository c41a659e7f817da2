//! What a command that resumes jobs would submit, and whether it does.

use std::collections::BTreeMap;

use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{Jobs, Submission};
use zoetrope_host::ledger::{Job, State};

use super::ask::{self, Answer};
use super::left_out::LeftOut;
use crate::args::Submits;
use crate::context::Context;
use crate::interrupts::Interrupts;
use crate::max_cost::{Bound, Total, check};
use crate::report::{Failure, Phase, next_step, of_jobs, of_ledger, outcome};

/// Decides about the submit of a job that is about to be resumed, if there is one. An error if it is
/// not to be submitted.
pub(crate) async fn resume_one(
    context: &Context,
    jobs: &Jobs,
    job: &Job,
    submits: &Submits,
    interrupts: &mut Interrupts,
) -> Result<(), Failure> {
    let (options, id) = (context.options(), &job.spec.id);
    let mut settled = None;
    if job.state() == State::Submitting {
        let failed = |error| of_jobs(error, &options);
        jobs.settle_orphans().await.map_err(failed)?;
        let row = jobs.ledger().job(id);
        settled = row.map_err(|error| of_ledger(&error, &options))?;
    }
    let job = settled.as_ref().unwrap_or(job);
    let Some(submission) = jobs.submission_of(job) else {
        return Ok(());
    };
    let mut plan = Plan::of(context, [(job, submission)]).await?;
    plan.is_named = true;
    let failure = match plan.decide(context, submits, interrupts).await {
        Ok(true) => return Ok(()),
        Ok(false) => {
            let message = "the job was not submitted";
            Failure::new(ErrorKind::Interrupted, outcome::phase(job), message)
        }
        Err(failure) if failure.kind() == ErrorKind::Interrupted => failure,
        Err(failure) => return Err(failure.about(job)),
    };
    let next = format!(
        "zoetrope jobs resume {id} --yes{options}, or, to discard the job: {}",
        next_step::cancel(id, &options)
    );
    Err(failure.about(job).then(next))
}

/// The jobs that a command which resumes all jobs leaves as they are.
pub(crate) async fn resume_all(
    context: &Context,
    jobs: &Jobs,
    submits: &Submits,
    interrupts: &mut Interrupts,
) -> Result<LeftOut, Failure> {
    let options = context.options();
    jobs.settle_orphans()
        .await
        .map_err(|error| of_jobs(error, &options))?;
    let rows = jobs.ledger().rows();
    let rows = rows.map_err(|error| of_ledger(&error, &options))?;
    let of_others = rows
        .jobs
        .iter()
        .filter(|job| jobs.is_submitted_by_another(job));
    let mut left = LeftOut::new(&of_others.collect::<Vec<_>>());
    if let Some(note) = left.note() {
        context.printer().message(&note);
    }
    let submitted = rows.jobs.iter();
    let submitted = submitted.filter_map(|job| Some((job, jobs.submission_of(job)?)));
    let submitted: Vec<_> = submitted.collect();
    if submitted.is_empty() {
        return Ok(left);
    }
    let plan = Plan::of(context, submitted.iter().copied()).await?;
    if !plan.decide(context, submits, interrupts).await? {
        left.keep(submitted.iter().map(|(job, _)| *job));
    }
    Ok(left)
}

/// The submits of a command.
struct Plan {
    /// How many of each kind.
    counts: BTreeMap<Submission, usize>,
    /// The connection of each, and what it costs at most.
    runs: Vec<(String, Bound)>,
    /// Whether the command names its one job.
    is_named: bool,
}

impl Plan {
    async fn of<'a>(
        context: &Context,
        jobs: impl IntoIterator<Item = (&'a Job, Submission)>,
    ) -> Result<Self, Failure> {
        let mut plan = Self {
            counts: BTreeMap::new(),
            runs: Vec::new(),
            is_named: false,
        };
        for (job, submission) in jobs {
            *plan.counts.entry(submission).or_default() += 1;
            let bound = context.bound_of_job(job).await?;
            plan.runs.push((job.spec.connection.clone(), bound));
        }
        Ok(plan)
    }

    /// Whether the jobs are submitted. Says before what they may cost, and asks on a terminal.
    async fn decide(
        &self,
        context: &Context,
        submits: &Submits,
        interrupts: &mut Interrupts,
    ) -> Result<bool, Failure> {
        if submits.no_submit {
            return Ok(false);
        }
        if let Some(limit) = &submits.limit.max_cost {
            check(limit, &self.runs)?;
        }
        let printer = context.printer();
        printer.message(&self.line());
        if submits.yes || !ask::is_possible(printer) {
            return Ok(true);
        }
        let question = match self.runs.len() {
            1 => "Submit it?",
            _ => "Submit them?",
        };
        match ask::ask(printer, question, interrupts).await {
            Answer::Yes => Ok(true),
            Answer::No => Ok(false),
            Answer::Interrupted => Err(interrupted(self.runs.len(), context)),
        }
    }

    /// `3 of these jobs were never submitted. Submitting them may cost money: …`.
    fn line(&self) -> String {
        let all = self.counts.iter();
        let parts: Vec<_> = all
            .map(|(submission, count)| self.part(*submission, *count))
            .collect();
        let them = match self.runs.len() {
            1 => "it",
            _ => "them",
        };
        let bounds = || self.runs.iter().map(|(_, bound)| bound);
        let cost = if bounds().all(|bound| *bound == Bound::Nothing) {
            "costs no money: the practice provider is used".to_owned()
        } else {
            format!("may cost money: {}", Total::of(bounds()))
        };
        format!("{}. Submitting {them} {cost}.", parts.join(", "))
    }

    fn part(&self, submission: Submission, count: usize) -> String {
        if self.is_named {
            return match submission {
                Submission::First => "This job was never submitted",
                Submission::Further => "This job waits to be submitted again",
                Submission::Repeated => {
                    "The outcome of this job is unknown, and it is submitted again under its key"
                }
            }
            .to_owned();
        }
        match (submission, count) {
            (Submission::First, 1) => "1 of these jobs was never submitted".to_owned(),
            (Submission::First, count) => format!("{count} of these jobs were never submitted"),
            (Submission::Further, 1) => "1 waits to be submitted again".to_owned(),
            (Submission::Further, count) => format!("{count} wait to be submitted again"),
            (Submission::Repeated, 1) => {
                "1 with an unknown outcome is submitted again under its key".to_owned()
            }
            (Submission::Repeated, count) => {
                format!("{count} with an unknown outcome are submitted again under their keys")
            }
        }
    }
}

/// Ctrl-C at the question. The rows are as they were.
fn interrupted(jobs: usize, context: &Context) -> Failure {
    let options = context.options();
    let discard = match jobs {
        1 => format!("zoetrope jobs cancel ID{options}"),
        _ => format!("zoetrope jobs cancel ID{options} for each"),
    };
    let message = "interrupted before the submit; nothing was submitted";
    Failure::new(ErrorKind::Interrupted, Phase::Setup, message).then(format!(
        "Run the same command again, or, to discard a job: {discard}. List the jobs: zoetrope jobs --state queued{options}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(counts: &[(Submission, usize)], bound: &Bound) -> Plan {
        let all = counts.iter().map(|(_, count)| *count).sum();
        Plan {
            counts: counts.iter().copied().collect(),
            runs: vec![("pixelml".into(), bound.clone()); all],
            is_named: false,
        }
    }

    #[test]
    fn line_counts_the_submits_by_their_reason_and_says_what_they_cost() {
        use Submission::{First, Further, Repeated};
        for (counts, expected) in [
            (
                &[(First, 3)][..],
                "3 of these jobs were never submitted. Submitting them may cost money: no known upper bound.",
            ),
            (
                &[(First, 1)],
                "1 of these jobs was never submitted. Submitting it may cost money: no known upper bound.",
            ),
            (
                &[(First, 1), (Further, 2), (Repeated, 1)],
                "1 of these jobs was never submitted, 2 wait to be submitted again, 1 with an unknown outcome is submitted again under its key. Submitting them may cost money: no known upper bound.",
            ),
        ] {
            assert_eq!(plan(counts, &Bound::Unknown).line(), expected);
        }
        let line = plan(&[(First, 2)], &Bound::Nothing).line();
        let text = "2 of these jobs were never submitted. Submitting them costs no money: the practice provider is used.";
        assert_eq!(line, text);
        let mut one = plan(&[(First, 1)], &Bound::Unknown);
        one.is_named = true;
        let text =
            "This job was never submitted. Submitting it may cost money: no known upper bound.";
        assert_eq!(one.line(), text);
    }
}
