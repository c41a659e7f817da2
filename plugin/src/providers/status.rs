//! The states of a job, and the names that providers give them.

use zoetrope_node_sdk::http::same_name;

/// The meaning of a status name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl Status {
    /// The meaning of a name; see [`same_name`] for what is compared. `None` if it has none.
    pub(super) fn of<N: AsRef<str>>(names: &[(N, Self)], word: &str) -> Option<Self> {
        let known = names
            .iter()
            .find(|(name, _)| same_name(name.as_ref(), word));
        known.map(|(_, status)| *status)
    }
}
