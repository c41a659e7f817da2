//! The `zoetrope` command.
//!
//! Data goes to standard output, everything else to standard error. The libraries never
//! print; only the [`printer`] does.
//!
//! # Layout
//!
//! - [`args`]: the arguments of each command; environment variables; the reference page
//! - [`usage`]: parses them, and reports wrong usage
//! - [`context`]: configuration, engine, component and practice provider, made when used;
//!   [`data_dir`]: whether a path can be the data directory
//! - [`configuration`]: the configuration file of a command, and whether it is trusted
//! - [`connections`]: opens connections, the practice provider's among them
//! - [`nodes`], [`check`] (and [`jsonl`], its streaming form), [`run`], [`jobs`], [`costs`],
//!   [`artifacts`], [`packs`], [`trust`], [`config`], [`login`], [`practice`], [`doctor`],
//!   [`completions`], [`man`]: the commands
//! - [`input`]: the input document from a file and `--set`; [`text_lines`]: a document a line;
//!   [`fields`]: what the fields of a node take
//! - [`preview`]: what a run would send and cost
//! - [`end_hooks`]: the commands that are run when a job has ended
//! - [`notes`]: the notes of a command; [`picture_notes`]: those on pictures and results
//! - [`recording`]: waits until a command is recorded in the ledger
//! - [`wait`]: waits for jobs, with [`interrupts`]: the reaction to [`signals`], [`stop`]: their
//!   effect on the wait; [`follow`]: follows jobs without submitting any
//! - [`progress`]: the progress of jobs; [`places`]: their counts; [`terminal_line`]: the line that
//!   shows it; [`bar`]: its drawing on a terminal, with [`progress_text`]: its text for a width;
//!   [`events`]: the same as JSON lines
//! - [`max_cost`]: the upper bound of what runs cost, and its limit
//! - [`purchase`]: submits that the user may not expect, and the question before them
//! - [`report`]: text and JSON of a plan, a job, many jobs and a failure
//! - [`exit_code`]: the exit code of each kind of failure
//! - [`name_template`]: paths with names of values; [`clip_output`]: a result on standard output
//! - [`printer`]: standard output and standard error; [`output`]: the thread that writes one of
//!   them; [`panics`]: the report of a panic
//! - [`style`]: colours and styles of text; [`table`]: columns that fit a width; [`ago`]: relative
//!   times
//! - [`dispositions`]: signals that are ignored; [`runtime`]: the threads of the program
//! - [`shell`]: quoting for a shell
//! - [`logging`]: logs, which [`log_writer`] writes; `otlp`: the export of spans

mod ago;
mod args;
mod artifacts;
mod bar;
mod categories;
mod check;
mod clip_output;
mod completions;
mod config;
mod configuration;
mod connections;
mod context;
mod costs;
mod data_dir;
mod dispositions;
mod doctor;
mod end_hooks;
mod events;
mod exit_code;
mod fields;
mod follow;
mod input;
mod interrupts;
mod jobs;
mod jsonl;
mod log_writer;
mod logging;
mod login;
mod man;
mod max_cost;
mod name_template;
mod nodes;
mod notes;
#[cfg(feature = "otlp")]
mod otlp;
mod out_path;
mod output;
mod packs;
mod panics;
mod picture_notes;
mod places;
mod practice;
mod practice_jobs;
mod preview;
mod printer;
mod progress;
mod progress_text;
mod purchase;
mod recording;
mod report;
mod retry;
mod run;
mod runtime;
mod shell;
mod signals;
mod stop;
mod style;
mod table;
mod terminal_line;
mod text_lines;
mod trust;
mod usage;
mod wait;

use std::process::ExitCode;
use std::sync::Arc;

use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{NextStep, Repair};
use zoetrope_host::open_files;

use args::{Cli, Command};
use context::Context;
use logging::Logging;
use printer::Printer;
use report::{Failure, Phase};

/// Parses the arguments and runs the command.
fn main() -> ExitCode {
    if let Some(code) = completions::answer_shell() {
        return code;
    }
    let cli = match usage::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let has_events = cli.command.has_events();
    let json = cli.global.json
        || has_events
        || matches!(&cli.command, Command::Check(check) if check.jsonl);
    dispositions::ignore_signals_of_writes();
    runtime::share_scarce_heap();
    let printer = Printer::new(json)
        .colored(cli.global.color)
        .with_events(has_events)
        .quiet(cli.global.quiet);
    panics::report_by(&printer);
    let ended = runtime::start().and_then(|runtime| {
        let logging = logging::start(&cli.global, printer.messages(), runtime.handle());
        let ended = runtime.block_on(dispatch(cli, printer.clone(), &logging));
        logging.end();
        // A rendering or a name lookup may still run on a thread; it is not awaited.
        runtime.shutdown_background();
        ended
    });
    let code = match ended {
        Ok(code) => code,
        Err(failure) => failure.report(&printer),
    };
    printer.end();
    code
}

#[cfg_attr(
    not(feature = "otlp"),
    expect(unused_variables, reason = "only the export of spans uses the logging")
)]
async fn dispatch(cli: Cli, printer: Printer, logging: &Logging) -> Result<ExitCode, Failure> {
    if cli.command.changes_jobs() {
        printer.has_jobs();
        interrupts::end_at_signal(&printer);
    }
    if matches!(cli.command, Command::Run(_)) {
        has_files()?;
    }
    let context = Arc::new(Context::new(cli.global, printer));
    // Settings that cannot be used are an error of the command that needs them.
    #[cfg(feature = "otlp")]
    if let Some(export) = logging.export()
        && let Ok(egress) = context.egress().await
    {
        export.send_through(egress);
    }
    let places = cli.command.places();
    let ended = execute(cli.command, &context).await;
    let (code, is_interrupted) = match ended {
        Ok(code) => (code, false),
        // Reported before the commands of ended jobs are awaited.
        Err(failure) => {
            let failure = context.solutions().await.applied_to(failure);
            let failure = failure.with_places(places);
            let is_interrupted = failure.kind() == ErrorKind::Interrupted;
            (failure.report(context.printer()), is_interrupted)
        }
    };
    context.end_hooks(is_interrupted).await;
    Ok(code)
}

/// A paid job needs open files for its result, so a limit that is too low ends the command first.
fn has_files() -> Result<(), Failure> {
    open_files::probe(open_files::OF_A_RUN).map_err(|error| {
        let message = format!(
            "a run needs {} more open files: {error}",
            open_files::OF_A_RUN
        );
        let step = NextStep::repeat(Repair::OpenFiles);
        Failure::new(ErrorKind::LedgerUnavailable, Phase::Setup, message).then_step(step, "")
    })
}

async fn execute(command: Command, context: &Arc<Context>) -> Result<ExitCode, Failure> {
    if command.needs_no_connection() {
        context.note_unused_config().await;
    }
    match command {
        Command::Nodes(command) => command.run(context).await,
        Command::Check(command) => command.run(context).await,
        Command::Run(command) => command.run(context).await,
        Command::Jobs(command) => command.run(context).await,
        Command::Costs(command) => command.run(context),
        Command::Artifacts(command) => command.run(context).await,
        Command::Packs(command) => command.run(context).await,
        Command::Trust(command) => command.run(context),
        Command::Config(command) => command.run(context).await,
        Command::Login(command) => command.run(context).await,
        Command::Logout(command) => command.run(context).await,
        Command::Practice(command) => command.run(context).await,
        Command::Doctor(command) => command.run(context).await,
        Command::Completions(command) => command.run(context),
        Command::Man(command) => command.run(context),
    }
}
