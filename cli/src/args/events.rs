//! The option of commands that wait for jobs.

use clap::Args;

/// Events on standard output.
#[derive(Args)]
pub(crate) struct EventsOption {
    /// Write events as JSON lines, the answer last
    #[arg(long)]
    pub(crate) events: bool,
}
