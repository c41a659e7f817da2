//! Counts synchronous commits where they are made. `SQLite` and Rust's standard library call the C
//! library's `fsync` and `fdatasync`; in this program both names are those below, which count and
//! then ask the kernel for the same.

#[cfg(target_os = "linux")]
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::atomic::{AtomicUsize, Ordering};

static SYNCS: AtomicUsize = AtomicUsize::new(0);

/// How many there were so far; 0 where they cannot be counted.
pub(crate) fn counted() -> usize {
    SYNCS.load(Ordering::Relaxed)
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "takes the name of the C library's function")]
#[unsafe(no_mangle)]
extern "C" fn fsync(file: RawFd) -> i32 {
    count(file, |file| rustix::fs::fsync(file))
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "takes the name of the C library's function")]
#[unsafe(no_mangle)]
extern "C" fn fdatasync(file: RawFd) -> i32 {
    count(file, |file| rustix::fs::fdatasync(file))
}

#[cfg(target_os = "linux")]
fn count(file: RawFd, sync: impl Fn(BorrowedFd<'_>) -> rustix::io::Result<()>) -> i32 {
    SYNCS.fetch_add(1, Ordering::Relaxed);
    #[expect(
        unsafe_code,
        reason = "the caller's own file, open while it waits for it"
    )]
    let file = unsafe { BorrowedFd::borrow_raw(file) };
    // A disk that fails is not measured: this ends the program.
    sync(file).expect("the disk takes what is written");
    0
}
