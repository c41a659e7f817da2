//! One upload for each picture of a job, recorded in the ledger before it is sent.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::error::MediaError;
use super::picture::Picture;
use crate::component::{CallContext, Pack};
use crate::connections::OpenConnection;
use crate::contract::Upload;
use crate::digest::Sha256Digest;
use crate::egress::{EgressError, UploadReply};
use crate::ledger::{Ledger, LedgerError, Millis, StoredReply, UploadKey, UploadRecord};

/// Whether a reply of this status refuses an upload. A 408 answers a request that arrived in part,
/// and after a 5xx nothing is known.
fn is_refusal(status: u16) -> bool {
    matches!(status, 400..=407 | 409..=499)
}

/// The uploads of one job, for one step that hands its pictures over.
///
/// A provider may charge for an upload, so a picture is uploaded once: several fields that name it,
/// and a later step of the job, use the reply of the first upload. A later step may upload it once
/// more if the provider refused it, and once for each time that the user tries an ended job again. A
/// trusted pack, whose providers do not charge for uploads, may upload it again at each step until
/// there is a reply, and where the reply is older than [`since`](Self::since).
pub struct JobUploads {
    ledger: Arc<Ledger>,
    connection: String,
    key: String,
    /// The time now.
    now: fn() -> Millis,
    rule: Rule,
    used: Mutex<Used>,
}

/// Which uploads may be sent again.
#[derive(Clone, Copy)]
struct Rule {
    /// Replies to earlier uploads do not count, where uploads cost nothing.
    since: Millis,
    /// How often the user tried the job again after it had ended.
    retries: u32,
    /// Whether uploads of the pack cost nothing.
    may_repeat: bool,
}

/// The replies that a step has used.
#[derive(Default)]
struct Used {
    replies: HashMap<Sha256Digest, UploadReply>,
    /// When the oldest upload was sent.
    oldest: Option<Millis>,
    /// Whether this step sent an upload.
    has_sent: bool,
}

impl fmt::Debug for JobUploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("JobUploads");
        shown.field("connection", &self.connection);
        shown.field("key", &self.key).finish_non_exhaustive()
    }
}

