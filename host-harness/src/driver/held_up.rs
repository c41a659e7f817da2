//! What a waiting process says about the process that drives and is not at work.

use std::fmt;

use super::this_process;
use crate::ledger::DrivingProcess;

/// Another process drives the jobs that this one waits for, and has not been at work for a while. It
/// may be stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldUp {
    /// That process; `None` if the ledger does not name it.
    pub process: Option<DrivingProcess>,
}

/// `process 123 on studio, last seen at work at …, drives the jobs of this data directory and may be
/// stopped; to continue it: kill -CONT 123; to end it: kill -KILL 123 (a submit that it has under way
/// then has an unknown outcome)`
impl fmt::Display for HeldUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(process) = &self.process else {
            return f.write_str(
                "another process holds driver.lock of this data directory and may be stopped; \
                 continue it or end it",
            );
        };
        let id = process.process;
        write!(
            f,
            "{process}, drives the jobs of this data directory and may be stopped"
        )?;
        let place = if this_process::is_here(process) {
            ""
        } else {
            " there"
        };
        if cfg!(windows) {
            write!(f, "; to end it{place}: taskkill /F /PID {id}")?;
        } else {
            write!(
                f,
                "; to continue it{place}: kill -CONT {id}; to end it: kill -KILL {id}"
            )?;
        }
        f.write_str(" (a submit that it has under way then has an unknown outcome)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn text_names_the_process_and_the_commands() {
        let process = DrivingProcess {
            process: 123,
            seen_at: 1_769_860_800_000,
            host: "studio\u{1b}[2J".into(),
            ..this_process::new_term()
        };
        let held_up = HeldUp {
            process: Some(process),
        };
        let text = held_up.to_string();
        assert!(text.starts_with("process 123 on studio"));
        assert!(!text.contains('\u{1b}'));
        assert!(text.contains("last seen at work at 2026-01-31T12:00:00Z"));
        assert!(text.ends_with(
            "there: kill -CONT 123; to end it: kill -KILL 123 \
             (a submit that it has under way then has an unknown outcome)"
        ));
    }
}
