//! Generates the page `docs/reference/command-line.md` from the arguments, the environment variables and
//! the exit codes.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};
use zoetrope_host::error::ErrorKind;

use super::help::EXAMPLE;
use super::{Cli, environment};
use crate::exit_code;

const INTRODUCTION: &str = "\
# Command line

For users who call `zoetrope` from a shell or a script: every command and option, the environment variables and the
exit codes. This page is generated from `cli/src/args/`; [CONTRIBUTING.md](../../CONTRIBUTING.md) says how.
";

/// The whole page.
fn page() -> String {
    let mut program = Cli::command();
    program.build();
    let mut page = String::from(INTRODUCTION);
    describe(&mut page, &program, &|_| true);
    for command in subcommands(&program) {
        describe_all(&mut page, command);
    }
    environment_variables(&mut page);
    exit_codes(&mut page);
    page
}

/// A command and its subcommands.
fn describe_all(page: &mut String, command: &Command) {
    describe(page, command, &|argument| !argument.is_global_set());
    for command in subcommands(command) {
        describe_all(page, command);
    }
}

fn subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
}

fn describe(page: &mut String, command: &Command, is_shown: &dyn Fn(&Arg) -> bool) {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let about = command.get_long_about().or(command.get_about());
    let _ = write!(page, "\n## {name}\n\n```text\n{usage}\n```\n");
    for text in about.into_iter().chain(command.get_after_help()) {
        page.push_str(&markdown(&text.to_string()));
    }
    let is_own = |argument: &&Arg| {
        !matches!(argument.get_id().as_str(), "help" | "version") && is_shown(argument)
    };
    let mut arguments = command.get_arguments().filter(is_own).peekable();
    if arguments.peek().is_some() {
        page.push_str("\n| argument | meaning |\n| -------- | ------- |\n");
    }
    for argument in arguments {
        let (name, meaning) = (cell(&argument.to_string()), cell(&meaning(argument)));
        let _ = writeln!(page, "| `{name}` | {meaning} |");
    }
}

/// The help of an argument, its possible values, its default and its variable.
fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let help = help.map(|help| {
        let help = help.to_string().replace("\n\n", ". ");
        help.trim_end_matches('.').to_owned()
    });
    let mut sentences = Vec::from_iter(help);
    let values = argument.get_possible_values();
    let takes_value = argument.get_action().takes_values();
    if takes_value && !values.is_empty() && !argument.is_hide_possible_values_set() {
        let values = values.iter().map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({help})", value.get_name()),
            None => format!("`{}`", value.get_name()),
        });
        let values: Vec<_> = values.collect();
        sentences.push(format!("One of {}", values.join(", ")));
    }
    if let [default] = argument.get_default_values()
        && takes_value
    {
        sentences.push(format!("Default: `{}`", default.display()));
    }
    if let Some(variable) = argument.get_env() {
        sentences.push(format!("Environment variable: `{}`", variable.display()));
    }
    if argument.get_action().takes_values()
        && argument.is_required_set()
        && !argument.is_positional()
    {
        sentences.push("Required".into());
    }
    if matches!(argument.get_action(), clap::ArgAction::Append) {
        sentences.push("Can be given more than once".into());
    }
    sentences.join(". ")
}

/// A text of the help: its example lines in a block of code, and before them the rest.
fn markdown(text: &str) -> String {
    let (examples, rest): (Vec<_>, Vec<_>) =
        text.lines().partition(|line| line.starts_with(EXAMPLE));
    let mut markdown = String::new();
    let rest = rest.join("\n");
    if !rest.trim().is_empty() {
        let _ = write!(markdown, "\n{}\n", rest.trim());
    }
    if !examples.is_empty() {
        let examples = examples.join("\n").replace(EXAMPLE, "");
        let _ = write!(markdown, "\n```sh\n{examples}\n```\n");
    }
    markdown
}

fn environment_variables(page: &mut String) {
    page.push_str(
        "\n## Environment variables\n\n\
         A connection in `zoetrope.toml` can name a further variable that holds its credential;\n\
         see [connections.md](connections.md).\n\n\
         | variable | meaning | without it |\n| -------- | ------- | ---------- |\n",
    );
    for variable in environment::ALL {
        let (meaning, default) = (cell(variable.meaning), cell(variable.default));
        let _ = writeln!(page, "| `{}` | {meaning} | {default} |", variable.name);
    }
}

fn exit_codes(page: &mut String) {
    page.push_str(
        "\n## Exit codes\n\nSee [exit-codes.md](exit-codes.md).\n\n\
         | code | meaning | kinds of failure |\n| ---- | ------- | ---------------- |\n",
    );
    for (code, meaning) in exit_code::MEANINGS {
        let kinds = ErrorKind::ALL.into_iter();
        let kinds = kinds.filter(|kind| exit_code::of(*kind) == code);
        let kinds: Vec<_> = kinds.map(|kind| format!("`{kind}`")).collect();
        let _ = writeln!(page, "| {code} | {meaning} | {} |", kinds.join(", "));
    }
}

/// Escapes a text for a table cell.
fn cell(text: &str) -> String {
    text.replace('|', r"\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn reference_page_is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/command-line.md");
        let page = page();
        if std::env::var_os("UPDATE_REFERENCE").is_some() {
            std::fs::write(&path, &page).expect("the page is written");
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == page,
            "docs/reference/command-line.md is out of date: UPDATE_REFERENCE=1 cargo test -p zoetrope-cli --bins reference"
        );
    }
}
