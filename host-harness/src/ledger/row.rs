//! A job's row: everything that is known of a run, and enough to go on from.
//!
//! Times are milliseconds since 1970 (UTC). No field holds a credential.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::contract::Charge;

/// Milliseconds since 1970.
pub type Millis = i64;

/// How far a job is. Only these changes of state are ever committed:
///
/// ```text
/// queued → submitting → started → succeeded | failed | cancelled
///    ↑         │  └────→ outcome_unknown ─→ submitting | started | failed
///    └─────────┘ (nothing left, or turned away)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// On disk; nothing was sent.
    Queued,
    /// A submit is on its way, or was when its owner ended.
    Submitting,
    /// Accepted: there is a ticket.
    Started,
    /// The provider has made the clip. Done once it is placed.
    Succeeded,
    /// The provider has given up, or has refused.
    Failed,
    /// Ended on request.
    Cancelled,
    /// Nobody knows whether it was accepted.
    OutcomeUnknown,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Submitting,
        Self::Started,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::OutcomeUnknown,
    ];

    /// The state's name in `snake_case`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Submitting => "submitting",
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::OutcomeUnknown => "outcome_unknown",
        }
    }
}

/// What went wrong last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// As in `docs/exit-codes.md`.
    pub kind: String,
    /// One sentence, without secrets, queries and prompts.
    pub message: String,
}

impl Trouble {
    /// Trouble of this kind.
    #[must_use]
    pub fn new(kind: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            message: message.into(),
        }
    }
}

/// The picture or clip that a job made, and how it is fetched.
#[derive(Clone, PartialEq, Eq)]
pub struct Media {
    /// JSON Pointer into the output document.
    pub pointer: String,
    /// Where it can be fetched, until it expires or moves.
    pub url: String,
    /// `video/mp4`, when the provider tells.
    pub media_type: Option<String>,
    /// Lower-case hexadecimal, when the provider tells.
    pub sha256: Option<String>,
    /// Whether fetching it takes the connection's credential.
    pub needs_credential: bool,
}

/// An amount, as the provider writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Decimal.
    pub amount: String,
    /// ISO 4217 code, or the provider's own unit.
    pub unit: String,
}

/// Without the URL, whose query may give access.
impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Media");
        shown.field("pointer", &self.pointer);
        shown.field("media_type", &self.media_type);
        shown.finish_non_exhaustive()
    }
}

/// What never changes of a job.
#[derive(Clone, PartialEq, Eq)]
pub struct Order {
    /// Our own id.
    pub id: String,
    /// The node type.
    pub node: String,
    /// The input as it was given. Pictures in base64 are kept as files; see
    /// [`Pictures`](crate::ledger::Pictures).
    pub given: String,
    /// SHA-256 of node and input as given, local files by digest: what makes two runs
    /// the same.
    pub given_sha256: String,
    /// The completed input that is submitted, pictures as above.
    pub input: String,
    /// SHA-256 of the component.
    pub component: String,
    /// The connection's id.
    pub connection: String,
    /// What the connection led to; see
    /// [`Reached::place`](crate::driver::Reached::place).
    pub place: String,
    /// The idempotency key; unique for a connection.
    pub key: String,
    /// How long the connection's provider honours the key; 0: it does not.
    pub idempotency_ms: Millis,
    /// When it was made.
    pub created_at: Millis,
}

/// Without the input, which holds the prompt.
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Order");
        shown.field("id", &self.id);
        shown.field("node", &self.node);
        shown.field("given_sha256", &self.given_sha256);
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

/// The file that a job made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipFile {
    /// Where it is, once it is placed: absolute.
    pub path: PathBuf,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// What it is, by its first bytes: `video/mp4`.
    pub media_type: String,
}

