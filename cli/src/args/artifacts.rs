//! The arguments of `zoetrope artifacts`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Pull and upload the files that a provider stores under ids.
///
/// Nothing is charged. An artifact's id can be the source of a run:
/// `--set source_artifact_id=ID`. Exit code 3 if the pack or the provider has no artifacts.
#[derive(Args)]
#[command(after_help = "Example: zoetrope artifacts pull art-42")]
pub(crate) struct Artifacts {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Pull(Pull),
    Upload(Upload),
}

/// Download an artifact to a file.
#[derive(Args)]
#[command(after_help = "Example: zoetrope artifacts pull art-42 --out lighthouse.jpg")]
pub(crate) struct Pull {
    /// The provider's id of the artifact
    pub(crate) id: String,
    /// File to write the artifact to
    ///
    /// Without it, the id with the extension of its type, in the working directory.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Connection to use
    #[arg(long, value_name = "ID")]
    pub(crate) connection: Option<String>,
}

/// Upload a local picture as an artifact, and print its id.
#[derive(Args)]
#[command(after_help = "Example: zoetrope artifacts upload lighthouse.jpg")]
pub(crate) struct Upload {
    /// Local picture
    pub(crate) file: PathBuf,
    /// The provider's word for the use of the artifact
    #[arg(long, value_name = "ROLE", default_value = "source")]
    pub(crate) role: String,
    /// Connection to use
    #[arg(long, value_name = "ID")]
    pub(crate) connection: Option<String>,
}
