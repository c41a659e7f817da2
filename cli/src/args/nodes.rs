//! The arguments of `zoetrope nodes`.

use clap::{Args, ValueEnum};

/// List the node types, or show one.
#[derive(Args)]
#[command(after_help = "With --json, prints an array of AgenticFlow NodeType objects.")]
pub(crate) struct Nodes {
    /// Show only this node type
    pub(crate) name: Option<String>,
    /// Print one of its schemas as published
    #[arg(long, requires = "name")]
    pub(crate) schema: Option<Schema>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Schema {
    Input,
    Output,
}
