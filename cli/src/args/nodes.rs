//! The arguments of `zoetrope nodes`.

use clap::{Args, ValueEnum};

/// List the node types, or show one.
#[derive(Args)]
#[command(after_help = "\
With --json, prints an array of AgenticFlow NodeType objects. Their `input_schema` is the one of `--schema form`.
Example: zoetrope nodes image_to_video_v3
Example: zoetrope nodes image_to_video_v3 --schema form")]
pub(crate) struct Nodes {
    /// Show only this node type
    pub(crate) name: Option<String>,
    /// Print one of its schemas
    #[arg(long, requires = "name")]
    pub(crate) schema: Option<Schema>,
}

/// A schema of a node type.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Schema {
    /// The input's schema, as published
    Input,
    /// The output's schema, as published
    Output,
    /// What the documentation demands of an input beyond its published schema
    Rules,
    /// The input's schema for forms: published schema, rules and titles; `check` without a
    /// connection accepts exactly what it accepts
    Form,
}