/// A job.
#[derive(Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a row; each is a column of its own"
)]
pub struct Job {
    /// What never changes: every copy of the row has the same.
    pub order: Arc<Order>,
    /// How far it is.
    pub state: State,
    /// Whether an earlier submit may have been accepted: until that is known, a further
    /// one goes out only under the same key, while the provider honours it.
    pub doubtful: bool,
    /// SHA-256 of the submit's bytes, once one was about to leave.
    pub submit_sha256: Option<String>,
    /// Whether that submit carries the job's key; true while there is none. One that does not
    /// is never repeated, whatever the provider honours.
    pub keyed: bool,
    /// How often a submit was about to leave.
    pub submits: u32,
    /// When the first one was about to leave: the provider's window counts from here.
    pub submitted_at: Option<Millis>,
    /// What `poll` goes on from.
    pub ticket: Option<String>,
    /// The provider's own id.
    pub provider_job_id: Option<String>,
    /// What is known of the bill.
    pub charge: Charge,
    /// The bill.
    pub cost: Option<Cost>,
    /// When the user stops waiting. Passing it changes nothing at the provider.
    pub deadline_at: Millis,
    /// When the driver looks at it next; `None`: not until somebody says so.
    pub next_at: Option<Millis>,
    /// The pause before the next poll, resubmission or download without a hint.
    pub pause_ms: Millis,
    /// Since when the provider has said nothing that makes sense.
    pub puzzled_since: Option<Millis>,
    /// Tries of the present kind that failed in a row.
    pub tries: u32,
    /// Whether somebody wants it cancelled at the provider.
    pub cancel_wanted: bool,
    /// Which process asked for it last. While that one is gone nothing is submitted for
    /// the job: money is spent only as long as somebody waits.
    pub asker: String,
    /// What went wrong last.
    pub trouble: Option<Trouble>,
    /// The output document.
    pub output: Option<String>,
    /// What can be downloaded.
    pub media: Option<Media>,
    /// Where the clip is to go.
    pub target: Target,
    /// Whether a file that is there is replaced.
    pub force: bool,
    /// The whole file, committed before it gets its name.
    pub file: Option<ClipFile>,
    /// Whether the file has its name.
    pub placed: bool,
    /// Counts the commits.
    pub revision: i64,
}

/// Without input, ticket and output.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Job");
        shown.field("order", &self.order);
        shown.field("state", &self.state);
        shown.field("doubtful", &self.doubtful);
        shown.field("submits", &self.submits);
        shown.field("provider_job_id", &self.provider_job_id);
        shown.field("charge", &self.charge);
        shown.field("next_at", &self.next_at);
        shown.field("tries", &self.tries);
        shown.field("cancel_wanted", &self.cancel_wanted);
        shown.field("trouble", &self.trouble);
        shown.field("media", &self.media);
        shown.field("file", &self.file);
        shown.field("placed", &self.placed);
        shown.field("revision", &self.revision);
        shown.finish_non_exhaustive()
    }
}

impl Job {
    /// A new job, due at once.
    #[must_use]
    pub fn new(order: Order, target: Target, asker: String, deadline_at: Millis) -> Self {
        Self {
            next_at: Some(order.created_at),
            deadline_at,
            order: Arc::new(order),
            state: State::Queued,
            doubtful: false,
            submit_sha256: None,
            keyed: true,
            submits: 0,
            submitted_at: None,
            ticket: None,
            provider_job_id: None,
            charge: Charge::No,
            cost: None,
            pause_ms: 0,
            puzzled_since: None,
            tries: 0,
            cancel_wanted: false,
            asker,
            trouble: None,
            output: None,
            media: None,
            target,
            force: false,
            file: None,
            placed: false,
            revision: 0,
        }
    }

    /// Whether nothing is left to be done for it: its clip is in place, or it has ended
    /// without one.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match self.state {
            State::Succeeded => self.placed,
            State::Failed | State::Cancelled => true,
            _ => false,
        }
    }

    /// Whether nothing happens until somebody says so: it is done, or a trouble stopped
    /// it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.next_at.is_none() && self.state != State::Submitting
    }
}
