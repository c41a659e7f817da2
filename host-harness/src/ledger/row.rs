//! A job's row. It holds all data from which a process can continue the job.
//!
//! Times are milliseconds since 1970 (UTC). No field holds a credential.
//!
//! Data that exists only in some stages is in [`Stage`]; the other fields may have any value
//! in every stage. Readers that do not match on the stage use the accessors.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_decimal::Decimal;

use super::job_error::JobError;
use super::local_pictures::LocalPictures;
use super::stage::{ClipFile, Media, Millis, Stage};
use super::state::State;
use crate::contract::Charge;
use crate::digest::Sha256Digest;
use crate::error::ErrorKind;
use crate::formats::format_of;
use crate::money::decimal;

/// An amount, as the provider writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Decimal.
    pub amount: String,
    /// ISO 4217 code, or the provider's own unit.
    pub unit: String,
}

impl Cost {
    /// Its amount as a number: see [`decimal`].
    #[must_use]
    pub fn number(&self) -> Option<Decimal> {
        decimal(&self.amount)
    }
}

/// The input of a job that was removed and put back. No input is `null`.
pub(super) const NO_INPUT: &str = "null";

/// The part of a job that never changes.
#[derive(Clone, PartialEq, Eq)]
pub struct JobSpec {
    /// The job's id, made by this host.
    pub id: String,
    /// The node type.
    pub node: String,
    /// The input as the user gave it. Pictures in base64 are stored as files; see
    /// [`Pictures`](crate::ledger::Pictures).
    pub raw_input: String,
    /// SHA-256 of node and raw input, local files by digest. Runs with the same key and the
    /// same digest are the same job.
    pub raw_input_sha256: String,
    /// The completed input that is submitted; pictures in base64 as in `raw_input`, and those of
    /// [`Job::local_pictures`] as `file:` URLs.
    pub input: String,
    /// SHA-256 of the component.
    pub component: String,
    /// The connection's id.
    pub connection: String,
    /// The provider that the connection led to; see
    /// [`ResolvedConnection::provider_origin`](crate::driver::ResolvedConnection::provider_origin).
    pub provider_origin: String,
    /// The idempotency key; unique for a connection.
    pub key: String,
    /// How long the connection's provider honours the key; 0: it does not.
    pub idempotency_ms: Millis,
    /// When the job was made.
    pub created_at: Millis,
}

/// Without the input, which holds the prompt.
impl fmt::Debug for JobSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("JobSpec");
        shown.field("id", &self.id);
        shown.field("node", &self.node);
        shown.field("raw_input_sha256", &self.raw_input_sha256);
        shown.field("connection", &self.connection);
        shown.field("key", &self.key);
        shown.finish_non_exhaustive()
    }
}

/// Where a result is written: absolute paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To this file.
    File(PathBuf),
    /// To this path with the extension of the result's type.
    Stem(PathBuf),
}

impl Target {
    /// The path of a result of this media type.
    #[must_use]
    pub fn path_of(&self, media_type: &str) -> PathBuf {
        let stem = match self {
            Self::File(path) => return path.clone(),
            Self::Stem(stem) => stem,
        };
        let known = format_of(media_type).and_then(|known| known.extensions.first());
        let other = media_type.rsplit('/').next().unwrap_or_default();
        let mut name = stem.clone().into_os_string();
        name.push(".");
        name.push(known.copied().unwrap_or(other));
        name.into()
    }

    /// Whether the first file of a result has its name from this target, and not from an earlier one of
    /// its job.
    pub(crate) fn is_place_of(&self, file: &ClipFile) -> bool {
        self.path_of(&file.media_type) == file.path
    }
}

/// The files of a result after the first one.
impl Target {
    /// The target of the file of this number in a result, which for the first one, 0, is this
    /// target: of `clip.mp4`, the second is `clip-2` with the extension of its type.
    #[must_use]
    pub fn numbered(&self, number: usize) -> Self {
        match number {
            0 => self.clone(),
            _ => self.with(&format!("-{}", number + 1)),
        }
    }

