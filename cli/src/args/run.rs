//! The arguments of `zoetrope run`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::events::EventsOption;
use super::source::Source;
use super::spending::Limit;
use super::values::key;

/// Run a node: upload, submit, wait, download.
///
/// Without a configured connection, the practice provider on this machine serves the run. The
/// job is written to the ledger before anything is submitted: `zoetrope jobs` lists it and
/// `zoetrope jobs resume` resumes it, even after a crash.
///
/// Names in the paths of --out, --out-dir and --name stand for values: {job}, {key}, {node},
/// {index} (the line of a batch), {date} (of the job, in UTC) and each field of the input, as
/// {seed}. Write {{ and }} for braces.
#[derive(Args)]
#[command(after_help = "\
Example: zoetrope run image_to_video_v3 --image lighthouse.jpg --set prompt=sea
Example: zoetrope run image_to_video_v3 --input input.json --out clip.mp4
Example: zoetrope run image_to_video_v3 --batch lines.jsonl --out-dir clips")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
pub(crate) struct Run {
    /// Node type, as `zoetrope nodes` lists it
    pub(crate) node: String,
    #[command(flatten)]
    pub(crate) source: Source,
    /// File to write the result to, `-` for standard output [default: a file in the data directory]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file at --out if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// How long to wait, including time in the queue; after that the job continues at the provider
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = humantime::parse_duration)]
    pub(crate) deadline: Duration,
    /// Idempotency key, 1 to 255 visible ASCII characters; the same key and input name the same
    /// job [default: a new key]
    #[arg(long, value_name = "KEY", value_parser = key)]
    pub(crate) key: Option<String>,
    /// Submit a failed job of this key again if it cost nothing; in a batch, each such job
    #[arg(long, requires = "key")]
    pub(crate) retry_failed: bool,
    /// With --retry-failed, also jobs that were or may have been charged: each new attempt is
    /// charged separately
    #[arg(long, requires = "retry_failed")]
    pub(crate) again: bool,
    /// Run a program when a job has ended; further --exec are its arguments
    #[arg(long, value_name = "PROGRAM|ARG", allow_hyphen_values = true)]
    pub(crate) exec: Vec<OsString>,
    #[command(flatten)]
    pub(crate) limit: Limit,
    /// Show what would be sent, and what it may cost; send nothing
    #[arg(long = "dry-run", conflicts_with_all = ["detach", "wait"])]
    pub(crate) only_plans: bool,
    /// Wait for the result; the default
    #[arg(long, conflicts_with = "detach")]
    pub(crate) wait: bool,
    /// Return as soon as the provider has accepted the job
    #[arg(long)]
    pub(crate) detach: bool,
    /// Run a job for each line of a file of input documents, `-` for standard input; line n has
    /// the key KEY-n
    #[arg(long, value_name = "FILE.jsonl", requires = "out_dir", conflicts_with_all = ["input", "out", "detach"])]
    pub(crate) batch: Option<PathBuf>,
    /// Directory for the results of a batch
    #[arg(long, value_name = "DIR", requires = "batch")]
    pub(crate) out_dir: Option<PathBuf>,
    /// Name of each result of a batch, without extension [default: {index}]
    #[arg(long, value_name = "NAME", requires = "batch")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) events: EventsOption,
}
