-- Version 3: the columns have the field's names (docs/adr/0014-names.md). No row changes.
ALTER TABLE jobs RENAME COLUMN given TO raw_input;
ALTER TABLE jobs RENAME COLUMN given_sha256 TO raw_input_sha256;
ALTER TABLE jobs RENAME COLUMN place TO provider_origin;
ALTER TABLE jobs RENAME COLUMN doubtful TO outcome_uncertain;
ALTER TABLE jobs RENAME COLUMN pause_ms TO backoff_ms;
ALTER TABLE jobs RENAME COLUMN puzzled_since TO unrecognized_since;
ALTER TABLE jobs RENAME COLUMN tries TO attempts;
ALTER TABLE jobs RENAME COLUMN asker TO requester;
ALTER TABLE jobs RENAME COLUMN trouble_kind TO error_kind;
ALTER TABLE jobs RENAME COLUMN trouble_message TO error_message;
ALTER TABLE jobs RENAME COLUMN placed TO finalized;
ALTER TABLE history RENAME COLUMN trouble TO error_kind;
