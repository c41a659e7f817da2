//! What is wrong with a command line, in a sentence.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use zoetrope_host::similar::most_similar;

/// The text of an error of clap on one line, without its usage.
pub(super) fn sentence(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let is_message = |line: &&str| {
        !line.starts_with("Usage: ") && !line.starts_with("For more information, try ")
    };
    let mut sentence = String::new();
    for line in text.lines().take_while(is_message).map(str::trim) {
        if line.is_empty() {
            continue;
        }
        let (joint, line) = match line.strip_prefix("tip: ") {
            _ if sentence.is_empty() => ("", line),
            Some(tip) => ("; ", tip),
            None if line.starts_with('[') || sentence.ends_with(':') => (" ", line),
            None => (", ", line),
        };
        sentence.push_str(joint);
        sentence.push_str(line);
    }
    sentence
}

/// The message where a subcommand of `command` is missing.
pub(super) fn missing_command(command: &Command, path: &str) -> String {
    let names: Vec<_> = subcommands(command).map(Command::get_name).collect();
    format!("`{path}` needs a command: {}", names.join(", "))
}

/// The message on missing arguments of the command at this path, and the next step, if another one
/// than the help says more.
pub(super) fn missing_arguments(error: &clap::Error, path: &str) -> (String, Option<String>) {
    let missing = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) => missing.as_slice(),
        _ => return (sentence(&error.to_string()), None),
    };
    let is_of_jobs = path.starts_with("zoetrope jobs ");
    let names = missing.iter().map(|name| match name.as_str() {
        "<NODE>" => "a node type".to_owned(),
        "<ID>" if path == "zoetrope jobs resume" => "a job's ID, `last`, or --all".into(),
        "<ID>" | "<ID>..." if is_of_jobs => "a job's ID, or `last`".into(),
        name => name.to_owned(),
    });
    let names: Vec<_> = names.collect();
    let has = |name: &str| missing.iter().any(|missing| missing == name);
    let next = match path {
        _ if has("<NODE>") => Some("List the node types: zoetrope nodes".into()),
        _ if is_of_jobs && missing.len() == 1 && (has("<ID>") || has("<ID>...")) => {
            Some("List the jobs: zoetrope jobs".into())
        }
        _ => None,
    };
    (format!("`{path}` needs {}", names.join(" and ")), next)
}

/// The message on a word that is no subcommand of `command`.
pub(super) fn unknown_command(
    error: &clap::Error,
    program: &Command,
    command: &Command,
    path: &str,
) -> String {
    let written = written(error);
    let unknown = if command.get_name() == program.get_name() {
        format!("there is no command `{written}`")
    } else {
        format!("`{path}` has no command `{written}`")
    };
    let names = || subcommands(command).map(Command::get_name);
    if let Some(near) = most_similar(written, names()) {
        return format!("{unknown}; did you mean `{near}`?");
    }
    let elsewhere = commands_named(program, written);
    if elsewhere.is_empty() {
        let names: Vec<_> = names().collect();
        format!("{unknown}; the commands are {}", names.join(", "))
    } else {
        format!("{unknown}; there is {}", listed(&elsewhere))
    }
}

/// The message on an argument that `command` does not take.
pub(super) fn unknown_argument(
    error: &clap::Error,
    program: &Command,
    (command, path): (&Command, &str),
    words: &[String],
) -> String {
    let written = written(error);
    let takes_input = ["run", "check"].contains(&command.get_name());
    let unknown = format!("`{path}` has no option `{}`", shown(written));
    let Some(name) = option_name(written) else {
        if written.starts_with('-') {
            return unknown;
        }
        if command.has_subcommands() {
            return unknown_command(error, program, command, path);
        }
        let place = format!("`{path}` has no place for the argument `{written}`");
        return match extension(written) {
            Some("png" | "jpg" | "jpeg" | "webp") if takes_input => {
                format!("{place}; a picture is given by --image FILE")
            }
            Some("json") if takes_input => {
                format!("{place}; an input document is given by --input FILE")
            }
            _ => place,
        };
    };
    let elsewhere = commands_with_option(program, name);
    if !elsewhere.is_empty() {
        return format!("{unknown}; it is an option of {}", listed(&elsewhere));
    }
    let comparable: Vec<_> = options(command)
        .map(|name| name.replace('-', "_"))
        .collect();
    match most_similar(name, comparable.iter().map(String::as_str)) {
        Some(near) => format!("{unknown}; did you mean `--{}`?", near.replace('_', "-")),
        None if takes_input && has_value(name, words) => {
            let field = name.replace('-', "_");
            format!("{unknown}; a field of the node is set by --set {field}=VALUE")
        }
        None => unknown,
    }
}

