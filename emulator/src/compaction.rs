//! Selects the jobs that a journal no longer needs.
//!
//! A job is needed until it has ended, and for a day after that: its client may poll it, repeat its
//! submission or fetch its result.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::job::JobId;

/// A journal up to this length is left as it is. It has some 10,000 jobs then.
const MAX_BYTES: usize = 8 << 20;

/// A longer one is cut to this length, so that it is not cut at every start.
const TARGET_BYTES: usize = 4 << 20;

/// How long a job that has ended is needed.
const NEEDED: SignedDuration = SignedDuration::from_hours(24);

/// The lines of a job in a journal.
#[derive(Clone, Copy, Debug, Default)]
struct Lines {
    bytes: usize,
    ended_at: Option<Timestamp>,
}

/// The jobs to remove from a journal with these lines: each with its job, its length, and the time
/// if it is the end of the job.
pub(crate) fn expired(
    lines: impl IntoIterator<Item = (JobId, usize, Option<Timestamp>)>,
    now: Timestamp,
) -> HashSet<JobId> {
    let mut total = 0;
    let mut jobs: HashMap<JobId, Lines> = HashMap::new();
    for (job, bytes, ended_at) in lines {
        let lines = jobs.entry(job).or_default();
        lines.bytes += bytes;
        lines.ended_at = ended_at.or(lines.ended_at);
        total += bytes;
    }
    let mut expired = HashSet::new();
    if total <= MAX_BYTES {
        return expired;
    }
    let ended = jobs
        .into_iter()
        .filter_map(|(job, lines)| Some((lines.ended_at?, job, lines.bytes)));
    let mut ended: Vec<_> = ended
        .filter(|(ended_at, ..)| now.duration_since(*ended_at) >= NEEDED)
        .collect();
    ended.sort_unstable();
    for (_, job, bytes) in ended {
        if total <= TARGET_BYTES {
            break;
        }
        total -= bytes;
        expired.insert(job);
    }
    expired
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    /// Jobs of 1 MiB each, which ended at these hours.
    fn journal(ends: &[Option<i64>]) -> Vec<(JobId, usize, Option<Timestamp>)> {
        let submitted = |(number, _): (usize, _)| (JobId::from_u128(number as u128), 1 << 19, None);
        let ended = |(number, end): (usize, &Option<i64>)| {
            let end = end.map(hours)?;
            Some((JobId::from_u128(number as u128), 1 << 19, Some(end)))
        };
        let submitted = ends.iter().enumerate().map(submitted);
        submitted
            .chain(ends.iter().enumerate().filter_map(ended))
            .collect()
    }

    #[test]
    fn oldest_ended_jobs_expire_until_the_journal_is_short() {
        let ends: Vec<_> = (0..10).rev().map(Some).collect();
        let expired = expired(journal(&ends), hours(100));
        // Ten MiB are cut to four: the six that ended first.
        let expected = (4..10).map(JobId::from_u128);
        assert_eq!(expired, expected.collect());
    }

    #[test]
    fn short_journal_unfinished_jobs_and_jobs_of_the_last_day_stay() {
        let short: Vec<_> = (0..8).map(Some).collect();
        assert!(expired(journal(&short), hours(100)).is_empty());
        let unfinished = [None; 20];
        assert!(expired(journal(&unfinished), hours(100)).is_empty());
        let mut recent = [Some(77); 20];
        recent[7] = Some(76);
        let expected = HashSet::from([JobId::from_u128(7)]);
        assert_eq!(expired(journal(&recent), hours(100)), expected);
    }
}
