//! Resumes every job that is not done in one commit.

use std::collections::HashSet;
use std::sync::LazyLock;

use rusqlite::params;
use serde_json::json;

use super::columns::lossy;
use super::error::LedgerError;
use super::record;
use super::stage::Millis;
use super::state::{DONE, State};
use super::store::Ledger;

/// The condition for rows that are not done and whose submit has an outcome. The revision of a
/// damaged row may be one that cannot be counted on.
static RESUMED: LazyLock<String> = LazyLock::new(|| {
    let done = &*DONE;
    format!(
        "NOT {done} AND state NOT IN ('submitting', 'outcome_unknown') AND revision < {}",
        i64::MAX
    )
});

/// The condition for rows whose error is kept: the driver asks first with one of them whether the
/// provider takes jobs of the account again.
const HELD: &str = "(state = 'queued' AND error_kind IS 'account_refused')";

/// How long a result that was never delivered is asked for again by a command for all jobs.
const ASKED_FOR: Millis = 7 * 86_400_000;

/// The condition for rows whose result the provider has no more, as
/// [`Job::is_result_lost`](super::Job::is_result_lost): one that was delivered before, or that is
/// older than `oldest`, is resumed by its id alone, so that it is not polled for ever.
fn lost(oldest: &str) -> String {
    format!(
        "(state = 'succeeded' AND NOT finalized AND next_at IS NULL
        AND (unrecognized_since IS NOT NULL AND error_kind IS 'download_failed'
            OR unreadable_since IS NOT NULL AND error_kind IS 'job_lost')
        AND (file IS NOT NULL OR created_at < {oldest}))"
    )
}

/// The condition for rows that the caller does not leave out; `left`: their ids, a JSON array.
fn wanted(left: &str) -> String {
    format!("id NOT IN (SELECT value FROM json_each({left}))")
}

/// Adds a history entry to each of these rows that has an error, which is cleared.
static NOTE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO history (job, at, state)
        SELECT id, ?1, state FROM jobs WHERE error_kind IS NOT NULL AND NOT {HELD} AND NOT {} AND {} AND {}",
        lost("?2"),
        wanted("?3"),
        *RESUMED
    )
});

static RESUME: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE jobs SET requester = ?1, deadline_at = ?2, next_at = ?3,
        attempts = 0, backoff_ms = 0, unrecognized_since = NULL, unreadable_since = NULL,
        media = NULL,
        error_kind = CASE WHEN {HELD} THEN error_kind END,
        error_message = CASE WHEN {HELD} THEN error_message END,
        revision = revision + 1
        WHERE NOT {} AND {} AND {}",
        lost("?4"),
        wanted("?5"),
        *RESUMED
    )
});

/// A running submit ends first, so its row only gets the requester and the deadline.
static AWAIT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE jobs SET requester = ?1, deadline_at = ?2, revision = revision + 1
        WHERE state = 'submitting' AND revision < {} AND {}",
        i64::MAX,
        wanted("?3")
    )
});

static UNDONE: LazyLock<String> = LazyLock::new(|| {
    let done = &*DONE;
    let (lost, wanted) = (lost("?1"), wanted("?2"));
    format!(
        "SELECT id, state FROM jobs WHERE NOT {done} AND NOT {lost} AND {wanted}
        ORDER BY created_at, rowid"
    )
});