impl JobUploads {
    /// The uploads for the job of this connection and key. `now` is the clock.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, connection: &str, key: &str, now: fn() -> Millis) -> Self {
        Self {
            ledger,
            connection: connection.to_owned(),
            key: key.to_owned(),
            now,
            rule: Rule {
                since: Millis::MIN,
                retries: 0,
                may_repeat: false,
            },
            used: Mutex::default(),
        }
    }

    /// Without the uploads before `since`, if the pack is trusted.
    #[must_use]
    pub fn since(mut self, since: Millis) -> Self {
        self.rule.since = since;
        self
    }

    /// For a job that the user tried again this often after it had ended.
    #[must_use]
    pub fn retried(mut self, retries: u32) -> Self {
        self.rule.retries = retries;
        self
    }

    /// When the oldest upload was sent, if this step used earlier uploads alone.
    pub(crate) async fn oldest_of_earlier(&self) -> Option<Millis> {
        let used = self.used.lock().await;
        used.oldest.filter(|_| !used.has_sent)
    }

    /// The provider's reply to the upload of `picture`. The plan is carried out if the picture was
    /// not uploaded before.
    pub(super) async fn reply(
        &self,
        pack: &Pack,
        context: &CallContext,
        plan: &Upload,
        picture: &Picture,
    ) -> Result<UploadReply, MediaError> {
        // Locked until the reply is there, so that two fields do not upload one picture.
        let mut used = self.used.lock().await;
        if let Some(reply) = used.replies.get(picture.sha256()) {
            return Ok(reply.clone());
        }
        let Some(connection) = context.connection() else {
            return Err(MediaError::NoConnection);
        };
        let upload = self.upload_key(connection, picture);
        let before = self.ledger.upload(&upload).map_err(MediaError::Ledger)?;
        let rule = Rule {
            may_repeat: pack.permissions().is_trusted(),
            ..self.rule
        };
        let (reply, at) = match known_reply(picture.path(), before.as_ref(), rule)? {
            Some(known) => known,
            None => {
                used.has_sent = true;
                let sent = self.send(pack, context, plan, picture, &upload, before);
                Box::pin(sent).await?
            }
        };
        used.oldest = Some(used.oldest.map_or(at, |oldest| oldest.min(at)));
        used.replies.insert(*picture.sha256(), reply.clone());
        Ok(reply)
    }

    /// The component reports the reply to the upload of `picture` as an error, such as a refusal with
    /// a status of 2xx. Where uploads cost nothing, a later step uploads it again.
    pub(super) async fn refused(&self, pack: &Pack, context: &CallContext, picture: &Picture) {
        let Some(connection) = context.connection() else {
            return;
        };
        if !pack.permissions().is_trusted() {
            return;
        }
        let mut used = self.used.lock().await;
        used.replies.remove(picture.sha256());
        let upload = self.upload_key(connection, picture);
        let ledger = Arc::clone(&self.ledger);
        match spawn_blocking(move || ledger.forget_reply(&upload)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the refusal of an upload is not recorded"),
            Err(error) => tracing::error!(%error, "the refusal of an upload is not recorded"),
        }
    }

    fn upload_key(&self, connection: &OpenConnection, picture: &Picture) -> UploadKey {
        UploadKey {
            connection: self.connection.clone(),
            provider: connection.base_url().to_string(),
            key: self.key.clone(),
            sha256: picture.sha256().to_string(),
        }
    }

    async fn send(
        &self,
        pack: &Pack,
        context: &CallContext,
        plan: &Upload,
        picture: &Picture,
        upload: &UploadKey,
        before: Option<UploadRecord>,
    ) -> Result<(UploadReply, Millis), MediaError> {
        let (Some(egress), Some(connection)) = (context.egress(), context.connection()) else {
            return Err(MediaError::NoConnection);
        };
        let (mut unrecorded, mut at) = (None, 0);
        let record = async {
            at = (self.now)();
            let recorded = self.record(upload, before, at).await;
            let is_recorded = matches!(recorded, Ok(true));
            unrecorded = Some(recorded).filter(|_| !is_recorded);
            is_recorded
        };
        let sent = egress
            .upload(connection, pack.quota(), plan, picture.part(), record)
            .await;
        match unrecorded {
            None => {}
            Some(Err(error)) => return Err(MediaError::Ledger(error)),
            Some(Ok(_)) => {
                let path = picture.path().to_owned();
                return Err(MediaError::Concurrent { path });
            }
        }
        match sent {
            Ok(reply) => {
                let (ledger, upload) = (Arc::clone(&self.ledger), upload.clone());
                let status = reply.status;
                // A refusal is not used again. The ledger does not hold the prompt beside the input.
                let body = match status {
                    ..400 => context.private_texts().redact(&reply.body).into_owned(),
                    _ => String::new(),
                };
                let ended = spawn_blocking(move || ledger.end_upload(&upload, status, &body));
                // Without its reply the upload counts as one that may have arrived.
                match ended.await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::error!(%error, "an upload's reply is not recorded"),
                    Err(error) => tracing::error!(%error, "an upload's reply is not recorded"),
                }
                Ok((reply, at))
            }
            Err(error @ EgressError::ReplyLost(_)) if !pack.permissions().is_trusted() => {
                match picture.upload_failed(error) {
                    MediaError::Upload(error) => Err(unanswered(picture.path(), at, Some(error))),
                    changed => Err(changed),
                }
            }
            Err(error) => Err(picture.upload_failed(error)),
        }
    }

    /// Records that the upload is about to be sent; returns whether it may be.
    async fn record(
        &self,
        upload: &UploadKey,
        before: Option<UploadRecord>,
        at: Millis,
    ) -> Result<bool, LedgerError> {
        let (ledger, upload) = (Arc::clone(&self.ledger), upload.clone());
        let recorded = spawn_blocking(move || ledger.begin_upload(&upload, before.as_ref(), at));
        recorded.await.unwrap_or_else(|stopped| {
            tracing::error!(%stopped, "the record of an upload was stopped");
            Err(LedgerError::Stopped)
        })
    }
}

