use std::ffi::OsString;

use clap::{Command, CommandFactory as _};
use serde_json::Value;

use super::message::all;
use super::*;
use crate::args::help::examples;

fn words(line: &str) -> Vec<String> {
    let words = ["zoetrope"].into_iter().chain(line.split_whitespace());
    words.map(str::to_owned).collect()
}

fn parse(words: &[String]) -> Result<Cli, clap::Error> {
    parsed(&words.iter().map(OsString::from).collect::<Vec<_>>())
}

/// The error of a command line that cannot be parsed, as JSON.
#[track_caller]
fn error_of(words: &[String]) -> Value {
    let Err(error) = parse(words) else {
        panic!("{words:?} can be parsed");
    };
    assert!(error.use_stderr(), "{words:?}");
    let failure = failure(words, &error);
    assert_eq!(failure.code(), 2, "{words:?}");
    failure.document()["error"].take()
}

#[track_caller]
fn said(line: &str) -> (String, String) {
    let error = error_of(&words(line));
    let text = |name: &str| error[name].as_str().expect("a text").to_owned();
    (text("message"), text("next"))
}

/// The names of a command and those above it, in front of each other.
fn path_of(command: &Command) -> Vec<String> {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    name.split(' ').map(str::to_owned).collect()
}

fn program() -> Command {
    let mut program = Cli::command();
    program.build();
    program
}

/// The global options, each with a value if it takes one.
fn global_options(program: &Command) -> Vec<Vec<String>> {
    let global = program
        .get_arguments()
        .filter(|option| option.is_global_set());
    let options = global.filter_map(|option| {
        let mut words = vec![format!("--{}", option.get_long()?)];
        if option.get_action().takes_values() {
            let values = option.get_possible_values();
            let value = values.first().map_or("file", |value| value.get_name());
            words.push(value.to_owned());
        }
        Some(words)
    });
    options.collect()
}

#[test]
fn global_options_are_taken_in_every_position_of_every_command() {
    let program = program();
    let globals = global_options(&program);
    assert!(globals.len() >= 5, "{globals:?}");
    for (command, examples) in examples() {
        let depth = command.split(' ').count();
        for example in &examples {
            let is_new =
                |option: &&Vec<String>| option[0] == "--json" || !example.contains(&option[0]);
            for option in globals.iter().filter(is_new) {
                for position in (1..=depth).chain([example.len()]) {
                    let mut words = example.clone();
                    words.splice(position..position, option.iter().cloned());
                    match parse(&words) {
                        Ok(cli) => assert!(cli.global.json || option[0] != "--json"),
                        Err(error) => panic!("{words:?}: {error}"),
                    }
                }
            }
        }
    }
}

#[test]
fn wrong_usage_of_every_command_is_the_same_failure_in_json_and_in_text() {
    let program = program();
    for command in all(&program) {
        let path = path_of(command);
        for position in 1..=path.len() {
            let mut words = path.clone();
            words.insert(position, "--json".into());
            words.push("--no-such-option".into());
            assert!(arguments::ask_for_json(&words), "{words:?}");
            let error = error_of(&words);
            let path = path.join(" ");
            let expected = serde_json::json!({
                "kind": "usage",
                "message": format!("`{path}` has no option `--no-such-option`"),
                "phase": "setup",
                "charged": "no",
                "next": format!("{path} --help"),
            });
            assert_eq!(error, expected, "{words:?}");
        }
    }
}

#[test]
fn json_is_wanted_by_options_and_not_by_arguments_after_two_hyphens() {
    for (line, expected) in [
        ("bogus --json", true),
        ("--json bogus", true),
        ("check --jsonl", true),
        ("--json=true jobs", true),
        ("run -- --json", false),
        ("run --input=--json", false),
        ("jobs", false),
    ] {
        assert_eq!(arguments::ask_for_json(&words(line)), expected, "{line}");
    }
    let (message, _) = said("--json=true jobs");
    assert!(message.contains("'true' for '--json'"), "{message}");
}

#[test]
fn message_has_every_missing_argument_and_every_possible_value() {
    let (message, next) = said("jobs fetch");
    for missing in ["`zoetrope jobs fetch` needs ", "--out <FILE>", "a job's ID"] {
        assert!(message.contains(missing), "{message}");
    }
    assert_eq!(next, "zoetrope jobs fetch --help");
    let (message, _) = said("nodes image_to_video --schema bogus");
    assert!(
        message.contains("[possible values: input, output, rules, form]"),
        "{message}"
    );
    let (message, next) = said("");
    assert!(message.contains("nodes, check, run"), "{message}");
    assert_eq!(next, "zoetrope --help");
    for line in [
        "jobs fetch",
        "nodes a --schema bogus",
        "",
        "run a --key",
        "jobs --state x",
    ] {
        let (message, _) = said(line);
        let is_whole = !message.contains("Usage:") && !message.contains("For more information");
        assert!(is_whole && !message.contains('\n'), "{message}");
        assert!(!message.starts_with("error"), "{message}");
    }
}

