//! The report of many jobs.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use zoetrope_host::contract::Charge;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{Comparison, NextStep};
use zoetrope_host::ledger::{Job, LedgerError, Rows, State};
use zoetrope_host::sanitize::line;

use super::alike::Alike;
use super::charges;
use super::continuation::{Continuation, Left};
use super::failure::{Failure, of_ledger};
use super::next_step;
use super::outcome;
use super::solutions::Solutions;
use super::title::{short, title};
use super::unsubmitted::at_end;
use super::unwritten;
use crate::exit_code;
use crate::notes::Notes;
use crate::printer::{PrintError, Printer};

/// The exit codes by urgency: the first of them that a job has is the exit code of all.
const BY_URGENCY: [u8; 8] = [1, 8, 9, 4, 5, 2, 6, 3];

/// The largest number of failed jobs that are printed one by one.
const MAX_PRINTED: usize = 20;

/// The most jobs whose files are compared by their content.
const MAX_DIGESTED: usize = 50;

pub(crate) struct Summary {
    jobs: Vec<Value>,
    /// The result files.
    files: Vec<PathBuf>,
    /// The failed jobs, those that failed alike together.
    errors: Alike,
    /// A line for each of the first jobs, where standard output does not take the answer.
    unwritten: Vec<String>,
    finalized: usize,
    charged: usize,
    /// The attempts at the charged jobs.
    attempts: usize,
    may_be_charged: usize,
    /// The sentences about the charges.
    charges: String,
    /// The jobs that stay queued because the provider refuses the account.
    account_refused: usize,
    /// Those of them that were not sent.
    not_sent: usize,
    /// The line about those that were never submitted, for another reason.
    unsubmitted: Option<String>,
    /// The command that lists the jobs.
    list: String,
    /// The charge of all jobs together.
    charge: Charge,
    /// The most urgent failure.
    worst: Option<Failure>,
    /// What is left to do.
    left: Left,
    /// The answer's field `notes`, if it has one.
    notes: Value,
    /// The jobs that were not submitted: their field in JSON, and their lines.
    left_out: (Value, Vec<String>),
}

impl Summary {
    /// `options`: the global options to repeat in the commands of next steps.
    pub(crate) fn of(rows: &Rows, options: &str, solutions: &Solutions<'_>) -> Self {
        Self::of_delivered(rows, HashMap::new(), options, solutions)
    }

    /// The same. `failures`: what kept results from the places of the command, by job.
    pub(crate) fn of_delivered(
        rows: &Rows,
        mut failures: HashMap<String, Failure>,
        options: &str,
        solutions: &Solutions<'_>,
    ) -> Self {
        let rows_of = || {
            let rows = rows.damaged.iter().filter_map(LedgerError::damaged_row);
            rows.map(|row| row.charge)
        };
        let charges = rows.jobs.iter().map(Job::charge);
        let charges: Vec<_> = charges.chain(rows_of()).collect();
        let count = |charge| charges.iter().filter(|of_job| **of_job == charge).count();
        let held = || rows.jobs.iter().filter(|job| is_held(job));
        let shown = shown_of_held(held());
        let queued = rows.jobs.iter().filter(|job| job.state() == State::Queued);
        let unsubmitted = queued.filter(|job| job.submits() == 0 && !is_held(job));
        let mut summary = Self {
            jobs: Vec::with_capacity(charges.len()),
            files: Vec::new(),
            errors: Alike::default(),
            unwritten: Vec::new(),
            finalized: 0,
            charged: count(Charge::Yes),
            attempts: charges::attempts(&rows.jobs),
            may_be_charged: count(Charge::Unknown),
            charges: charges::sentences(&rows.jobs, rows_of()),
            account_refused: held().count(),
            not_sent: held().filter(|job| job.submits() == 0).count(),
            unsubmitted: at_end(unsubmitted.count(), charges.len(), options),
            list: next_step::text(&NextStep::ListJobs, options),
            charge: outcome::charge_of(charges.iter().copied().map(Some)),
            worst: None,
            left: Left::default(),
            notes: json!({}),
            left_out: (Value::Null, Vec::new()),
        };
        let comparison = comparison_of(rows.jobs.len());
        let first = rows.jobs.iter().take(MAX_PRINTED);
        summary.unwritten = first
            .map(|job| unwritten::of_many(&title(job), job))
            .collect();
        for job in &rows.jobs {
            let answer = match failures.remove(&job.spec.id) {
                Some(failure) => Err(failure),
                None => outcome::of_compared(job, options, comparison),
            };
            let answer = answer.map_err(|failure| solutions.applied_to(failure));
            match &answer {
                Ok(_) => summary.files.extend(outcome::files(job)),
                Err(failure) => summary.left.add(Some(job), failure.next()),
            }
            let answer = answer.map(drop);
            let is_shown = !is_held(job) || shown.get(job.spec.connection.as_str()) == Some(&job);
            let names = (&*title(job), &*short(job));
            summary.add(outcome::listed(job), names, is_shown, answer);
        }
        for error in &rows.damaged {
            let id = error.damaged_row().map_or("", |row| &row.job);
            let failure = of_ledger(error, options);
            summary.left.add(None, failure.next());
            summary.add(outcome::damaged(error), (id, id), true, Err(failure));
        }
        summary
    }

