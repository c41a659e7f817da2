//! The words of a command line that cannot be parsed.

use std::ffi::OsString;

use clap::{Arg, Command};

/// Whether errors are to be JSON. What follows `--` is no option.
pub(super) fn ask_for_json(words: &[String]) -> bool {
    has_option(words, &["--json", "--jsonl", "--events"])
}

/// Whether errors are to be events.
pub(super) fn ask_for_events(words: &[String]) -> bool {
    has_option(words, &["--events"])
}

fn has_option(words: &[String], wanted: &[&str]) -> bool {
    let options = words.iter().skip(1).take_while(|word| *word != "--");
    let mut names =
        options.map(|word| word.split_once('=').map_or(word.as_str(), |(name, _)| name));
    names.any(|name| wanted.contains(&name))
}

/// The innermost command that the words name, and its name with those above it. `program` is built.
pub(super) fn command_of<'a>(program: &'a Command, words: &[String]) -> (&'a Command, String) {
    let (mut command, mut path) = (program, program.get_name().to_owned());
    let mut words = words.iter().skip(1).take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        if word.starts_with('-') {
            if takes_next_word(program, command, word) {
                words.next();
            }
        } else if word == "help" && command.has_subcommands() {
            // Its arguments name a command.
        } else if let Some(subcommand) = command.find_subcommand(word) {
            command = subcommand;
            path = format!("{path} {}", command.get_name());
        } else if command.has_subcommands() {
            break;
        }
    }
    (command, path)
}

/// The words with `jobs` before the first one that is no option, if that is a command of `jobs`.
pub(super) fn with_jobs(program: &Command, words: &[String]) -> Option<Vec<String>> {
    let mut place = 1;
    while let Some(word) = words.get(place).filter(|word| word.starts_with('-')) {
        place += 1 + usize::from(takes_next_word(program, program, word));
    }
    program
        .find_subcommand("jobs")?
        .find_subcommand(words.get(place)?)?;
    let mut line = words.to_vec();
    line.insert(place, "jobs".to_owned());
    Some(line)
}

/// Whether the word is an option whose value is the next word.
fn takes_next_word(program: &Command, command: &Command, word: &str) -> bool {
    let Some(name) = word.strip_prefix("--") else {
        return false;
    };
    let is_named = |argument: &&Arg| argument.get_long() == Some(name);
    let mut arguments = command.get_arguments().chain(program.get_arguments());
    let found = arguments.find(is_named);
    found.is_some_and(|argument| argument.get_action().takes_values())
}

/// The words without the options after `help`, which takes the names of commands alone: `help
/// --help`, `help --json jobs`. `None` if there are none.
pub(super) fn without_options_of_help(
    program: &Command,
    words: &[OsString],
) -> Option<Vec<OsString>> {
    let help = words.iter().skip(1).position(|word| word == "help")? + 2;
    let mut kept = words[..help].to_vec();
    let mut rest = words[help..].iter();
    while let Some(word) = rest.next() {
        let text = word.to_string_lossy();
        if !text.starts_with('-') {
            kept.push(word.clone());
        } else if takes_next_word(program, program, &text) {
            rest.next();
        }
    }
    (kept.len() < words.len()).then_some(kept)
}
