//! Parses the command line. Wrong usage is a failure of the same form as every other one.
//!
//! - [`arguments`]: the command that the words of a command line name, and whether they ask for JSON
//! - [`message`]: what is wrong, in a sentence

mod arguments;
mod message;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use zoetrope_host::sanitize::line;

use super::args::{Cli, requested_color};
use super::printer::{PrintError, Printer};
use super::report::Failure;
use super::shell::quoted_text;
use message::{
    missing_arguments, missing_command, other_command, sentence, unknown_argument, unknown_command,
};

/// Parses the arguments of this process. Otherwise it has printed the help, the version or a
/// failure, and returns the exit code.
pub(super) fn parse() -> Result<Cli, ExitCode> {
    let words: Vec<_> = std::env::args_os().collect();
    let error = match parsed(&words) {
        Ok(cli) => return Ok(cli),
        Err(error) => error,
    };
    // A message quotes arguments, so they are made printable first: on one line.
    let words = words.iter().map(|word| word.to_string_lossy());
    let words: Vec<_> = words.map(|word| line(&word).into_owned()).collect();
    if !error.use_stderr() {
        let written = error.print().and_then(|()| io::stdout().flush());
        return Err(after_help(written, &words));
    }
    let error = match parsed(&words.iter().map(OsString::from).collect::<Vec<_>>()) {
        Err(error) if error.use_stderr() => error,
        _ => error,
    };
    let printer = Printer::new(arguments::ask_for_json(&words))
        .with_events(arguments::ask_for_events(&words));
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !printer.json() {
        printer.message(&error.to_string());
    }
    let code = failure(&words, &error).report(&printer);
    printer.end();
    Err(code)
}

/// The exit code after the help or the version. A reader that has closed the pipe has read enough.
fn after_help(written: io::Result<()>, words: &[String]) -> ExitCode {
    let error = match written.map_err(PrintError::from) {
        Err(error) if !error.is_closed() => error,
        _ => return ExitCode::SUCCESS,
    };
    let printer =
        Printer::new(arguments::ask_for_json(words)).with_events(arguments::ask_for_events(words));
    let code = Failure::from(error).report(&printer);
    printer.end();
    code
}

/// The command line of these words, of which the first is the name of the program.
fn parsed(words: &[OsString]) -> Result<Cli, clap::Error> {
    // Help has colours as `--color` says.
    let program = || Cli::command().color(requested_color(words.iter().cloned()).into());
    let mut command = program();
    let matches = match command.try_get_matches_from_mut(words) {
        Err(error) if error.kind() == ErrorKind::InvalidSubcommand => {
            let words = arguments::without_options_of_help(&Cli::command(), words).ok_or(error)?;
            command = program();
            command.try_get_matches_from_mut(words)?
        }
        matches => matches?,
    };
    refuse_misplaced(&command, &matches)?;
    let cli = Cli::from_arg_matches(&matches);
    let mut cli = cli.map_err(|error| error.format(&mut command))?;
    cli.global.has_data_dir_of_environment =
        matches.value_source("data_dir") == Some(ValueSource::EnvVariable);
    Ok(cli)
}

/// Refuses an option of a command before its subcommand: `jobs --state failed show ID`.
fn refuse_misplaced(program: &Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let (mut command, mut matches) = (program, matches);
    let mut path = program.get_name().to_owned();
    while let Some((name, of_subcommand)) = matches.subcommand() {
        let is_given = |argument: &&clap::Arg| {
            let id = argument.get_id().as_str();
            matches.value_source(id) == Some(ValueSource::CommandLine)
        };
        let own = command.get_arguments().filter(|own| !own.is_global_set());
        if let Some(own) = own.filter(is_given).find_map(clap::Arg::get_long) {
            let message =
                format!("`--{own}` is an option of `{path}` and cannot be used with `{name}`\n");
            return Err(clap::Error::raw(ErrorKind::ArgumentConflict, message));
        }
        let Some(subcommand) = command.find_subcommand(name) else {
            break;
        };
        path = format!("{path} {name}");
        (command, matches) = (subcommand, of_subcommand);
    }
    Ok(())
}

/// What is meant by an unknown command: the same line where `jobs` is missing in it, else the help
/// of the only command with this name.
fn meant(
    error: &clap::Error,
    program: &Command,
    command: &Command,
    words: &[String],
) -> Option<String> {
    if !matches!(
        error.kind(),
        ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument
    ) {
        return None;
    }
    if command.get_name() == program.get_name()
        && let Some(line) = arguments::with_jobs(program, words)
        && parsed(&line.iter().map(OsString::from).collect::<Vec<_>>()).is_ok()
    {
        let line: Vec<_> = line.iter().skip(1).map(|word| quoted_text(word)).collect();
        return Some(format!("{} {}", program.get_name(), line.join(" ")));
    }
    other_command(error, program, command).map(|other| format!("{other} --help"))
}

/// The failure of a command line that cannot be parsed.
fn failure(words: &[String], error: &clap::Error) -> Failure {
    let mut program = Cli::command();
    program.build();
    let (command, path) = arguments::command_of(&program, words);
    let help = format!("{path} --help");
    if error.kind() == ErrorKind::MissingRequiredArgument {
        let (message, next) = missing_arguments(error, &path);
        return Failure::usage(message).then(next.unwrap_or(help));
    }
    let message = match error.kind() {
        ErrorKind::InvalidSubcommand => unknown_command(error, &program, command, &path),
        ErrorKind::UnknownArgument => unknown_argument(error, &program, (command, &path), words),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            missing_command(command, &path)
        }
        _ => sentence(&error.to_string()),
    };
    let next = match error.kind() {
        ErrorKind::ArgumentConflict => format!("Leave one of them out. The options: {help}"),
        _ => meant(error, &program, command, words).unwrap_or(help),
    };
    Failure::usage(message).then(next)
}
