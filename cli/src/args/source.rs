//! The arguments that form an input and choose its provider: of `zoetrope run` and of
//! `zoetrope check`.

use std::path::PathBuf;

use clap::Args;

use super::values::{InputParser, InputSource, Profile, Setting, SettingParser};

/// The input of a run, and the choice of its provider.
#[derive(Args)]
pub(crate) struct Source {
    /// Input document: a JSON file, `-`, or the JSON itself
    ///
    /// `-` is standard input. A file may also be written as @FILE.
    #[arg(long, value_name = "FILE|JSON", value_parser = InputParser)]
    pub(crate) input: Option<InputSource>,
    /// Set a field: text, or JSON for a field that takes no text
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = SettingParser)]
    pub(crate) settings: Vec<Setting>,
    /// Local picture for the node's first picture field
    #[arg(long, value_name = "PATH")]
    pub(crate) image: Option<PathBuf>,
    /// Refuse a local picture that is truncated or damaged
    ///
    /// Without it, that is a note and the provider decides.
    #[arg(long)]
    pub(crate) strict: bool,
    /// How strictly to read the input
    #[arg(long, default_value = "strict")]
    pub(crate) profile: Profile,
    /// Connection to use
    #[arg(long, value_name = "ID")]
    pub(crate) connection: Option<String>,
}

impl Source {
    /// Whether no argument forms an input.
    pub(crate) fn is_empty(&self) -> bool {
        self.input.is_none() && !self.changes_input()
    }

    /// Whether arguments change the input document.
    pub(crate) fn changes_input(&self) -> bool {
        !self.settings.is_empty() || self.image.is_some()
    }
}
