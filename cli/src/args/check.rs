//! The arguments of `zoetrope check`.

use std::path::PathBuf;

use clap::Args;

use super::values::{InputParser, InputSource, Profile};

/// Check an input and show the request, without sending anything.
///
/// Needs no connection and no credential, and opens no file or URL that the input names: only
/// the picture of --image.
/// Prints the input with its defaults filled in to standard output, and notes on what was
/// changed to standard error.
#[derive(Args)]
pub(crate) struct Check {
    /// Node type, as `zoetrope nodes` lists it
    pub(crate) node: String,
    /// Input document in JSON: a file, also as @FILE; `-` for standard input; or the document
    /// itself
    #[arg(long, value_name = "FILE|JSON", value_parser = InputParser)]
    pub(crate) input: InputSource,
    /// How strictly to read the input
    #[arg(long, default_value = "strict")]
    pub(crate) profile: Profile,
    /// Local picture for the node's first picture field; its type and its structure are checked
    #[arg(long, value_name = "PATH", conflicts_with = "jsonl")]
    pub(crate) image: Option<PathBuf>,
    /// Show the request for this connection
    #[arg(long, value_name = "ID")]
    pub(crate) connection: Option<String>,
    /// Read one input a line and write one JSON result a line; exit with code 3 if any input is refused
    #[arg(long)]
    pub(crate) jsonl: bool,
}
