-- Version 6: commands that are run when a job ends.
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
