//! The refused accounts of this process, for submits that were admitted before the refusal and are
//! not sent yet.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::holds::{MAX_HOLD, Party};
use crate::ledger::JobError;

/// A connection, and a component on it; `None`: all of them.
type Place = (String, Option<String>);

/// The refusals that submits were answered with since the account was last asked for.
#[derive(Debug, Default)]
pub(super) struct AccountRefusals(Mutex<HashMap<Place, (JobError, Instant)>>);

impl AccountRefusals {
    /// A component reports that the provider refuses the account.
    pub(super) fn add(&self, connection: &str, by: Party<'_>, error: JobError) {
        self.places()
            .insert(place(connection, by), (error, Instant::now()));
    }

    /// A submit of a component asks for the account again.
    pub(super) fn remove(&self, connection: &str, by: Party<'_>) {
        self.places().remove(&place(connection, by));
        // A refusal that holds the component too would hold the question.
        self.places().remove(&place(connection, Party::Bundled));
    }

    /// Another term as the driver begins: an account may have been settled since the last one.
    pub(super) fn clear(&self) {
        self.places().clear();
    }

    /// The refusal of a component's submits over a connection.
    pub(super) fn of(&self, connection: &str, of: Party<'_>) -> Option<JobError> {
        let places = self.places();
        let all = places.get(&place(connection, Party::Bundled));
        let own = places.get(&place(connection, of));
        let own = own.filter(|(_, at)| of == Party::Bundled || at.elapsed() < MAX_HOLD);
        all.or(own).map(|(error, _)| error.clone())
    }

    fn places(&self) -> MutexGuard<'_, HashMap<Place, (JobError, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(connection: &str, party: Party<'_>) -> Place {
    let component = match party {
        Party::Bundled => None,
        Party::Other(component) => Some(component.to_owned()),
    };
    (connection.to_owned(), component)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn refusal_stops_the_submits_of_its_component_until_the_account_is_asked_for_again() {
        let refusals = AccountRefusals::default();
        let error = JobError::new(ErrorKind::AccountRefused, "no credit");
        let (own, other) = (Party::Other("a"), Party::Other("b"));
        refusals.add("c", own, error.clone());
        assert_eq!(refusals.of("c", own), Some(error.clone()));
        for (connection, party) in [("c", other), ("c", Party::Bundled), ("d", own)] {
            assert_eq!(refusals.of(connection, party), None);
        }
        refusals.remove("c", own);
        assert_eq!(refusals.of("c", own), None);
        refusals.add("c", Party::Bundled, error.clone());
        assert_eq!(refusals.of("c", other), Some(error.clone()));
        refusals.remove("c", Party::Bundled);
        assert_eq!(refusals.of("c", other), None);
        refusals.add("c", own, error);
        refusals.clear();
        assert_eq!(refusals.of("c", own), None, "another term");
    }
}
