//! Opens the ledger's file: its permissions, settings and version.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::error::LedgerError;
use super::schema::{MIGRATIONS, VERSION};
use crate::rights;

/// Marks the file as a ledger: `zoet`.
const APPLICATION_ID: i32 = 0x7a6f_6574;

/// How long a transaction waits for another process's transaction.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// The write-ahead log is cut to this length when its content is in the ledger: as much as it has
/// before `SQLite` moves it by itself, 1000 pages.
const LOG_BYTES: i64 = 4 << 20;

/// The time between two attempts where `SQLite` does not wait itself.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// Creates a folder and its parents, readable by the user alone: jobs hold prompts.
pub(super) fn make_folder(path: &Path) -> Result<(), LedgerError> {
    rights::make_folder(path).map_err(|source| LedgerError::Folder {
        path: path.to_owned(),
        source,
    })
}

/// Opens the file, creates it if it is missing, and migrates it to this version.
pub(super) fn open(path: &Path) -> Result<Connection, LedgerError> {
    make_private(path)?;
    let sorted = |error| LedgerError::of(path, error);
    let mut connection = Connection::open(path).map_err(sorted)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sorted)?;
    // A later version's file is not changed, not even its journal mode.
    let found = version(&connection).map_err(sorted)?;
    if is_foreign(&connection).map_err(sorted)? {
        return Err(LedgerError::Foreign {
            path: path.to_owned(),
        });
    }
    if found > VERSION {
        return Err(newer(path, found));
    }
    // Before the first page is written: later, only `VACUUM` can change it.
    if is_empty(&connection).map_err(sorted)? {
        set_while_busy(&connection, "auto_vacuum", "incremental").map_err(sorted)?;
    }
    // Every commit is synced when it returns, so it survives a power cut.
    set_while_busy(&connection, "journal_mode", "wal").map_err(sorted)?;
    connection
        .pragma_update(None, "synchronous", "full")
        .map_err(sorted)?;
    // On macOS, a sync reaches the drive's cache alone unless these are set. Others ignore them.
    for pragma in ["fullfsync", "checkpoint_fullfsync"] {
        connection
            .pragma_update(None, pragma, true)
            .map_err(sorted)?;
    }
    connection
        .pragma_update(None, "journal_size_limit", LOG_BYTES)
        .map_err(sorted)?;
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(sorted)?;
    // Deleted rows are overwritten in the file: inputs hold prompts.
    connection
        .pragma_update(None, "secure_delete", true)
        .map_err(sorted)?;
    if found != VERSION {
        migrate(&mut connection, path)?;
    }
    Ok(connection)
}

/// Sets a mode of the file. If another process does so in a new file at the same moment, `SQLite`
/// fails instead of waiting, since both hold a read lock.
fn set_while_busy(connection: &Connection, name: &str, mode: &str) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, name, mode) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && begun.elapsed() < BUSY_TIMEOUT =>
            {
                std::thread::sleep(RETRY_INTERVAL);
            }
            kept => return kept,
        }
    }
}

/// Creates an empty file that only the user can read, if there is none.
///
/// A file that exists is not opened: to close it would release the locks that `SQLite` has on it in
/// this process.
fn make_private(path: &Path) -> Result<(), LedgerError> {
    let mut options = std::fs::OpenOptions::new();
    let created = rights::private(options.write(true).create_new(true)).open(path);
    let source = match created {
        Ok(_) => return Ok(()),
        Err(_) if path.is_dir() => io::ErrorKind::IsADirectory.into(),
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(source) => source,
    };
    Err(LedgerError::Folder {
        path: path.to_owned(),
        source,
    })
}

/// Whether the file has no page yet.
fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    Ok(pages == 0)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Whether the file has another program's tables.
fn is_foreign(connection: &Connection) -> rusqlite::Result<bool> {
    // Both in one transaction: another process may be creating the file.
    let snapshot = connection.unchecked_transaction()?;
    let marked: i32 = snapshot.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = snapshot.query_row(tables, [], |row| row.get(0))?;
    Ok(tables > 0 && marked != APPLICATION_ID)
}

fn newer(path: &Path, found: i64) -> LedgerError {
    LedgerError::Newer {
        path: path.to_owned(),
        found,
    }
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), LedgerError> {
    let sorted = |error| LedgerError::of(path, error);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(sorted)?;
    let found = version(&transaction).map_err(sorted)?;
    if found > VERSION {
        return Err(newer(path, found));
    }
    let known = usize::try_from(found).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(known) {
        transaction.execute_batch(migration).map_err(sorted)?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(sorted)?;
    transaction
        .pragma_update(None, "user_version", VERSION)
        .map_err(sorted)?;
    transaction.commit().map_err(sorted)
}

#[cfg(test)]
mod migration_tests;
#[cfg(test)]
mod tests;