    /// The path of the file of this number and type. A further file never gets the name of a file
    /// that exists.
    #[must_use]
    pub fn unused_path_of(&self, number: usize, media_type: &str) -> PathBuf {
        self.free_path_of(number, media_type, |_| false)
    }

    /// The same, but a further file gets the name of a file that `is_it` recognizes as the same.
    pub(crate) fn free_path_of(
        &self,
        number: usize,
        media_type: &str,
        is_it: impl Fn(&Path) -> bool,
    ) -> PathBuf {
        let mut target = self.numbered(number);
        let mut attempt = 1;
        loop {
            let path = target.path_of(media_type);
            if number == 0 || std::fs::symlink_metadata(&path).is_err() || is_it(&path) {
                return path;
            }
            attempt += 1;
            target = self.with(&format!("-{}-{attempt}", number + 1));
        }
    }

    /// The path without its extension and with this end.
    fn with(&self, end: &str) -> Self {
        let stem = match self {
            Self::File(path) => path.with_extension(""),
            Self::Stem(path) => path.clone(),
        };
        let mut name = stem.into_os_string();
        name.push(end);
        Self::Stem(name.into())
    }
}

/// A job's charge and cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Billing {
    /// Whether the present attempt is charged.
    pub charge: Charge,
    /// What the component says about the charge, where the host saw or sent something that its word
    /// does not outweigh; `charge` is `unknown` then.
    pub reported: Option<Charge>,
    /// The cost, if it is known.
    pub cost: Option<Cost>,
    /// Whether pictures were uploaded for the job, at a provider that may charge for that. Then
    /// `charge` is never `no`.
    pub has_uploads: bool,
    /// The charge of the attempts before the present one, unless it is `no`. Then the job's charge is
    /// never `no` ([`Job::charge`]).
    pub earlier: Option<Charge>,
}

impl Billing {
    /// Makes a charge of `no` unknown if there are uploads. After earlier attempts that were or may
    /// have been charged, the uploads may be theirs.
    pub(crate) fn settle_charge(&mut self) {
        if self.charge == Charge::No && self.has_uploads && self.earlier.is_none() {
            self.charge = Charge::Unknown;
        }
    }

    /// That of all attempts: that of the present one, or of the earlier ones where this one costs
    /// nothing.
    pub(crate) fn of_all_attempts(&self) -> Charge {
        match self.charge {
            Charge::No => self.earlier.unwrap_or(Charge::No),
            charge => charge,
        }
    }

    /// That of a further attempt.
    pub(crate) fn next_attempt(&mut self) {
        self.earlier = match (self.earlier, self.charge) {
            (Some(Charge::Yes), _) | (_, Charge::Yes) => Some(Charge::Yes),
            (earlier, Charge::No) => earlier,
            (_, Charge::Unknown) => Some(Charge::Unknown),
        };
        self.charge = Charge::No;
        self.reported = None;
        self.cost = None;
    }
}

/// When the driver works on a job, and for which process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When the driver suspends the job. It changes nothing at the provider.
    pub deadline_at: Millis,
    /// When the driver works on it next; `None`: not until a command changes the row.
    pub next_at: Option<Millis>,
    /// The latest pause before a poll, resubmission or download without a provider's delay.
    pub backoff_ms: Millis,
    /// Since when the component does not recognize the job's state, or the provider no longer
    /// offers its result.
    pub unrecognized_since: Option<Millis>,
    /// Since when the provider's replies are unreadable, or say that the job is not found.
    pub unreadable_since: Option<Millis>,
    /// Since when the provider reports success without a result.
    pub no_result_since: Option<Millis>,
    /// Failed attempts of the present kind in a row.
    pub attempts: u32,
    /// Whether it is to be cancelled at the provider.
    pub cancel_wanted: bool,
    /// When the one request of a cancellation that changes something was ready to be sent.
    pub cancel_sent_at: Option<Millis>,
    /// The process that requested it last. After that process has ended, nothing is submitted
    /// for the job.
    pub requester: String,
}

