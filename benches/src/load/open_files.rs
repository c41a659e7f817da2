//! The limit of open files of this process and its children.

use crate::Failure;

/// Reserved for open files other than connections.
const RESERVED: u64 = 256;

/// Raises the limit to its maximum and returns how many connections it allows.
///
/// # Errors
///
/// When the system has no such limit, or it is too low.
pub(super) fn connections() -> Result<usize, Failure> {
    let files = raised()?;
    let connections = files.checked_sub(RESERVED).filter(|left| *left > 0);
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
    // `None` means no limit.
    Ok(maximum.unwrap_or(u64::from(u32::MAX)))
}

#[cfg(not(target_os = "linux"))]
fn raised() -> Result<u64, Failure> {
    Err("counted on Linux alone".into())
}
