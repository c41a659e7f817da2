//! How many files a process may have open. Whoever it starts may have as many.

use crate::Failure;

/// What a process has open besides its connections, generously.
const OTHERS: u64 = 256;

/// Raises the limit as far as it goes, and says how many connections there may be.
///
/// # Errors
///
/// When the system does not have it, or allows less than a few.
pub(super) fn connections() -> Result<usize, Failure> {
    let files = raised()?;
    let connections = files.checked_sub(OTHERS).filter(|left| *left > 0);
    let connections = connections.ok_or_else(|| format!("only {files} files may be open"))?;
    Ok(connections.try_into()?)
}

#[cfg(target_os = "linux")]
fn raised() -> Result<u64, Failure> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised)?;
    // None stands for no limit.
    Ok(maximum.unwrap_or(u64::from(u32::MAX)))
}

#[cfg(not(target_os = "linux"))]
fn raised() -> Result<u64, Failure> {
    Err("counted on Linux alone".into())
}
