//! `zoetrope jobs prune`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use zoetrope_host::driver::now;
use zoetrope_host::ledger::Pictures;

use super::{a_while, said};
use crate::failure::{Failure, Phase, of_ledger};
use crate::setup::Setup;

/// Pictures that no job has are kept this long: one may belong to a row that is just
/// being made.
const PICTURE_AGE: Duration = Duration::from_hours(1);

/// Forget jobs that are done: their rows and inputs. Files stay, and so does every job
/// that may still cost or bring something.
#[derive(Args)]
pub(super) struct Prune {
    /// Only jobs made longer ago than this
    #[arg(long, value_name = "DURATION", value_parser = a_while)]
    older_than: Duration,
}

impl Prune {
    pub(super) fn run(self, setup: &Setup) -> Result<ExitCode, Failure> {
        let ledger = setup.ledger()?;
        let age = i64::try_from(self.older_than.as_millis()).unwrap_or(i64::MAX);
        let forgotten = ledger.prune(now().saturating_sub(age));
        let forgotten = forgotten.map_err(|error| of_ledger(&error))?;
        let jobs = ledger.jobs().map_err(|error| of_ledger(&error))?;
        let documents = jobs
            .iter()
            .flat_map(|job| [job.spec.given.as_str(), job.spec.input.as_str()]);
        let pictures = Pictures::of(&setup.data_dir()?);
        pictures
            .keep_only(documents, PICTURE_AGE)
            .map_err(|error| Failure::internal(Phase::Setup, error.to_string()))?;
        let answer = json!({ "ok": true, "forgotten": forgotten, "left": jobs.len() });
        said(
            &answer,
            &format!("{forgotten} forgotten, {} left", jobs.len()),
            setup,
        )
    }
}
