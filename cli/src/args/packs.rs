//! The arguments of `zoetrope packs` and its subcommands.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use zoetrope_host::connections::ConnectionId;

/// List the allowed components, or show, allow or revoke one.
#[derive(Args)]
#[command(after_help = "\
With --json, prints an array of the allowed packs.
Example: zoetrope packs")]
pub(crate) struct Packs {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Show(Show),
    Allow(Allow),
    Revoke(Revoke),
}

/// Show what a component requests and what it was granted.
#[derive(Args)]
#[command(after_help = "Example: zoetrope packs show pack.wasm")]
pub(crate) struct Show {
    /// Component file, or name or digest prefix of an allowed pack
    #[arg(value_name = "FILE|NAME|DIGEST")]
    pub(crate) pack: String,
}

/// Allow a component to run, and show its permissions.
///
/// Writes a table `[packs.<digest>]` to the configuration file. It grants everything that the
/// component's manifest requests, over one connection of each category; edit the table to
/// grant less. `zoetrope packs show FILE` shows the request without granting it.
#[derive(Args)]
#[command(after_help = "Example: zoetrope packs allow pack.wasm --connection pixelml")]
pub(crate) struct Allow {
    /// Component file
    pub(crate) file: PathBuf,
    /// Connection that it may use
    ///
    /// Without it, the only configured one of each category, or the practice provider's.
    #[arg(long = "connection", value_name = "ID")]
    pub(crate) connections: Vec<ConnectionId>,
    /// Allow it even if it requests more than it has
    ///
    /// More than the allowed component of the same name. Another header for the key counts as more.
    #[arg(long)]
    pub(crate) more: bool,
}

/// Revoke a component's permission to run.
///
/// Its unfinished jobs, charged ones too, cannot continue. To continue them, allow the component
/// again and run `zoetrope jobs resume --all`.
#[derive(Args)]
#[command(after_help = "Example: zoetrope packs revoke example")]
pub(crate) struct Revoke {
    /// Name or digest prefix of an allowed pack, or its file
    #[arg(value_name = "NAME|DIGEST|FILE")]
    pub(crate) pack: String,
}
