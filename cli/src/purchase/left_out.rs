//! The jobs that a command leaves as they are.

use std::collections::HashSet;

use serde_json::{Value, json};
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::Submission;
use zoetrope_host::ledger::{Job, JobError, State};

/// The most jobs that are named.
const NAMED: usize = 20;

/// The error of a job without one.
const UNCERTAIN: &str = "it is unknown whether the provider accepted the job";

/// The jobs that a command does not resume, because that would submit them.
#[derive(Default)]
pub(crate) struct LeftOut {
    /// Those that stay queued.
    kept: Vec<String>,
    /// Whether all of those are queued.
    are_queued: bool,
    /// Those that were submitted, and whose outcome stays unknown.
    uncertain: Vec<Job>,
    /// Those that another process submits.
    of_others: Vec<String>,
}

impl LeftOut {
    /// `of_others`: the jobs that another running process submits.
    pub(super) fn new(of_others: &[&Job]) -> Self {
        let ids = of_others.iter().map(|job| job.spec.id.clone());
        Self {
            are_queued: true,
            of_others: ids.collect(),
            ..Self::default()
        }
    }

    pub(super) fn keep(&mut self, jobs: &[(&Job, Submission)]) {
        for (job, submission) in jobs {
            match submission {
                Submission::First | Submission::Further => {
                    self.kept.push(job.spec.id.clone());
                    self.are_queued &= job.state() == State::Queued;
                }
                Submission::Repeated => self.uncertain.push((*job).clone()),
            }
        }
    }

    /// The jobs whose outcome stays unknown, for the summary: this command does not wait for them.
    pub(crate) fn uncertain(&self) -> impl Iterator<Item = Job> {
        self.uncertain.iter().map(|job| {
            let mut job = job.clone();
            job.schedule.next_at = None;
            let unknown = || JobError::new(ErrorKind::OutcomeUnknown, UNCERTAIN);
            job.last_error.get_or_insert_with(unknown);
            job
        })
    }

    /// Their ids.
    pub(crate) fn ids(&self) -> HashSet<String> {
        let uncertain = self.uncertain.iter().map(|job| &job.spec.id);
        let all = self.kept.iter().chain(&self.of_others).chain(uncertain);
        all.cloned().collect()
    }

    /// The line about those that another process submits, before anything is done.
    pub(super) fn note(&self) -> Option<String> {
        Some(match self.of_others.len() {
            0 => return None,
            1 => "note: 1 job is left out: another running command submits it".into(),
            count => format!("note: {count} jobs are left out: other running commands submit them"),
        })
    }

    /// The lines about those that were not submitted, at the end. `options`: the global options.
    pub(crate) fn messages(&self, options: &str) -> Vec<String> {
        let kept = match self.kept.as_slice() {
            [] => None,
            [job] => Some(format!(
                "1 job was not submitted: {job}. To submit it, run: zoetrope jobs resume {job} --yes{options}"
            )),
            jobs => {
                let state = if self.are_queued {
                    " --state queued"
                } else {
                    ""
                };
                Some(format!(
                    "{} jobs were not submitted. Submit them: zoetrope jobs resume --all --yes{options}. \
                     List them: zoetrope jobs{state}{options}",
                    jobs.len()
                ))
            }
        };
        let uncertain = self.uncertain.iter().map(|job| job.spec.id.clone());
        let uncertain: Vec<_> = uncertain.collect();
        let names = named(&uncertain);
        let uncertain = match uncertain.as_slice() {
            [] => None,
            [job] => Some(format!(
                "1 job was not submitted again; its outcome stays unknown: {job}. To submit it again under its key, run: zoetrope jobs resume {job} --yes{options}"
            )),
            jobs => Some(format!(
                "{} jobs were not submitted again; their outcome stays unknown: {names}. To submit them again under their keys, run: zoetrope jobs resume --all --yes{options}",
                jobs.len()
            )),
        };
        kept.into_iter().chain(uncertain).collect()
    }

    /// The ids of those that were not submitted; null if there are none.
    pub(crate) fn document(&self) -> Value {
        if self.kept.is_empty() {
            return Value::Null;
        }
        json!(self.kept)
    }
}

/// The first of these ids, and the number of the others.
fn named(ids: &[String]) -> String {
    let first: Vec<_> = ids.iter().take(NAMED).map(String::as_str).collect();
    let names = first.join(", ");
    match ids.len().saturating_sub(NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use zoetrope_host::ledger::{JobSpec, Target};

    use super::*;

    fn kept(count: usize) -> LeftOut {
        LeftOut {
            kept: (0..count).map(|number| format!("j{number}")).collect(),
            are_queued: true,
            ..LeftOut::default()
        }
    }

    fn job(id: &str) -> Job {
        let spec = JobSpec {
            id: id.into(),
            node: "image_to_video".into(),
            raw_input: "{}".into(),
            raw_input_sha256: String::new(),
            input: "{}".into(),
            component: String::new(),
            connection: "pixelml".into(),
            provider_origin: "https://p.example".into(),
            key: id.into(),
            idempotency_ms: 0,
            created_at: 0,
        };
        Job::new(spec, Target::Stem("/clips/a".into()), "r".into(), 0)
    }

    #[test]
    fn job_of_unknown_outcome_is_no_job_that_was_not_submitted() {
        let mut left = LeftOut::default();
        let (queued, sent) = (job("j0"), job("j1"));
        left.keep(&[(&queued, Submission::First), (&sent, Submission::Repeated)]);
        assert_eq!(left.document(), json!(["j0"]));
        assert_eq!(left.ids().len(), 2);
        let uncertain: Vec<_> = left.uncertain().collect();
        assert_eq!(uncertain.len(), 1);
        assert!(uncertain[0].is_settled() && uncertain[0].last_error.is_some());
        let messages = left.messages("");
        assert!(messages[0].starts_with("1 job was not submitted: j0."));
        let text = "1 job was not submitted again; its outcome stays unknown: j1. To submit it again under its key, run: zoetrope jobs resume j1 --yes";
        assert_eq!(messages[1], text);
    }

    #[test]
    fn jobs_that_were_not_submitted_are_counted_with_the_commands() {
        assert!(kept(0).messages("").is_empty());
        let one = kept(1).messages(" --data-dir d").remove(0);
        let text = "1 job was not submitted: j0. To submit it, run: zoetrope jobs resume j0 --yes --data-dir d";
        assert_eq!(one, text);
        let two = kept(2).messages("").remove(0);
        let text = "2 jobs were not submitted. Submit them: zoetrope jobs resume --all --yes. List them: zoetrope jobs --state queued";
        assert_eq!(two, text);
        let mut other = kept(2);
        other.are_queued = false;
        let two = other.messages("").remove(0);
        assert!(two.ends_with("List them: zoetrope jobs"), "{two}");
        assert_eq!(kept(2).document(), json!(["j0", "j1"]));
        assert_eq!(kept(0).document(), Value::Null);
    }

    #[test]
    fn job_of_another_process_is_left_out_and_not_named_at_the_end() {
        let left = LeftOut {
            of_others: vec!["j".into()],
            ..LeftOut::default()
        };
        assert!(left.note().is_some() && left.messages("").is_empty());
        assert_eq!(left.ids().len(), 1);
    }
}
