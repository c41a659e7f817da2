//! A job's row: everything that is known of a run, and enough to go on from.
//!
//! Times are milliseconds since 1970 (UTC). No field holds a credential.
//!
//! What depends on how far the job is belongs to its [`Stage`]; the other fields may have
//! any value in every stage. Readers that do not match on the stage use the accessors.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::stage::{ClipFile, Media, Millis, Stage};
use super::state::State;
use crate::contract::Charge;
use crate::error::ErrorKind;

/// What went wrong last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// As in `docs/reference/exit-codes.md`.
    pub kind: ErrorKind,
    /// One sentence, without secrets, queries and prompts.
    pub message: String,
}

impl JobError {
    /// Trouble of this kind.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

/// An amount, as the provider writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Decimal.
    pub amount: String,
    /// ISO 4217 code, or the provider's own unit.
    pub unit: String,
}

/// What never changes of a job.
#[derive(Clone, PartialEq, Eq)]
pub struct JobSpec {
    /// Our own id.
    pub id: String,
    /// The node type.
    pub node: String,
    /// The input as it was given. Pictures in base64 are kept as files; see
    /// [`Pictures`](crate::ledger::Pictures).
    pub raw_input: String,
    /// SHA-256 of node and input as given, local files by digest: what makes two runs
    /// the same.
    pub raw_input_sha256: String,
    /// The completed input that is submitted, pictures as above.
    pub input: String,
    /// SHA-256 of the component.
    pub component: String,
    /// The connection's id.
    pub connection: String,
    /// What the connection led to; see
    /// [`ResolvedConnection::place`](crate::driver::ResolvedConnection::place).
    pub provider_origin: String,
    /// The idempotency key; unique for a connection.
    pub key: String,
    /// How long the connection's provider honours the key; 0: it does not.
    pub idempotency_ms: Millis,
    /// When it was made.
    pub created_at: Millis,
}

/// Without the input, which holds the prompt.
impl fmt::Debug for JobSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("JobSpec");
        shown.field("id", &self.id);
        shown.field("node", &self.node);
        shown.field("given_sha256", &self.raw_input_sha256);
        shown.field("connection", &self.connection);
        shown.field("key", &self.key);
        shown.finish_non_exhaustive()
    }
}

/// Where a clip goes: absolute paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To this file.
    File(PathBuf),
    /// To this path and the extension of what the provider made.
    Stem(PathBuf),
}

/// What is known of the bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Billing {
    /// Whether the job is charged.
    pub charge: Charge,
    /// The bill.
    pub cost: Option<Cost>,
}

/// When the driver looks at a job, and for which process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When the user stops waiting. Passing it changes nothing at the provider.
    pub deadline_at: Millis,
    /// When the driver looks at it next; `None`: not until somebody says so.
    pub next_at: Option<Millis>,
    /// The pause before the next poll, resubmission or download without a hint.
    pub backoff_ms: Millis,
    /// Since when the provider has said nothing that makes sense.
    pub unrecognized_since: Option<Millis>,
    /// Tries of the present kind that failed in a row.
    pub attempts: u32,
    /// Whether somebody wants it cancelled at the provider.
    pub cancel_wanted: bool,
    /// Which process asked for it last. While that one is gone nothing is submitted for
    /// the job: money is spent only as long as somebody waits.
    pub requester: String,
}

impl Schedule {
    /// Whether the next time and the pause before it are all that `other` may have changed.
    pub(super) fn differs_in_time_only(&self, other: &Self) -> bool {
        let Self {
            deadline_at,
            next_at: _,
            backoff_ms: _,
            unrecognized_since,
            attempts,
            cancel_wanted,
            requester,
        } = self;
        *deadline_at == other.deadline_at
            && *unrecognized_since == other.unrecognized_since
            && *attempts == other.attempts
            && *cancel_wanted == other.cancel_wanted
            && *requester == other.requester
    }
}

/// A job.
#[derive(Clone, PartialEq, Eq)]
pub struct Job {
    /// What never changes: every copy of the row has the same.
    pub spec: Arc<JobSpec>,
    /// How far it is, and what is known from there.
    pub stage: Stage,
    /// What is known of the bill.
    pub billing: Billing,
    /// When the driver looks at it, and for which process.
    pub schedule: Schedule,
    /// What went wrong last.
    pub last_error: Option<JobError>,
    /// Where the clip is to go.
    pub target: Target,
    /// Whether a file that is there is replaced.
    pub force: bool,
    /// Counts the commits.
    pub revision: i64,
}

/// Without input, ticket and output.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Job");
        shown.field("spec", &self.spec);
        shown.field("stage", &self.stage);
        shown.field("charge", &self.billing.charge);
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
                cost: None,
            },
            schedule: Schedule {
                deadline_at,
                next_at: Some(spec.created_at),
                backoff_ms: 0,
                unrecognized_since: None,
                attempts: 0,
                cancel_wanted: false,
                requester,
            },
            spec: Arc::new(spec),
            last_error: None,
            target,
            force: false,
            revision: 0,
        }
    }

    /// How far it is.
    #[must_use]
    pub fn state(&self) -> State {
        self.stage.state()
    }

    /// Whether nothing is left to be done for it: its clip is in place, or it has ended
    /// without one.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state().is_done(self.is_finalized())
    }

    /// Whether nothing happens until somebody says so: it is done, or a trouble stopped
    /// it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.schedule.next_at.is_none() && self.state().can_settle()
    }

    /// What `poll` goes on from, once the provider has accepted the job.
    #[must_use]
    pub fn ticket(&self) -> Option<&str> {
        Some(&self.stage.provider_job()?.ticket)
    }

    /// The provider's own id.
    #[must_use]
    pub fn provider_job_id(&self) -> Option<&str> {
        self.stage.provider_job()?.id.as_deref()
    }

    /// Whether the job is charged.
    #[must_use]
    pub fn charge(&self) -> Charge {
        self.billing.charge
    }

    /// The bill.
    #[must_use]
    pub fn cost(&self) -> Option<&Cost> {
        self.billing.cost.as_ref()
    }

    /// How often a submit was about to leave.
    #[must_use]
    pub fn submits(&self) -> u32 {
        self.stage.attempts().map_or(0, |made| made.count.get())
    }

    /// SHA-256 of the latest submit's bytes.
    #[must_use]
    pub fn submit_sha256(&self) -> Option<&str> {
        self.stage.attempts().map(|made| made.sha256.as_str())
    }

    /// Whether the latest submit carries the job's key; true while there is none.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        self.stage.attempts().is_none_or(|made| made.keyed)
    }

    /// When the first submit that the provider may have accepted was about to leave.
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

    /// What can be downloaded.
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