    /// Adds notes to its JSON.
    pub(crate) fn with_notes(mut self, notes: &Notes) -> Self {
        notes.put_into(&mut self.notes);
        self
    }

    /// Adds the jobs that the command left as they are: the ids of those that were not submitted,
    /// and the lines about them.
    pub(crate) fn with_left_out(mut self, not_submitted: Value, lines: Vec<String>) -> Self {
        self.left_out = (not_submitted, lines);
        self
    }

    /// `is_shown`: whether its failure has a line.
    fn add(
        &mut self,
        mut listed: Value,
        name: (&str, &str),
        is_shown: bool,
        answer: Result<(), Failure>,
    ) {
        match answer {
            Ok(()) => self.finalized += 1,
            Err(failure) => {
                listed["next"] = failure.next().into();
                if is_shown {
                    let id = listed["id"].as_str().unwrap_or_default();
                    self.errors.add(name, id, &failure);
                }
                if self
                    .worst
                    .as_ref()
                    .is_none_or(|worst| is_worse(failure.code(), worst.code()))
                {
                    self.worst = Some(failure);
                }
            }
        }
        self.jobs.push(listed);
    }

    /// Prints it, and returns the exit code. What standard output does not take goes to standard
    /// error.
    pub(crate) fn report(mut self, printer: &Printer, continuation: &Continuation) -> ExitCode {
        let mut next = self.left.next(continuation);
        if self.account_refused > 0 {
            next = format!("{}. Then: {next}", next_step::SETTLE_ACCOUNT);
        }
        let (all, charge) = (self.jobs.len(), self.charge);
        let missing = all - self.finalized;
        let worst = self.worst.take();
        let worst = worst.map(|worst| worst.among(missing, all).charged(charge).then(next.clone()));
        let written = if printer.json() {
            printer.line(&self.document(worst.as_ref()))
        } else {
            printer.paths(&self.files)
        };
        if let Err(error) = &written {
            self.show_unwritten(error, all, printer);
        }
        if written.is_err() || !printer.json() {
            let next = match (&worst, &written) {
                (Some(_), _) => Some(next.as_str()),
                (None, Err(_)) => Some(continuation.show.as_str()),
                (None, Ok(())) => None,
            };
            self.show(all, next, written.is_ok(), printer);
        }
        match (worst, written) {
            (Some(failure), _) => failure.exit_code(),
            (None, Err(error)) if !error.is_closed() => {
                ExitCode::from(exit_code::of(ErrorKind::Internal))
            }
            (None, _) => ExitCode::SUCCESS,
        }
    }

    /// Its JSON, which takes the jobs and the notes.
    fn document(&mut self, worst: Option<&Failure>) -> Value {
        let mut counts = json!({
            "jobs": self.jobs.len(),
            "finalized": self.finalized,
            "charged": self.charged,
            "may_be_charged": self.may_be_charged,
        });
        if self.attempts > self.charged {
            counts["attempts"] = self.attempts.into();
        }
        if self.account_refused > 0 {
            counts["account_refused"] = self.account_refused.into();
        }
        let mut answer = worst.map_or_else(|| json!({ "ok": true }), Failure::document);
        answer["summary"] = counts;
        answer["jobs"] = Value::Array(std::mem::take(&mut self.jobs));
        if let Some(notes) = self.notes.get_mut("notes") {
            answer["notes"] = notes.take();
        }
        if !self.left_out.0.is_null() {
            answer["not_submitted"] = self.left_out.0.take();
        }
        answer
    }

