//! What a process that waits sees of the one that drives.

use std::time::Duration;

use tokio::time::Instant;

use super::this_process;
use crate::ledger::{DrivingProcess, Ledger};

/// How long the process that drives is not at work before it counts as stopped. It writes its row
/// every two seconds.
pub(super) const SILENCE: Duration = Duration::from_secs(5);

/// How long the row of a process that may run elsewhere must not change before this process drives,
/// although it has the lock: the locks of some file systems do not exclude other machines.
const END: Duration = Duration::from_secs(10);

/// The row of the driver, and since when it has not changed. Measured here, so that the clocks of
/// other machines do not matter.
pub(super) struct Watch {
    process: Option<DrivingProcess>,
    since: Instant,
}

impl Watch {
    pub(super) fn begin() -> Self {
        Self {
            process: None,
            since: Instant::now(),
        }
    }

    /// Reads the row. A row that cannot be read is as one that has not changed.
    pub(super) fn look(&mut self, ledger: &Ledger) {
        if let Ok(process) = ledger.driving_process()
            && process != self.process
        {
            self.process = process;
            self.since = Instant::now();
        }
    }

    pub(super) fn process(&self) -> Option<&DrivingProcess> {
        self.process.as_ref()
    }

    /// Whether the process that drives is at work.
    pub(super) fn is_live(&self) -> bool {
        self.since.elapsed() < SILENCE
    }

    /// Whether this process, which has the lock, may drive.
    pub(super) fn may_drive(&self) -> bool {
        self.process
            .as_ref()
            .is_none_or(|process| this_process::has_ended(process) || self.since.elapsed() >= END)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_drives_at_once_unless_another_one_may_run_elsewhere() {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        let mut watch = Watch::begin();
        watch.look(&ledger);
        assert!(watch.may_drive(), "no process drives");
        let own = this_process::new_term();
        ledger.begin_driving(own.clone());
        watch.look(&ledger);
        assert!(watch.may_drive(), "it was killed");
        let elsewhere = DrivingProcess {
            host: "another machine".into(),
            ..own
        };
        ledger.begin_driving(elsewhere);
        watch.look(&ledger);
        assert!(!watch.may_drive() && watch.is_live());
        watch.since = Instant::now().checked_sub(END).expect("an uptime");
        assert!(watch.may_drive() && !watch.is_live());
    }
}
