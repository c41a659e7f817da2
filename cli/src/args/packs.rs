//! What `zoetrope packs` and its subcommands take.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use zoetrope_host::connections::ConnectionId;

/// List the components that may run, or show, allow and revoke one.
#[derive(Args)]
#[command(after_help = "With --json, an array of the packs that may run.")]
pub(crate) struct Packs {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show what a component asks for and what it may do
    Show(Show),
    /// Let a component run, and show what it asks for
    Allow(Allow),
    /// Let a component run no longer
    Revoke(Revoke),
}

/// Show what a component asks for and what it may do.
#[derive(Args)]
pub(crate) struct Show {
    /// A file, or an allowed pack's name or digest, which may be shortened
    #[arg(value_name = "FILE|NAME|DIGEST")]
    pub(crate) pack: String,
}

/// Let a component run, and show what it asks for.
///
/// Writes a table `[packs.<digest>]` into the configuration: everything that the component's
/// manifest asks for, over one connection of each category. Narrow it there. `zoetrope packs
/// show FILE` shows the same without allowing it.
#[derive(Args)]
pub(crate) struct Allow {
    /// The component
    pub(crate) file: PathBuf,
    /// A connection that it may use; else the only configured one of each category, or the practice provider's
    #[arg(long = "connection", value_name = "ID")]
    pub(crate) connections: Vec<ConnectionId>,
    /// Also where it asks for more than the allowed component of the same name
    #[arg(long)]
    pub(crate) more: bool,
}

/// Let a component run no longer.
///
/// Its jobs stay where they are, paid ones too, until it is allowed again.
#[derive(Args)]
pub(crate) struct Revoke {
    /// An allowed pack's name or digest, which may be shortened, or its file
    #[arg(value_name = "NAME|DIGEST|FILE")]
    pub(crate) pack: String,
}
