-- Version 4: what a component says is kept apart from what the host saw; whose account was asked;
-- changing requests beside the submit are recorded before they are sent.
ALTER TABLE jobs ADD COLUMN reported_charge TEXT;
ALTER TABLE jobs ADD COLUMN submit_account TEXT;
ALTER TABLE jobs ADD COLUMN cancel_sent_at INTEGER;
-- Since when replies are unreadable or say that the job is not found; `unrecognized_since` is about
-- readable ones.
ALTER TABLE jobs ADD COLUMN unreadable_since INTEGER;
ALTER TABLE jobs ADD COLUMN submit_path TEXT;
-- Whether pictures were uploaded for the job, at a provider that may charge for that.
ALTER TABLE jobs ADD COLUMN has_uploads INTEGER NOT NULL DEFAULT 0;
-- Uploads of pictures: one row for each picture of a job, before and after the job has a row.
CREATE TABLE uploads (
    connection TEXT NOT NULL,
    provider   TEXT NOT NULL,
    key        TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    sent       INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    status     INTEGER,
    reply      TEXT,
    PRIMARY KEY (connection, key, sha256, provider)
) STRICT;
-- What the driver looks for: the jobs of a component on a connection whose time has come.
DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (connection, component, next_at) WHERE next_at IS NOT NULL;
