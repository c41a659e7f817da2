-- Version 6: commands that are run when a job ends, and the charges of removed jobs with several
-- attempts. From this version on, `outcome_uncertain` of a started row says that its job is not
-- confirmed.
-- The command that a job was made with. Without one, the configured command of the process that ends
-- the job is run.
CREATE TABLE end_commands (
    job     TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    command TEXT NOT NULL
) STRICT;
-- Ends of jobs that have a command, committed together with the end. The process that sets
-- `started_at` runs the command.
CREATE TABLE end_hooks (
    id         INTEGER PRIMARY KEY,
    job        TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    retries    INTEGER NOT NULL,
    state      TEXT NOT NULL,
    command    TEXT NOT NULL,
    started_at INTEGER,
    ended_at   INTEGER,
    exit_code  INTEGER,
    problem    TEXT,
    UNIQUE (job, retries, state)
) STRICT;
CREATE INDEX due_end_hooks ON end_hooks (id) WHERE started_at IS NULL;
-- Attempts at removed jobs that were or may have been charged, of jobs with several attempts. Of a
-- job with one, `removed_jobs` has the charge.
CREATE TABLE removed_attempts (
    job             TEXT NOT NULL,
    retries         INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    connection      TEXT NOT NULL,
    provider_origin TEXT NOT NULL,
    node            TEXT NOT NULL,
    charge          TEXT NOT NULL,
    cost_amount     TEXT,
    cost_unit       TEXT,
    PRIMARY KEY (job, retries)
) STRICT, WITHOUT ROWID;