impl Ledger {
    /// Applies [`Event::Resumed`](crate::driver::pure::Event::Resumed) to every row that is not
    /// done, except those whose outcome is unknown, which the caller resumes one by one, and those
    /// whose result is [lost](crate::ledger::Job::is_result_lost) and was delivered before or is
    /// older than a week. The rows of the ids in `left` are left as they are. Returns the ids of all
    /// others that are not done or lost, oldest first, and their states; `None` for a damaged row
    /// without a known state.
    ///
    /// # Errors
    ///
    /// When nothing could be committed.
    pub fn resume_all(
        &self,
        left: &HashSet<String>,
        deadline_at: Millis,
        requester: &str,
        now: Millis,
    ) -> Result<Vec<(String, Option<State>)>, LedgerError> {
        let left = json!(left).to_string();
        self.write(|transaction| {
            let oldest = now.saturating_sub(ASKED_FOR);
            // Before the update, which clears the errors by which lost results are known.
            let mut undone = transaction.prepare(&UNDONE)?;
            let mut rows = undone.query(params![oldest, left])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let word: Option<String> = row.get(1).ok();
                let state = word.and_then(|word| record::state(&word).ok());
                found.push((lossy(row, 0)?, state));
            }
            transaction.execute(&NOTE, params![now, oldest, left])?;
            let resumed = params![requester, deadline_at, now, oldest, left];
            transaction.execute(&RESUME, resumed)?;
            transaction.execute(&AWAIT, params![requester, deadline_at, left])?;
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::driver::decide::decide;
    use crate::driver::event::Event;
    use crate::error::ErrorKind;
    use crate::ledger::testing::stage;
    use crate::ledger::{Job, JobError, JobSpec, Media, ResultFile, Stage, Target};

    const NOW: Millis = 5_000;
    const DEADLINE: Millis = 9_000;

    fn job(number: usize, state: State, error: Option<ErrorKind>, is_finalized: bool) -> Job {
        let has_error = error.is_some();
        let spec = JobSpec {
            id: format!("{number:03}"),
            node: "image_to_video".into(),
            raw_input: "{}".into(),
            raw_input_sha256: "g".into(),
            input: "{}".into(),
            component: "c".into(),
            connection: "pixelml".into(),
            provider_origin: "https://p.example".into(),
            key: number.to_string(),
            idempotency_ms: 0,
            created_at: 100,
        };
        let target = Target::Stem("/clips/a".into());
        let mut job = Job::new(spec, target, "gone".into(), 1_000);
        job.stage = stage(state, is_finalized);
        if let Stage::Succeeded { media, .. } = &mut job.stage {
            *media = Some(Media {
                pointer: "/video".into(),
                url: "https://v.example/1".into(),
                media_type: None,
                sha256: None,
                needs_credential: false,
                alternatives: Vec::new(),
                others: Vec::new(),
            });
        }
        job.schedule.next_at = (!has_error).then_some(700);
        job.last_error = error.map(|kind| JobError::new(kind, "m"));
        job.schedule.unrecognized_since = has_error.then_some(600);
        job.schedule.unreadable_since = has_error.then_some(650);
        job.schedule.no_result_since = has_error.then_some(680);
        job.schedule.backoff_ms = 300;
        job.schedule.attempts = 3;
        job.schedule.cancel_wanted = has_error;
        job
    }

    #[test]
    fn resume_all_leaves_results_that_the_provider_has_no_more() {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        let now = 10 * ASKED_FOR;
        let mut jobs = Vec::new();
        for (was_delivered, age, kind) in [
            (true, 0, ErrorKind::DownloadFailed),
            (true, 0, ErrorKind::JobLost),
            (false, 2 * ASKED_FOR, ErrorKind::DownloadFailed),
            (false, 0, ErrorKind::DownloadFailed),
            (true, 0, ErrorKind::Unavailable),
        ] {
            let mut one = job(jobs.len(), State::Succeeded, Some(kind), false);
            if let (true, Stage::Succeeded { file, .. }) = (was_delivered, &mut one.stage) {
                *file = ResultFile::Complete(crate::ledger::testing::file());
            }
            let spec = Arc::make_mut(&mut one.spec);
            spec.created_at = now - age;
            assert_eq!(one.is_result_lost(), kind != ErrorKind::Unavailable);
            jobs.push(one);
        }
        ledger.insert_all(&jobs).expect("insert");
        let none = HashSet::new();
        let resumed = ledger
            .resume_all(&none, now + 1, "here", now)
            .expect("resume");
        let ids: Vec<_> = resumed.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["003", "004"]);
        for left in &jobs[..3] {
            let row = ledger.job(&left.spec.id).expect("read");
            assert_eq!(row.as_ref(), Some(left));
        }
    }

    #[test]
    fn resume_all_leaves_the_jobs_that_the_caller_leaves_out() {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        let states = [State::Queued, State::Submitting, State::OutcomeUnknown];
        let all = states.iter().chain(&states).enumerate();
        let mut jobs: Vec<_> = all
            .map(|(number, state)| job(number, *state, Some(ErrorKind::Deadline), false))
            .collect();
        // A lost result is not resumed, whatever else is left out.
        let mut lost = job(6, State::Succeeded, Some(ErrorKind::DownloadFailed), false);
        if let Stage::Succeeded { file, .. } = &mut lost.stage {
            *file = ResultFile::Complete(crate::ledger::testing::file());
        }
        jobs.push(lost);
        ledger.insert_all(&jobs).expect("insert");
        let left = ["000", "001", "002"].map(str::to_owned).into();
        let resumed = ledger
            .resume_all(&left, DEADLINE, "here", NOW)
            .expect("resume");
        let ids: Vec<_> = resumed.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["003", "004", "005"]);
        for before in jobs[..3].iter().chain(&jobs[6..]) {
            let id = &before.spec.id;
            assert_eq!(ledger.job(id).expect("read").as_ref(), Some(before));
            assert_eq!(ledger.history(id).expect("read").len(), 1, "{id}");
        }
    }

    #[test]
    fn resume_all_changes_each_row_as_a_resumed_event_does() {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        let mut jobs = Vec::new();
        for state in State::ALL {
            for error in [
                None,
                Some(ErrorKind::Deadline),
                Some(ErrorKind::AccountRefused),
            ] {
                for is_finalized in [false, state == State::Succeeded] {
                    jobs.push(job(jobs.len(), state, error, is_finalized));
                }
            }
        }
        ledger.insert_all(&jobs).expect("insert");
        let none = HashSet::new();
        let resumed = ledger
            .resume_all(&none, DEADLINE, "here", NOW)
            .expect("resume");
        let undone = jobs.iter().filter(|job| !job.is_done());
        let undone: Vec<_> = undone
            .map(|job| (job.spec.id.clone(), Some(job.state())))
            .collect();
        assert_eq!(resumed, undone);
        for before in jobs {
            let is_left = before.is_done() || before.state() == State::OutcomeUnknown;
            let resumed = Event::Resumed {
                deadline_at: DEADLINE,
                requester: "here".into(),
            };
            let (mut wanted, _) = decide(&before, resumed, NOW);
            if is_left {
                wanted = before.clone();
            } else {
                wanted.revision += 1;
            }
            let id = &before.spec.id;
            assert_eq!(ledger.job(id).expect("read"), Some(wanted.clone()));
            let history = ledger.history(id).expect("read");
            let is_told = before.last_error.is_some() && wanted.last_error.is_none();
            assert_eq!(history.len(), 1 + usize::from(is_told), "{before:?}");
            assert_eq!(
                history.last().expect("entry").error,
                wanted.last_error.map(|t| t.kind)
            );
        }
    }
}
