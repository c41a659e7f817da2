-- Whether the submit that left carried the job's key: one that did not is never repeated.
ALTER TABLE jobs ADD COLUMN keyed INTEGER NOT NULL DEFAULT 1;
