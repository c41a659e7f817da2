//! `zoetrope jobs`.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::Value;
use zoetrope_host::error::chain;
use zoetrope_host::jobs::{Comparison, FileState, error_text};
use zoetrope_host::ledger::Job;
use zoetrope_host::sanitize::line;

use crate::args::jobs::List;
use crate::context::Context;
use crate::report::{Failure, of_ledger, outcome};

impl List {
    /// Lists the jobs, oldest first; then the damaged rows, to which no filter applies.
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let rows = context
            .ledger()?
            .rows()
            .map_err(|error| of_ledger(&error, &context.options()))?;
        let matches = |job: &&Job| {
            self.state.is_none_or(|state| state == job.state())
                && self.node.as_ref().is_none_or(|node| *node == job.spec.node)
        };
        let jobs = rows.jobs.iter().filter(matches);
        if context.json() {
            let listed = jobs.map(outcome::listed);
            let damaged = rows.damaged.iter().map(outcome::damaged);
            context
                .printer()
                .line(&Value::Array(listed.chain(damaged).collect()))?;
        } else {
            let mut text = String::new();
            for job in jobs {
                let _ = writeln!(
                    text,
                    "{}  {:15}  {:20}  {}  {}{}",
                    job.spec.id,
                    job.state().as_str(),
                    outcome::time(job.spec.created_at)
                        .get(..19)
                        .unwrap_or_default(),
                    line(&job.spec.node),
                    outcome::price(job).map_or_else(String::new, |price| format!("{price}  ")),
                    line(&result_or_error(job))
                );
            }
            for error in &rows.damaged {
                let id = error.damaged_row().map_or("", |row| &row.job);
                let _ = writeln!(text, "{id}  {:15}  {}", "unreadable", chain(error));
            }
            context.printer().text(&text)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The path of the result, or the last error.
fn result_or_error(job: &Job) -> String {
    match (job.file(), &job.last_error) {
        (Some(file), _) if job.is_finalized() => {
            let path = file.path.display();
            match FileState::of_job(job, Comparison::Length) {
                None | Some(FileState::Present) => path.to_string(),
                Some(state) => format!("{path} ({})", state.as_str()),
            }
        }
        (_, Some(error)) => {
            let text = error_text(job).unwrap_or_default();
            format!("{}: {text}", error.kind)
        }
        _ => String::new(),
    }
}
