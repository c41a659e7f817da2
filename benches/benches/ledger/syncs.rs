//! Counts synchronous commits. `SQLite` and Rust's standard library call the C library's `fsync`
//! and `fdatasync`. This program replaces both by the functions below, which count the call and
//! pass it to the kernel.

#[cfg(target_os = "linux")]
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::atomic::{AtomicUsize, Ordering};

static SYNCS: AtomicUsize = AtomicUsize::new(0);

/// The number of syncs so far; 0 on systems where they cannot be counted.
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
        reason = "the caller's file, which is open during this call"
    )]
    let file = unsafe { BorrowedFd::borrow_raw(file) };
    // A failing disk ends the program.
    sync(file).expect("a sync of the disk");
    0
}