#[test]
fn misspelt_commands_and_options_are_suggested() {
    for (line, message, next) in [
        (
            "rnu image_to_video",
            "there is no command `rnu`; did you mean `run`?",
            "zoetrope run --help",
        ),
        (
            "jobs shwo 01",
            "`zoetrope jobs` has no command `shwo`; did you mean `show`?",
            "zoetrope jobs show --help",
        ),
        (
            "resume 01",
            "there is no command `resume`; there is `zoetrope jobs resume`",
            "zoetrope jobs resume 01",
        ),
        (
            "run image_to_video --imgae x",
            "`zoetrope run` has no option `--imgae`; did you mean `--image`?",
            "zoetrope run --help",
        ),
        (
            "run image_to_video --outdir=x",
            "`zoetrope run` has no option `--outdir`; did you mean `--out-dir`?",
            "zoetrope run --help",
        ),
        (
            "nodes --older-than 3d",
            "`zoetrope nodes` has no option `--older-than`; it is an option of `zoetrope jobs prune`",
            "zoetrope nodes --help",
        ),
        (
            "run -x",
            "`zoetrope run` has no option `-x`",
            "zoetrope run --help",
        ),
        (
            "nodes one two",
            "`zoetrope nodes` has no place for the argument `two`",
            "zoetrope nodes --help",
        ),
    ] {
        assert_eq!(said(line), (message.into(), next.into()), "{line}");
    }
    let (message, next) = said("bogus");
    let names = "there is no command `bogus`; the commands are nodes, check, run, jobs";
    assert!(message.starts_with(names), "{message}");
    assert_eq!(next, "zoetrope --help");
}

#[test]
fn next_step_is_a_line_that_works_or_the_help_of_the_command() {
    for (line, message, next) in [
        (
            "--json show last",
            "there is no command `show`; there is `zoetrope jobs show`, `zoetrope packs show`",
            "zoetrope --json jobs show last",
        ),
        (
            "resume",
            "there is no command `resume`; there is `zoetrope jobs resume`",
            "zoetrope jobs resume --help",
        ),
        (
            "run image_to_video --yes",
            "`zoetrope run` has no option `--yes`; it is an option of `zoetrope jobs resume`",
            "zoetrope run --help",
        ),
        (
            "run image_to_video --prompt sea",
            "`zoetrope run` has no option `--prompt`; a field of the node is set by --set prompt=VALUE",
            "zoetrope run --help",
        ),
        (
            "check image_to_video --negative-prompt=sea",
            "`zoetrope check` has no option `--negative-prompt`; a field of the node is set by --set negative_prompt=VALUE",
            "zoetrope check --help",
        ),
        (
            "run image_to_video examples/lighthouse.JPG",
            "`zoetrope run` has no place for the argument `examples/lighthouse.JPG`; a picture is given by --image FILE",
            "zoetrope run --help",
        ),
        (
            "run",
            "`zoetrope run` needs a node type",
            "List the node types: zoetrope nodes",
        ),
        (
            "jobs resume",
            "`zoetrope jobs resume` needs a job's ID, `last`, or --all",
            "List the jobs: zoetrope jobs",
        ),
        (
            "artifacts",
            "`zoetrope artifacts` needs a command: pull, upload",
            "zoetrope artifacts --help",
        ),
    ] {
        assert_eq!(said(line), (message.into(), next.into()), "{line}");
    }
}

#[test]
fn help_takes_the_options_of_every_command() {
    for line in [
        "help --help",
        "help -h",
        "help --json jobs resume",
        "help jobs --data-dir help resume --help",
        "jobs help --help",
        "help jobs resume",
    ] {
        let Err(shown) = parse(&words(line)) else {
            panic!("no help: {line}");
        };
        assert!(!shown.use_stderr(), "{line}: {shown}");
        let expected = if line.contains("resume") {
            "Usage: zoetrope jobs resume"
        } else if line.starts_with("jobs") {
            "Usage: zoetrope jobs"
        } else {
            "Usage: zoetrope"
        };
        assert!(shown.to_string().contains(expected), "{line}: {shown}");
    }
    let (message, next) = said("help jobs bogus");
    assert!(
        message.starts_with("`zoetrope jobs` has no command `bogus`"),
        "{message}"
    );
    assert_eq!(next, "zoetrope jobs --help");
}

#[test]
fn option_of_a_list_is_refused_before_a_subcommand() {
    let (message, next) = said("jobs --state failed show 01");
    assert_eq!(
        message,
        "`--state` is an option of `zoetrope jobs` and cannot be used with `show`"
    );
    assert!(next.ends_with("zoetrope jobs show --help"), "{next}");
    let (message, next) = said("run image_to_video --batch a.jsonl --out-dir b --out c.mp4");
    assert!(
        message.contains("--batch") && message.contains("--out <FILE>"),
        "{message}"
    );
    assert_eq!(
        next,
        "Leave one of them out. The options: zoetrope run --help"
    );
}
