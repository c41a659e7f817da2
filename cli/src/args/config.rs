//! The arguments of `zoetrope config` and its subcommands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Show which configuration file is used, check one, or create one.
#[derive(Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Path(Path),
    Check(Check),
    Init(Init),
}

/// Show which configuration file is used, and why.
///
/// Prints its path to standard output, or nothing if no file is used, and each place where one
/// is looked for to standard error. The first file is used; files are never merged.
#[derive(Args)]
pub(crate) struct Path {}

/// Check a configuration file, and show every problem with its line and column.
///
/// Reads the file and nothing that it names. The file need not be trusted. The options of a
/// connection are checked by the schema of its category, if a built-in node uses it.
#[derive(Args)]
pub(crate) struct Check {
    /// File to check [default: the one in use, or the one in the working directory]
    pub(crate) file: Option<PathBuf>,
}

/// Create a configuration file with comments.
///
/// A file that exists is not changed.
#[derive(Args)]
pub(crate) struct Init {
    /// File to create [default: the user's own]
    pub(crate) file: Option<PathBuf>,
}
