//! The file beside the clip that a run goes on from.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tempfile::NamedTempFile;

use super::failure::{Failure, Phase};

/// An accepted job: all that it takes to go on with it. Holds no credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Job {
    /// Our own id of the run.
    #[serde(rename = "job")]
    pub(super) id: String,
    pub(super) node: String,
    /// Id of the connection, and the digest of the component, that it was started with.
    pub(super) connection: String,
    pub(super) component: String,
    /// The idempotency key that it was started under; none for an adopted job.
    pub(super) key: Option<String>,
    pub(super) provider_job_id: Option<String>,
    /// The component's own ticket.
    pub(super) ticket: Value,
    /// Where the clip goes; none: the data directory.
    pub(super) out: Option<PathBuf>,
}

impl Job {
    /// Reads a ticket file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let bad = |why: String| {
            Failure::new(
                "bad_ticket",
                Phase::Setup,
                format!("`{}` is no ticket file: {why}", path.display()),
            )
            .then("name the .ticket.json file that the run left beside its clip".into())
        };
        let text = fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| bad(error.to_string()))
    }

    /// Writes it whole or not at all, over what is there.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        self.staged(path)?.persist(path)?;
        fs::File::open(folder_of(path))?.sync_all()
    }

    /// Writes it whole or not at all, where nothing is.
    pub(super) fn write_new(&self, path: &Path) -> io::Result<()> {
        self.staged(path)?.persist_noclobber(path)?;
        fs::File::open(folder_of(path))?.sync_all()
    }

    fn staged(&self, path: &Path) -> io::Result<NamedTempFile> {
        let folder = folder_of(path);
        fs::create_dir_all(folder)?;
        let mut file = NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    /// What an error or answer says of the job.
    pub(super) fn facts(&self) -> Map<String, Value> {
        let mut facts = Map::new();
        facts.insert("job".into(), self.id.as_str().into());
        if let Some(key) = &self.key {
            facts.insert("key".into(), key.as_str().into());
        }
        if let Some(id) = &self.provider_job_id {
            facts.insert("provider_job_id".into(), id.as_str().into());
        }
        facts.insert("ticket".into(), self.ticket.clone());
        facts
    }

    /// The ticket as the component reads it.
    pub(super) fn ticket(&self) -> String {
        self.ticket.to_string()
    }

    pub(super) fn set_ticket(&mut self, ticket: &str) {
        self.ticket = serde_json::from_str(ticket).unwrap_or_else(|_| ticket.into());
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}
