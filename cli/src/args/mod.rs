//! The command line: the arguments of each command, and its help. The command itself is in
//! the module of the same name beside this one.
//!
//! - [`global`]: the options of every command; [`events`]: an option of those that wait for jobs;
//!   [`environment`]: the environment variables
//! - [`nodes`], [`check`], [`run`], [`jobs`], [`costs`], [`packs`], [`trust`], [`config`],
//!   [`login`], [`practice`], [`doctor`], [`completions`], [`man`]: a file for each command
//! - [`color`]: when text has colours, which help follows too
//! - [`spending`]: the options about what a command may spend
//! - [`source`]: the arguments that form an input, of `run` and `check`
//! - [`values`]: parsers of option values
//! - `reference`: generates the reference page of the command line; `help`: tests every help

pub(crate) mod artifacts;
mod check;
mod color;
mod completions;
pub(crate) mod config;
mod costs;
mod doctor;
pub(crate) mod environment;
mod events;
mod global;
#[cfg(test)]
pub(crate) mod help;
pub(crate) mod jobs;
mod login;
mod man;
mod nodes;
pub(crate) mod packs;
mod practice;
#[cfg(test)]
mod reference;
mod run;
mod source;
mod spending;
mod trust;
mod values;

use std::io::{IsTerminal as _, stdout};

use clap::{Parser, Subcommand};

use crate::exit_code;

pub(crate) use check::Check;
pub(crate) use color::{Color, requested as requested_color};
pub(crate) use completions::Completions;
pub(crate) use costs::Costs;
pub(crate) use doctor::Doctor;
pub(crate) use global::{Global, LogFormat};
pub(crate) use login::{Login, Logout};
pub(crate) use man::Man;
pub(crate) use nodes::{Nodes, Schema};
pub(crate) use practice::PracticeServer;
pub(crate) use run::Run;
pub(crate) use source::Source;
pub(crate) use spending::Submits;
pub(crate) use trust::Trust;
pub(crate) use values::{InputSource, ListLimit, Profile, Setting};

/// Make videos and pictures from a picture, in sandboxed nodes.
#[derive(Parser)]
#[command(name = "zoetrope", version, max_term_width = 80)]
#[command(after_help = "\
Example: zoetrope run image_to_video_v3 --image lighthouse.jpg --set prompt=sea
See --help for the exit codes.")]
#[command(after_long_help = exit_code::help("\
Example: zoetrope run image_to_video_v3 --image lighthouse.jpg --set prompt=sea
"))]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Nodes(Nodes),
    Check(Check),
    Run(Box<Run>),
    Jobs(jobs::Jobs),
    Costs(Costs),
    Artifacts(artifacts::Artifacts),
    Packs(packs::Packs),
    Trust(Trust),
    Config(config::Config),
    Login(Login),
    Logout(Logout),
    Practice(PracticeServer),
    Doctor(Doctor),
    Completions(Completions),
    Man(Man),
}

impl Command {
    /// Whether it drives, changes or deletes jobs, or may do so.
    pub(crate) fn changes_jobs(&self) -> bool {
        match self {
            // A plan reads alone.
            Self::Run(run) => !run.only_plans,
            Self::Jobs(jobs) => !matches!(
                jobs.command,
                None | Some(jobs::Command::List(_) | jobs::Command::Show(_))
            ),
            _ => false,
        }
    }

    /// The options that name another place for its results.
    pub(crate) fn places(&self) -> &'static str {
        match self {
            Self::Run(run) if run.batch.is_some() => "--out-dir or --name",
            _ => "--out",
        }
    }

    /// Whether it writes events to standard output.
    pub(crate) fn has_events(&self) -> bool {
        let option = match self {
            Self::Run(run) => &run.events,
            Self::Jobs(jobs) => match &jobs.command {
                Some(jobs::Command::Watch(watch)) => &watch.events,
                Some(jobs::Command::Resume(resume)) => &resume.events,
                Some(jobs::Command::Retry(retry)) => &retry.events,
                Some(jobs::Command::Cancel(cancel)) => &cancel.events,
                Some(jobs::Command::Fetch(fetch)) => &fetch.events,
                _ => return false,
            },
            _ => return false,
        };
        option.events
    }

    /// Whether it never uses a connection, whatever its arguments are. The other commands decide
    /// that themselves; `doctor` says it in its own output.
    pub(crate) fn needs_no_connection(&self) -> bool {
        match self {
            Self::Nodes(_) | Self::Costs(_) => true,
            // The file that is written with its output is not trusted yet.
            Self::Practice(_) => stdout().is_terminal(),
            Self::Jobs(jobs) => matches!(
                jobs.command,
                None | Some(
                    jobs::Command::List(_) | jobs::Command::Show(_) | jobs::Command::Prune(_)
                )
            ),
            Self::Packs(packs) => matches!(packs.command, None | Some(packs::Command::Show(_))),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn argument_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn plan_of_a_run_changes_no_jobs_and_a_run_does() {
        for (words, changes) in [
            ("zoetrope run node --image a.png", true),
            ("zoetrope run node --image a.png --dry-run", false),
            ("zoetrope check node --image a.png", false),
            ("zoetrope jobs", false),
            ("zoetrope jobs resume --all", true),
        ] {
            let parsed = Cli::try_parse_from(words.split(' '));
            let Ok(cli) = parsed else {
                panic!("{words}");
            };
            assert_eq!(cli.command.changes_jobs(), changes, "{words}");
        }
    }
}
