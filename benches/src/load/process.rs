//! A measured process: its reports, and its memory and processor time from `/proc`.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Failure;

/// A process that reports finished steps as lines of JSON. Killed when it is dropped.
pub struct Process {
    child: Child,
    commands: ChildStdin,
    reports: Lines<BufReader<ChildStdout>>,
    /// When it was started.
    pub begun: Instant,
}

impl Process {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn spawn(mut command: Command) -> Result<Self, Failure> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let begun = Instant::now();
        let mut child = command.spawn()?;
        let commands = child.stdin.take().ok_or("no pipe")?;
        let reports = BufReader::new(child.stdout.take().ok_or("no pipe")?).lines();
        Ok(Self {
            child,
            commands,
            reports,
            begun,
        })
    }

    /// The system's number of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends the command for the next step.
    ///
    /// # Errors
    ///
    /// When the process has ended.
    pub fn go(&mut self) -> Result<(), Failure> {
        Ok(writeln!(self.commands)?)
    }

    /// Waits for the step `name` and returns its duration.
    ///
    /// # Errors
    ///
    /// When the process has ended, or reports something else.
    pub fn step_time(&mut self, name: &str) -> Result<Duration, Failure> {
        let line = self.reports.next().ok_or("the process has ended")??;
        let report: Value = serde_json::from_str(&line)?;
        let seconds = report[name].as_f64();
        let seconds = seconds.ok_or_else(|| format!("no `{name}` in `{line}`"))?;
        Ok(Duration::try_from_secs_f64(seconds)?)
    }

    /// Checks that the process runs.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn must_live(&mut self) -> Result<(), Failure> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(format!("the process has ended: {status}").into()),
        }
    }

    /// Kills it.
    ///
    /// # Errors
    ///
    /// When it has ended already.
    pub fn kill(mut self) -> Result<(), Failure> {
        self.must_live()?;
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The unit of processor time: `USER_HZ` is 100 on every target of Rust's standard library.
const TICK: Duration = Duration::from_millis(10);

/// Its resident memory, in bytes.
///
/// # Errors
///
/// When the process has ended, or the system has no `/proc`.
pub fn resident(process: u32) -> Result<u64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    Ok(resident_in(&status).ok_or("no resident memory in `/proc`")?)
}

/// The processor time of all its threads, in user mode and in the kernel.
///
/// # Errors
///
/// As [`resident`].
pub fn processor_time(process: u32) -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    Ok(processor_time_in(&stat).ok_or("no processor time in `/proc`")?)
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn processor_time_in(stat: &str) -> Option<Duration> {
    // The name is in parentheses and may contain parentheses.
    let (_, fields) = stat.rsplit_once(") ")?;
    // `fields` begins with the third field; user mode is the fourteenth, the kernel the fifteenth.
    let mut ticks = fields.split(' ').skip(11).map(str::parse::<u32>);
    let (user, kernel) = (ticks.next()?.ok()?, ticks.next()?.ok()?);
    Some(TICK * (user + kernel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_time_are_found() {
        let status = "Name:\tload\nVmHWM:\t   99 kB\nVmRSS:\t   12 kB\nThreads:\t3\n";
        assert_eq!(resident_in(status), Some(12 * 1024));
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 1 1 20 0 4 0 9 1 1";
        assert_eq!(processor_time_in(stat), Some(Duration::from_secs(3)));
    }
}
