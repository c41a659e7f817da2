//! The jobs that a command leaves as they are.

use std::collections::HashSet;

use serde_json::{Value, json};
use zoetrope_host::ledger::Job;

/// The most jobs that are named.
const NAMED: usize = 20;

/// The jobs that a command does not resume, because that would submit them.
#[derive(Default)]
pub(crate) struct LeftOut {
    /// Those that stay queued, or whose outcome stays unknown.
    kept: Vec<String>,
    /// Those that another process submits.
    of_others: Vec<String>,
}

impl LeftOut {
    /// `of_others`: the jobs that another running process submits.
    pub(super) fn new(of_others: &[&Job]) -> Self {
        let ids = of_others.iter().map(|job| job.spec.id.clone());
        Self {
            kept: Vec::new(),
            of_others: ids.collect(),
        }
    }

    pub(super) fn keep<'a>(&mut self, jobs: impl Iterator<Item = &'a Job>) {
        self.kept.extend(jobs.map(|job| job.spec.id.clone()));
    }

    /// Their ids.
    pub(crate) fn ids(&self) -> HashSet<String> {
        self.kept.iter().chain(&self.of_others).cloned().collect()
    }

    /// The line about those that another process submits, before anything is done.
    pub(super) fn note(&self) -> Option<String> {
        Some(match self.of_others.len() {
            0 => return None,
            1 => "note: 1 job is left out: another running command submits it".into(),
            count => format!("note: {count} jobs are left out: other running commands submit them"),
        })
    }

    /// The line about those that were not submitted, at the end. `options`: the global options.
    pub(crate) fn message(&self, options: &str) -> Option<String> {
        let first: Vec<_> = self.kept.iter().take(NAMED).map(String::as_str).collect();
        let mut names = first.join(", ");
        if self.kept.len() > NAMED {
            let more = self.kept.len() - NAMED;
            names = format!("{names} and {more} more");
        }
        Some(match self.kept.as_slice() {
            [] => return None,
            [job] => format!(
                "1 job was not submitted: {job}. To submit it, run: zoetrope jobs resume {job} --yes{options}"
            ),
            jobs => format!(
                "{} jobs were not submitted: {names}. To submit them, run: zoetrope jobs resume --all --yes{options}",
                jobs.len()
            ),
        })
    }

    /// The ids of those that were not submitted; null if there are none.
    pub(crate) fn document(&self) -> Value {
        if self.kept.is_empty() {
            return Value::Null;
        }
        json!(self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(count: usize) -> LeftOut {
        LeftOut {
            kept: (0..count).map(|number| format!("j{number}")).collect(),
            of_others: Vec::new(),
        }
    }

    #[test]
    fn jobs_that_were_not_submitted_are_counted_and_named_with_the_command() {
        assert_eq!(kept(0).message(""), None);
        let one = kept(1).message(" --data-dir d").expect("a line");
        let text = "1 job was not submitted: j0. To submit it, run: zoetrope jobs resume j0 --yes --data-dir d";
        assert_eq!(one, text);
        let two = kept(2).message("").expect("a line");
        let text = "2 jobs were not submitted: j0, j1. To submit them, run: zoetrope jobs resume --all --yes";
        assert_eq!(two, text);
        let many = kept(NAMED + 3).message("").expect("a line");
        assert!(many.contains("j19 and 3 more. To"), "{many}");
        assert_eq!(kept(2).document(), json!(["j0", "j1"]));
        assert_eq!(kept(0).document(), Value::Null);
    }

    #[test]
    fn job_of_another_process_is_left_out_and_not_named_at_the_end() {
        let left = LeftOut {
            kept: Vec::new(),
            of_others: vec!["j".into()],
        };
        assert!(left.note().is_some() && left.message("").is_none());
        assert_eq!(left.ids().len(), 1);
    }
}
