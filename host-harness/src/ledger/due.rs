//! The jobs whose time has come.

use std::collections::HashSet;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Row, ToSql, params};

use super::columns::select_job;
use super::error::LedgerError;
use super::stage::Millis;
use super::store::{Ledger, Rows};

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
        let refused = "SELECT DISTINCT connection, component FROM jobs
            WHERE state = 'queued' AND error_kind = 'account_refused'";
        self.read(refused, [], |row| {
            Ok(QueueId {
                connection: row.get(0)?,
                component: row.get(1)?,
            })
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
