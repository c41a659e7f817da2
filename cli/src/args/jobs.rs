//! The arguments of `zoetrope jobs` and its subcommands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use zoetrope_host::ledger::State;

use super::events::EventsOption;
use super::values::state;

/// List the jobs, or show, watch, resume, retry, cancel, fetch, resolve or prune them.
///
/// Without a subcommand, lists the jobs in the data directory, oldest first. A job can be
/// named by the first characters of its ID, if no other job's ID begins with them.
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
    Show(Show),
    Watch(Watch),
    Resume(Resume),
    Retry(Retry),
    Cancel(Cancel),
    Fetch(Fetch),
    Resolve(Resolve),
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

/// Show a job and its history.
#[derive(Args)]
pub(crate) struct Show {
    /// Job ID, or its first characters
    pub(crate) id: String,
    /// Show its input too, as given and as submitted; inputs contain prompts
    #[arg(long)]
    pub(crate) input: bool,
}

/// Follow jobs to their end, without submitting any.
///
/// Without an ID, follows all unfinished jobs. Shows what the process that works on them records;
/// where none does, polls the jobs at their providers and downloads results. Queued jobs stay
/// queued. Ctrl-C leaves; the jobs go on.
///
/// Example: zoetrope jobs watch 01998f
#[derive(Args)]
pub(crate) struct Watch {
    /// Job IDs, or their first characters [default: all unfinished jobs]
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// How long to follow; the jobs go on after that
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = humantime::parse_duration)]
    pub(crate) deadline: Duration,
    #[command(flatten)]
    pub(crate) events: EventsOption,
}

/// Resume a job, or all unfinished jobs.
///
/// Submits queued jobs, polls started jobs and finishes downloads. A job whose outcome is
/// unknown is submitted again only if the provider honours its idempotency key.
#[derive(Args)]
pub(crate) struct Resume {
    /// Job ID, or its first characters
    #[arg(required_unless_present = "all")]
    pub(crate) id: Option<String>,
    /// Resume every unfinished job
    #[arg(long, conflicts_with = "id")]
    pub(crate) all: bool,
    /// How long to wait for the result
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = humantime::parse_duration)]
    pub(crate) deadline: Duration,
    #[command(flatten)]
    pub(crate) events: EventsOption,
}

/// Submit failed or cancelled jobs again.
///
/// A job keeps its ID, key and file; the provider receives a new key, so it makes a new job.
/// Without --again, only jobs that cost nothing are submitted, and none of the named ones if one
/// was or may have been charged. A job whose outcome is unknown has not failed: `zoetrope jobs
/// resume` or `zoetrope jobs resolve` settles it.
///
/// Example: zoetrope jobs retry 01998f 01998e
#[derive(Args)]
pub(crate) struct Retry {
    /// Job IDs, or their first characters
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Also jobs that were or may have been charged: each new attempt is charged separately
    #[arg(long)]
    pub(crate) again: bool,
    /// How long to wait for the results
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = humantime::parse_duration)]
    pub(crate) deadline: Duration,
    #[command(flatten)]
    pub(crate) events: EventsOption,
}

/// Cancel a job at the provider.
///
/// Waits up to a minute for the provider's answer. A job that was not submitted is cancelled
/// without a request. If the job has already succeeded, its result is downloaded. If the
/// provider cannot cancel, the job continues there and is charged; `zoetrope jobs resume`
/// waits for it. A job with an unknown outcome is looked for under its key first, or keeps the
/// request until `zoetrope jobs resolve`. A pack that is not built in sends one cancellation for
/// a job; a further command polls the job.
#[derive(Args)]
pub(crate) struct Cancel {
    /// Job ID, or its first characters
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) events: EventsOption,
}

/// Write a job's result to a file.
///
/// Copies the local result if it exists; otherwise downloads it from the provider again.
#[derive(Args)]
pub(crate) struct Fetch {
    /// Job ID, or its first characters
    pub(crate) id: String,
    /// File to write the result to, `-` for standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// How long to wait for the result
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = humantime::parse_duration)]
    pub(crate) deadline: Duration,
    #[command(flatten)]
    pub(crate) events: EventsOption,
}

/// Settle a job whose submit outcome is unknown.
///
/// Look the job up on the provider's website or ask its support, then record the answer:
/// either the provider's job ID, or that the job never started.
#[derive(Args)]
pub(crate) struct Resolve {
    /// Job ID, or its first characters
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) finding: Finding,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Finding {
    /// The provider has the job, under this ID
    #[arg(long, value_name = "ID")]
    pub(crate) provider_job_id: Option<String>,
    /// The provider never received the job
    #[arg(long)]
    pub(crate) never_started: bool,
}

/// Delete finished jobs, and stored files that no job needs.
///
/// Deletes their rows, inputs and unfinished files; result files stay. A job that may still be
/// charged or may still deliver a result is kept. Also removes stored pictures, components and
/// compiled code that no job needs. It may be interrupted; the same command continues.
///
/// Of each deleted job stay its connection, key, node, state, charge, cost, times, ticket and
/// file, so that the same command with the same key does not buy again: `zoetrope jobs show`
/// shows them, `zoetrope jobs fetch` asks the provider for the result again.
#[derive(Args)]
pub(crate) struct Prune {
    /// Only jobs created longer ago than this
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) older_than: Duration,
    /// Forget the keys of deleted jobs too, and uploads without a reply: the same command with the same key buys again
    #[arg(long)]
    pub(crate) keys: bool,
}
