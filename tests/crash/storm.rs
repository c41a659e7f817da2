//! Batches whose processes are killed repeatedly at random moments.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use zoetrope_host::ledger::{Job, State};

use crate::support::fixture::{Ending, Fixture, RESUME, number};
use crate::support::random::Random;

/// Lines of a batch; the last batch may have fewer.
const LINES: usize = 10;

/// The most kills of a batch's command, until all its lines are in the ledger, and then of
/// `jobs resume --all`.
const BATCH_KILLS: u64 = 4;
const RESUME_KILLS: u64 = 8;

/// The longest life of a process. A batch that is not killed takes about twice as long.
const LIFE: Duration = Duration::from_millis(400);

/// The interval of looking for the moment to kill.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// The states of a job when its process is killed.
pub(super) const PLACES: [&str; 5] = [
    "queued",
    "submitting",
    "started",
    "succeeded",
    "fetched, not finalized",
];

pub(super) struct Storm {
    fixture: Fixture,
    jobs: usize,
    seed: u64,
    random: Random,
    kills: usize,
    states_at_kill: [usize; PLACES.len()],
    /// The keys of jobs that were between the commits of `submitting` and `started`.
    in_doubt: BTreeSet<String>,
}

/// The result of a storm.
pub(super) struct Report {
    pub(super) honoured: bool,
    pub(super) seed: u64,
    pub(super) kills: usize,
    /// The number of jobs in each of [`PLACES`], over all kills.
    pub(super) states_at_kill: [usize; PLACES.len()],
    pub(super) ending: Ending,
}

/// The moment at which a process is killed.
enum Moment {
    /// After this long.
    Lived(Duration),
    /// Once the provider has created this many more jobs.
    Made(usize),
    /// Once this many more files are in the clips' folders, complete or not.
    Arrived(usize),
}

impl Storm {
    /// A storm of this many jobs, with the seed in `ZOETROPE_CRASH_SEED` or a new one.
    pub(super) fn new(honoured: bool, jobs: usize) -> Self {
        let seed = number("ZOETROPE_CRASH_SEED").unwrap_or_else(Random::any_seed);
        println!("ZOETROPE_CRASH_SEED={seed}");
        // Submits delayed before and after the job is created, slow replies, delayed polls, clips in
        // pieces.
        let rules = json!([
            {"method": "POST", "path": "/v1/jobs", "from": 1, "every": 3, "delay_ms": 60},
            {"method": "POST", "path": "/v1/jobs", "from": 2, "every": 3, "after": true, "delay_ms": 90},
            {"method": "POST", "path": "/v1/jobs", "from": 3, "every": 3, "drip_ms": 10, "drip_bytes": 32},
            {"method": "GET", "path": "/v1/jobs/{id}", "every": 2, "delay_ms": 30},
            {"method": "GET", "path": "/v1/clips/*", "drip_ms": 5, "drip_bytes": 1024},
        ]);
        Self {
            fixture: Fixture::new(honoured, Duration::from_millis(150), &rules),
            jobs,
            seed,
            random: Random::new(seed),
            kills: 0,
            states_at_kill: [0; PLACES.len()],
            in_doubt: BTreeSet::new(),
        }
    }

    /// Kills until every batch was begun, then finishes all jobs and checks them.
    pub(super) fn run(mut self) -> Report {
        let mut batches = Vec::new();
        while self.fixture.targets.len() < self.jobs {
            let batch = self.batch(batches.len());
            self.run_with_kills(&batch);
            batches.push(batch);
        }
        for batch in &batches {
            if !self.is_in_the_ledger(batch) {
                let ended = self.fixture.sandbox.run(&batch.command);
                assert!([0, 8].contains(&ended.code), "{ended:?}");
            }
        }
        let ending = self.fixture.finish_and_check(Some(&self.in_doubt));
        assert!(self.kills > 0, "no storm");
        Report {
            honoured: self.fixture.honoured,
            seed: self.seed,
            kills: self.kills,
            states_at_kill: self.states_at_kill,
            ending,
        }
    }

