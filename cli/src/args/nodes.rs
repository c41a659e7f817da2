//! What `zoetrope nodes` takes.

use clap::{Args, ValueEnum};

/// List the node types, or show one.
#[derive(Args)]
#[command(after_help = "With --json, always an array of AgenticFlow NodeType objects.")]
pub(crate) struct Nodes {
    /// Show this node type alone
    pub(crate) name: Option<String>,
    /// Print one of its schemas, as published
    #[arg(long, requires = "name")]
    pub(crate) schema: Option<Schema>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Schema {
    Input,
    Output,
}
