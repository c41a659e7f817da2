//! Gives the pages of deleted rows back to the file system.
//!
//! A new ledger has `auto_vacuum = INCREMENTAL`: its free pages are removed in transactions of a
//! few milliseconds, between which other processes write. A ledger of an earlier version is
//! rewritten once (`VACUUM`), where that frees much, its disk has space for it, and it does not take so
//! long that other processes fail meanwhile.

use std::path::PathBuf;
use std::time::Duration;

use super::error::LedgerError;
use super::store::{BUSY_SLICE, Ledger};
use crate::disk;

/// The pages that one transaction removes: 2 MiB.
const CHUNK: i64 = 500;

/// How long a checkpoint waits for transactions of others. It is tried again by the next command.
const CHECKPOINT_TIME: Duration = Duration::from_millis(200);

/// A rewrite must free this many bytes, and this share of the file.
const WORTHWHILE: u64 = 1 << 20;
const SHARE: u64 = 4;

/// The longest content that is rewritten: a few seconds, while others wait half a minute.
const LONGEST_REWRITE: u64 = 1 << 30;

/// The longest content that is rewritten in memory. Otherwise a temporary file has it.
const IN_MEMORY: u64 = 64 << 20;

/// The number of the mode in which free pages are removed on request.
const INCREMENTAL: u64 = 2;

/// The pages of the file.
struct Pages {
    /// The bytes of the pages in use, and of the free ones.
    used: u64,
    free: u64,
    is_incremental: bool,
}

impl Ledger {
    /// The bytes of the ledger's file and of its write-ahead log.
    pub(crate) fn file_bytes(&self) -> u64 {
        [self.path().to_owned(), self.log()]
            .iter()
            .map(|path| std::fs::metadata(path).map_or(0, |file| file.len()))
            .sum()
    }

    /// Removes free pages in one transaction; returns whether there are more.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub(crate) fn vacuum_chunk(&self) -> Result<bool, LedgerError> {
        let pages = self.pages()?;
        if pages.free == 0 {
            return Ok(false);
        }
        if !pages.is_incremental {
            self.rewrite(&pages)?;
            return Ok(false);
        }
        self.with_writer(|writer| {
            // Each step of the statement removes one page.
            let mut statement = writer.prepare(&format!("PRAGMA incremental_vacuum({CHUNK})"))?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        })?;
        let left = self.pages()?.free;
        Ok(left > 0 && left < pages.free)
    }

    /// Rewrites a ledger of an earlier version, if that is worthwhile and possible.
    fn rewrite(&self, pages: &Pages) -> Result<(), LedgerError> {
        let Pages { used, free, .. } = *pages;
        let is_worthwhile = free >= WORTHWHILE && free >= (used + free) / SHARE;
        let folder = self.path().parent();
        // The log holds the new content before the file does, and a temporary file may be here.
        let has_space = folder
            .and_then(disk::free)
            .is_none_or(|left| left / 2 > used);
        if !is_worthwhile || !has_space || used > LONGEST_REWRITE {
            return Ok(());
        }
        self.with_writer(|writer| {
            let store = if used <= IN_MEMORY {
                "memory"
            } else {
                "default"
            };
            writer.pragma_update(None, "temp_store", store)?;
            writer.pragma_update(None, "auto_vacuum", "incremental")?;
            writer.execute_batch("VACUUM")?;
            writer.pragma_update(None, "temp_store", "default")
        })
    }

    fn pages(&self) -> Result<Pages, LedgerError> {
        self.with_writer(|writer| {
            let number = |name| {
                let number = writer.pragma_query_value(None, name, |row| row.get::<_, i64>(0))?;
                Ok::<_, rusqlite::Error>(number.unsigned_abs())
            };
            let size = number("page_size")?;
            let (all, free) = (number("page_count")?, number("freelist_count")?);
            Ok(Pages {
                used: all.saturating_sub(free).saturating_mul(size),
                free: free.saturating_mul(size),
                is_incremental: number("auto_vacuum")? == INCREMENTAL,
            })
        })
    }

    /// Moves the write-ahead log into the ledger and empties the file, if no other process has a
    /// transaction now. The ledger's file becomes shorter only then.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub(crate) fn shrink_log(&self) -> Result<(), LedgerError> {
        self.with_writer(|writer| {
            writer.busy_timeout(CHECKPOINT_TIME)?;
            // A transaction of another process is no error: the first column says so.
            let shrunk = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            writer.busy_timeout(BUSY_SLICE)?;
            shrunk
        })
    }

    /// The file of the write-ahead log.
    pub(super) fn log(&self) -> PathBuf {
        let mut log = self.path().as_os_str().to_owned();
        log.push("-wal");
        log.into()
    }
}

#[cfg(test)]
mod tests;
