//! Texts about jobs that were not submitted when a command ends.

use zoetrope_host::ledger::{Job, State};

/// Whether a job was never submitted, and no provider holds it up.
fn is_unsubmitted(job: &Job) -> bool {
    job.state() == State::Queued && job.submits() == 0
}

fn are_unsubmitted(jobs: &[Job]) -> bool {
    !jobs.is_empty() && jobs.iter().all(is_unsubmitted)
}

/// What the second Ctrl-C says if none of these jobs was submitted: no provider is asked.
pub(crate) fn at_second_interrupt(jobs: &[Job]) -> Option<&'static str> {
    let text = match jobs {
        [_] => "Discarding the job.",
        _ => "Discarding the jobs.",
    };
    are_unsubmitted(jobs).then_some(text)
}

/// What the first Ctrl-C says if none of these jobs was submitted. `options`: the global options.
pub(crate) fn at_interrupt(jobs: &[Job], options: &str) -> Option<String> {
    if !are_unsubmitted(jobs) {
        return None;
    }
    let (them, id) = match jobs {
        [job] => ("the job", job.spec.id.as_str()),
        _ => ("the jobs", "ID"),
    };
    Some(format!(
        "Interrupted: nothing was submitted so far. Press Ctrl-C again within 3 s to discard {them}, \
         or later run: zoetrope jobs cancel {id}{options}"
    ))
}

/// The line about the jobs of a command that were not submitted, `all` in number.
pub(crate) fn at_end(unsubmitted: usize, all: usize, options: &str) -> Option<String> {
    let they_were = match unsubmitted {
        0 => return None,
        1 => "was",
        _ => "were",
    };
    let jobs = if all == 1 { "job" } else { "jobs" };
    Some(format!(
        "{unsubmitted} of {all} {jobs} {they_were} not submitted. To discard one, run: \
         zoetrope jobs cancel ID{options}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_that_were_not_submitted_are_counted_with_the_command_that_discards_them() {
        assert_eq!(at_end(0, 5, ""), None);
        let text = "1 of 5 jobs was not submitted. To discard one, run: zoetrope jobs cancel ID --data-dir d";
        assert_eq!(at_end(1, 5, " --data-dir d").as_deref(), Some(text));
        let only = at_end(1, 1, "").unwrap_or_default();
        assert!(only.starts_with("1 of 1 job was not submitted."), "{only}");
        assert_eq!(at_interrupt(&[], ""), None);
        assert_eq!(at_second_interrupt(&[]), None);
    }
}
