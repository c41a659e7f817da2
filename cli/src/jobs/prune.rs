//! `zoetrope jobs prune`.

use std::process::ExitCode;

use indicatif::HumanBytes;
use serde_json::json;
use zoetrope_host::driver::now;
use zoetrope_host::jobs::{Keys, NextStep, PruneProgress, Pruned, open_to_prune, prune_with};

use crate::args::jobs::Prune;
use crate::context::Context;
use crate::interrupts::report_at_signal;
use crate::report::{Failure, Phase, next_step, of_jobs, of_ledger, unwritten};
use crate::terminal_line::TerminalLine;

/// Fewer jobs are deleted in a moment, without a line of progress.
const MANY: usize = 1_000;

impl Prune {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let data_dir = context.data_dir()?;
        let opened = open_to_prune(&data_dir);
        let (ledger, cleared) = opened.map_err(|error| of_ledger(&error, &context.options()))?;
        let age = i64::try_from(self.older_than.as_millis()).unwrap_or(i64::MAX);
        let mut line = TerminalLine::new(context.printer().clone());
        report_at_signal("interrupted; jobs that are deleted stay so".into());
        let show = |PruneProgress { deleted, total }| {
            let deleted_so_far =
                format!("interrupted after {deleted} of {total} jobs were deleted");
            report_at_signal(deleted_so_far);
            if total > MANY {
                #[expect(clippy::cast_precision_loss, reason = "for a percentage")]
                let fraction = deleted as f32 / total as f32;
                let message = format!("{deleted} of {total}");
                line.show("deleting jobs", Some(fraction), Some(&message));
            }
        };
        let before = now().saturating_sub(age);
        let keys = if self.keys { Keys::Forget } else { Keys::Keep };
        let pruned = prune_with(&data_dir, &ledger, before, keys, show);
        line.end();
        let pruned = pruned.map_err(|error| of_jobs(error, &context.options()))?;
        let Pruned {
            deleted,
            kept,
            forgotten,
            mut freed,
        } = pruned;
        freed += cleared;
        let answer = json!({
            "ok": true,
            "deleted": deleted,
            "kept": kept,
            "forgotten_keys": forgotten,
            "freed": { "files": freed.files, "bytes": freed.bytes },
        });
        let text = format!(
            "deleted jobs: {deleted}, kept: {kept}\nremoved files that no job needs: {}, freed: {}",
            freed.files,
            HumanBytes(freed.bytes)
        );
        let text = if self.keys {
            format!("{text}\nforgotten keys: {forgotten}; a run under such a key is a new purchase")
        } else {
            text
        };
        let written = context.answer(&answer, &text);
        unwritten::end(written, context.printer(), |error| {
            let message = format!("the jobs are deleted, but {error}");
            let facts = text.lines().map(str::to_owned).collect();
            let next = next_step::text(&NextStep::ListJobs, &context.options());
            Failure::internal(Phase::Setup, message)
                .of_unwritten(facts)
                .then(next)
        })
    }
}
