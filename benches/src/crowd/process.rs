//! What a process takes, as Linux tells in `/proc`.

use std::time::Duration;

use crate::Failure;

/// Processor time is counted in hundredths of a second (`USER_HZ`, the same on every
/// machine that Rust's standard library knows).
const TICK: Duration = Duration::from_millis(10);

/// Its resident memory, in bytes.
///
/// # Errors
///
/// When the process is gone, or the system has no `/proc`.
pub fn resident(process: u32) -> Result<u64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    Ok(resident_in(&status).ok_or("no resident memory in `/proc`")?)
}

/// The processor time it has used, all threads together, in user mode and for it in the
/// kernel.
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
    // The name stands in parentheses and may have any in it.
    let (_, fields) = stat.rsplit_once(") ")?;
    // From the third field on; user mode is the fourteenth, the kernel the fifteenth.
    let mut ticks = fields.split(' ').skip(11).map(str::parse::<u32>);
    let (user, kernel) = (ticks.next()?.ok()?, ticks.next()?.ok()?);
    Some(TICK * (user + kernel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_time_are_found() {
        let status = "Name:\tcrowd\nVmHWM:\t   99 kB\nVmRSS:\t   12 kB\nThreads:\t3\n";
        assert_eq!(resident_in(status), Some(12 * 1024));
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 1 1 20 0 4 0 9 1 1";
        assert_eq!(processor_time_in(stat), Some(Duration::from_secs(3)));
    }
}
