-- Version 1. Times are milliseconds since 1970 (UTC). No column holds a credential.
CREATE TABLE jobs (
    id              TEXT PRIMARY KEY,
    node            TEXT NOT NULL,
    given           TEXT NOT NULL,
    given_sha256    TEXT NOT NULL,
    input           TEXT NOT NULL,
    component       TEXT NOT NULL,
    connection      TEXT NOT NULL,
    place           TEXT NOT NULL,
    key             TEXT NOT NULL,
    idempotency_ms  INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    state           TEXT NOT NULL,
    doubtful        INTEGER NOT NULL,
    submit_sha256   TEXT,
    submits         INTEGER NOT NULL,
    submitted_at    INTEGER,
    ticket          TEXT,
    provider_job_id TEXT,
    charge          TEXT NOT NULL,
    cost_amount     TEXT,
    cost_unit       TEXT,
    deadline_at     INTEGER NOT NULL,
    next_at         INTEGER,
    pause_ms        INTEGER NOT NULL,
    puzzled_since   INTEGER,
    tries           INTEGER NOT NULL,
    cancel_wanted   INTEGER NOT NULL,
    asker           TEXT NOT NULL,
    trouble_kind    TEXT,
    trouble_message TEXT,
    output          TEXT,
    media           TEXT,
    target          TEXT NOT NULL,
    target_is_stem  INTEGER NOT NULL,
    force           INTEGER NOT NULL,
    file            TEXT,
    placed          INTEGER NOT NULL,
    revision        INTEGER NOT NULL,
    UNIQUE (connection, key)
) STRICT;

-- What the driver looks for: the jobs of a connection whose time has come.
CREATE INDEX jobs_due ON jobs (connection, next_at) WHERE next_at IS NOT NULL;

-- What a new driver looks for: submits whose process is gone.
CREATE INDEX jobs_submitting ON jobs (state) WHERE state = 'submitting';

CREATE TABLE history (
    job     TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    at      INTEGER NOT NULL,
    state   TEXT NOT NULL,
    trouble TEXT
) STRICT;

CREATE INDEX history_of_job ON history (job, at);
