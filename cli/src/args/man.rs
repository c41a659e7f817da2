//! The arguments of `zoetrope man`.

use std::path::PathBuf;

use clap::Args;

/// Write the manual pages, one for each command, to a folder.
///
/// The release archive has them in `man/`. To read one, run `man -l FILE`.
#[derive(Args)]
#[command(after_help = "Example: zoetrope man ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// Folder for the pages; it is created
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}
