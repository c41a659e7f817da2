//! The arguments of `zoetrope trust`.

use std::path::PathBuf;

use clap::Args;

/// Trust a folder's configuration file, and show what it does.
///
/// A `zoetrope.toml` in the working directory is used only if it is trusted, since it decides
/// where credentials are sent. The trust holds for this path and this content: a changed file is
/// trusted again by the same command, which then shows the difference. A file named by `--config`
/// or `ZOETROPE_CONFIG`, and the user's own, need no trust.
#[derive(Args)]
#[command(after_help = "\
With --list and --json, prints an array of the trusted files.
Example: zoetrope trust --show
Example: zoetrope trust zoetrope.toml")]
pub(crate) struct Trust {
    /// File to trust [default: zoetrope.toml of the folder]
    ///
    /// It is named zoetrope.toml. The folder is the working directory.
    pub(crate) file: Option<PathBuf>,
    /// Show what the file does, and do not trust it
    #[arg(long, conflicts_with_all = ["list", "revoke"])]
    pub(crate) show: bool,
    /// List the trusted files
    #[arg(long, conflicts_with_all = ["file", "revoke"])]
    pub(crate) list: bool,
    /// Do not trust the file any more; it need not exist
    #[arg(long)]
    pub(crate) revoke: bool,
}
