//! Looks removed jobs up, puts them back, and forgets them.

use rusqlite::params;

use super::charges;
use super::error::LedgerError;
use super::record;
use super::removed::{LIKE, OF_ID, OF_KEY, RemovedJob, removed};
use super::row::Job;
use super::stage::Millis;
use super::store::{Ledger, note, of_key};

/// The rows that one transaction deletes, as for jobs.
const FORGOTTEN_AT_ONCE: u32 = 500;

impl Ledger {
    /// The removed job of this connection and key.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read, or the row is damaged.
    pub fn removed_of_key(
        &self,
        connection: &str,
        key: &str,
    ) -> Result<Option<RemovedJob>, LedgerError> {
        Ok(self.read(OF_KEY, [connection, key], removed)?.pop())
    }

    /// The removed job of this id.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read, or the row is damaged.
    pub fn removed_job(&self, id: &str) -> Result<Option<RemovedJob>, LedgerError> {
        Ok(self.read(OF_ID, [id], removed)?.pop())
    }

    /// The removed jobs whose id begins with this, at most two.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read, or a row is damaged.
    pub fn removed_like(&self, beginning: &str) -> Result<Vec<RemovedJob>, LedgerError> {
        self.read(LIKE, [beginning], removed)
    }

    /// Puts a removed job back as this row, with a history entry; returns whether it was still
    /// removed and its key free.
    pub(crate) fn restore(&self, job: &Job, at: Millis) -> Result<bool, LedgerError> {
        self.write(|transaction| {
            let spec = &job.spec;
            if of_key(transaction, &spec.connection, &spec.key)?.is_some() {
                return Ok(false);
            }
            let forget = "DELETE FROM removed_jobs WHERE connection = ?1 AND key = ?2 AND id = ?3";
            let was_removed =
                transaction.execute(forget, [&spec.connection, &spec.key, &spec.id])?;
            if was_removed == 0 {
                return Ok(false);
            }
            charges::put_back(transaction, job)?;
            record::insert(transaction, job)?;
            note(transaction, job, at, None)?;
            Ok(true)
        })
    }

    /// Forgets removed jobs that were made before `before`; returns how many of at most 500.
    pub(crate) fn forget_removed(&self, before: Millis) -> Result<usize, LedgerError> {
        let forget = "DELETE FROM removed_jobs WHERE rowid IN
            (SELECT rowid FROM removed_jobs WHERE created_at < ?1 LIMIT ?2)";
        self.write(|transaction| {
            let forgotten = transaction.execute(forget, params![before, FORGOTTEN_AT_ONCE])?;
            charges::forget(transaction)?;
            Ok(forgotten)
        })
    }
}

#[cfg(test)]
mod tests;