/// Whether an option of this name is written with a value.
fn has_value(name: &str, words: &[String]) -> bool {
    let mut words = words
        .iter()
        .skip_while(|word| option_name(word) != Some(name));
    words.next().is_some_and(|word| word.contains('='))
        || words.next().is_some_and(|word| !word.starts_with('-'))
}

/// An option without its value, which may be a prompt.
fn shown(written: &str) -> &str {
    written.split('=').next().unwrap_or_default()
}

/// The extension of a name in lower case, of the ones that are told apart.
fn extension(name: &str) -> Option<&'static str> {
    let (_, end) = name.rsplit_once('.')?;
    let known = ["png", "jpg", "jpeg", "webp", "json"];
    known
        .into_iter()
        .find(|known| end.eq_ignore_ascii_case(known))
}

/// The only command that is meant by an unknown one: the subcommand that is similar or has the name.
pub(super) fn other_command(
    error: &clap::Error,
    program: &Command,
    command: &Command,
) -> Option<String> {
    let written = written(error);
    let found = match error.kind() {
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand
            if !written.starts_with('-') && command.has_subcommands() =>
        {
            let names = subcommands(command).map(Command::get_name);
            match most_similar(written, names) {
                Some(near) => {
                    let bin = command.find_subcommand(near)?.get_bin_name()?;
                    vec![bin.to_owned()]
                }
                None => commands_named(program, written),
            }
        }
        _ => Vec::new(),
    };
    <[String; 1]>::try_from(found).ok().map(|[only]| only)
}

/// The argument that the error is about.
fn written(error: &clap::Error) -> &str {
    let kinds = [ContextKind::InvalidSubcommand, ContextKind::InvalidArg];
    let mut values = kinds.into_iter().filter_map(|kind| error.get(kind));
    match values.next() {
        Some(ContextValue::String(written)) => written,
        _ => "",
    }
}

/// The name of an option; `None` of any other argument.
fn option_name(written: &str) -> Option<&str> {
    let name = written.strip_prefix("--")?;
    Some(name.split('=').next().unwrap_or_default())
}

/// The commands of a command, without `help`.
pub(super) fn subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|command| command.get_name() != "help" && !command.is_hide_set())
}

/// The command and those below it, without `help`.
pub(super) fn all(command: &Command) -> Vec<&Command> {
    let mut found = vec![command];
    for command in subcommands(command) {
        found.extend(all(command));
    }
    found
}

fn options(command: &Command) -> impl Iterator<Item = &str> {
    let shown = command
        .get_arguments()
        .filter(|option| !option.is_hide_set());
    shown.filter_map(clap::Arg::get_long)
}

fn commands_named(program: &Command, name: &str) -> Vec<String> {
    let named = all(program).into_iter().skip(1);
    names(named.filter(|command| command.get_name() == name))
}

fn commands_with_option(program: &Command, name: &str) -> Vec<String> {
    let with = all(program).into_iter();
    names(with.filter(|command| options(command).any(|option| option == name)))
}

fn names<'a>(commands: impl Iterator<Item = &'a Command>) -> Vec<String> {
    let name = |command: &Command| {
        let name = command.get_bin_name().unwrap_or(command.get_name());
        name.to_owned()
    };
    commands.map(name).collect()
}

/// At most three names.
fn listed(names: &[String]) -> String {
    let shown: Vec<_> = names
        .iter()
        .take(3)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = if names.len() > shown.len() {
        " and others"
    } else {
        ""
    };
    format!("{}{more}", shown.join(", "))
}
