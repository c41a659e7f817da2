//! The end of a command after its answer. What standard output does not take goes to standard error:
//! the money, the job, its files and the command that goes on. So a message about money does not
//! depend on whether an answer could be written.

use std::path::PathBuf;
use std::process::ExitCode;

use zoetrope_host::driver::Time;
use zoetrope_host::jobs::NextStep;
use zoetrope_host::ledger::{Job, State};
use zoetrope_host::sanitize::escaped_path;

use super::failure::Failure;
use super::{next_step, outcome};
use crate::printer::{PrintError, Printer};

/// The most files that are named.
const MAX_FILES: usize = 20;

/// Ends a command that has succeeded. `failure`: that of an answer that was not written. A reader that
/// has closed the pipe changes no exit code; the text of the failure is written all the same.
pub(crate) fn end(
    written: Result<(), PrintError>,
    printer: &Printer,
    failure: impl FnOnce(&PrintError) -> Failure,
) -> Result<ExitCode, Failure> {
    match written {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.is_closed() => {
            failure(&error).note(printer);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(failure(&error)),
    }
}

/// Ends a command whose answer is about a job. `files`: those that the answer names. `options`: the
/// global options to repeat in the next step.
pub(crate) fn end_of_job(
    written: Result<(), PrintError>,
    job: &Job,
    files: &[PathBuf],
    printer: &Printer,
    options: &str,
) -> Result<ExitCode, Failure> {
    end(written, printer, |error| about(error, job, files, options))
}

/// The failure to write the answer about a job.
fn about(error: &PrintError, job: &Job, files: &[PathBuf], options: &str) -> Failure {
    let step = if job.is_done() {
        NextStep::Show {
            job: job.spec.id.clone(),
        }
    } else {
        NextStep::of(job, Time::present())
    };
    let message = format!("{}, but {error}", state(job));
    Failure::internal(outcome::phase(job), message)
        .about(job)
        .of_unwritten(facts(job, files))
        .then(next_step::text(&step, options))
}

/// The cost of a job and its files, a line each.
fn facts(job: &Job, files: &[PathBuf]) -> Vec<String> {
    let cost = outcome::price(job).map(|price| format!("cost: {price}"));
    let files = if job.is_finalized() { files } else { &[] };
    let named = files.iter().take(MAX_FILES);
    let named = named.map(|file| format!("file: {}", escaped_path(file)));
    let mut facts: Vec<_> = cost.into_iter().chain(named).collect();
    if files.len() > MAX_FILES {
        facts.push(format!("and {} more files", files.len() - MAX_FILES));
    }
    facts
}

/// A job of many, on one line: its name, its state, its charge and its first file.
pub(super) fn of_many(name: &str, job: &Job) -> String {
    let cost = outcome::price(job).map_or_else(String::new, |price| format!(", cost: {price}"));
    let file = job.file().filter(|_| job.is_finalized());
    let file = file.map_or_else(String::new, |file| {
        format!(", file: {}", escaped_path(&file.path))
    });
    let (state, charge) = (job.state().as_str(), job.charge().as_str());
    format!("{name}: {state}, charged: {charge}{cost}{file}")
}

fn state(job: &Job) -> &'static str {
    match job.state() {
        State::Queued => "the job is queued",
        State::Submitting => "the job is being submitted",
        State::Started => "the provider has accepted the job",
        State::Succeeded => "the job has succeeded",
        State::Failed => "the job has failed",
        State::Cancelled => "the job is cancelled",
        State::OutcomeUnknown => "it is unknown whether the provider accepted the job",
    }
}
