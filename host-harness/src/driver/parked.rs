//! Jobs that wait until it is known whether the provider still refuses their account.

use std::collections::HashMap;

use tokio::time::Instant;

/// The ids of the jobs, by connection.
#[derive(Default)]
pub(super) struct Parked(HashMap<String, Vec<Waiting>>);

struct Waiting {
    job: String,
    /// When its deadline passes; `None`: never.
    until: Option<Instant>,
}

impl Parked {
    pub(super) fn add(&mut self, connection: &str, job: &str, until: Option<Instant>) {
        let job = job.to_owned();
        let of = self.0.entry(connection.to_owned()).or_default();
        of.push(Waiting { job, until });
    }

    /// Removes the jobs of a connection; returns their ids.
    pub(super) fn take(&mut self, connection: &str) -> Vec<String> {
        let of = self.0.remove(connection).unwrap_or_default();
        of.into_iter().map(|waiting| waiting.job).collect()
    }

    /// Removes the jobs whose deadline has passed; returns their ids.
    pub(super) fn take_late(&mut self, now: Instant) -> Vec<String> {
        let mut late = Vec::new();
        for of in self.0.values_mut() {
            let passed = of.extract_if(.., |waiting| {
                waiting.until.is_some_and(|until| until <= now)
            });
            late.extend(passed.map(|waiting| waiting.job));
        }
        late
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn parked_job_waits_for_its_connection_or_until_its_deadline() {
        let now = Instant::now();
        let later = now + Duration::from_mins(1);
        let mut parked = Parked::default();
        parked.add("a", "soon", Some(now));
        parked.add("a", "later", Some(later));
        parked.add("b", "never", None);
        assert_eq!(parked.take_late(now), ["soon"]);
        assert!(parked.take_late(now).is_empty());
        assert_eq!(parked.take("a"), ["later"]);
        assert!(parked.take_late(later).is_empty());
        assert_eq!(parked.take("b"), ["never"]);
    }
}
