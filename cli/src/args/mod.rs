//! The command line: what each command takes, and its help. What a command does is in the
//! file or folder of its name beside this one.
//!
//! - [`global`]: the options of every command; [`environment`]: the environment variables
//! - [`nodes`], [`check`], [`run`], [`jobs`], [`packs`], [`practice`]: a file for each command
//! - [`values`]: how the values of options are read
//! - `reference`: the page `docs/reference/command-line.md`, written from all of them

mod check;
pub(crate) mod environment;
mod global;
pub(crate) mod jobs;
mod nodes;
pub(crate) mod packs;
mod practice;
#[cfg(test)]
mod reference;
mod run;
mod values;

use clap::{Parser, Subcommand};

use crate::exit_code;

pub(crate) use check::Check;
pub(crate) use global::{Global, LogFormat};
pub(crate) use nodes::{Nodes, Schema};
pub(crate) use practice::PracticeServer;
pub(crate) use run::Run;
pub(crate) use values::{Profile, Setting};

/// Runs workflow nodes that make videos and pictures from a picture, in a sandbox.
#[derive(Parser)]
#[command(name = "zoetrope", version, after_long_help = exit_code::help(), after_help = "See --help for the exit codes.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the node types, or show one
    Nodes(Nodes),
    /// Say what a run would do, without sending anything
    Check(Check),
    /// Run a node: upload, submit, wait, download
    Run(Box<Run>),
    /// List jobs, or show, resume, cancel, fetch, resolve, forget them
    Jobs(jobs::Jobs),
    /// List the components that may run, or show, allow and revoke one
    Packs(packs::Packs),
    /// Run the practice provider on its own
    Practice(PracticeServer),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }
}