    /// Shows the jobs, of which standard output took no list.
    fn show_unwritten(&self, error: &PrintError, all: usize, printer: &Printer) {
        let label = if error.is_closed() { "note" } else { "error" };
        printer.message(&format!("{label}: {error}"));
        for job in &self.unwritten {
            printer.message(&format!("  {}", line(job)));
        }
        if all > MAX_PRINTED {
            let more = all - MAX_PRINTED;
            printer.message(&format!("  … and {more} more: {}", self.list));
        }
    }

    /// Shows the failures, the counts and the next step.
    fn show(&self, all: usize, next: Option<&str>, is_written: bool, printer: &Printer) {
        for error in self.errors.lines(MAX_PRINTED) {
            printer.message(&error);
        }
        let more = self.errors.unnamed(MAX_PRINTED);
        if more > 0 {
            printer.message(&format!("… and {more} more: {}", self.list));
        }
        if self.account_refused > 0 {
            printer.message(&held_text(self.account_refused, self.not_sent, all));
        }
        for line in self.unsubmitted.iter().chain(&self.left_out.1) {
            printer.message(line);
        }
        let (finalized, charges) = (self.finalized, &self.charges);
        let jobs = match all {
            1 => "job has its result",
            _ => "jobs have their result",
        };
        let text = format!("{finalized} of {all} {jobs}. {charges}");
        // What standard output did not take is not only information.
        if all == 0 && is_written {
            // The line on the jobs that were left out says all.
        } else if is_written {
            printer.info(&text);
        } else {
            printer.message(&text);
        }
        if let Some(next) = next {
            printer.message(&format!("  next: {next}"));
        }
    }
}

/// The comparison of the files of so many jobs.
fn comparison_of(jobs: usize) -> Comparison {
    if jobs > MAX_DIGESTED {
        Comparison::Length
    } else {
        Comparison::Content
    }
}

/// Whether a job stays queued because the provider refuses the account.
pub(crate) fn is_held(job: &Job) -> bool {
    let kind = job.last_error.as_ref().map(|error| error.kind);
    job.state() == State::Queued && job.is_settled() && kind == Some(ErrorKind::AccountRefused)
}

/// The held job of each connection whose failure is shown: one that was sent, if there is one.
fn shown_of_held<'a>(held: impl Iterator<Item = &'a Job>) -> HashMap<&'a str, &'a Job> {
    let mut shown: HashMap<&str, &Job> = HashMap::new();
    for job in held {
        let known = shown.entry(&job.spec.connection).or_insert(job);
        if known.submits() == 0 {
            *known = job;
        }
    }
    shown
}

fn held_text(held: usize, not_sent: usize, all: usize) -> String {
    let not_sent = match not_sent {
        0 => String::new(),
        count => format!(", {count} of them not sent"),
    };
    format!("{held} of {all} jobs stay queued{not_sent}: the provider refuses the account")
}

/// Whether an exit code is more urgent than another.
fn is_worse(one: u8, other: u8) -> bool {
    let rank = |code: u8| BY_URGENCY.iter().position(|known| *known == code);
    rank(one).unwrap_or(BY_URGENCY.len()) < rank(other).unwrap_or(BY_URGENCY.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_outcome_is_more_urgent_than_failed_job() {
        for (one, other) in [(8, 7), (8, 9), (9, 7), (9, 4), (1, 8)] {
            assert!(is_worse(one, other) && !is_worse(other, one));
        }
        assert!(!is_worse(7, 7));
    }

    #[test]
    fn held_jobs_name_those_that_were_not_sent() {
        let text = "8 of 12 jobs stay queued, 7 of them not sent: the provider refuses the account";
        assert_eq!(held_text(8, 7, 12), text);
        let text = "1 of 2 jobs stay queued: the provider refuses the account";
        assert_eq!(held_text(1, 0, 2), text);
    }
}
