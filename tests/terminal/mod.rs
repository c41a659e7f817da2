//! Terminals that close, readers that do not read, and streams that cannot be written: the job
//! goes on, its clip is on disk, and it is bought once.

mod accepted;
mod money;
mod output;
mod process;
#[cfg(target_os = "linux")]
mod progress;
#[cfg(target_os = "linux")]
mod pseudo_terminal;
mod signals;
