//! The arguments of `zoetrope run`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::events::EventsOption;
use super::source::Source;
use super::spending::Limit;
use super::values::{duration, key};

// The headings of several options in the help.
const COST: &str = "Cost and repetition";
const BATCH: &str = "Batch";
const WAITING: &str = "Waiting";

/// Run a node: upload, submit, wait, download.
///
/// Without a configured connection, the practice provider on this machine serves the run. The
/// job is written to the ledger before anything is submitted: `zoetrope jobs` lists it and
/// `zoetrope jobs resume` resumes it, even after a crash.
///
/// Names in the paths of --out, --out-dir and --name stand for values: {job}, {key}, {node},
/// {index} (the line of a batch), {date} (of the job, in UTC) and each field of the input, as
/// {prompt}. Write {{ and }} for braces.
#[derive(Args)]
#[command(after_help = "\
Example: zoetrope run image_to_video_v3 --image a.jpg --set prompt=sea
Example: zoetrope run image_to_video_v3 --input input.json --out clip.mp4
Example: zoetrope run image_to_video_v3 --batch lines.jsonl --out-dir clips")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
pub(crate) struct Run {
    /// Node type, as `zoetrope nodes` lists it
    pub(crate) node: String,
    #[command(flatten, next_help_heading = "Input")]
    pub(crate) source: Source,
    /// File to write the result to, `-` for standard output
    ///
    /// Without it, the result is a file in the data directory.
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file at --out if it exists
    #[arg(long, help_heading = "Result")]
    pub(crate) force: bool,
    /// Idempotency key: the same key and input name the same job
    ///
    /// It has 1 to 255 visible ASCII characters. Without it, a new key is made.
    #[arg(long, value_name = "KEY", value_parser = key, help_heading = COST)]
    pub(crate) key: Option<String>,
    /// Submit a failed job of this key again if it cost nothing
    ///
    /// In a batch, each such job.
    #[arg(long, requires = "key", help_heading = COST)]
    pub(crate) retry_failed: bool,
    /// Also jobs that were or may be charged: each costs again
    ///
    /// With --retry-failed. Each new attempt is charged separately.
    #[arg(long, requires = "retry_failed", help_heading = COST)]
    pub(crate) again: bool,
    #[command(flatten, next_help_heading = COST)]
    pub(crate) limit: Limit,
    /// Show what would be sent, and what it may cost; send nothing
    #[arg(long = "dry-run", conflicts_with_all = ["detach", "wait"], help_heading = COST)]
    pub(crate) only_plans: bool,
    /// Run a job for each line of a file of inputs
    ///
    /// `-` is standard input. Line n has the key KEY-n. A local picture in a line is `file:PATH`.
    /// --set and --image apply to each line, and replace its field.
    #[arg(long, value_name = "FILE.jsonl", requires = "out_dir", conflicts_with_all = ["input", "out", "detach"])]
    #[arg(help_heading = BATCH)]
    pub(crate) batch: Option<PathBuf>,
    /// Directory for the results of a batch
    #[arg(long, value_name = "DIR", requires = "batch", help_heading = BATCH)]
    pub(crate) out_dir: Option<PathBuf>,
    /// Name of each result, without extension [default: {index}]
    #[arg(long, value_name = "NAME", requires = "batch", help_heading = BATCH)]
    pub(crate) name: Option<String>,
    /// How long to wait for the result
    ///
    /// Time in the queue is included. After that, the job continues at the provider.
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = duration)]
    #[arg(help_heading = WAITING)]
    pub(crate) deadline: Duration,
    /// Wait for the result; the default
    #[arg(long, conflicts_with = "detach", help_heading = WAITING)]
    pub(crate) wait: bool,
    /// Return as soon as the provider has accepted the job
    #[arg(long, help_heading = WAITING)]
    pub(crate) detach: bool,
    /// Run a program when a job has ended; once for each argument
    ///
    /// The first --exec is the program, and each further one is one of its arguments. No shell
    /// reads them.
    #[arg(long, value_name = "PROGRAM|ARG", allow_hyphen_values = true, help_heading = WAITING)]
    pub(crate) exec: Vec<OsString>,
    #[command(flatten, next_help_heading = WAITING)]
    pub(crate) events: EventsOption,
}
