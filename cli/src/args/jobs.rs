//! What `zoetrope jobs` and its subcommands take.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use zoetrope_host::ledger::State;

use super::values::state;

/// List jobs, or show, resume, cancel, fetch, resolve, forget them.
///
/// A job's ID may be shortened as long as no other begins the same.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Jobs {
    #[command(flatten)]
    pub(crate) list: List,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show all that is known of a job
    Show(Show),
    /// Go on with a job, or with all that are not done
    Resume(Resume),
    /// Ask the provider to cancel a job
    Cancel(Cancel),
    /// Put a job's result into a file
    Fetch(Fetch),
    /// Say what became of a submit whose outcome is unknown
    Resolve(Resolve),
    /// Forget jobs that are done; their files stay
    Prune(Prune),
}

#[derive(Args)]
pub(crate) struct List {
    #[arg(
        long,
        value_name = "STATE",
        value_parser = state,
        help = "Only jobs in this state: queued, submitting, started, succeeded, failed, cancelled, outcome_unknown"
    )]
    pub(crate) state: Option<State>,
    /// Only jobs of this node type
    #[arg(long, value_name = "NODE")]
    pub(crate) node: Option<String>,
}

/// Show all that is known of a job.
#[derive(Args)]
pub(crate) struct Show {
    /// The job
    pub(crate) id: String,
    /// Its input too, as given and as submitted: with the prompts
    #[arg(long)]
    pub(crate) input: bool,
}

/// Go on with a job, or with all that are not done.
///
/// Submits what is queued, and again what is unknown where the provider honours the key;
/// polls what is started; finishes downloads.
#[derive(Args)]
pub(crate) struct Resume {
    /// The job
    #[arg(required_unless_present = "all")]
    pub(crate) id: Option<String>,
    /// Every job that is not done
    #[arg(long, conflicts_with = "id")]
    pub(crate) all: bool,
    /// How long to wait
    #[arg(long, default_value = "30m", value_parser = humantime::parse_duration)]
    pub(crate) deadline: Duration,
}

/// Ask the provider to cancel a job, and wait for its answer.
///
/// A job that was not submitted is cancelled without a word to the provider. If it is too
/// late, the result is downloaded. Where the provider has no cancellation, the job goes on
/// there and is paid for; `zoetrope jobs resume` waits for it.
#[derive(Args)]
pub(crate) struct Cancel {
    /// The job
    pub(crate) id: String,
}

/// Put a job's result into a file: a copy of the one that is here, else from the provider.
#[derive(Args)]
pub(crate) struct Fetch {
    /// The job
    pub(crate) id: String,
    /// Where it goes
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    pub(crate) force: bool,
    /// How long to wait
    #[arg(long, default_value = "30m", value_parser = humantime::parse_duration)]
    pub(crate) deadline: Duration,
}

/// Say what became of a submit whose outcome is unknown, as the provider's own pages or
/// its support tell.
#[derive(Args)]
pub(crate) struct Resolve {
    /// The job
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) finding: Finding,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Finding {
    /// The provider has it, by this id
    #[arg(long, value_name = "ID")]
    pub(crate) provider_job_id: Option<String>,
    /// The provider never had it
    #[arg(long)]
    pub(crate) never_started: bool,
}

/// Forget jobs that are done: their rows and inputs. Files stay, and so does every job
/// that may still cost or bring something.
#[derive(Args)]
pub(crate) struct Prune {
    /// Only jobs made longer ago than this
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) older_than: Duration,
}
