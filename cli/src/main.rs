//! The `zoetrope` command: what it takes, and which file does it.
//!
//! Data goes to standard output, everything else to standard error. The libraries never
//! print; only the [`printer`] does.
//!
//! - [`args`]: what each command takes; environment variables; the reference page
//! - [`context`]: configuration, engine, component and practice provider, made when needed
//! - [`reach`]: connections, the practice provider's among them
//! - [`nodes`], [`check`] (and [`lines`], its streaming form), [`run`], [`jobs`], [`packs`],
//!   [`practice`]: what the commands do
//! - [`input`]: the input document from a file and `--set`
//! - [`inspect`]: what is worth knowing of a file
//! - [`wait_for`], [`interrupts`]: waiting for jobs; [`view`], [`progress`]: what is seen of it
//! - [`report`]: what is said of a plan, a job, many jobs and a failure, as text and JSON
//! - [`exit_code`]: the exit code of each kind of failure
//! - [`shell`]: commands as a shell reads them back
//! - [`observe`]: what is logged, and how; `export`: spans for a collector

mod args;
mod check;
mod connections;
mod context;
mod exit_code;
mod input;
mod interrupts;
mod jobs;
mod jsonl;
mod logging;
mod nodes;
#[cfg(feature = "otlp")]
mod otlp;
mod packs;
mod picture_notes;
mod practice;
mod printer;
mod progress;
mod report;
mod run;
mod shell;
mod view;
mod wait;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;

use args::{Cli, Command};
use context::Context;
use printer::Printer;
use report::{Failure, Phase};

/// Parses the arguments, does what they say, and tells how it ended.
fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let json = cli.global.json || matches!(&cli.command, Command::Check(check) if check.jsonl);
    let printer = Printer::new(json);
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(Phase::Context, format!("no runtime: {error}")))
        .and_then(|runtime| {
            let observed = logging::start(cli.global.log_format, runtime.handle());
            let ended = runtime.block_on(dispatch(cli, printer.clone()));
            observed.end();
            // A rendering or a name lookup may still hold a thread; nobody waits for it.
            runtime.shutdown_background();
            ended
        });
    match ended {
        Ok(code) => code,
        Err(failure) => failure.report(&printer),
    }
}

async fn dispatch(cli: Cli, printer: Printer) -> Result<ExitCode, Failure> {
    let context = Arc::new(Context::new(cli.global, printer));
    match cli.command {
        Command::Nodes(command) => command.run(&context).await,
        Command::Check(command) => command.run(&context).await,
        Command::Run(command) => command.run(&context).await,
        Command::Jobs(command) => command.run(&context).await,
        Command::Packs(command) => command.run(&context).await,
        Command::Practice(command) => command.run(&context).await,
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
        return Failure::usage(message).report(&Printer::new(true));
    }
    // Nothing can be done about a closed terminal.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}
