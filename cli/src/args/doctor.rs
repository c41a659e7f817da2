//! The arguments of `zoetrope doctor`.

use clap::Args;

/// Check this machine, the data directory and the configuration.
///
/// Prints what a report of a problem needs, without secrets and prompts, and with `~` for the home
/// folder. Each line is a check: `ok`, `warning` or `problem`. A warning says what is slower or may
/// fail later; a problem stops other commands. The exit code is 0, or that of the worst problem:
/// the one of the lowest code. Without --online, nothing is sent.
#[derive(Args)]
#[command(
    after_help = "With --json, prints an array `checks`, each with `name`, `state`, `text`, `next` and its facts; \
with a problem, inside of `error`.
Example: zoetrope doctor --json"
)]
pub(crate) struct Doctor {
    /// Also open a connection to each provider (costs nothing)
    #[arg(long)]
    pub(crate) online: bool,
}
