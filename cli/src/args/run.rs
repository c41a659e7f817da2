//! What `zoetrope run` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::{Profile, Setting, key};

/// Run a node: upload, submit, wait, download.
///
/// Without a configured connection the practice provider serves the run, on this machine.
/// The job is in the ledger before anything is sent: whatever happens, `zoetrope jobs`
/// lists it and `zoetrope jobs resume` goes on.
#[derive(Args)]
pub(crate) struct Run {
    /// Node type, as `zoetrope nodes` lists it
    pub(crate) node: String,
    #[command(flatten)]
    pub(crate) source: Source,
    /// Local picture for the node's first picture field, as its `file:` URL would be there
    #[arg(long, value_name = "PATH")]
    pub(crate) image: Option<PathBuf>,
    /// Where the result goes; else the data directory
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace a file that is at --out
    #[arg(long)]
    pub(crate) force: bool,
    /// Connection to run over
    #[arg(long, value_name = "ID")]
    pub(crate) connection: Option<String>,
    /// How long to wait, the queue included; the job goes on at the provider after that
    #[arg(long, default_value = "30m", value_parser = humantime::parse_duration)]
    pub(crate) deadline: Duration,
    /// Idempotency key: 1 to 255 visible ASCII characters; made up when absent. The same
    /// key and input is the same job
    #[arg(long, value_name = "KEY", value_parser = key)]
    pub(crate) key: Option<String>,
    /// Return once the provider has accepted the job
    #[arg(long)]
    pub(crate) detach: bool,
    /// Run each line of a file, an input document each; line n has the key KEY-n
    #[arg(long, value_name = "FILE.jsonl", requires = "out_dir", conflicts_with_all = ["input", "out", "detach"])]
    pub(crate) batch: Option<PathBuf>,
    /// Folder for the results of a batch, named by their lines
    #[arg(long, value_name = "DIR", requires = "batch")]
    pub(crate) out_dir: Option<PathBuf>,
}

/// Where a command's input comes from.
#[derive(Args)]
pub(crate) struct Source {
    /// Input document, JSON; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Set one field: text for text fields, JSON for the others
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<Setting>,
    /// How strictly the input is read: strict, or lax as the schema's own pydantic model
    /// reads it
    #[arg(long, default_value = "strict", hide_possible_values = true)]
    pub(crate) profile: Profile,
}
