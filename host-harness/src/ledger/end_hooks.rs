//! The commands that are run when a job ends.
//!
//! The commit that ends a job adds a row with the command. Any process of the data directory may run
//! it: the one that sets `started_at` first does, before it starts the process. So a command is
//! started at most once for an end, whichever process ends the job and whenever it is killed.

use rusqlite::{Row, params};

use super::columns::select_job;
use super::end_commands::{self, add, keep};
use super::error::{DamagedRow, Failure, LedgerError, RowProblem};
use super::record;
use super::row::Job;
use super::stage::Millis;
use super::state::State;
use super::store::Ledger;
use crate::contract::Charge;
use crate::external_command::ExternalCommand;

/// The most commands that are read at once.
const MOST_DUE: usize = 16;

/// The command of one end of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndHook {
    /// Its row.
    pub id: i64,
    /// The job.
    pub job: String,
    /// The state in which the job ended.
    pub state: State,
    /// The command.
    pub command: ExternalCommand,
    /// When a process was about to start it; `None`: no process has.
    pub started_at: Option<Millis>,
    /// How it ended; `None`: it runs, or the process that started it did not wait for its end.
    pub end: Option<HookEnd>,
}

/// How the command of a job's end ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookEnd {
    /// When.
    pub at: Millis,
    /// Its exit code, if it has one.
    pub exit_code: Option<i32>,
    /// Why it has none.
    pub problem: Option<String>,
}

impl Ledger {
    /// Sets the command that is run at the end of a job that has none of its own and that this
    /// process ends. The first call counts.
    pub fn run_at_ends(&self, command: ExternalCommand) {
        self.end_commands().configure(command);
    }

    /// Sets the command of the jobs that this process makes. The first call counts.
    pub fn run_at_ends_of_new_jobs(&self, command: ExternalCommand) {
        self.end_commands().set_of_new_jobs(command);
    }

    /// Gives the command of new jobs, if there is one, to a job that exists already. If that has
    /// ended, and no command was run at its end, the command is due at once.
    pub(crate) fn keep_end_command(&self, job: &Job) -> Result<(), LedgerError> {
        let Some(command) = self.end_commands().of_new_jobs() else {
            return Ok(());
        };
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(select_job!("WHERE id = ?1"))?;
            let mut rows = statement.query([&job.spec.id])?;
            // It may have been removed meanwhile.
            let Some(row) = rows.next()? else {
                return Ok(());
            };
            let job = record::job(row)?;
            keep(transaction, &job.spec.id, Some(command))?;
            if job.is_done() {
                add(transaction, &job, None)?;
            }
            Ok(())
        })
    }

    /// The first commands after this one that no process has started, oldest first, at most 16, with
    /// their jobs. One that cannot be read, or whose job cannot be read, is left out.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn due_end_hooks(&self, after: i64) -> Result<Vec<(EndHook, Job)>, LedgerError> {
        let due = format!(
            "SELECT id, job, state, command, started_at, ended_at, exit_code, problem
            FROM end_hooks WHERE started_at IS NULL AND id > ?1 ORDER BY id LIMIT {MOST_DUE}"
        );
        let mut found = Vec::new();
        let mut after = after;
        loop {
            let rows = self.read(&due, [after], |row| match hook(row) {
                // A damaged row holds up no other.
                Err(Failure::Row(_)) => Ok((row.get::<_, i64>(0)?, None)),
                hook => hook.map(|hook| (hook.id, Some(hook))),
            })?;
            let is_last = rows.len() < MOST_DUE;
            for (id, hook) in rows {
                after = id;
                let Some(hook) = hook else {
                    continue;
                };
                if let Some(job) = self.readable_job(&hook.job)? {
                    found.push((hook, job));
                }
                if found.len() == MOST_DUE {
                    return Ok(found);
                }
            }
            if is_last {
                return Ok(found);
            }
        }
    }

    /// The command that was added last, whether it was started or not.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn last_end_hook(&self) -> Result<Option<i64>, LedgerError> {
        let last = "SELECT id FROM end_hooks ORDER BY id DESC LIMIT 1";
        Ok(self.read(last, [], |row| Ok(row.get(0)?))?.pop())
    }

    /// Whether a command that was started at this time or later has no recorded end: it runs, or the
    /// process that started it did not wait for its end.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn is_end_hook_running(&self, since: Millis) -> Result<bool, LedgerError> {
        let running = "SELECT id FROM end_hooks
            WHERE started_at >= ?1 AND ended_at IS NULL LIMIT 1";
        Ok(!self.read(running, [since], |_| Ok(()))?.is_empty())
    }

    /// The commands of a job's ends, oldest first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read, or a row is damaged.
    pub fn end_hooks_of(&self, job: &str) -> Result<Vec<EndHook>, LedgerError> {
        let of_job = "SELECT id, job, state, command, started_at, ended_at, exit_code, problem
            FROM end_hooks WHERE job = ?1 ORDER BY id";
        self.read(of_job, [job], hook)
    }

    /// Claims a command for this process, synced when this returns; returns whether no other
    /// process has.
    ///
    /// # Errors
    ///
    /// When nothing could be committed.
    pub fn start_end_hook(&self, id: i64, at: Millis) -> Result<bool, LedgerError> {
        let start = "UPDATE end_hooks SET started_at = ?2 WHERE id = ?1 AND started_at IS NULL";
        self.write(|transaction| Ok(transaction.execute(start, params![id, at])? > 0))
    }

    /// Records how a command ended.
    ///
    /// # Errors
    ///
    /// When nothing could be committed.
    pub fn finish_end_hook(&self, id: i64, end: &HookEnd) -> Result<(), LedgerError> {
        let finish = "UPDATE end_hooks SET ended_at = ?2, exit_code = ?3, problem = ?4
            WHERE id = ?1";
        let columns = params![id, end.at, end.exit_code, end.problem];
        self.write(|transaction| Ok(transaction.execute(finish, columns).map(drop)?))
    }
}

fn hook(row: &Row<'_>) -> Result<EndHook, Failure> {
    let job: String = row.get(1)?;
    let (state, words): (String, String) = (row.get(2)?, row.get(3)?);
    let damaged = |problem| {
        Failure::Row(DamagedRow {
            job: job.clone(),
            charge: Charge::Unknown,
            problem,
        })
    };
    let unreadable = || damaged(RowProblem::Unreadable { column: "command" });
    let ended_at: Option<Millis> = row.get(5)?;
    let (exit_code, problem) = (row.get(6)?, row.get(7)?);
    Ok(EndHook {
        id: row.get(0)?,
        state: record::state(&state).map_err(damaged)?,
        command: end_commands::command(&words).ok_or_else(unreadable)?,
        started_at: row.get(4)?,
        end: ended_at.map(|at| HookEnd {
            at,
            exit_code,
            problem,
        }),
        job,
    })
}

#[cfg(test)]
mod tests;
