//! Contestants that take turns, so that disturbances of the machine affect all of them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::Failure;

/// The duration of a turn, unless [`MOST_A_TURN`] is reached before.
pub const TURN: Duration = Duration::from_millis(20);

/// The most operations in a turn. Each may leave a closed connection, and a machine has 28,000
/// ports for them.
pub const MOST_A_TURN: usize = 60;

/// Rounds that are measured, and those before them that are not.
pub const ROUNDS: usize = 60;
/// See [`ROUNDS`].
pub const WARM_UP: usize = 10;

/// Contestants that are compared with each other.
pub struct Group {
    title: &'static str,
    baseline: &'static str,
    /// How many rounds are not measured.
    warm_up: usize,
    /// How many there are in all.
    rounds: usize,
    round: usize,
    entries: Vec<(&'static str, Vec<Duration>)>,
}

/// The results of one contestant.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The contestant.
    pub name: &'static str,
    /// Half of the operations took at most this long.
    pub median: Duration,
    /// 95 in 100 operations took at most this long.
    pub p95: Duration,
    /// Operations that were measured.
    pub samples: usize,
    /// The median as a multiple of the baseline's.
    pub ratio: f64,
}

impl Group {
    /// Contestants whose medians are compared with that of `baseline`.
    #[must_use]
    pub fn new(title: &'static str, baseline: &'static str) -> Self {
        Self {
            title,
            baseline,
            warm_up: WARM_UP,
            rounds: WARM_UP + ROUNDS,
            round: 0,
            entries: Vec::new(),
        }
    }

    /// With this many rounds, of which the first `warm_up` are not measured.
    #[must_use]
    pub fn with_rounds(mut self, warm_up: usize, rounds: usize) -> Self {
        (self.warm_up, self.rounds) = (warm_up, warm_up + rounds);
        self
    }

    /// Begins the next round; `false` after the last.
    pub fn next_round(&mut self) -> bool {
        self.round += 1;
        self.round <= self.rounds
    }

    /// A contestant's turn in this round: repeats `operation` and times each one, including the
    /// drop of its result.
    ///
    /// # Errors
    ///
    /// The first error of the operation.
    pub async fn turn<T, E: Into<Failure>>(
        &mut self,
        name: &'static str,
        mut operation: impl AsyncFnMut() -> Result<T, E>,
    ) -> Result<(), Failure> {
        let mut taken = Vec::with_capacity(MOST_A_TURN);
        let begun = Instant::now();
        while taken.len() < MOST_A_TURN && begun.elapsed() < TURN {
            let before = Instant::now();
            drop(black_box(operation().await.map_err(Into::into)?));
            taken.push(before.elapsed());
        }
        self.record(name, taken);
        Ok(())
    }

    /// Records the turn of a contestant that measures itself: the duration of each operation.
    pub fn record(&mut self, name: &'static str, taken: Vec<Duration>) {
        if self.round > self.warm_up {
            match self.entries.iter_mut().find(|(known, _)| *known == name) {
                Some((_, all)) => all.extend(taken),
                None => self.entries.push((name, taken)),
            }
        }
    }

    /// The title of the group.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// The contestant whose ratio is 1.
    #[must_use]
    pub fn baseline(&self) -> &'static str {
        self.baseline
    }

    /// The results, in the order of turns.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let of = |name: &str| self.entries.iter().find(|(known, _)| *known == name);
        let base = of(self.baseline).map_or(Duration::ZERO, |(_, taken)| percentile(taken, 50));
        let rows = self.entries.iter().map(|(name, taken)| {
            let median = percentile(taken, 50);
            Row {
                name,
                median,
                p95: percentile(taken, 95),
                samples: taken.len(),
                ratio: median.as_secs_f64() / base.as_secs_f64(),
            }
        });
        rows.collect()
    }
}

/// The time that `percent` of the operations do not exceed; zero without operations.
#[must_use]
pub fn percentile(taken: &[Duration], percent: usize) -> Duration {
    let mut sorted = taken.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * percent).div_ceil(100);
    sorted
        .get(at.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_measured_durations() {
        let taken: Vec<_> = (1..=100).rev().map(Duration::from_micros).collect();
        assert_eq!(percentile(&taken, 50), Duration::from_micros(50));
        assert_eq!(percentile(&taken, 95), Duration::from_micros(95));
        assert_eq!(percentile(&taken[..1], 95), taken[0]);
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }

    #[test]
    fn warm_up_rounds_are_not_counted() {
        let mut group = Group::new("nothing", "a");
        while group.next_round() {
            let turn = group.turn("a", async || Ok::<_, Failure>(()));
            assert!(is_ready(turn));
        }
        let rows = group.rows();
        // A turn may be cut short by the clock, but has one operation.
        assert!((ROUNDS..=ROUNDS * MOST_A_TURN).contains(&rows[0].samples));
        assert!((rows[0].ratio - 1.0).abs() < f64::EPSILON);
    }

    fn is_ready(future: impl Future<Output = Result<(), Failure>>) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        std::pin::pin!(future).poll(&mut context).is_ready()
    }
}
