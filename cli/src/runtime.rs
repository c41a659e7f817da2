//! The async runtime, with few threads where a limit leaves little address space or few processes.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use zoetrope_host::engine::{address_space_left, is_address_space_scarce};

use super::report::{Failure, Phase};

/// The address space that a command needs, beside that of the program itself.
const NEEDED: u64 = 128 << 20;

/// The threads of a runtime that has few.
const WORKERS: usize = 2;
const BLOCKING: usize = 6;

/// The fewest threads with which a command works.
const FEWEST_WORKERS: usize = 1;
const FEWEST_BLOCKING: usize = 1;

/// The threads that are started beside the runtime: two writers of streams, the ticker of the
/// engine, and one to spare.
const OTHERS: usize = 4;

/// Longer than any command runs: a thread that ended might not be replaced.
const FOREVER: Duration = Duration::from_hours(24 * 365);

/// Lets all threads share one heap where address space is scarce: each would reserve 64 MiB for one
/// of its own. Called before the first thread starts.
pub(super) fn share_scarce_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if is_address_space_scarce() {
        #[expect(
            unsafe_code,
            reason = "sets a number of the allocator, before any thread"
        )]
        // SAFETY: `mallopt` takes two numbers.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }
}

/// Starts the runtime.
///
/// # Errors
///
/// When a limit leaves too little address space, or too few threads.
pub(super) fn start() -> Result<Runtime, Failure> {
    if let Some(left) = address_space_left()
        && left < NEEDED
    {
        return Err(too_little(left));
    }
    let many = thread::available_parallelism().map_or(WORKERS, usize::from);
    if !is_address_space_scarce() && can_start(many.max(WORKERS) + OTHERS).is_ok() {
        let mut builder = Builder::new_multi_thread();
        return builder.enable_all().build().map_err(|error| none(&error));
    }
    let (workers, blocking) = match can_start(WORKERS + BLOCKING + OTHERS) {
        Ok(()) => (WORKERS, BLOCKING),
        Err(_) => (FEWEST_WORKERS, FEWEST_BLOCKING),
    };
    // The runtime panics where it cannot start a thread, so that is tried before.
    can_start(workers + blocking + OTHERS).map_err(|error| none(&error))?;
    let mut builder = Builder::new_multi_thread();
    let runtime = builder
        .enable_all()
        .worker_threads(workers)
        .max_blocking_threads(blocking)
        .thread_keep_alive(FOREVER)
        .build()
        .map_err(|error| none(&error))?;
    // With one thread for blocking work, the rest of that work waits for it if no further thread
    // can be started later.
    let first = runtime.spawn_blocking(|| ());
    runtime
        .block_on(first)
        .map_err(|error| none(&error.into()))?;
    Ok(runtime)
}

/// Whether so many threads can run at once. They end before this returns.
fn can_start(count: usize) -> io::Result<()> {
    let mut started = Vec::with_capacity(count);
    let all = (0..count).try_for_each(|_| {
        let (end, ended) = mpsc::channel::<()>();
        let wait = move || {
            // The other end is dropped.
            let _ = ended.recv();
        };
        started.push((thread::Builder::new().spawn(wait)?, end));
        Ok(())
    });
    for (thread, end) in started {
        drop(end);
        let _ = thread.join();
    }
    all
}

fn too_little(left: u64) -> Failure {
    let message = format!(
        "a limit (ulimit -v) leaves {} MiB of address space, and a command needs {} MiB; nothing \
         was sent, and jobs stay as they are",
        left >> 20,
        NEEDED >> 20
    );
    let next = "Raise the limit of the address space (ulimit -v), then run the same command again";
    Failure::internal(Phase::Setup, message).then(next.into())
}

fn none(error: &io::Error) -> Failure {
    let message = format!(
        "the threads of the program cannot be started: {error}; nothing was sent, and jobs stay as \
         they are"
    );
    let next = "Raise the limit of processes (ulimit -u) or of the address space (ulimit -v), then \
                run the same command again";
    Failure::internal(Phase::Setup, message).then(next.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_can_be_started_have_ended_afterwards() {
        can_start(OTHERS).expect("threads");
        can_start(0).expect("none");
    }

    #[test]
    fn failures_of_limits_name_the_limit_and_spend_nothing() {
        let little = too_little(8 << 20);
        assert!(little.message().contains("8 MiB"), "{}", little.message());
        assert!(little.next().contains("ulimit -v"));
        let without_threads = none(&io::ErrorKind::WouldBlock.into());
        assert!(without_threads.next().contains("ulimit -u"));
        for failure in [little, without_threads] {
            assert!(failure.message().contains("nothing was sent"));
        }
    }
}
