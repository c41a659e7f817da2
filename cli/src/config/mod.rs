//! `zoetrope config`: which configuration file is used, its problems, a new one, and the schema.

mod check;
mod init;
mod path;
mod rules;
mod schema;

use std::process::ExitCode;

use super::args::config::{Command, Config};
use super::context::Context;
use super::report::Failure;

impl Config {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Path(command) => command.run(context).await,
            Command::Check(command) => command.run(context).await,
            Command::Init(command) => command.run(context),
            Command::Schema(_) => schema::run(context),
        }
    }
}
