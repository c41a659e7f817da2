//! `zoetrope jobs prune`.

use std::process::ExitCode;

use serde_json::json;
use zoetrope_host::driver::now;
use zoetrope_host::jobs::{Pruned, prune};

use super::print;
use crate::args::jobs::Prune;
use crate::context::Context;
use crate::report::{Failure, of_jobs};

impl Prune {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let ledger = context.ledger()?;
        let age = i64::try_from(self.older_than.as_millis()).unwrap_or(i64::MAX);
        let pruned = prune(&context.data_dir()?, &ledger, now().saturating_sub(age));
        let Pruned { deleted, kept } =
            pruned.map_err(|error| of_jobs(error, &context.options()))?;
        let answer = json!({ "ok": true, "deleted": deleted, "kept": kept });
        print(
            &answer,
            &format!("deleted jobs: {deleted}, kept: {kept}"),
            context,
        )
    }
}
