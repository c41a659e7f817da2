//! The jobs whose time has come.

use std::collections::HashSet;

use rusqlite::{ToSql, params};

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
        // One or two steps of the index for each queue, independent of its number of jobs.
        loop {
            let first = match pending.last() {
                None => self.first(FIRST, &[])?,
                Some((
                    QueueId {
                        connection,
                        component,
                    },
                    _,
                )) => match self.first(NEXT_COMPONENT, &[connection, component])? {
                    None => self.first(NEXT_CONNECTION, &[connection])?,
                    found => found,
                },
            };
            match first {
                Some(found) => pending.push(found),
                None => return Ok(pending),
            }
        }
    }

    fn first(
        &self,
        query: &str,
        after: &[&dyn ToSql],
    ) -> Result<Option<(QueueId, Millis)>, LedgerError> {
        let found = self.read(query, after, |row| {
            let queue_id = QueueId {
                connection: row.get(0)?,
                component: row.get(1)?,
            };
            Ok((queue_id, row.get(2)?))
        });
        Ok(found?.pop())
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
        self.read(throttled, [], |row| {
            let queue_id = QueueId {
                connection: row.get(0)?,
                component: row.get(1)?,
            };
            Ok((queue_id, row.get(2)?))
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
                if held.contains(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?) {
                    return Ok(());
                }
                found.take(&self.path, row)
            })?;
        }
        found.jobs.truncate(most);
        Ok(found)
    }
}
