//! A job's row: everything that is known of a run, and enough to go on from.
//!
//! Times are milliseconds since 1970 (UTC). No field holds a credential.

use std::path::PathBuf;

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

/// The picture or clip that a job made, and how it is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// What never changes of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Our own id.
    pub id: String,
    /// The node type.
    pub node: String,
    /// The input as it was given, pictures in base64 replaced by their files.
    pub given: String,
    /// SHA-256 of node and input as given, local files by digest: what makes two runs
    /// the same.
    pub given_sha256: String,
    /// The completed input that is submitted.
    pub input: String,
    /// SHA-256 of the component.
    pub component: String,
    /// The connection's id, and the origin that it had.
    pub connection: String,
    /// As above.
    pub origin: String,
    /// The idempotency key; unique for a connection.
    pub key: String,
    /// How long the connection's provider honours the key; 0: it does not.
    pub idempotency_ms: Millis,
    /// When it was made.
    pub created_at: Millis,
    /// Where the clip goes: absolute. A folder's path and the job's id when the user
    /// named none.
    pub target: PathBuf,
    /// Whether a file that is there is replaced.
    pub force: bool,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// What never changes.
    pub order: Order,
    /// How far it is.
    pub state: State,
    /// Whether an earlier submit may have been accepted: until that is known, a further
    /// one goes out only under the same key, while the provider honours it.
    pub doubtful: bool,
    /// SHA-256 of the submit's bytes, once one was about to leave.
    pub submit_sha256: Option<String>,
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
    /// What went wrong last.
    pub trouble: Option<Trouble>,
    /// The output document.
    pub output: Option<String>,
    /// What can be downloaded.
    pub media: Option<Media>,
    /// The file's digest, committed before it gets its name.
    pub file_sha256: Option<String>,
    /// Whether the file has its name.
    pub placed: bool,
}

impl Job {
    /// A new job, due at once.
    #[must_use]
    pub fn new(order: Order, deadline_at: Millis) -> Self {
        Self {
            next_at: Some(order.created_at),
            deadline_at,
            order,
            state: State::Queued,
            doubtful: false,
            submit_sha256: None,
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
            trouble: None,
            output: None,
            media: None,
            file_sha256: None,
            placed: false,
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
}
