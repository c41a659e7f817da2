//! The arguments of `zoetrope jobs` and its subcommands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use zoetrope_host::ledger::{Millis, State};

use super::events::EventsOption;
use super::spending::{Limit, Submits};
use super::values::{ListLimit, duration, list_limit, since, state};

/// List the jobs, show one, resume, retry or cancel them.
///
/// Without a subcommand, lists the jobs in the data directory, newest first. A job is named by
/// its ID, by four or more first characters of it, by the provider's ID, or by `last`: the job
/// that was made last.
#[derive(Args)]
#[command(after_help = "\
Example: zoetrope jobs --state failed
Example: zoetrope jobs show 01998f")]
pub(crate) struct Jobs {
    #[command(flatten)]
    pub(crate) list: List,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    List(List),
    Show(Show),
    Watch(Watch),
    Resume(Resume),
    Retry(Retry),
    Cancel(Cancel),
    Fetch(Fetch),
    Resolve(Resolve),
    Prune(Prune),
}

/// List the jobs, newest first.
///
/// In a terminal, the columns fit its width. --json prints all fields of all jobs, oldest first.
#[derive(Args)]
#[command(after_help = "Example: zoetrope jobs list --state started --limit 5")]
pub(crate) struct List {
    #[arg(
        long = "state",
        value_name = "STATE",
        value_delimiter = ',',
        value_parser = state,
        help = "Only jobs in this state",
        long_help = "Only jobs in this state: queued, submitting, started, succeeded, failed, cancelled, outcome_unknown"
    )]
    pub(crate) states: Vec<State>,
    /// Only jobs of this node type
    #[arg(long, value_name = "NODE")]
    pub(crate) node: Option<String>,
    /// Only jobs made since: 2d, 12h, 2026-11-01 (UTC)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub(crate) since: Option<Millis>,
    /// Newest jobs to list, or all [default: 20, with --json all]
    #[arg(long, value_name = "N", value_parser = list_limit)]
    pub(crate) limit: Option<ListLimit>,
    /// List the oldest of them first
    #[arg(long)]
    pub(crate) reverse: bool,
}

/// Show a job and its history.
#[derive(Args)]
#[command(after_help = "Example: zoetrope jobs show 01998f --json")]
pub(crate) struct Show {
    /// Job ID, its first characters, or `last`
    pub(crate) id: String,
    /// Show its input too, which contains the prompt
    ///
    /// Shows it as given and as submitted.
    #[arg(long)]
    pub(crate) input: bool,
}

/// Follow jobs to their end, without submitting any.
///
/// Without an ID, follows all unfinished jobs. Shows what the process that works on them records;
/// where none does, polls the jobs at their providers and downloads results. Queued jobs stay
/// queued. Ctrl-C leaves; the jobs go on.
#[derive(Args)]
#[command(after_help = "Example: zoetrope jobs watch 01998f")]
pub(crate) struct Watch {
    /// Job IDs [default: all unfinished jobs]
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// How long to follow; the jobs go on after that
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = duration)]
    pub(crate) deadline: Duration,
    #[command(flatten)]
    pub(crate) events: EventsOption,
}

/// Resume a job, or all unfinished jobs.
///
/// Submits queued jobs, polls started jobs and finishes downloads. A job whose outcome is
/// unknown is submitted again only if the provider honours its idempotency key. Says before
/// it submits what that may cost; on a terminal, asks.
#[derive(Args)]
#[command(after_help = "\
Example: zoetrope jobs resume 01998f
Example: zoetrope jobs resume --all")]
pub(crate) struct Resume {
    /// Job ID, its first characters, or `last`
    #[arg(required_unless_present = "all")]
    pub(crate) id: Option<String>,
    /// Resume every unfinished job
    #[arg(long, conflicts_with = "id")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) submits: Submits,
    /// How long to wait for the result
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = duration)]
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
#[derive(Args)]
#[command(after_help = "Example: zoetrope jobs retry 01998f 01998e")]
pub(crate) struct Retry {
    /// Job IDs, their first characters, or `last`
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Also jobs that were or may be charged: each costs again
    ///
    /// Each new attempt is charged separately.
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) limit: Limit,
    /// How long to wait for the results
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = duration)]
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
#[command(after_help = "Example: zoetrope jobs cancel 01998f")]
pub(crate) struct Cancel {
    /// Job ID, its first characters, or `last`
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) events: EventsOption,
}

/// Write a job's result to a file.
///
/// Copies the local result if it exists; otherwise downloads it from the provider again.
#[derive(Args)]
#[command(after_help = "Example: zoetrope jobs fetch 01998f --out clip.mp4")]
pub(crate) struct Fetch {
    /// Job ID, its first characters, or `last`
    pub(crate) id: String,
    /// File to write the result to, `-` for standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// How long to wait for the result
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = duration)]
    pub(crate) deadline: Duration,
    #[command(flatten)]
    pub(crate) events: EventsOption,
}

/// Settle a job whose submit outcome is unknown.
///
/// Look the job up on the provider's website or ask its support, then record the answer:
/// either the provider's job ID, or that the job never started. The provider is asked first
/// whether it knows the ID; if not, the job stays as it is. Until the provider has shown the
/// job, the same command can correct the answer.
#[derive(Args)]
#[command(after_help = "\
Example: zoetrope jobs resolve 01998f --provider-job-id j-42
Example: zoetrope jobs resolve 01998f --never-started")]
#[command(override_usage = "\
zoetrope jobs resolve [OPTIONS] --provider-job-id <ID> <ID>
       zoetrope jobs resolve [OPTIONS] --never-started <ID>")]
pub(crate) struct Resolve {
    /// Job ID, its first characters, or `last`
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) finding: Finding,
    /// Record the provider's ID without asking the provider
    #[arg(long, conflicts_with = "never_started")]
    pub(crate) force: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Finding {
    /// The provider has the job, under this ID
    #[arg(long, value_name = "ID", value_parser = provider_job_id)]
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
#[command(after_help = "Example: zoetrope jobs prune --older-than 30d")]
pub(crate) struct Prune {
    /// Only jobs created longer ago than this
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) older_than: Duration,
    /// Forget the keys of deleted jobs: the same key buys again
    ///
    /// Uploads without a reply are forgotten too. The same command with the same key buys again.
    #[arg(long)]
    pub(crate) keys: bool,
}

/// An id without the blanks around it, as it is pasted.
fn provider_job_id(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("the ID is empty"),
        id => Ok(id.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::provider_job_id;

    #[test]
    fn blanks_around_a_provider_job_id_are_removed_and_an_empty_one_is_refused() {
        assert_eq!(provider_job_id(" j 42\t\n").as_deref(), Ok("j 42"));
        for empty in ["", " \n"] {
            assert!(provider_job_id(empty).is_err(), "{empty:?}");
        }
    }
}
