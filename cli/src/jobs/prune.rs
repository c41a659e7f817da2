//! `zoetrope jobs prune`.

use std::process::ExitCode;

use serde_json::json;
use zoetrope_host::driver::now;
use zoetrope_host::jobs::{Pruned, prune};

use super::said;
use crate::args::jobs::Prune;
use crate::report::{Failure, of_jobs};
use crate::setup::Setup;

impl Prune {
    pub(super) fn run(self, setup: &Setup) -> Result<ExitCode, Failure> {
        let ledger = setup.ledger()?;
        let age = i64::try_from(self.older_than.as_millis()).unwrap_or(i64::MAX);
        let pruned = prune(&setup.data_dir()?, &ledger, now().saturating_sub(age));
        let Pruned { forgotten, left } =
            pruned.map_err(|error| of_jobs(error, &setup.options()))?;
        let answer = json!({ "ok": true, "forgotten": forgotten, "left": left });
        said(
            &answer,
            &format!("{forgotten} forgotten, {left} left"),
            setup,
        )
    }
}
