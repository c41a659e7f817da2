//! The process that drives the jobs.

use std::path::Path;

use serde_json::Value;
use zoetrope_host::driver::{LockState, lock_state};
use zoetrope_host::error::ErrorKind;

use super::check::Check;

const NAME: &str = "driver";

pub(super) fn check(data_dir: &Path, options: &str) -> Check {
    match lock_state(data_dir) {
        Ok(LockState::Free) => {
            let text = "no process drives the jobs; the next command that waits for one does";
            Check::ok(NAME, text).with("held", false)
        }
        Ok(LockState::Held { holder }) => {
            let who = holder.as_deref().unwrap_or("another process");
            let text = format!("{who} drives the jobs; other processes wait for it");
            let holder = holder.map_or(Value::Null, Value::from);
            Check::ok(NAME, text)
                .with("held", true)
                .with("holder", holder)
        }
        Err(error) => Check::problem_of(
            ErrorKind::LedgerUnavailable,
            NAME,
            format!("the lock of the data directory cannot be used: {error}"),
            format!(
                "Fix the permissions of the data directory, or use another --data-dir, then run: zoetrope doctor{options}"
            ),
        ),
    }
}
