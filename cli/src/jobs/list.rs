//! `zoetrope jobs`.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use zoetrope_host::ledger::{Job, State};

use crate::failure::{Failure, of_ledger};
use crate::setup::Setup;
use crate::{outcome, output};

#[derive(Args)]
pub(super) struct List {
    #[arg(
        long,
        value_name = "STATE",
        value_parser = state,
        help = "Only jobs in this state: queued, submitting, started, succeeded, failed, cancelled, outcome_unknown"
    )]
    state: Option<State>,
    /// Only jobs of this node type
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
}

fn state(text: &str) -> Result<State, String> {
    let known = State::ALL.into_iter().find(|state| state.as_str() == text);
    known.ok_or_else(|| {
        let names: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

impl List {
    /// Oldest first.
    pub(super) fn run(self, setup: &Setup) -> Result<ExitCode, Failure> {
        let jobs = setup.ledger()?.jobs().map_err(|error| of_ledger(&error))?;
        let wanted = |job: &&Job| {
            self.state.is_none_or(|state| state == job.state())
                && self.node.as_ref().is_none_or(|node| *node == job.spec.node)
        };
        let jobs = jobs.iter().filter(wanted);
        if setup.json() {
            output::line(&Value::Array(jobs.map(outcome::listed).collect()))?;
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
                    job.spec.node,
                    outcome::price(job).map_or_else(String::new, |price| format!("{price}  ")),
                    last_word(job)
                );
            }
            output::text(&text)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Where the result is, or what is the matter.
fn last_word(job: &Job) -> String {
    match (job.file(), &job.last_error) {
        (Some(file), _) if job.is_finalized() => file.path.display().to_string(),
        (_, Some(trouble)) => format!("{}: {}", trouble.kind, trouble.message),
        _ => String::new(),
    }
}
