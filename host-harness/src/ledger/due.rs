//! The jobs whose time has come.

use std::collections::HashSet;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Row, ToSql, params};

use super::columns::select_job;
use super::error::LedgerError;
use super::stage::Millis;
use super::store::{Durability, Ledger, Rows};

/// The driver sets no longer pause. A next time further away was set before the clock was
/// moved back, so the job counts as due.
pub(super) const FURTHEST: Millis = 600_000;

/// The jobs of one component on one connection. They wait for each other, and not for those of
/// other queues.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId {
    /// The connection.
    pub connection: String,
    /// The component's digest.
    pub component: String,
}

/// The earliest job of a queue. A damaged row may have names that are not UTF-8: such a queue is
/// passed over.
struct First {
    connection: Name,
    component: Name,
    next_at: Millis,
}

/// A text as it is in the file.
struct Name(Vec<u8>);

impl ToSql for Name {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

impl First {
    fn readable(&self) -> Option<(QueueId, Millis)> {
        let text = |name: &Name| String::from_utf8(name.0.clone()).ok();
        let queue_id = QueueId {
            connection: text(&self.connection)?,
            component: text(&self.component)?,
        };
        Some((queue_id, self.next_at))
    }
}

fn first(row: &Row<'_>) -> rusqlite::Result<First> {
    let name = |column| {
        let bytes = row.get_ref(column)?.as_bytes();
        Ok::<_, rusqlite::Error>(Name(bytes.map_err(rusqlite::Error::from)?.to_vec()))
    };
    Ok(First {
        connection: name(0)?,
        component: name(1)?,
        next_at: row.get(2)?,
    })
}

/// Of the jobs with a next time, the first one by queue and time.
const FIRST: &str = "SELECT connection, component, next_at FROM jobs
    WHERE next_at IS NOT NULL ORDER BY connection, component, next_at LIMIT 1";
/// The same after a queue, on its connection.
const NEXT_COMPONENT: &str = "SELECT connection, component, next_at FROM jobs
    WHERE next_at IS NOT NULL AND connection = ?1 AND component > ?2
    ORDER BY component, next_at LIMIT 1";
/// The same after a connection.
const NEXT_CONNECTION: &str = "SELECT connection, component, next_at FROM jobs
    WHERE next_at IS NOT NULL AND connection > ?1
    ORDER BY connection, component, next_at LIMIT 1";

impl Ledger {
    /// The queues of jobs with a next time, and the earliest of these times.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn pending(&self) -> Result<Vec<(QueueId, Millis)>, LedgerError> {
        let mut pending: Vec<(QueueId, Millis)> = Vec::new();
        let mut last: Option<First> = None;
        // One or two steps of the index for each queue, independent of its number of jobs.
        loop {
            let first = match &last {
                None => self.first(FIRST, &[])?,
                Some(First {
                    connection,
                    component,
                    ..
                }) => match self.first(NEXT_COMPONENT, &[connection, component])? {
                    None => self.first(NEXT_CONNECTION, &[connection])?,
                    found => found,
                },
            };
            let Some(found) = first else {
                return Ok(pending);
            };
            pending.extend(found.readable());
            last = Some(found);
        }
    }

    fn first(&self, query: &str, after: &[&dyn ToSql]) -> Result<Option<First>, LedgerError> {
        Ok(self.read(query, after, |row| Ok(first(row)?))?.pop())
    }

    /// Queues whose submits the provider has throttled, and until when.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn throttled(&self) -> Result<Vec<(QueueId, Millis)>, LedgerError> {
        let throttled = "SELECT connection, component, MAX(next_at) FROM jobs
            WHERE next_at IS NOT NULL AND state = 'queued' AND error_kind = 'throttled'
            GROUP BY connection, component";
        let throttled = self.read(throttled, [], |row| Ok(first(row)?))?;
        Ok(throttled.iter().filter_map(First::readable).collect())
    }

    /// Queues with jobs that stay queued because the provider refuses the account.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn account_refused(&self) -> Result<Vec<QueueId>, LedgerError> {
        let refused = "SELECT DISTINCT connection, component, 0 FROM jobs
            WHERE state = 'queued' AND error_kind = 'account_refused'";
        let refused = self.read(refused, [], |row| Ok(first(row)?))?;
        let readable = refused.iter().filter_map(First::readable);
        Ok(readable.map(|(queue_id, _)| queue_id).collect())
    }

    /// Makes the next times that are later than `now` earlier by `back`: the clock was set back by so
    /// much since they were set. The commit is not synced, and it does not wait for another process.
    ///
    /// # Errors
    ///
    /// When nothing could be committed.
    pub(crate) fn follow_clock(&self, now: Millis, back: Millis) -> Result<(), LedgerError> {
        self.write_once(Durability::Unsynced, |transaction| {
            let follow = "UPDATE jobs SET next_at = next_at - ?2
                WHERE next_at > ?1 AND error_kind IS NOT 'throttled'";
            transaction.execute(follow, [now, back])?;
            Ok(())
        })
    }

    /// Due jobs of a queue, the longest due first, without those of `held`; at most `most`.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn due(
        &self,
        queue_id: &QueueId,
        now: Millis,
        most: usize,
        held: &HashSet<String>,
    ) -> Result<Rows, LedgerError> {
        let due = select_job!(
            "WHERE next_at IS NOT NULL AND connection = ?1 AND component = ?2
            AND next_at > ?3 AND next_at <= ?4
            AND state <> 'submitting' ORDER BY next_at LIMIT ?5"
        );
        let among = i64::try_from(most + held.len()).unwrap_or(i64::MAX);
        let QueueId {
            connection,
            component,
        } = queue_id;
        let mut found = Rows::default();
        // Two ranges of the index. The rows between them are many and are not read.
        for (after, until) in [(Millis::MIN, now), (now + FURTHEST, Millis::MAX)] {
            let stretch = params![connection, component, after, until, among];
            self.read(due, stretch, |row| {
                // Reading the columns costs most, so those of a held row are not read.
                let id = row.get_ref(0)?.as_bytes().map_err(rusqlite::Error::from)?;
                if held.contains(&*String::from_utf8_lossy(id)) {
                    return Ok(());
                }
                found.take(&self.path, row)
            })?;
        }
        found.jobs.truncate(most);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::error::ErrorKind;
    use crate::ledger::JobError;
    use crate::ledger::testing::queued;

    #[test]
    fn damaged_row_of_a_refused_account_is_passed_over() {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        let mut job = queued(0);
        job.last_error = Some(JobError::new(ErrorKind::AccountRefused, "no credit"));
        ledger.insert_all(&[job]).expect("insert");
        assert_eq!(ledger.account_refused().expect("read").len(), 1);
        let database = Connection::open(folder.path().join("ledger.sqlite3")).expect("open");
        let damage = "UPDATE jobs SET component = CAST(x'ff' AS TEXT)";
        database.execute(damage, []).expect("damage");
        assert_eq!(ledger.account_refused().expect("read"), []);
    }

    #[test]
    fn next_time_follows_a_clock_that_is_set_back_and_an_earlier_one_stays() {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        let mut job = queued(0);
        job.schedule.next_at = Some(500_000);
        ledger.insert_all(&[job]).expect("insert");
        let next_at = || ledger.pending().expect("read")[0].1;
        ledger.follow_clock(500_000, 240_000).expect("a commit");
        assert_eq!(next_at(), 500_000, "it was due");
        ledger.follow_clock(250_000, 240_000).expect("a commit");
        assert_eq!(next_at(), 260_000);
    }
}
