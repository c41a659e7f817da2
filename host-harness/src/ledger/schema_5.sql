-- Version 5: a failed job can be submitted again under a new key for the provider, what was removed
-- is remembered, two lines of defence against clocks and locks that cannot be relied on.
-- How often the job was submitted again after it had ended. The provider's key depends on it.
ALTER TABLE jobs ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
-- The charge of the attempts before the present one, if it is not `no`.
ALTER TABLE jobs ADD COLUMN earlier_charge TEXT;
-- The charge of the present attempt, if it is not the one of all attempts in `charge`.
ALTER TABLE jobs ADD COLUMN attempt_charge TEXT;
-- The jobs whose account the provider refuses, which the driver looks for when it begins.
CREATE INDEX refused_jobs ON jobs (connection, component)
    WHERE state = 'queued' AND error_kind = 'account_refused';
-- Attempts that ended before a job was submitted again.
CREATE TABLE earlier_attempts (
    job             TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    retries         INTEGER NOT NULL,
    replaced_at     INTEGER NOT NULL,
    state           TEXT NOT NULL,
    charge          TEXT NOT NULL,
    cost_amount     TEXT,
    cost_unit       TEXT,
    provider_key    TEXT NOT NULL,
    ticket          TEXT,
    provider_job_id TEXT,
    error_kind      TEXT,
    error_message   TEXT,
    PRIMARY KEY (job, retries)
) STRICT;
-- Since when the provider reports success without a result.
ALTER TABLE jobs ADD COLUMN no_result_since INTEGER;
-- The local pictures that are uploaded, as JSON, with what was handed over; NULL: the input has none.
ALTER TABLE jobs ADD COLUMN local_pictures TEXT;
-- Jobs that were removed: without inputs and outputs, so that their keys stay known.
CREATE TABLE removed_jobs (
    connection        TEXT NOT NULL,
    key               TEXT NOT NULL,
    id                TEXT NOT NULL,
    node              TEXT NOT NULL,
    raw_input_sha256  TEXT NOT NULL,
    provider_origin   TEXT NOT NULL,
    component         TEXT NOT NULL,
    -- As that of the job: a further job under the key has another key at the provider.
    retries           INTEGER NOT NULL,
    submits           INTEGER NOT NULL,
    state             TEXT NOT NULL,
    charge            TEXT NOT NULL,
    reported_charge   TEXT,
    cost_amount       TEXT,
    cost_unit         TEXT,
    created_at        INTEGER NOT NULL,
    submitted_at      INTEGER,
    removed_at        INTEGER NOT NULL,
    ticket            TEXT,
    provider_job_id   TEXT,
    file              TEXT,
    error_kind        TEXT,
    PRIMARY KEY (connection, key)
) STRICT;
CREATE INDEX removed_jobs_by_id ON removed_jobs (id);
-- The highest time that a process has seen: a clock that is set back does not reopen the time in
-- which a provider honours a key.
CREATE TABLE clock (
    row     INTEGER PRIMARY KEY CHECK (row = 1),
    highest INTEGER NOT NULL
) STRICT;
-- The process that drives, for file systems whose locks do not exclude others.
CREATE TABLE driver (
    row     INTEGER PRIMARY KEY CHECK (row = 1),
    token   TEXT NOT NULL,
    process INTEGER NOT NULL,
    host    TEXT NOT NULL,
    since   INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;
