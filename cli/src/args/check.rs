//! What `zoetrope check` takes.

use std::path::PathBuf;

use clap::Args;

use super::values::Profile;

/// Say what a run would do, without sending anything.
///
/// Needs neither connection nor credential; opens no file and no URL that the input
/// names. Prints the input as it would be run; notes go to standard error.
#[derive(Args)]
pub(crate) struct Check {
    /// Node type, as `zoetrope nodes` lists it
    pub(crate) node: String,
    /// Input document, JSON; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// How strictly the input is read
    #[arg(long, default_value = "strict")]
    pub(crate) profile: Profile,
    /// Show the request as this connection's
    #[arg(long, value_name = "ID")]
    pub(crate) connection: Option<String>,
    /// One input a line in, one JSON result a line out; exit code 3 if any was refused
    #[arg(long)]
    pub(crate) jsonl: bool,
}
