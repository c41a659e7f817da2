//! Tests of the help of every command: it fits into 80 columns, its examples are correct, and its text
//! is that of a snapshot.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Command, CommandFactory as _, Parser as _};
use insta::{assert_snapshot, with_settings};

use super::Cli;

/// The columns that every help fits into.
const COLUMNS: usize = 80;

/// What an example line begins with.
pub(super) const EXAMPLE: &str = "Example: ";

/// Every command, those above first.
fn commands() -> Vec<Command> {
    fn add(command: &Command, all: &mut Vec<Command>) {
        if command.get_name() != "help" {
            all.push(command.clone().term_width(COLUMNS));
            command
                .get_subcommands()
                .for_each(|command| add(command, all));
        }
    }
    let mut program = Cli::command().term_width(COLUMNS);
    program.build();
    let mut all = Vec::new();
    add(&program, &mut all);
    all
}

/// The name of a command with those above it.
fn name(command: &Command) -> String {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    name.to_owned()
}

/// The texts before and after the arguments in `--help`.
fn texts(command: &Command) -> String {
    let about = command.get_long_about().or(command.get_about());
    let more = command.get_after_long_help().or(command.get_after_help());
    let texts: Vec<_> = about
        .into_iter()
        .chain(more)
        .map(ToString::to_string)
        .collect();
    texts.join("\n")
}

/// The examples of each command, as words of a shell: of a pipeline, the first command.
pub(crate) fn examples() -> Vec<(String, Vec<Vec<String>>)> {
    let of = |command: &Command| {
        let text = texts(command);
        let lines = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix(EXAMPLE));
        (name(command), lines.map(first_command).collect())
    };
    commands().iter().map(of).collect()
}

/// The words of a line of a shell up to `|`, `>`, `<`, `&&` or `;`. Single quotes are removed.
fn first_command(line: &str) -> Vec<String> {
    let (mut words, mut is_quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            letter => words.last_mut().expect("a word").push(letter),
        }
    }
    let is_end = |word: &String| ["|", ">", "<", "&&", ";"].contains(&word.as_str());
    let end = words.iter().position(is_end).unwrap_or(words.len());
    words.truncate(end);
    words
}

#[test]
fn every_help_fits_into_80_columns() {
    let mut wide = Vec::new();
    for mut command in commands() {
        let [long, short] = [command.render_long_help(), command.render_help()];
        for line in [long, short]
            .map(|help| help.to_string())
            .join("\n")
            .lines()
        {
            if textwrap::core::display_width(line) > COLUMNS {
                wide.push(format!("{}: {line}", name(&command)));
            }
        }
    }
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn every_command_has_an_example_of_it_that_is_correct() {
    for (command, examples) in examples() {
        assert!(!examples.is_empty(), "`{command}` has no line `{EXAMPLE}…`");
        for words in examples {
            let line = words.join(" ");
            assert!(line.starts_with(&command), "{command}: {line}");
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("{command}: {line}\n{error}");
            }
        }
    }
}

#[test]
fn no_example_is_given_twice() {
    let mut lines = BTreeSet::new();
    for (command, examples) in examples() {
        for words in examples {
            let line = words.join(" ");
            assert!(lines.insert(line.clone()), "{command}: {line}");
        }
    }
}

/// Details are in the paragraphs after it, which `--help` alone shows.
#[test]
fn first_line_of_every_help_is_short_and_has_no_full_stop() {
    const CHARACTERS: usize = 60;
    let mut wrong = Vec::new();
    for command in commands() {
        let about = command.get_about().map(ToString::to_string);
        let arguments = command.get_arguments();
        let arguments = arguments.map(|argument| argument.get_help().map(ToString::to_string));
        for text in [about].into_iter().chain(arguments) {
            let text = text.unwrap_or_default();
            let length = text.chars().count();
            if text.ends_with('.') || text.contains('\n') || !(1..=CHARACTERS).contains(&length) {
                wrong.push(format!("{}: {text}", name(&command)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn options_of_a_run_are_grouped_by_their_purpose() {
    let all = commands();
    let run = all.iter().find(|command| command.get_name() == "run");
    let run = run.expect("the command");
    let mut headings: Vec<_> = run
        .get_arguments()
        .filter_map(clap::Arg::get_help_heading)
        .collect();
    headings.dedup();
    let expected = ["Input", "Result", "Cost and repetition", "Batch", "Waiting"];
    assert_eq!(headings[..expected.len()], expected);
    assert_eq!(headings[expected.len()..], ["Global options"]);
    for option in run.get_arguments() {
        let is_plain = option.is_positional() || option.get_id() == "help";
        assert_eq!(option.get_help_heading().is_none(), is_plain, "{option}");
    }
}

#[test]
fn examples_and_exit_codes_are_in_the_short_and_the_long_help() {
    for mut command in commands() {
        for help in [command.render_long_help(), command.render_help()] {
            let help = help.to_string();
            assert!(help.contains(EXAMPLE), "{}\n{help}", name(&command));
        }
    }
    let help = Cli::command().render_long_help().to_string();
    assert!(help.contains("Exit codes:"), "{help}");
}

/// After a change: `INSTA_UPDATE=always cargo test -p zoetrope-cli --bins help`.
#[test]
fn every_help_is_that_of_its_snapshot() {
    let mut names = BTreeSet::new();
    for mut command in commands() {
        let name = name(&command).replace(' ', "_");
        let [long, short] = [command.render_long_help(), command.render_help()];
        let help = format!("{long}\n--- -h\n{short}");
        with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "help" }, {
            assert_snapshot!(name.as_str(), help);
        });
        names.insert(format!("{name}.snap"));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/args/help");
    let files = std::fs::read_dir(folder).expect("the snapshots");
    let files = files.map(|file| {
        file.expect("a file")
            .file_name()
            .to_string_lossy()
            .into_owned()
    });
    // Snapshots that wait for a review are excluded.
    let is_snapshot = |file: &String| Path::new(file).extension().is_some_and(|end| end == "snap");
    let files: BTreeSet<_> = files.filter(is_snapshot).collect();
    assert_eq!(files, names, "each snapshot is of a command");
}