    /// Writes the next lines to a file. Returns the command that runs them.
    fn batch(&mut self, number: usize) -> Batch {
        let (lines, folder) = (format!("{number}.jsonl"), format!("clips-{number}"));
        let key = format!("storm-{number}");
        let count = LINES.min(self.jobs - self.fixture.targets.len());
        let width = count.to_string().len();
        let mut text = String::new();
        let mut keys = Vec::with_capacity(count);
        for line in 1..=count {
            let image = format!("https://p.example/{number}-{line}.png");
            text += &json!({ "prompt": "pan", "image": image }).to_string();
            text.push('\n');
            let clip = self.fixture.sandbox.path(&folder);
            let clip = clip.join(format!("{line:0width$}.mp4"));
            keys.push(format!("{key}-{line}"));
            self.fixture.targets.insert(format!("{key}-{line}"), clip);
        }
        self.fixture.sandbox.write(&lines, text);
        let words = ["--json", "run", "image_to_video_v3", "--batch", &lines];
        let more = ["--out-dir", &folder, "--key", &key];
        let command = words.into_iter().chain(more).map(str::to_owned).collect();
        Batch { keys, command }
    }

    fn run_with_kills(&mut self, batch: &Batch) {
        for _ in 0..BATCH_KILLS {
            self.start_and_kill(&batch.command);
            if self.is_in_the_ledger(batch) {
                break;
            }
        }
        for _ in 0..self.random.below(RESUME_KILLS + 1) {
            self.start_and_kill(&RESUME.map(str::to_owned));
        }
    }

    /// Starts a process, kills it at a random moment, and records the states in its ledger.
    fn start_and_kill(&mut self, command: &[String]) {
        let moment = self.moment();
        let (made, arrived) = (self.made(), self.arrived());
        let running = self
            .fixture
            .sandbox
            .start(self.fixture.sandbox.command(command));
        let begun = Instant::now();
        let has_come = || match moment {
            Moment::Lived(life) => begun.elapsed() >= life,
            Moment::Made(more) => self.made() >= made + more,
            Moment::Arrived(more) => self.arrived() >= arrived + more,
        };
        while begun.elapsed() < LIFE && !has_come() {
            std::thread::sleep(POLL_INTERVAL);
        }
        if !running.kill_if_running() {
            return;
        }
        self.kills += 1;
        for job in self.fixture.ledger().jobs() {
            if let Some(place) = place_of(&job) {
                self.states_at_kill[place] += 1;
            }
            if job.state() == State::Submitting {
                self.in_doubt.insert(job.spec.key.clone());
            }
        }
    }

    fn moment(&mut self) -> Moment {
        let few = |random: &mut Random| usize::try_from(random.below(4)).unwrap_or_default() + 1;
        match self.random.below(4) {
            0 => Moment::Made(few(&mut self.random)),
            1 => Moment::Arrived(few(&mut self.random)),
            _ => {
                let most = u64::try_from(LIFE.as_millis()).unwrap_or(u64::MAX);
                Moment::Lived(Duration::from_millis(self.random.below(most)))
            }
        }
    }

    fn made(&self) -> usize {
        self.fixture.provider.billing().jobs.len()
    }

    /// The number of files in the clips' folders.
    fn arrived(&self) -> usize {
        let folders: BTreeSet<_> = self
            .fixture
            .targets
            .values()
            .map(|clip| clip.parent())
            .collect();
        let files = folders.into_iter().flatten().filter_map(|folder| {
            let entries = std::fs::read_dir(folder).ok()?;
            Some(entries.count())
        });
        files.sum()
    }

    fn is_in_the_ledger(&self, batch: &Batch) -> bool {
        let jobs = self.fixture.ledger().jobs();
        let keys: BTreeSet<_> = jobs.iter().map(|job| &job.spec.key).collect();
        batch.keys.iter().all(|key| keys.contains(key))
    }
}

struct Batch {
    keys: Vec<String>,
    command: Vec<String>,
}

/// The index of a job's state in [`PLACES`]; `None` for a final state.
fn place_of(job: &Job) -> Option<usize> {
    match job.state() {
        State::Queued => Some(0),
        State::Submitting => Some(1),
        State::Started => Some(2),
        State::Succeeded if job.is_finalized() => None,
        State::Succeeded if job.file().is_some() => Some(4),
        State::Succeeded => Some(3),
        State::Failed | State::Cancelled | State::OutcomeUnknown => None,
    }
}
