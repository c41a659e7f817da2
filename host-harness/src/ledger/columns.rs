//! The columns of a job, and the queries that read and write all of them.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, ToSql, params_from_iter};

use super::error::RowProblem;

/// The one list of the columns: their names and types, in the order in which they are
/// selected, inserted and read. `fixed` never changes, `changing` does; `revision` comes last,
/// and a commit counts it.
macro_rules! columns {
    (
        fixed { $($fixed:ident: $fixed_type:ty,)* }
        changing { $($changing:ident: $changing_type:ty,)* }
    ) => {
        /// The columns of a row.
        pub(super) struct Columns<'a> {
            $(pub(super) $fixed: $fixed_type,)*
            $(pub(super) $changing: $changing_type,)*
            pub(super) revision: i64,
        }

        impl<'a> Columns<'a> {
            /// Reads a row of [`select_job`], by position: a lookup by name would take longer
            /// than the rest of the read.
            pub(super) fn read(row: &'a Row<'_>) -> Result<Self, RowProblem> {
                let mut cells = Cells { row, read: 0 };
                Ok(Self {
                    $($fixed: cells.next(stringify!($fixed))?,)*
                    $($changing: cells.next(stringify!($changing))?,)*
                    revision: cells.next("revision")?,
                })
            }

            /// Inserts the row.
            pub(super) fn insert(&self, to: &Connection) -> rusqlite::Result<()> {
                let values: [&dyn ToSql; _] = [
                    $(&self.$fixed,)* $(&self.$changing,)* &self.revision,
                ];
                let mut statement = to.prepare_cached(INSERT)?;
                statement.execute(params_from_iter(values)).map(drop)
            }

            /// Updates the changing columns and counts the revision, if the row in the file has
            /// this revision; returns whether it had.
            pub(super) fn update(&self, to: &Connection) -> rusqlite::Result<bool> {
                let values: [&dyn ToSql; _] = [
                    $(&self.$changing,)* &self.id, &self.revision,
                ];
                let mut statement = to.prepare_cached(UPDATE)?;
                Ok(statement.execute(params_from_iter(values))? > 0)
            }
        }

        /// The names of all columns.
        macro_rules! names {
            () => {
                concat!(
                    $(stringify!($fixed), ", ",)*
                    $(stringify!($changing), ", ",)*
                    "revision"
                )
            };
        }

        const INSERT: &str = concat!(
            "INSERT INTO jobs (", names!(), ") VALUES (",
            $(placeholder!($fixed), ", ",)*
            $(placeholder!($changing), ", ",)*
            "?)"
        );

        const UPDATE: &str = concat!(
            "UPDATE jobs SET ",
            $(stringify!($changing), " = ?, ",)*
            "revision = revision + 1 WHERE id = ? AND revision = ?"
        );
    };
}

macro_rules! placeholder {
    ($column:ident) => {
        "?"
    };
}

columns! {
    fixed {
        id: &'a str,
        node: &'a str,
        raw_input: &'a str,
        raw_input_sha256: &'a str,
        input: &'a str,
        component: &'a str,
        connection: &'a str,
        provider_origin: &'a str,
        key: &'a str,
        idempotency_ms: i64,
        created_at: i64,
    }
    changing {
        state: &'a str,
        outcome_uncertain: bool,
        submit_sha256: Option<&'a str>,
        keyed: bool,
        submits: u32,
        submitted_at: Option<i64>,
        ticket: Option<&'a str>,
        provider_job_id: Option<&'a str>,
        charge: &'a str,
        attempt_charge: Option<&'a str>,
        reported_charge: Option<&'a str>,
        submit_account: Option<&'a str>,
        cancel_sent_at: Option<i64>,
        submit_path: Option<&'a str>,
        has_uploads: bool,
        retries: u32,
        earlier_charge: Option<&'a str>,
        local_pictures: Option<&'a str>,
        cost_amount: Option<&'a str>,
        cost_unit: Option<&'a str>,
        deadline_at: i64,
        next_at: Option<i64>,
        backoff_ms: i64,
        unrecognized_since: Option<i64>,
        unreadable_since: Option<i64>,
        no_result_since: Option<i64>,
        attempts: u32,
        cancel_wanted: bool,
        requester: &'a str,
        error_kind: Option<&'a str>,
        error_message: Option<&'a str>,
        output: Option<&'a str>,
        media: Option<&'a str>,
        target: &'a str,
        target_is_stem: bool,
        force: bool,
        file: Option<&'a str>,
        finalized: bool,
    }
}

/// A query for rows that [`Columns::read`] reads: the select list, followed by `$rest`.
macro_rules! select_job {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            $crate::ledger::columns::names!(),
            " FROM jobs ",
            $rest
        )
    };
}

pub(super) use {names, select_job};

/// A row's cells, in order.
struct Cells<'a, 'row> {
    row: &'a Row<'row>,
    read: usize,
}

impl<'a> Cells<'a, '_> {
    fn next<T: Cell<'a>>(&mut self, column: &'static str) -> Result<T, RowProblem> {
        let cell = self.row.get_ref(self.read).ok().and_then(T::of);
        self.read += 1;
        cell.ok_or(RowProblem::Unreadable { column })
    }
}

/// A type that a column can hold.
trait Cell<'a>: Sized {
    fn of(value: ValueRef<'a>) -> Option<Self>;
}

impl<'a> Cell<'a> for &'a str {
    fn of(value: ValueRef<'a>) -> Option<Self> {
        value.as_str().ok()
    }
}

impl Cell<'_> for i64 {
    fn of(value: ValueRef<'_>) -> Option<Self> {
        value.as_i64().ok()
    }
}

impl Cell<'_> for u32 {
    fn of(value: ValueRef<'_>) -> Option<Self> {
        value.as_i64().ok()?.try_into().ok()
    }
}

impl Cell<'_> for bool {
    fn of(value: ValueRef<'_>) -> Option<Self> {
        Some(value.as_i64().ok()? != 0)
    }
}

impl<'a, T: Cell<'a>> Cell<'a> for Option<T> {
    fn of(value: ValueRef<'a>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(None),
            value => T::of(value).map(Some),
        }
    }
}

/// A text that may be damaged.
pub(super) fn lossy(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    let bytes = row.get_ref(column)?.as_bytes_or_null();
    let bytes = bytes.map_err(rusqlite::Error::from)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(bytes).into_owned())
}
