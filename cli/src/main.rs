//! The `zoetrope` command: what it takes, and which file does it.
//!
//! Data goes to standard output, everything else to standard error. The libraries never
//! print; only the files here do.
//!
//! - [`setup`]: configuration, engine, component and practice provider, made when needed
//! - [`reach`]: connections, the practice provider's among them
//! - [`nodes`], [`check`] (and [`lines`], its streaming form), [`run`], [`jobs`], [`packs`],
//!   [`practice`]: the commands
//! - [`input`]: the input document from a file and `--set`
//! - [`inspect`]: what is worth knowing of a file
//! - [`drive`], [`interrupts`]: waiting for jobs; [`view`], [`progress`]: what is seen of it
//! - [`outcome`], [`summary`]: how a job stands, and many
//! - [`failure`], [`output`]: how a command ends and what it says
//! - [`observe`]: what is logged, and how; `export`: spans for a collector

mod check;
mod drive;
#[cfg(feature = "otlp")]
mod export;
mod failure;
mod input;
mod inspect;
mod interrupts;
mod jobs;
mod lines;
mod nodes;
mod observe;
mod outcome;
mod output;
mod packs;
mod practice;
mod progress;
mod reach;
mod run;
mod setup;
mod summary;
mod view;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};

use failure::{Failure, Phase};
use observe::LogFormat;
use setup::Setup;

/// What a command's exit code says, for `--help`.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  internal error, the component was stopped, or the ledger cannot be used
  2  usage, configuration, unknown node type, bad ticket, key conflict
  3  invalid input, or something the node cannot do
  4  no usable connection, another connection, or a refused credential
  5  denied by the host's policy
  6  throttled or rejected by the provider
  7  the job failed, was cancelled, or is lost, or it was too late to cancel it
  8  nobody knows whether the job was accepted
  9  not finished and resumable: deadline, interrupted, unavailable, download failed";

/// Runs workflow nodes that make videos and pictures from a picture, in a sandbox.
#[derive(Parser)]
#[command(name = "zoetrope", version, after_long_help = EXIT_CODES, after_help = "See --help for the exit codes.")]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes, before or after its name.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "Configuration file; else ZOETROPE_CONFIG, else ./zoetrope.toml if it exists"
    )]
    config: Option<PathBuf>,
    /// Folder for the ledger, results, compiled code and the practice provider; else the platform's
    #[arg(long, global = true, value_name = "DIR", env = "ZOETROPE_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Component to run instead of the built-in one
    #[arg(long, global = true, value_name = "FILE")]
    component: Option<PathBuf>,
    /// Answer in JSON on standard output
    #[arg(long, global = true)]
    json: bool,
    #[arg(long, global = true, value_name = "FORM", env = "ZOETROPE_LOG_FORMAT")]
    #[arg(
        help = "Form of the logs on standard error; ZOETROPE_LOG says how much there is",
        default_value = "text",
        hide_default_value = true,
        hide_env_values = true
    )]
    log_format: LogFormat,
}

#[derive(Subcommand)]
enum Command {
    /// List the node types, or show one
    Nodes(nodes::Nodes),
    /// Say what a run would do, without sending anything
    Check(check::Check),
    /// Run a node: upload, submit, wait, download
    Run(Box<run::Run>),
    /// List jobs, or show, resume, cancel, fetch, resolve, forget them
    Jobs(jobs::Jobs),
    /// List the components that may run, or show, allow and revoke one
    Packs(packs::Packs),
    /// Run the practice provider on its own
    Practice(practice::PracticeServer),
}

/// Parses the arguments, does what they say, and tells how it ended.
fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let json = cli.global.json || matches!(&cli.command, Command::Check(check) if check.jsonl);
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(Phase::Setup, format!("no runtime: {error}")))
        .and_then(|runtime| {
            let observed = observe::start(cli.global.log_format, runtime.handle());
            let ended = runtime.block_on(dispatch(cli));
            observed.end();
            // A rendering or a name lookup may still hold a thread; nobody waits for it.
            runtime.shutdown_background();
            ended
        });
    match ended {
        Ok(code) => code,
        Err(failure) => failure.report(json),
    }
}

async fn dispatch(cli: Cli) -> Result<ExitCode, Failure> {
    let setup = Arc::new(Setup::new(cli.global));
    match cli.command {
        Command::Nodes(command) => command.run(&setup).await,
        Command::Check(command) => command.run(&setup).await,
        Command::Run(command) => command.run(&setup).await,
        Command::Jobs(command) => command.run(&setup).await,
        Command::Packs(command) => command.run(&setup).await,
        Command::Practice(command) => command.run(&setup).await,
    }
}

/// `--help` and `--version` are answers; the rest is a wrong call, in JSON if that was
/// asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let asked_for_json =
        std::env::args_os().any(|argument| argument == "--json" || argument == "--jsonl");
    if error.use_stderr() && asked_for_json {
        let message = error.to_string();
        let first = message.lines().next().unwrap_or_default();
        let message = first.strip_prefix("error: ").unwrap_or(first);
        return Failure::usage(message).report(true);
    }
    // Nothing can be done about a closed terminal.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }
}
