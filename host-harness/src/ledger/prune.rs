//! Deletes rows of jobs that are done, in chunks, and lists the files that the rows need.

use std::collections::HashSet;

use rusqlite::params;

use super::charges;
use super::columns::lossy;
use super::error::LedgerError;
use super::hold::{FilesHold, FilesOwned};
use super::local_pictures::LocalPictures;
use super::path_text;
use super::placeholders;
use super::removed::KEEP;
use super::row::Target;
use super::stage::Millis;
use super::state::DONE;
use super::store::Ledger;

/// The rows of one transaction. It is short enough that a submit of another process waits
/// some milliseconds for it.
const CHUNK: i64 = 500;

/// A job that is done and may be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DoneJob {
    row: i64,
    /// Its id.
    pub(crate) id: String,
    /// Where its result was written.
    pub(crate) target: Target,
}

/// The files that rows need.
#[derive(Debug, Default)]
pub(crate) struct NeededFiles {
    /// The digests of pictures; `None` if an input cannot be read, so that they are unknown.
    pub(crate) pictures: Option<HashSet<String>>,
    /// The digests of components.
    pub(crate) components: HashSet<String>,
}

impl Ledger {
    /// Holds pictures and components that a row is about to name: no process removes them until
    /// the hold is dropped. Waits while another process removes files.
    ///
    /// # Errors
    ///
    /// When the lock file cannot be opened.
    pub fn hold_files(&self) -> Result<FilesHold, LedgerError> {
        self.holds()
            .hold()
            .map_err(|source| self.unlockable(source))
    }

    /// The process that removes files now, while others wait for it, as it names itself.
    #[must_use]
    pub fn files_owner(&self) -> Option<String> {
        self.holds().owner()
    }

    /// Owns the files beside the ledger; `None` if a process holds some of them. `name`: of this
    /// process, for those that wait.
    pub(crate) fn own_files(&self, name: &str) -> Result<Option<FilesOwned>, LedgerError> {
        let owned = self.holds().own(name);
        owned.map_err(|source| self.unlockable(source))
    }

    /// Deletes jobs that are done and were made before `before`; returns their number.
    #[cfg(test)]
    pub(super) fn prune(&self, before: Millis) -> Result<usize, LedgerError> {
        let (mut deleted, mut last) = (0, None);
        loop {
            let done = self.done_jobs(before, last.as_ref())?;
            deleted += self.delete(&done, before, before)?;
            last = done.into_iter().last();
            if last.is_none() {
                return Ok(deleted);
            }
        }
    }

    /// The next jobs that are done and were made before `before`, after the job `after`; empty at
    /// the end.
    pub(crate) fn done_jobs(
        &self,
        before: Millis,
        after: Option<&DoneJob>,
    ) -> Result<Vec<DoneJob>, LedgerError> {
        let done = format!(
            "SELECT rowid, id, CAST(target AS TEXT), target_is_stem FROM jobs
            WHERE rowid > ?1 AND created_at < ?2 AND {} ORDER BY rowid LIMIT ?3",
            *DONE
        );
        let after = after.map_or(i64::MIN, |job| job.row);
        self.read(&done, params![after, before, CHUNK], |row| {
            let target = path_text::path(&lossy(row, 2)?);
            Ok(DoneJob {
                row: row.get(0)?,
                id: lossy(row, 1)?,
                target: if row.get(3)? {
                    Target::Stem(target)
                } else {
                    Target::File(target)
                },
            })
        })
    }

