//! What a command that resumes jobs would submit, and whether it does.

use std::collections::BTreeMap;

use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{Jobs, Submission};
use zoetrope_host::ledger::{Job, State};
use zoetrope_host::sanitize::line;

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
            let (kind, message) = declined(submission);
            Failure::new(kind, outcome::phase(job), message)
        }
        Err(failure) if failure.kind() == ErrorKind::Interrupted => failure,
        Err(failure) => return Err(failure.about(job)),
    };
    let resume = format!("zoetrope jobs resume {id} --yes{options}");
    let next = match submission {
        // The provider may have the job: nothing discards it.
        Submission::Repeated => resume,
        Submission::First | Submission::Further => {
            let cancel = next_step::cancel(id, &options);
            format!("{resume}, or, to discard the job: {cancel}")
        }
    };
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
        context.printer().info(&note);
    }
    let submitted = rows.jobs.iter();
    let submitted = submitted.filter_map(|job| Some((job, jobs.submission_of(job)?)));
    let submitted: Vec<_> = submitted.collect();
    if submitted.is_empty() {
        return Ok(left);
    }
    let plan = Plan::of(context, submitted.iter().copied()).await?;
    let decided = plan.decide(context, submits, interrupts).await;
    let all: Vec<_> = submitted.iter().map(|(job, _)| *job).collect();
    if !decided.map_err(|failure| failure.about_all(&all))? {
        left.keep(&submitted);
    }
    Ok(left)
}

/// The failure of a job that the user does not want to be submitted.
fn declined(submission: Submission) -> (ErrorKind, &'static str) {
    match submission {
        Submission::First | Submission::Further => {
            (ErrorKind::Interrupted, "the job was not submitted")
        }
        Submission::Repeated => (
            ErrorKind::OutcomeUnknown,
            "the job was not submitted again; its outcome stays unknown",
        ),
    }
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

    /// Whether the jobs are submitted. Says before what they may cost, and asks on a terminal if they
    /// may cost money.
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
        if submits.yes || self.is_free() || !ask::is_possible() {
            return Ok(true);
        }
        let question = match self.runs.len() {
            1 => "Submit it?",
            _ => "Submit them?",
        };
        match ask::ask(printer, question, interrupts).await {
            Answer::Yes => Ok(true),
            Answer::No => Ok(false),
            Answer::Interrupted => Err(self.interrupted(&context.options())),
        }
    }

    /// `3 jobs were never submitted. Submitting them costs at most …`.
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
        let cost = if self.is_free() {
            "costs no money: the practice provider is used".to_owned()
        } else if bounds().all(|bound| *bound == Bound::Unknown) {
            let first = self.runs.first().map_or("ID", |(id, _)| id);
            let is_one = self.runs.iter().all(|(id, _)| id == first);
            let id = if is_one { first } else { "ID" };
            format!(
                "may cost money; no limit is known (set max_cost in [connections.{}])",
                line(id)
            )
        } else {
            format!("costs {}", Total::of(bounds()))
        };
        format!("{}. Submitting {them} {cost}.", parts.join(", "))
    }

    /// Whether the practice provider serves them all.
    fn is_free(&self) -> bool {
        self.runs.iter().all(|(_, bound)| *bound == Bound::Nothing)
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
            (Submission::First, 1) => "1 job was never submitted".to_owned(),
            (Submission::First, count) => format!("{count} jobs were never submitted"),
            (Submission::Further, 1) => "1 job waits to be submitted again".to_owned(),
            (Submission::Further, count) => format!("{count} jobs wait to be submitted again"),
            (Submission::Repeated, 1) => {
                "1 job with an unknown outcome is submitted again under its key".to_owned()
            }
            (Submission::Repeated, count) => {
                format!("{count} jobs with an unknown outcome are submitted again under their keys")
            }
        }
    }

    /// Ctrl-C at the question. The rows are as they were.
    fn interrupted(&self, options: &str) -> Failure {
        let again = "Run the same command again";
        let is_repeated = self.counts.contains_key(&Submission::Repeated);
        let only_repeated = is_repeated && self.counts.len() == 1;
        let next = if only_repeated {
            format!("{again}. List the jobs: zoetrope jobs{options}")
        } else {
            let each = if self.runs.len() == 1 {
                ""
            } else {
                " for each"
            };
            format!(
                "{again}, or, to discard a job: zoetrope jobs cancel ID{options}{each}. List the \
                 jobs: zoetrope jobs --state queued{options}"
            )
        };
        let message = if is_repeated {
            "interrupted before the submit; this command submitted nothing"
        } else {
            "interrupted before the submit; nothing was submitted"
        };
        Failure::new(ErrorKind::Interrupted, Phase::Setup, message).then(next)
    }
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
                "3 jobs were never submitted. Submitting them may cost money; no limit is known (set max_cost in [connections.pixelml]).",
            ),
            (
                &[(First, 1)],
                "1 job was never submitted. Submitting it may cost money; no limit is known (set max_cost in [connections.pixelml]).",
            ),
            (
                &[(Repeated, 1)],
                "1 job with an unknown outcome is submitted again under its key. Submitting it may cost money; no limit is known (set max_cost in [connections.pixelml]).",
            ),
            (
                &[(First, 1), (Further, 2), (Repeated, 1)],
                "1 job was never submitted, 2 jobs wait to be submitted again, 1 job with an unknown outcome is submitted again under its key. Submitting them may cost money; no limit is known (set max_cost in [connections.pixelml]).",
            ),
        ] {
            assert_eq!(plan(counts, &Bound::Unknown).line(), expected);
        }
        assert!(!plan(&[(First, 2)], &Bound::Unknown).is_free());
        let free = plan(&[(First, 2)], &Bound::Nothing);
        assert!(free.is_free());
        let line = free.line();
        let text = "2 jobs were never submitted. Submitting them costs no money: the practice provider is used.";
        assert_eq!(line, text);
        let mut one = plan(&[(First, 1)], &Bound::Unknown);
        one.is_named = true;
        let text = "This job was never submitted. Submitting it may cost money; no limit is known (set max_cost in [connections.pixelml]).";
        assert_eq!(one.line(), text);
    }

    #[test]
    fn job_that_may_be_at_the_provider_is_not_called_unsubmitted_and_nothing_discards_it() {
        use Submission::{First, Repeated};
        let (kind, message) = declined(Repeated);
        assert_eq!(kind, ErrorKind::OutcomeUnknown);
        assert!(message.contains("its outcome stays unknown"), "{message}");
        assert_eq!(declined(First).0, ErrorKind::Interrupted);
        let interrupted = plan(&[(Repeated, 1)], &Bound::Unknown).interrupted("");
        assert!(!interrupted.next().contains("cancel"), "{interrupted:?}");
        assert!(!interrupted.message().contains("nothing was submitted"));
        let interrupted = plan(&[(First, 2)], &Bound::Unknown).interrupted("");
        assert!(
            interrupted.next().contains("cancel ID for each"),
            "{interrupted:?}"
        );
    }
}
