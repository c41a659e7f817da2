//! The states of a job, and which of them end it. Rows in memory and conditions of queries use
//! the same definition.

use std::sync::LazyLock;

/// The state of a job. Only these changes of state are committed:
///
/// ```text
/// queued → submitting → started → succeeded | failed | cancelled
///    ↑         │  └────→ outcome_unknown ─→ submitting | started | failed
///    └─────────┘ (not sent, put off by the provider, or a refused credential or account)
/// ```
///
/// Also `queued → cancelled`, `submitting → failed` where the provider refuses the request,
/// `submitting → succeeded` where it has the result at once, `failed → started` for a job without a
/// result that the provider is asked about again, and for one that the user had marked as never
/// started, and `failed | cancelled → queued` where the user submits the job again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// In the ledger, and not accepted by the provider.
    Queued,
    /// A submit is running, or was when its process ended.
    Submitting,
    /// Accepted by the provider: there is a ticket.
    Started,
    /// The provider has made the result. Done once the file has its final name.
    Succeeded,
    /// The job failed at the provider, or the provider refused it.
    Failed,
    /// Ended on request.
    Cancelled,
    /// It is unknown whether the provider accepted the job.
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

/// When a job of a state is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Never,
    /// Once its file has its final name.
    Finalized,
    Always,
}

impl State {
    fn done(self) -> Done {
        match self {
            Self::Queued | Self::Submitting | Self::Started | Self::OutcomeUnknown => Done::Never,
            Self::Succeeded => Done::Finalized,
            Self::Failed | Self::Cancelled => Done::Always,
        }
    }

    /// Whether nothing is left to do for a job of this state.
    pub(super) fn is_done(self, is_finalized: bool) -> bool {
        match self.done() {
            Done::Never => false,
            Done::Finalized => is_finalized,
            Done::Always => true,
        }
    }

    /// Whether a job of this state without a next time stays unchanged until a command changes
    /// it.
    pub(super) fn can_settle(self) -> bool {
        self != Self::Submitting
    }
}

/// [`State::is_done`] as a condition of a query.
pub(super) static DONE: LazyLock<String> = LazyLock::new(|| {
    let always = states(|state| state.done() == Done::Always);
    let finalized = states(|state| state.done() == Done::Finalized);
    format!("(state IN ({always}) OR (state IN ({finalized}) AND finalized))")
});

/// [`Job::is_settled`](super::Job::is_settled) as a condition of a query.
pub(super) static SETTLED: LazyLock<String> = LazyLock::new(|| {
    let others = states(|state| !state.can_settle());
    format!("(next_at IS NULL AND state NOT IN ({others}))")
});

/// The states for which `is_one` returns true, as a list in SQL.
fn states(is_one: impl Fn(State) -> bool) -> String {
    let states = State::ALL.into_iter().filter(|state| is_one(*state));
    let quoted: Vec<_> = states
        .map(|state| format!("'{}'", state.as_str()))
        .collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_name_the_states_of_the_table() {
        let done = "(state IN ('failed', 'cancelled') OR (state IN ('succeeded') AND finalized))";
        assert_eq!(*DONE, done);
        let settled = "(next_at IS NULL AND state NOT IN ('submitting'))";
        assert_eq!(*SETTLED, settled);
    }
}