impl Schedule {
    /// After a reply that shows the job's state.
    pub(crate) fn clear_failures(&mut self) {
        self.unrecognized_since = None;
        self.unreadable_since = None;
        self.no_result_since = None;
    }

    /// Whether `other` differs at most in the next time and the pause before it.
    pub(super) fn differs_in_time_only(&self, other: &Self) -> bool {
        let Self {
            deadline_at,
            next_at: _,
            backoff_ms: _,
            unrecognized_since,
            unreadable_since,
            no_result_since,
            attempts,
            cancel_wanted,
            cancel_sent_at,
            requester,
        } = self;
        *deadline_at == other.deadline_at
            && *unrecognized_since == other.unrecognized_since
            && *unreadable_since == other.unreadable_since
            && *no_result_since == other.no_result_since
            && *attempts == other.attempts
            && *cancel_wanted == other.cancel_wanted
            && *cancel_sent_at == other.cancel_sent_at
            && *requester == other.requester
    }
}

/// A job.
#[derive(Clone, PartialEq, Eq)]
pub struct Job {
    /// The part that never changes; shared by all copies of the row.
    pub spec: Arc<JobSpec>,
    /// The stage, with its data.
    pub stage: Stage,
    /// Charge and cost.
    pub billing: Billing,
    /// When the driver works on it, and for which process.
    pub schedule: Schedule,
    /// The path of the latest submit, with that of the base URL, if it is known.
    pub submit_path: Option<String>,
    /// How often the job was submitted again after it had ended: the provider's key depends on it.
    pub retries: u32,
    /// The local pictures that are uploaded before the submit.
    pub local_pictures: LocalPictures,
    /// The last error; cleared when the job proceeds.
    pub last_error: Option<JobError>,
    /// Where the result is written.
    pub target: Target,
    /// Whether an existing file is replaced.
    pub force: bool,
    /// The number of commits since the insert.
    pub revision: i64,
}

/// Without input, ticket and output.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Job");
        shown.field("spec", &self.spec);
        shown.field("stage", &self.stage);
        shown.field("charge", &self.charge());
        shown.field("next_at", &self.schedule.next_at);
        shown.field("attempts", &self.schedule.attempts);
        shown.field("cancel_wanted", &self.schedule.cancel_wanted);
        shown.field("last_error", &self.last_error);
        shown.field("revision", &self.revision);
        shown.finish_non_exhaustive()
    }
}

impl Job {
    /// A new job, due at once.
    #[must_use]
    pub fn new(spec: JobSpec, target: Target, requester: String, deadline_at: Millis) -> Self {
        Self {
            stage: Stage::default(),
            billing: Billing {
                charge: Charge::No,
                reported: None,
                cost: None,
                has_uploads: false,
                earlier: None,
            },
            schedule: Schedule {
                deadline_at,
                next_at: Some(spec.created_at),
                backoff_ms: 0,
                unrecognized_since: None,
                unreadable_since: None,
                no_result_since: None,
                attempts: 0,
                cancel_wanted: false,
                cancel_sent_at: None,
                requester,
            },
            spec: Arc::new(spec),
            submit_path: None,
            retries: 0,
            local_pictures: LocalPictures::default(),
            last_error: None,
            target,
            force: false,
            revision: 0,
        }
    }

    /// The name of its stage.
    #[must_use]
    pub fn state(&self) -> State {
        self.stage.state()
    }

    /// Whether its input is unknown: it was removed from the ledger, which keeps no inputs, and put
    /// back. It is not submitted again.
    #[must_use]
    pub fn lacks_input(&self) -> bool {
        self.spec.input == NO_INPUT
    }

