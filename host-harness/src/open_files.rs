//! How many files this process may still open (`ulimit -n`). A job that is paid needs some for its
//! result, so they are tried before it is submitted.

use std::io;

/// What a process opens in the whole of a job, beside the standard streams.
pub const OF_A_RUN: usize = 24;

/// What the polls and the download of a job open after its submit.
pub(crate) const AFTER_A_SUBMIT: usize = 8;

/// Opens as many files at once, and closes them.
///
/// # Errors
///
/// When one cannot be opened.
#[cfg(unix)]
pub fn probe(files: usize) -> io::Result<()> {
    let open = || std::fs::File::open("/dev/null");
    let opened: io::Result<Vec<_>> = std::iter::repeat_with(open).take(files).collect();
    match opened {
        // A sandbox may have no devices.
        Err(error) if !is_limit(&error) => Ok(()),
        opened => opened.map(drop),
    }
}

/// Other systems have no such limit.
///
/// # Errors
///
/// None.
#[cfg(not(unix))]
pub fn probe(_: usize) -> io::Result<()> {
    Ok(())
}

/// Whether an error says that this process, or the system, has too many files open.
#[cfg(unix)]
pub(crate) fn is_limit(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(not(unix))]
pub(crate) fn is_limit(_: &io::Error) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn few_files_can_be_opened_and_only_the_limits_are_recognized() {
        probe(AFTER_A_SUBMIT).expect("a few");
        for (errno, expected) in [
            (Errno::MFILE, true),
            (Errno::NFILE, true),
            (Errno::NOENT, false),
            (Errno::ACCESS, false),
        ] {
            assert_eq!(is_limit(&errno.into()), expected, "{errno}");
        }
    }
}
