//! The arguments of `zoetrope doctor`.

use clap::Args;

/// Check this machine and the data directory, and say what to do about each problem.
///
/// Sends nothing. Each line is a check: `ok`, `warning` or `problem`. A warning says what is slower or
/// may fail later; a problem stops other commands. The exit code is 0, or that of the worst problem:
/// the one of the lowest code.
#[derive(Args)]
#[command(after_help = "Example: zoetrope doctor --json
With --json, prints an array `checks`, each with `name`, `state`, `text`, `next` and its facts; \
with a problem, inside of `error`.")]
pub(crate) struct Doctor {}
