//! Commits the rows of submits as the driver does.

use std::path::{Path, PathBuf};

use zoetrope_benches::{Failure, INPUT, NODE};
use zoetrope_host::driver::now;
use zoetrope_host::driver::pure::{Event, decide};
use zoetrope_host::ledger::{Change, Inserted, Job, JobSpec, Ledger, State, Target};

const DEADLINE_MS: i64 = 3_600_000;

/// A ticket of realistic length.
const TICKET: &str = "eyJub2RlIjoiaW1hZ2VfdG9fdmlkZW9fdjMiLCJjb25uZWN0aW9uIjoibGVkZ2VyIiwid2lyZSI6ImpvYnMiLCJqb2IiOiJqb2ItMDAwMDAxIn0";

/// A ledger to which jobs are added.
pub(crate) struct Submits {
    folder: PathBuf,
    ledger: Ledger,
    jobs: usize,
}

impl Submits {
    pub(crate) fn open(folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            folder: folder.to_owned(),
            ledger: Ledger::open(folder)?,
            jobs: 0,
        })
    }

    /// Adds jobs in one commit, as a batch does, and submits them together.
    pub(crate) fn submit(&mut self, jobs: usize) -> Result<(), Failure> {
        let rows: Vec<_> = (0..jobs).map(|_| self.next()).collect();
        let inserted = self.ledger.insert_all(&rows)?;
        if inserted.iter().any(|inserted| *inserted != Inserted::New) {
            return Err("a job exists already".into());
        }
        let ready = || Event::SubmitReady {
            sha256: "5a".repeat(32),
            keyed: true,
            account: None,
            path: "/v1/jobs".into(),
        };
        let rows = self.commit(rows, ready, State::Submitting)?;
        let accepted = || Event::Accepted {
            ticket: TICKET.into(),
            provider_job_id: "job-000001".into(),
            hint: None,
            cost: None,
        };
        self.commit(rows, accepted, State::Started).map(drop)
    }

    /// Submits jobs one after the other.
    pub(crate) fn alone(&mut self, jobs: usize) -> Result<(), Failure> {
        (0..jobs).try_for_each(|_| self.submit(1))
    }

    fn next(&mut self) -> Job {
        self.jobs += 1;
        let digest = "a5".repeat(32);
        let spec = JobSpec {
            id: format!("00000000-0000-7000-8000-{:012}", self.jobs),
            node: NODE.into(),
            raw_input: INPUT.into(),
            raw_input_sha256: digest.clone(),
            input: INPUT.into(),
            component: digest,
            connection: "ledger".into(),
            provider_origin: "http://127.0.0.1:9".into(),
            key: format!("ledger-{}", self.jobs),
            idempotency_ms: 0,
            created_at: now(),
        };
        let target = Target::Stem(self.folder.join("clips").join(&spec.id));
        Job::new(spec, target, "bench".into(), now() + DEADLINE_MS)
    }

    /// Applies an event to these rows in one commit.
    fn commit(
        &self,
        rows: Vec<Job>,
        event: impl Fn() -> Event,
        state: State,
    ) -> Result<Vec<Job>, Failure> {
        let at = now();
        let decided = rows.into_iter().map(|before| {
            let (after, _) = decide(&before, event(), at);
            Change { before, after, at }
        });
        let changes: Vec<_> = decided.collect();
        let committed = self.ledger.commit_all(&changes)?;
        let committed = committed.into_iter().collect::<Result<Vec<_>, _>>()?;
        if committed.iter().all(|job| job.state() == state) {
            Ok(committed)
        } else {
            Err(format!("a job that should be {} is not", state.as_str()).into())
        }
    }
}
