//! The ledger: whether it can be used, and its jobs.

use std::path::Path;

use zoetrope_host::ledger::Ledger;

use super::check::Check;
use crate::report::of_ledger;

const NAME: &str = "ledger";

pub(super) fn check(data_dir: &Path, options: &str) -> Check {
    // Opening it would create it.
    if !data_dir.join("ledger.sqlite3").exists() {
        return Check::ok(NAME, "there is none yet, the first job creates it");
    }
    let rows = match Ledger::open(data_dir).and_then(|ledger| ledger.rows()) {
        Ok(rows) => rows,
        Err(error) => {
            let failure = of_ledger(&error, options);
            let next = failure.next().to_owned();
            return Check::problem_of(failure.kind(), NAME, failure.message(), next);
        }
    };
    let (jobs, damaged) = (rows.jobs.len(), rows.damaged.len());
    // A job that waits for the user has not ended either.
    let open = rows.jobs.iter().filter(|job| !job.is_done()).count();
    let word = if jobs == 1 { "job" } else { "jobs" };
    let text = format!("{jobs} {word}, {open} unfinished");
    let check = if damaged == 0 {
        Check::ok(NAME, text)
    } else {
        let text = format!("{text}, rows that cannot be read: {damaged}");
        let next = format!(
            "Restore the rows from a backup of the ledger. List them: zoetrope jobs{options}"
        );
        Check::warning(NAME, text, next)
    };
    check
        .with("jobs", jobs)
        .with("unfinished", open)
        .with("damaged", damaged)
}
