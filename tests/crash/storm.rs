//! Batches whose processes are killed at random moments, again and again.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use zoetrope_host::ledger::{Job, State};

use crate::support::fixture::{Ending, Fixture, RESUME, number};
use crate::support::random::Random;

/// Lines of a batch; the last one of a storm may have fewer.
const LINES: usize = 10;

/// How often a batch is struck, at most: until all its lines are in the ledger. Then, how often
/// those that go on with everything.
const BATCH_STRIKES: u64 = 4;
const RESUME_STRIKES: u64 = 8;

/// A process lives no longer than this; undisturbed, a batch takes about twice as long.
const LIFE: Duration = Duration::from_millis(400);

/// How often it is looked for the moment to kill.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Where a job can be when its process is killed.
pub(super) const PLACES: [&str; 5] = [
    "queued",
    "submitting",
    "started",
    "succeeded",
    "fetched, not placed",
];

pub(super) struct Storm {
    fixture: Fixture,
    jobs: usize,
    seed: u64,
    random: Random,
    kills: usize,
    fell: [usize; PLACES.len()],
    /// The keys of jobs that were between the commits of `submitting` and `started`.
    in_doubt: BTreeSet<String>,
}

/// What a storm came to.
pub(super) struct Report {
    pub(super) honoured: bool,
    pub(super) seed: u64,
    pub(super) kills: usize,
    /// How many jobs, at all kills together, were at each of [`PLACES`].
    pub(super) fell: [usize; PLACES.len()],
    pub(super) ending: Ending,
}

/// When a process is killed.
enum Moment {
    /// After this long.
    Lived(Duration),
    /// Once the provider has made so many more jobs.
    Made(usize),
    /// Once so many more files are where the clips go, whole or not.
    Arrived(usize),
}

impl Storm {
    /// A storm over this many jobs, of the seed in `ZOETROPE_CRASH_SEED` or any.
    pub(super) fn new(honoured: bool, jobs: usize) -> Self {
        let seed = number("ZOETROPE_CRASH_SEED").unwrap_or_else(Random::any_seed);
        println!("ZOETROPE_CRASH_SEED={seed}");
        // Replies that are late before the work, late after it, and slow; polls that are late;
        // clips in pieces.
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
            fell: [0; PLACES.len()],
            in_doubt: BTreeSet::new(),
        }
    }

    /// Rages until every batch was begun, then lets everything come to its end.
    pub(super) fn rage(mut self) -> Report {
        let mut batches = Vec::new();
        while self.fixture.wanted.len() < self.jobs {
            let batch = self.batch(batches.len());
            self.storm_over(&batch);
            batches.push(batch);
        }
        for batch in &batches {
            if !self.is_in_the_ledger(batch) {
                let ended = self.fixture.sandbox.run(&batch.command);
                assert!([0, 8].contains(&ended.code), "{ended:?}");
            }
        }
        let ending = self.fixture.comes_to_its_end(Some(&self.in_doubt));
        assert!(self.kills > 0, "no storm");
        Report {
            honoured: self.fixture.honoured,
            seed: self.seed,
            kills: self.kills,
            fell: self.fell,
            ending,
        }
    }

    /// The next lines, in a file, and the command that runs them.
    fn batch(&mut self, number: usize) -> Batch {
        let (lines, folder) = (format!("{number}.jsonl"), format!("clips-{number}"));
        let key = format!("storm-{number}");
        let count = LINES.min(self.jobs - self.fixture.wanted.len());
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
            self.fixture.wanted.insert(format!("{key}-{line}"), clip);
        }
        self.fixture.sandbox.write(&lines, text);
        let words = ["--json", "run", "image_to_video_v3", "--batch", &lines];
        let more = ["--out-dir", &folder, "--key", &key];
        let command = words.into_iter().chain(more).map(str::to_owned).collect();
        Batch { keys, command }
    }

    fn storm_over(&mut self, batch: &Batch) {
        for _ in 0..BATCH_STRIKES {
            self.strike(&batch.command);
            if self.is_in_the_ledger(batch) {
                break;
            }
        }
        for _ in 0..self.random.below(RESUME_STRIKES + 1) {
            self.strike(&RESUME.map(str::to_owned));
        }
    }

    /// Starts a process, kills it at some moment, and looks at what it has left.
    fn strike(&mut self, command: &[String]) {
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
        if !running.strike() {
            return;
        }
        self.kills += 1;
        for job in self.fixture.ledger().jobs() {
            if let Some(place) = place_of(&job) {
                self.fell[place] += 1;
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

    /// Files beside each other in the folders of the clips.
    fn arrived(&self) -> usize {
        let folders: BTreeSet<_> = self
            .fixture
            .wanted
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

/// Where a job is, among [`PLACES`]; `None` once there is nothing left to be lost.
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
