//! Uploads of pictures: a row for each picture of a job, before and after the job has a row.

use rusqlite::{Row, params};

use super::error::LedgerError;
use super::stage::Millis;
use super::store::Ledger;

/// The most bytes of a reply that are stored.
const MAX_REPLY: usize = 256 << 10;

/// The most rows that one transaction deletes, as for jobs.
const PRUNED_AT_ONCE: u32 = 500;

/// A picture of a job, as the provider gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadKey {
    /// The connection's id.
    pub connection: String,
    /// The base URL that the connection led to.
    pub provider: String,
    /// The job's idempotency key.
    pub key: String,
    /// SHA-256 of the picture.
    pub sha256: String,
}

/// The uploads of one picture of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRecord {
    /// How many were ready to be sent.
    pub sent: u32,
    /// When the latest one was.
    pub at: Millis,
    /// The reply to the latest one; `None`: it may have arrived, and no reply came.
    pub reply: Option<StoredReply>,
}

/// A reply to an upload, without a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReply {
    /// HTTP status.
    pub status: u16,
    /// The body; `None` if it was too long to store.
    pub body: Option<String>,
}

impl Ledger {
    /// The uploads of a picture.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn upload(&self, upload: &UploadKey) -> Result<Option<UploadRecord>, LedgerError> {
        let query = "SELECT sent, at, status, reply FROM uploads
            WHERE connection = ?1 AND provider = ?2 AND key = ?3 AND sha256 = ?4";
        let UploadKey {
            connection,
            provider,
            key,
            sha256,
        } = upload;
        let values = params![connection, provider, key, sha256];
        Ok(self.read(query, values, |row| Ok(record(row)?))?.pop())
    }

    /// Records an upload that is ready to be sent, synced when this returns; returns whether the
    /// row was as in `before`, which the decision to send was made from.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub fn begin_upload(
        &self,
        upload: &UploadKey,
        before: Option<&UploadRecord>,
        at: Millis,
    ) -> Result<bool, LedgerError> {
        let sent = before.map_or(0, |before| before.sent);
        self.write(|transaction| {
            let begin = "INSERT INTO uploads (connection, provider, key, sha256, sent, at)
                SELECT ?1, ?2, ?3, ?4, 1, ?6 WHERE ?5 = 0
                ON CONFLICT DO NOTHING";
            let again = "UPDATE uploads SET sent = sent + 1, at = ?6, status = NULL, reply = NULL
                WHERE connection = ?1 AND provider = ?2 AND key = ?3 AND sha256 = ?4 AND sent = ?5";
            let UploadKey {
                connection,
                provider,
                key,
                sha256,
            } = upload;
            let values = params![connection, provider, key, sha256, sent, at];
            let statement = if sent == 0 { begin } else { again };
            Ok(transaction.execute(statement, values)? > 0)
        })
    }

    /// Records the reply to the upload that was recorded last. Of a body that is too long, the
    /// status alone is stored.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub fn end_upload(
        &self,
        upload: &UploadKey,
        status: u16,
        body: &str,
    ) -> Result<(), LedgerError> {
        let body = Some(body).filter(|body| body.len() <= MAX_REPLY);
        self.write(|transaction| {
            let end = "UPDATE uploads SET status = ?5, reply = ?6
                WHERE connection = ?1 AND provider = ?2 AND key = ?3 AND sha256 = ?4";
            let UploadKey {
                connection,
                provider,
                key,
                sha256,
            } = upload;
            let values = params![connection, provider, key, sha256, status, body];
            Ok(transaction.execute(end, values).map(drop)?)
        })
    }

    /// Forgets the body of the reply to the upload that was recorded last, which the component
    /// reports as an error.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub fn forget_reply(&self, upload: &UploadKey) -> Result<(), LedgerError> {
        self.write(|transaction| {
            let forget = "UPDATE uploads SET reply = NULL
                WHERE connection = ?1 AND provider = ?2 AND key = ?3 AND sha256 = ?4";
            let UploadKey {
                connection,
                provider,
                key,
                sha256,
            } = upload;
            let values = params![connection, provider, key, sha256];
            Ok(transaction.execute(forget, values).map(drop)?)
        })
    }

    /// How many uploads were ready to be sent for the job of this connection and key.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn uploads_of(&self, connection: &str, key: &str) -> Result<u32, LedgerError> {
        let count = "SELECT COALESCE(SUM(sent), 0) FROM uploads
            WHERE connection = ?1 AND key = ?2";
        let counted = self.read(count, [connection, key], |row| Ok(row.get(0)?))?;
        Ok(counted.into_iter().next().unwrap_or(0))
    }

    /// Deletes uploads before `before` that belong to no job, to one that was deleted or never made;
    /// returns whether there may be more. One transaction deletes at most 500 rows. An upload without
    /// a reply may have arrived, so it stays known, unless `unanswered_too`.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub fn prune_uploads(&self, before: Millis, unanswered_too: bool) -> Result<bool, LedgerError> {
        let prune = "DELETE FROM uploads WHERE rowid IN (
            SELECT rowid FROM uploads WHERE at < ?1 AND (?3 OR status IS NOT NULL) AND NOT EXISTS (
                SELECT 1 FROM jobs
                WHERE jobs.connection = uploads.connection AND jobs.key = uploads.key
            ) LIMIT ?2)";
        self.write(|transaction| {
            let deleted =
                transaction.execute(prune, params![before, PRUNED_AT_ONCE, unanswered_too])?;
            Ok(deleted == PRUNED_AT_ONCE as usize)
        })
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<UploadRecord> {
    let (status, body): (Option<u16>, Option<String>) = (row.get(2)?, row.get(3)?);
    Ok(UploadRecord {
        sent: row.get(0)?,
        at: row.get(1)?,
        reply: status.map(|status| StoredReply { status, body }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Job, JobSpec, Target};

    fn ledger() -> (tempfile::TempDir, Ledger) {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        (folder, ledger)
    }

    fn picture(key: &str, sha256: &str) -> UploadKey {
        UploadKey {
            connection: "pixelml".into(),
            provider: "https://p.example/v1".into(),
            key: key.into(),
            sha256: sha256.into(),
        }
    }

    #[test]
    fn upload_is_recorded_once_from_each_state_of_its_row() {
        let (folder, ledger) = ledger();
        let upload = picture("k", "a");
        assert_eq!(ledger.upload(&upload).expect("read"), None);
        assert!(ledger.begin_upload(&upload, None, 5).expect("write"));
        // Another process that read the row before does not send as well.
        assert!(!ledger.begin_upload(&upload, None, 6).expect("write"));
        drop(ledger);
        let ledger = Ledger::open(folder.path()).expect("again");
        let unanswered = ledger.upload(&upload).expect("read").expect("a row");
        let expected = UploadRecord {
            sent: 1,
            at: 5,
            reply: None,
        };
        assert_eq!(unanswered, expected);
        ledger.end_upload(&upload, 500, "no").expect("write");
        let refused = ledger.upload(&upload).expect("read").expect("a row");
        let reply = StoredReply {
            status: 500,
            body: Some("no".into()),
        };
        assert_eq!(refused.reply, Some(reply));
        let again = || ledger.begin_upload(&upload, Some(&refused), 7);
        assert!(again().expect("write") && !again().expect("write"));
        let second = ledger.upload(&upload).expect("read").expect("a row");
        assert_eq!((second.sent, second.at, second.reply), (2, 7, None));
        assert_eq!(ledger.uploads_of("pixelml", "k").expect("read"), 2);
        assert_eq!(ledger.upload(&picture("k", "b")).expect("read"), None);
    }

    #[test]
    fn reply_beyond_the_limit_is_stored_without_its_body() {
        let (_folder, ledger) = ledger();
        for (sha256, length, is_stored) in [("a", MAX_REPLY, true), ("b", MAX_REPLY + 1, false)] {
            let upload = picture("k", sha256);
            assert!(ledger.begin_upload(&upload, None, 5).expect("write"));
            let body = "x".repeat(length);
            ledger.end_upload(&upload, 201, &body).expect("write");
            let record = ledger.upload(&upload).expect("read").expect("a row");
            let reply = record.reply.expect("a reply");
            assert_eq!((reply.status, reply.body.is_some()), (201, is_stored));
        }
    }

    #[test]
    fn reply_that_is_an_error_keeps_its_status_alone() {
        let (_folder, ledger) = ledger();
        let upload = picture("k", "a");
        assert!(ledger.begin_upload(&upload, None, 5).expect("write"));
        ledger.end_upload(&upload, 200, "no credit").expect("write");
        ledger.forget_reply(&upload).expect("write");
        let record = ledger.upload(&upload).expect("read").expect("a row");
        let reply = StoredReply {
            status: 200,
            body: None,
        };
        assert_eq!((record.sent, record.reply), (1, Some(reply)));
    }

    #[test]
    fn upload_is_pruned_without_its_job_and_when_it_is_old() {
        let (_folder, ledger) = ledger();
        let spec = JobSpec {
            id: "j".into(),
            node: "image_to_video".into(),
            raw_input: "{}".into(),
            raw_input_sha256: String::new(),
            input: "{}".into(),
            component: "c".into(),
            connection: "pixelml".into(),
            provider_origin: "https://p.example".into(),
            key: "kept".into(),
            idempotency_ms: 0,
            created_at: 5,
        };
        let target = Target::File("/clips/j.mp4".into());
        let job = Job::new(spec, target, "requester".into(), 1_000);
        ledger.insert_all(&[job]).expect("insert");
        for (key, at) in [("kept", 5), ("old", 5), ("new", 50)] {
            let upload = picture(key, "a");
            assert!(ledger.begin_upload(&upload, None, at).expect("write"));
            ledger.end_upload(&upload, 201, "{}").expect("write");
        }
        assert!(!ledger.prune_uploads(20, false).expect("prune"));
        let left =
            ["kept", "old", "new"].map(|key| ledger.uploads_of("pixelml", key).expect("read"));
        assert_eq!(left, [1, 0, 1]);
    }

    #[test]
    fn uploads_are_pruned_in_transactions_of_500() {
        let (_folder, ledger) = ledger();
        let written = ledger.write(|transaction| {
            for picture in 0..=PRUNED_AT_ONCE {
                transaction.execute(
                    "INSERT INTO uploads (connection, key, sha256, provider, sent, at, status)
                        VALUES ('pixelml', 'old', ?1, 'p', 1, 5, 201)",
                    [picture],
                )?;
            }
            Ok(())
        });
        written.expect("uploads");
        let left = || ledger.uploads_of("pixelml", "old").expect("read");
        let prune = || ledger.prune_uploads(20, false).expect("prune");
        assert!(prune(), "there are more");
        assert_eq!(left(), 1);
        assert!(!prune());
        assert_eq!(left(), 0);
    }
}
