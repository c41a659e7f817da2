//! Backoff: the pause before the next attempt where the provider gives no delay.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::ledger::Millis;

/// The first pause. Each next one is half as long again, up to the longest.
const FIRST_BACKOFF: Millis = 1_000;
const MAX_BACKOFF: Millis = 15_000;

/// Bounds of a provider's own delay.
const MIN_HINT: Millis = 100;
pub(super) const MAX_HINT: Millis = 300_000;

/// The pause after a pause of this length.
#[must_use]
pub fn longer(pause: Millis) -> Millis {
    if pause == 0 {
        FIRST_BACKOFF
    } else {
        (pause + pause / 2).clamp(FIRST_BACKOFF, MAX_BACKOFF)
    }
}

/// The longest pause for a node whose runs usually take this long: a result is noticed
/// after about 3 % of that.
#[must_use]
pub(super) fn longest(usual_duration: Millis) -> Millis {
    (usual_duration / 36).clamp(FIRST_BACKOFF, MAX_BACKOFF)
}

/// A provider's own delay, from 100 ms to 5 minutes.
#[must_use]
pub fn bounded(hint: Millis) -> Millis {
    hint.clamp(MIN_HINT, MAX_HINT)
}

/// The pause plus or minus up to a fifth, by a hash of job and time, so that jobs that were
/// started together are not polled together.
#[must_use]
pub fn jittered(pause: Millis, job: &str, now: Millis) -> Millis {
    let mut hasher = DefaultHasher::new();
    (job, now).hash(&mut hasher);
    let fifth = pause / 5;
    let spread = 2 * fifth + 1;
    pause - fifth + i64::try_from(hasher.finish() % spread.unsigned_abs().max(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_one_second_to_fifteen() {
        let pauses: Vec<_> = std::iter::successors(Some(longer(0)), |pause| Some(longer(*pause)))
            .take(9)
            .collect();
        assert_eq!(
            pauses,
            [
                1_000, 1_500, 2_250, 3_375, 5_062, 7_593, 11_389, 15_000, 15_000
            ]
        );
    }

    #[test]
    fn delay_of_centuries_is_five_minutes() {
        let hints = [
            Millis::MIN,
            -1,
            0,
            2_000,
            100 * 365 * 86_400_000,
            Millis::MAX,
        ];
        let bounded = hints.map(bounded);
        assert_eq!(bounded, [100, 100, 100, 2_000, 300_000, 300_000]);
    }

    #[test]
    fn longest_pause_follows_the_usual_duration() {
        assert_eq!(
            [180_000, 150_000, 600_000, 2_000].map(longest),
            [5_000, 4_166, 15_000, 1_000]
        );
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        for now in 0..1_000 {
            assert!((4_000..=6_000).contains(&jittered(5_000, "job", now)));
        }
        assert_eq!(jittered(0, "job", 7), 0);
    }
}
