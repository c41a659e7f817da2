//! The options of every command.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::environment;

/// What every command takes, before or after its name.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "Configuration file; else ZOETROPE_CONFIG, else ./zoetrope.toml if it exists"
    )]
    pub(crate) config: Option<PathBuf>,
    /// Folder for the ledger, results, compiled code and the practice provider; else the platform's
    #[arg(long, global = true, value_name = "DIR", env = environment::DATA_DIR.name)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Component to run instead of the built-in one
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) component: Option<PathBuf>,
    /// Answer in JSON on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[arg(long, global = true, value_name = "FORM", env = environment::LOG_FORMAT.name)]
    #[arg(
        help = "Form of the logs on standard error; ZOETROPE_LOG says how much there is",
        default_value = "text",
        hide_default_value = true,
        hide_env_values = true
    )]
    pub(crate) log_format: LogFormat,
}

/// In which form logs are written: lines for people, or a JSON object a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}
