//! The arguments of `zoetrope config` and its subcommands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Show, check or create the configuration file.
#[derive(Args)]
#[command(after_help = "Example: zoetrope config init")]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Path(Path),
    Check(Check),
    Init(Init),
    Schema(Schema),
}

/// Show which configuration file is used, and why.
///
/// Prints its path to standard output, or nothing if no file is used, and each place where one
/// is looked for to standard error. The first file is used; files are never merged.
#[derive(Args)]
#[command(after_help = "Example: zoetrope config path")]
pub(crate) struct Path {}

/// Check a configuration file, and show where each problem is.
///
/// Reads the file and nothing that it names. The file need not be trusted. The options of a
/// connection are checked as a run checks them, if a built-in node uses its category.
#[derive(Args)]
#[command(after_help = "Example: zoetrope config check zoetrope.toml")]
pub(crate) struct Check {
    /// File to check [default: the one in use]
    ///
    /// If none is in use, it is the one in the working directory.
    pub(crate) file: Option<PathBuf>,
}

/// Create a configuration file with comments.
///
/// A file that exists is not changed.
#[derive(Args)]
#[command(after_help = "Example: zoetrope config init zoetrope.toml")]
pub(crate) struct Init {
    /// File to create [default: the user's own]
    pub(crate) file: Option<PathBuf>,
}

/// Print the JSON Schema of zoetrope.toml, for editors.
///
/// An editor with TOML schemas then completes and checks the file. It has the options of each
/// provider that the built-in nodes use.
#[derive(Args)]
#[command(after_help = "Example: zoetrope config schema > zoetrope.schema.json
Then write this as the first line of zoetrope.toml: #:schema ./zoetrope.schema.json")]
pub(crate) struct Schema {}
