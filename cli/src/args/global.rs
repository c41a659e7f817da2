//! The options of every command.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use super::color::Color;
use super::environment;

/// The options that every command takes, before or after its name.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "Configuration file [default: see `zoetrope config path`]"
    )]
    pub(crate) config: Option<PathBuf>,
    /// Data directory [default: per platform]
    ///
    /// It has the ledger, results, compiled code and the files of the practice provider.
    #[arg(long, global = true, value_name = "DIR", env = environment::DATA_DIR.name, hide_env_values = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Whether the data directory is that of the environment, which suggested commands have too.
    #[arg(skip)]
    pub(crate) has_data_dir_of_environment: bool,
    /// Component to run [default: the built-in one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) component: Option<PathBuf>,
    /// Write results and errors as JSON to standard output
    #[arg(long, global = true, overrides_with = "json")]
    pub(crate) json: bool,
    /// Print only errors, warnings about money, and the result
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Log each step; twice, also each request
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        help = "Colours in text: auto, always or never",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) color: Color,
    #[arg(long, global = true, value_name = "FORMAT", env = environment::LOG_FORMAT.name)]
    #[arg(
        help = "Format of the logs; ZOETROPE_LOG sets their levels",
        default_value = "text",
        hide_default_value = true,
        hide_env_values = true
    )]
    pub(crate) log_format: LogFormat,
}

/// The format of the logs: text lines, or one JSON object a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}
