//! The arguments of `zoetrope check`.

use clap::Args;

use super::source::Source;

/// Check an input: show its requests and cost, send nothing.
///
/// Takes the arguments of `zoetrope run` that form the input. Writes the completed input, the
/// requests and the cost to standard output. Without a configured connection, the requests are
/// shown for the practice provider.
///
/// Needs no credential. Opens no file or URL that the input names: only the picture of `--image`.
#[derive(Args)]
#[command(after_help = "\
Example: zoetrope check image_to_video_v3 --input input.json
Example: zoetrope check image_to_video_v3 --image a.png --set prompt=sea")]
pub(crate) struct Check {
    /// Node type, as `zoetrope nodes` lists it
    pub(crate) node: String,
    #[command(flatten)]
    pub(crate) source: Source,
    /// Read one input a line, and write one JSON result a line
    ///
    /// Exit code 3 if an input is refused.
    #[arg(long, requires = "input")]
    pub(crate) jsonl: bool,
}
