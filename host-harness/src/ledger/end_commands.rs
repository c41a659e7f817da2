//! The commands that are due when a job ends: the job's own one, or that of the process that ends it.

use std::ffi::OsString;
use std::path::Path;
use std::sync::OnceLock;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::path_text;
use super::row::Job;
use crate::external_command::ExternalCommand;

/// The commands of this process.
#[derive(Debug, Default)]
pub(super) struct EndCommands {
    configured: OnceLock<ExternalCommand>,
    of_new_jobs: OnceLock<ExternalCommand>,
}

impl EndCommands {
    /// Sets the configured command, unless it is set.
    pub(super) fn configure(&self, command: ExternalCommand) {
        let _ = self.configured.set(command);
    }

    /// Sets the command of the jobs that this process makes, unless it is set.
    pub(super) fn set_of_new_jobs(&self, command: ExternalCommand) {
        let _ = self.of_new_jobs.set(command);
    }

    pub(super) fn configured(&self) -> Option<&ExternalCommand> {
        self.configured.get()
    }

    pub(super) fn of_new_jobs(&self) -> Option<&ExternalCommand> {
        self.of_new_jobs.get()
    }
}

/// Keeps the command of a new job, if there is one.
pub(super) fn keep(
    to: &Connection,
    job: &str,
    command: Option<&ExternalCommand>,
) -> rusqlite::Result<()> {
    let Some(command) = command else {
        return Ok(());
    };
    let keep = "INSERT INTO end_commands (job, command) VALUES (?1, ?2)
        ON CONFLICT (job) DO UPDATE SET command = excluded.command";
    to.execute(keep, params![job, text(command)]).map(drop)
}

/// Adds the command of a job that has ended: its own one, else the configured one. A second end of
/// the same attempt in the same state adds none.
pub(super) fn add(
    to: &Connection,
    job: &Job,
    configured: Option<&ExternalCommand>,
) -> rusqlite::Result<()> {
    let own = to
        .prepare_cached("SELECT command FROM end_commands WHERE job = ?1")?
        .query_row([&job.spec.id], |row| row.get(0))
        .optional()?;
    let Some(command) = own.or_else(|| configured.map(text)) else {
        return Ok(());
    };
    let add = "INSERT INTO end_hooks (job, retries, state, command) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (job, retries, state) DO NOTHING";
    let state = job.state().as_str();
    to.execute(add, params![job.spec.id, job.retries, state, command])
        .map(drop)
}

/// A command as its column has it: a JSON array.
pub(super) fn text(command: &ExternalCommand) -> String {
    let words = command
        .list()
        .map(|word| path_text::of(Path::new(word)).into_owned());
    serde_json::Value::from(words.collect::<Vec<_>>()).to_string()
}

/// The command of a column.
pub(super) fn command(text: &str) -> Option<ExternalCommand> {
    let words: Vec<String> = serde_json::from_str(text).ok()?;
    let words = words
        .iter()
        .map(|word| OsString::from(path_text::path(word)));
    ExternalCommand::new(words).ok()
}
