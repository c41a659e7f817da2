//! `zoetrope completions`, and the answers to the shell that its script asks for.
//!
//! The script runs the program with [`VARIABLE`] set to the name of the shell. The program then
//! prints candidates and does nothing else: it sends nothing, creates nothing and loads no
//! component.

mod values;

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{Arg, Command, CommandFactory as _, ValueHint};
use clap_complete::CompleteEnv;
use clap_complete::engine::ArgValueCandidates;
use clap_complete::env::Shells;

use super::args::{Cli, Completions};
use super::context::Context;
use super::report::{Failure, Phase};

/// The variable that the script sets. It is not clap's usual name, which another program may use.
const VARIABLE: &str = "ZOETROPE_COMPLETE";

/// The name of the program in the script.
const PROGRAM: &str = "zoetrope";

/// Answers the shell if the script asks: prints candidates, or nothing where they are not known.
pub(super) fn answer_shell() -> Option<ExitCode> {
    // Without the variable, the program runs as always.
    env::var_os(VARIABLE)?;
    let folder = env::current_dir().ok();
    let completing = CompleteEnv::with_factory(|| with_values(Cli::command(), Within::Program))
        .var(VARIABLE)
        .try_complete(env::args_os(), folder.as_deref());
    match completing {
        Ok(true) => Some(ExitCode::SUCCESS),
        // The variable is empty or `0`.
        Ok(false) => None,
        // A message would be shown in the line that is edited.
        Err(_) => Some(ExitCode::from(2)),
    }
}

/// The command that an argument belongs to, where that decides its values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Program,
    Jobs,
    Login,
    Nodes,
    Packs,
}

impl Within {
    /// The place of the arguments of a subcommand.
    fn subcommand(self, name: &str) -> Self {
        match name {
            "jobs" => Self::Jobs,
            "login" | "logout" => Self::Login,
            "nodes" => Self::Nodes,
            "packs" => Self::Packs,
            _ => self,
        }
    }

    /// The values of an argument that are known on this machine.
    fn values(self, argument: &Arg) -> Option<ArgValueCandidates> {
        let id = argument.get_id().as_str();
        Some(match (self, id) {
            (Self::Jobs, "id" | "ids") => ArgValueCandidates::new(values::jobs),
            (Self::Packs, "pack") => ArgValueCandidates::new(values::packs),
            (Self::Jobs, "states") => ArgValueCandidates::new(values::states),
            // The practice provider has no credential.
            (Self::Login, "connection") => ArgValueCandidates::new(values::configured),
            (_, "connection" | "connections") => ArgValueCandidates::new(values::connections),
            (Self::Nodes, "name") | (_, "node") => ArgValueCandidates::new(values::nodes),
            _ => return None,
        })
    }
}

/// What a value is, where that is not known from its type: a path, although it may be something else.
fn hint(argument: &Arg) -> Option<ValueHint> {
    if !argument.get_action().takes_values() {
        return None;
    }
    match argument.get_id().as_str() {
        "exec" | "input" => Some(ValueHint::AnyPath),
        "data_dir" | "out_dir" | "folder" => Some(ValueHint::DirPath),
        _ => None,
    }
}

/// The command with the values of its arguments, and those of its subcommands. They are added here and
/// not where the arguments are, which no other module then has to know.
fn with_values(command: Command, within: Within) -> Command {
    let command = command.mut_args(|argument| match within.values(&argument) {
        Some(values) => argument.add(values),
        None => match hint(&argument) {
            Some(hint) => argument.value_hint(hint),
            None => argument,
        },
    });
    command.mut_subcommands(|subcommand| {
        let within = within.subcommand(subcommand.get_name());
        with_values(subcommand, within)
    })
}

impl Completions {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let program = path_of_program();
        let mut script = Vec::new();
        let shells = Shells::builtins();
        let written = match shells.completer(self.shell.name()) {
            Some(shell) => shell
                .write_registration(VARIABLE, PROGRAM, PROGRAM, &program, &mut script)
                .map_err(|error| error.to_string()),
            None => Err(format!("{} is not known", self.shell.name())),
        };
        written.map_err(|error| Failure::internal(Phase::Setup, error))?;
        let script = String::from_utf8_lossy(&script);
        context.printer().text(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The program that the script calls: its name if that finds it, else the path of this process.
fn path_of_program() -> String {
    let this = env::current_exe().ok();
    let found = env::var_os("PATH")
        .iter()
        .flat_map(env::split_paths)
        .map(|folder| folder.join(file_name(PROGRAM)))
        .find(|file| file.is_file());
    match (this, found) {
        (Some(this), Some(found)) if is_same(&this, &found) => PROGRAM.into(),
        (Some(this), _) => this.display().to_string(),
        (None, _) => PROGRAM.into(),
    }
}

fn file_name(program: &str) -> OsString {
    format!("{program}{}", env::consts::EXE_SUFFIX).into()
}

fn is_same(one: &Path, two: &Path) -> bool {
    matches!((one.canonicalize(), two.canonicalize()), (Ok(one), Ok(two)) if one == two)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The arguments with values of this machine: `command argument`.
    fn completed(command: &Command, path: &str, found: &mut Vec<String>) {
        for argument in command.get_arguments() {
            if argument.get::<ArgValueCandidates>().is_some() {
                found.push(format!("{path} {}", argument.get_id()));
            }
        }
        for command in command.get_subcommands() {
            let path = format!("{path} {}", command.get_name());
            completed(command, path.trim(), found);
        }
    }

    #[test]
    fn nodes_jobs_connections_and_packs_are_completed_where_they_are_arguments() {
        let mut found = Vec::new();
        let program = with_values(Cli::command(), Within::Program);
        completed(&program, "", &mut found);
        for expected in [
            "nodes name",
            "check node",
            "run node",
            "run connection",
            "jobs node",
            "jobs list node",
            "jobs states",
            "jobs list states",
            "login connection",
            "jobs show id",
            "jobs resume id",
            "jobs retry ids",
            "jobs cancel id",
            "jobs fetch id",
            "jobs resolve id",
            "artifacts pull connection",
            "packs show pack",
            "packs allow connections",
            "packs revoke pack",
        ] {
            assert!(
                found.iter().any(|one| one == expected),
                "{expected}: {found:?}"
            );
        }
        for other in ["artifacts pull id", "run name"] {
            assert!(!found.iter().any(|one| one == other), "{other}: {found:?}");
        }
    }

    #[test]
    fn paths_are_completed_where_a_value_may_be_one() {
        let program = with_values(Cli::command(), Within::Program);
        let run = program.find_subcommand("run").expect("a command");
        for (name, hint) in [
            ("exec", ValueHint::AnyPath),
            ("image", ValueHint::AnyPath),
            ("input", ValueHint::AnyPath),
            ("out", ValueHint::AnyPath),
            ("batch", ValueHint::AnyPath),
            ("out_dir", ValueHint::DirPath),
        ] {
            let mut arguments = run.get_arguments();
            let argument = arguments.find(|argument| argument.get_id() == name);
            assert_eq!(argument.map(Arg::get_value_hint), Some(hint), "{name}");
        }
    }
}