/// The reply that an earlier step got, and when its upload was sent; `None` if the picture may be
/// uploaded now.
fn known_reply(
    path: &Path,
    before: Option<&UploadRecord>,
    rule: Rule,
) -> Result<Option<(UploadReply, Millis)>, MediaError> {
    let Some(record) = before else {
        return Ok(None);
    };
    let may_send = if rule.may_repeat {
        record.at < rule.since
    } else {
        record.sent <= rule.retries
    };
    if may_send {
        return Ok(None);
    }
    match &record.reply {
        Some(StoredReply {
            status,
            body: Some(body),
        }) if *status < 400 => {
            let reply = UploadReply {
                status: *status,
                body: body.clone(),
            };
            Ok(Some((reply, record.at)))
        }
        _ if rule.may_repeat => Ok(None),
        Some(StoredReply { status, .. }) if is_refusal(*status) => {
            if record.sent == rule.retries + 1 {
                return Ok(None);
            }
            let path = path.to_owned();
            Err(MediaError::RefusedTwice { path })
        }
        _ => Err(unanswered(path, record.at, None)),
    }
}

fn unanswered(path: &Path, at: Millis, source: Option<EgressError>) -> MediaError {
    let since = Duration::from_millis(u64::try_from(at).unwrap_or_default());
    MediaError::Unanswered {
        path: path.to_owned(),
        at: humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string(),
        source: source.map(Box::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(sent: u32, reply: Option<(u16, Option<&str>)>) -> UploadRecord {
        UploadRecord {
            sent,
            at: 1_000,
            reply: reply.map(|(status, body)| StoredReply {
                status,
                body: body.map(str::to_owned),
            }),
        }
    }

    fn rule(may_repeat: bool) -> Rule {
        Rule {
            since: 1_000,
            retries: 0,
            may_repeat,
        }
    }

    fn outcome(before: Option<&UploadRecord>, rule: Rule) -> &'static str {
        match known_reply(Path::new("a.png"), before, rule) {
            Ok(None) => "send",
            Ok(Some(_)) => "known",
            Err(MediaError::Unanswered { .. }) => "unanswered",
            Err(MediaError::RefusedTwice { .. }) => "refused twice",
            Err(_) => "another error",
        }
    }

    #[test]
    fn picture_is_uploaded_again_after_one_refusal_or_where_uploads_are_free() {
        for (before, expected, where_free) in [
            (None, "send", "send"),
            (Some(record(1, Some((201, Some("{}"))))), "known", "known"),
            (Some(record(2, Some((201, Some("{}"))))), "known", "known"),
            (Some(record(1, Some((201, None)))), "unanswered", "send"),
            (Some(record(1, Some((302, Some(""))))), "known", "known"),
            (Some(record(1, Some((400, Some("{}"))))), "send", "send"),
            (Some(record(1, Some((408, None)))), "unanswered", "send"),
            (Some(record(1, Some((429, None)))), "send", "send"),
            (Some(record(1, Some((500, None)))), "unanswered", "send"),
            (Some(record(1, Some((503, None)))), "unanswered", "send"),
            (
                Some(record(2, Some((413, Some("{}"))))),
                "refused twice",
                "send",
            ),
            (Some(record(1, None)), "unanswered", "send"),
            (Some(record(2, None)), "unanswered", "send"),
        ] {
            let before = before.as_ref();
            assert_eq!(outcome(before, rule(false)), expected, "{before:?}");
            assert_eq!(outcome(before, rule(true)), where_free, "{before:?}");
        }
    }

    #[test]
    fn upload_that_no_longer_counts_is_sent_again_where_uploads_are_free() {
        let known = record(1, Some((201, Some("{}"))));
        for (may_repeat, expected) in [(true, "send"), (false, "known")] {
            let rule = Rule {
                since: 1_001,
                ..rule(may_repeat)
            };
            assert_eq!(outcome(Some(&known), rule), expected);
        }
    }

    #[test]
    fn each_retry_of_the_user_is_one_more_upload() {
        for (sent, retries, expected) in [
            (1, 0, "unanswered"),
            (1, 1, "send"),
            (2, 1, "unanswered"),
            (2, 2, "send"),
        ] {
            let rule = Rule {
                retries,
                ..rule(false)
            };
            let unanswered = record(sent, None);
            assert_eq!(
                outcome(Some(&unanswered), rule),
                expected,
                "{sent} {retries}"
            );
        }
    }

    #[test]
    fn unanswered_upload_names_its_time() {
        let error = unanswered(Path::new("a.png"), 1_000, None);
        assert!(
            error.to_string().contains("1970-01-01T00:00:01Z"),
            "{error}"
        );
    }
}
