//! Where the jobs are that a command waits for, and how many are in each place.

use zoetrope_host::ledger::{Job, State};

use super::report::is_held;

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Its result is complete.
    Done,
    /// It has stopped before that.
    WithoutResult,
    Downloading,
    AtProvider,
    /// Its submit is under way, or may have been accepted.
    Submitting,
    /// It stays queued because the provider refuses the account.
    Held,
    ToSubmit,
}

impl Place {
    /// The places in the order of their counts.
    const ALL: [Self; 7] = [
        Self::Done,
        Self::WithoutResult,
        Self::Downloading,
        Self::AtProvider,
        Self::Submitting,
        Self::Held,
        Self::ToSubmit,
    ];

    pub(super) fn of(job: &Job) -> Self {
        match job.state() {
            State::Succeeded if job.is_finalized() => Self::Done,
            _ if is_held(job) => Self::Held,
            _ if job.is_settled() => Self::WithoutResult,
            State::Succeeded => Self::Downloading,
            State::Queued => Self::ToSubmit,
            State::Submitting | State::OutcomeUnknown => Self::Submitting,
            _ => Self::AtProvider,
        }
    }

    /// The words after its count, and whether a count of zero is shown.
    fn words(self) -> (&'static str, bool) {
        match self {
            Self::Done => ("done", true),
            Self::WithoutResult => ("without a result", true),
            Self::Downloading => ("downloading", true),
            Self::AtProvider => ("at the provider", true),
            Self::Submitting => ("being submitted", false),
            Self::Held => ("held by the account", false),
            Self::ToSubmit => ("to submit", true),
        }
    }
}

/// The part of the jobs that has ended, and the counts as text.
pub(super) fn counted(places: &[Place]) -> (f32, String) {
    let all = places.len();
    let count = |place| places.iter().filter(|of_job| **of_job == place).count();
    let mut parts = Vec::new();
    for place in Place::ALL {
        let (words, always) = place.words();
        match count(place) {
            0 if !always => {}
            done if place == Place::Done => parts.push(format!("{done} of {all} {words}")),
            count => parts.push(format!("{count} {words}")),
        }
    }
    let ended = count(Place::Done) + count(Place::WithoutResult) + count(Place::Held);
    #[expect(clippy::cast_precision_loss, reason = "for a percentage")]
    let fraction = ended as f32 / all.max(1) as f32;
    (fraction, parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_counted_where_they_are() {
        use Place::{AtProvider, Done, Held, Submitting, ToSubmit, WithoutResult};
        let (fraction, text) = counted(&[AtProvider, Done, ToSubmit, AtProvider]);
        let expected = "1 of 4 done, 0 without a result, 0 downloading, 2 at the provider, \
             1 to submit";
        assert_eq!((fraction, text.as_str()), (0.25, expected));
        let (fraction, text) = counted(&[Held, Held, WithoutResult, Submitting]);
        let expected = "0 of 4 done, 1 without a result, 0 downloading, 0 at the provider, \
             1 being submitted, 2 held by the account, 0 to submit";
        assert_eq!((fraction, text.as_str()), (0.75, expected));
    }
}