    /// Deletes these jobs in one transaction, with the records of their answered uploads; returns
    /// the number of deleted rows. What stays known of them is recorded. One that is no longer as
    /// [`done_jobs`](Self::done_jobs) found it stays.
    pub(crate) fn delete(
        &self,
        jobs: &[DoneJob],
        before: Millis,
        now: Millis,
    ) -> Result<usize, LedgerError> {
        if jobs.is_empty() {
            return Ok(0);
        }
        let rows: Vec<_> = jobs.iter().map(|job| job.row).collect();
        let rows = serde_json::Value::from(rows).to_string();
        let done = format!(
            "rowid IN (SELECT value FROM json_each(?1)) AND created_at < ?2 AND {}",
            *DONE
        );
        self.write(|transaction| {
            let keep = format!("{KEEP}{done}");
            transaction
                .prepare_cached(&keep)?
                .execute(params![rows, before, now])?;
            charges::keep(transaction, &done, (&rows, before))?;
            let uploads = format!(
                "DELETE FROM uploads WHERE status IS NOT NULL AND (connection, key) IN
                    (SELECT connection, key FROM jobs WHERE {done})"
            );
            transaction
                .prepare_cached(&uploads)?
                .execute(params![rows, before])?;
            let delete = format!("DELETE FROM jobs WHERE {done}");
            Ok(transaction
                .prepare_cached(&delete)?
                .execute(params![rows, before])?)
        })
    }

    /// The number of jobs, and of those that are done and were made before `before`.
    pub(crate) fn counts(&self, before: Millis) -> Result<(usize, usize), LedgerError> {
        let counts = format!(
            "SELECT count(*), count(*) FILTER (WHERE created_at < ?1 AND {}) FROM jobs",
            *DONE
        );
        let counts = self.read(&counts, [before], |row| {
            let number = |count: i64| usize::try_from(count).unwrap_or_default();
            Ok((number(row.get(0)?), number(row.get(1)?)))
        })?;
        Ok(counts.first().copied().unwrap_or_default())
    }

    /// The files that rows need, those of damaged rows too.
    pub(crate) fn needed_files(&self) -> Result<NeededFiles, LedgerError> {
        let components = self.read("SELECT DISTINCT component FROM jobs", [], |row| {
            Ok(lossy(row, 0)?)
        })?;
        let documents = "SELECT raw_input FROM jobs WHERE instr(raw_input, '$picture')
            UNION ALL SELECT input FROM jobs WHERE instr(input, '$picture')";
        let mut pictures = Some(HashSet::new());
        self.read(documents, [], |row| {
            let text = row.get_ref(0)?.as_bytes().map_err(rusqlite::Error::from)?;
            match (serde_json::from_slice(text), &mut pictures) {
                (Ok(document), Some(pictures)) => {
                    placeholders::digests(&document, &mut |digest| {
                        pictures.insert(digest.to_owned());
                    });
                }
                (Err(_), pictures) => *pictures = None,
                (Ok(_), None) => {}
            }
            Ok(())
        })?;
        let uploaded = "SELECT local_pictures FROM jobs WHERE local_pictures IS NOT NULL";
        self.read(uploaded, [], |row| {
            let text = row.get_ref(0)?.as_str().ok();
            match (text.and_then(LocalPictures::of_column), &mut pictures) {
                (Some(local), Some(pictures)) => {
                    pictures.extend(local.pictures.into_iter().map(|picture| picture.sha256));
                }
                (None, pictures) => *pictures = None,
                (Some(_), None) => {}
            }
            Ok(())
        })?;
        Ok(NeededFiles {
            pictures,
            components: components.into_iter().collect(),
        })
    }

    /// Which of these ids have a row.
    pub(crate) fn present(&self, ids: &[&str]) -> Result<HashSet<String>, LedgerError> {
        let present = "SELECT id FROM jobs WHERE id IN (SELECT value FROM json_each(?1))";
        let ids = serde_json::Value::from(ids.to_vec()).to_string();
        let present = self.read(present, [ids], |row| Ok(row.get(0)?))?;
        Ok(present.into_iter().collect())
    }

    fn unlockable(&self, source: std::io::Error) -> LedgerError {
        LedgerError::Folder {
            path: self.holds().path().to_owned(),
            source,
        }
    }
}

#[cfg(test)]
mod tests;
