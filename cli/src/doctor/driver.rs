//! The process that drives the jobs.

use std::path::Path;

use zoetrope_host::driver::{HeldUp, LockState, lock_state, now};
use zoetrope_host::error::ErrorKind;
use zoetrope_host::ledger::{DrivingProcess, Ledger, Millis};

use super::check::Check;

const NAME: &str = "driver";

/// A driver that was not at work for longer may be stopped. It writes its row every two seconds.
const SILENCE_MS: Millis = 10_000;

pub(super) fn check(data_dir: &Path, options: &str) -> Check {
    match lock_state(data_dir) {
        Ok(LockState::Free) => {
            let text = "no process is running jobs";
            Check::ok(NAME, text).with("held", false)
        }
        Ok(LockState::Held) => held(driving(data_dir), now(), options),
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

/// The process that drives, as the ledger names it, if there is a ledger.
fn driving(data_dir: &Path) -> Option<DrivingProcess> {
    // Opening it would create it.
    if !data_dir.join("ledger.sqlite3").exists() {
        return None;
    }
    Ledger::open(data_dir).ok()?.driving_process().ok()?
}

/// The check of a lock that a process holds.
fn held(process: Option<DrivingProcess>, now: Millis, options: &str) -> Check {
    let Some(process) = process else {
        let text = "another process drives the jobs; other processes wait for it";
        return Check::ok(NAME, text).with("held", true);
    };
    let (id, host) = (process.process, process.host.clone());
    let check = if now.saturating_sub(process.seen_at) > SILENCE_MS {
        let process = Some(process);
        let next = format!("Continue that process or end it, then run: zoetrope doctor{options}");
        Check::warning(NAME, HeldUp { process }.to_string(), next)
    } else {
        let text = format!("{process}, drives the jobs; other processes wait for it");
        Check::ok(NAME, text)
    };
    check
        .with("held", true)
        .with("process", id)
        .with("host", host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::home::Home;

    #[test]
    fn driver_is_named_and_one_that_is_not_at_work_is_a_warning() {
        let process = DrivingProcess {
            token: "t".into(),
            process: 4711,
            host: "studio".into(),
            since: 0,
            seen_at: 100_000,
        };
        for (now, state) in [(101_000, "ok"), (0, "ok"), (200_000, "warning")] {
            let check = held(Some(process.clone()), now, " --data-dir d");
            let document = check.document(&Home::none());
            assert_eq!(
                (&document["state"], &document["process"]),
                (&state.into(), &4711.into())
            );
            let text = check.text(&Home::none(), 80);
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains("process 4711 on studio"), "{text}");
            assert_eq!(
                text.contains("kill -CONT 4711") || cfg!(windows),
                state == "warning"
            );
        }
        let unknown = held(None, 0, "").document(&Home::none());
        assert_eq!(
            (&unknown["state"], &unknown["held"]),
            (&"ok".into(), &true.into())
        );
    }

    #[test]
    fn driver_is_looked_for_only_in_a_ledger_that_exists() {
        let folder = tempfile::tempdir().expect("folder");
        assert_eq!(driving(folder.path()), None);
        assert!(!folder.path().join("ledger.sqlite3").exists());
    }
}