    /// Whether it is what is left of a job that was removed from the ledger: no process requested it.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.schedule.requester.is_empty()
    }

    /// Whether nothing is left to do: its file has its final name, or it has ended without a
    /// result.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state().is_done(self.is_finalized())
    }

    /// Whether the driver does nothing more until a command changes the row: the job is done
    /// or suspended.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.schedule.next_at.is_none() && self.state().can_settle()
    }

    /// Whether the provider has no result any more that no place of this machine has: every poll
    /// said so until the driver gave up. Resuming the job asks again.
    #[must_use]
    pub fn is_result_lost(&self) -> bool {
        let kind = self.last_error.as_ref().map(|error| error.kind);
        let schedule = &self.schedule;
        let is_lost = schedule.unrecognized_since.is_some()
            && kind == Some(ErrorKind::DownloadFailed)
            || schedule.unreadable_since.is_some() && kind == Some(ErrorKind::JobLost);
        self.state() == State::Succeeded
            && !self.is_finalized()
            && schedule.next_at.is_none()
            && is_lost
    }

    /// Whether it ended because the provider reports success without a result. The provider can be
    /// asked again.
    #[must_use]
    pub fn has_no_result(&self) -> bool {
        let kind = self.last_error.as_ref().map(|error| error.kind);
        matches!(self.stage, Stage::Failed { job: Some(_), .. })
            && kind == Some(ErrorKind::NoResult)
    }

    /// The ticket that `poll` takes, once the provider has accepted the job.
    #[must_use]
    pub fn ticket(&self) -> Option<&str> {
        Some(&self.stage.provider_job()?.ticket)
    }

    /// The provider's own id.
    #[must_use]
    pub fn provider_job_id(&self) -> Option<&str> {
        self.stage.provider_job()?.id.as_deref()
    }

    /// The idempotency key that the provider receives: the job's key, and after `n` retries the
    /// SHA-256 digest of the key, a zero byte and `n` in decimal, in lower-case hexadecimal. A
    /// provider that honours keys does not take a retry for the attempt before it.
    #[must_use]
    pub fn provider_key(&self) -> Cow<'_, str> {
        match self.retries {
            0 => self.spec.key.as_str().into(),
            retries => {
                let text = format!("{}\0{retries}", self.spec.key);
                Sha256Digest::of(text.as_bytes()).to_string().into()
            }
        }
    }

    /// Whether the job is charged, for any attempt.
    #[must_use]
    pub fn charge(&self) -> Charge {
        self.billing.of_all_attempts()
    }

    /// The cost, if it is known.
    #[must_use]
    pub fn cost(&self) -> Option<&Cost> {
        self.billing.cost.as_ref()
    }

    /// The number of submits that were ready to be sent.
    #[must_use]
    pub fn submits(&self) -> u32 {
        self.stage.attempts().map_or(0, |made| made.count.get())
    }

    /// SHA-256 of the latest submit's bytes.
    #[must_use]
    pub fn submit_sha256(&self) -> Option<&str> {
        self.stage.attempts().map(|made| made.sha256.as_str())
    }

    /// Whether the latest submit carries the job's key; true before the first submit.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        self.stage.attempts().is_none_or(|made| made.keyed)
    }

    /// When the first submit that the provider may have accepted was ready to be sent.
    #[must_use]
    pub fn submitted_at(&self) -> Option<Millis> {
        self.stage.first_submit_at()
    }

    /// The output document.
    #[must_use]
    pub fn output(&self) -> Option<&str> {
        match &self.stage {
            Stage::Succeeded { output, .. } => Some(output),
            _ => None,
        }
    }

    /// The file to download.
    #[must_use]
    pub fn media(&self) -> Option<&Media> {
        match &self.stage {
            Stage::Succeeded { media, .. } => media.as_ref(),
            _ => None,
        }
    }

    /// The complete file, with its final name or before it.
    #[must_use]
    pub fn file(&self) -> Option<&ClipFile> {
        match &self.stage {
            Stage::Succeeded { file, .. } => file.file(),
            _ => None,
        }
    }

    /// Whether the file has its final name.
    #[must_use]
    pub fn is_finalized(&self) -> bool {
        match &self.stage {
            Stage::Succeeded { file, .. } => file.is_finalized(),
            _ => false,
        }
    }
}
