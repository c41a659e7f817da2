//! Several processes on one data directory, killed at random, the driver above all: its role is
//! taken over, no job is polled twice at the same time, none is submitted twice.
//!
//! Who drives is read from the kernel's list of locks, so these tests are for Linux.
//! `ZOETROPE_PROCESSES_JOBS` makes them longer.

use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use serde_json::json;
use zoetrope_host::ledger::{Job, Ledger, State};

use crate::support::fixture::{Fixture, RESUME, number};
use crate::support::random::Random;
use crate::support::sandbox::Running;

/// Jobs in each test.
const JOBS: usize = 40;

/// Lines of a batch.
const LINES: usize = 5;

/// Longer than anything here takes, on a slow machine too.
const PATIENCE: Duration = Duration::from_mins(1);

/// A process that is to be killed is left alone for less than this.
const LIFE_MS: u64 = 300;

const POLL_INTERVAL: Duration = Duration::from_millis(1);

#[test]
fn two_processes_with_idempotency() {
    killed_at_random(2, true);
}

#[test]
fn two_processes_without_idempotency() {
    killed_at_random(2, false);
}

#[test]
fn five_processes_with_idempotency() {
    killed_at_random(5, true);
}

#[test]
fn five_processes_without_idempotency() {
    killed_at_random(5, false);
}

/// A job that two processes asked for, and the later one died: the other one still waits for it,
/// whether it drives or a third one does.
#[test]
fn shared_job_is_finished_for_the_requester_that_survives() {
    for another_drives in [false, true] {
        // The shared job is turned away at first, so that it waits to be submitted.
        let turned_away = if another_drives { 2 } else { 1 };
        let rules = json!([
            {"method": "POST", "path": "/v1/jobs", "from": turned_away, "times": 1, "status": 429,
             "headers": {"Retry-After": "1"}},
        ]);
        let queue_time = Duration::from_millis(if another_drives { 2_000 } else { 0 });
        let mut fixture = Fixture::new(true, queue_time, &rules);
        let [shared, other] = ["shared", "other"].map(|name| batch(&mut fixture, name, 1));
        let sandbox = &fixture.sandbox;
        let third = another_drives.then(|| {
            let third = sandbox.start(sandbox.command(&other));
            wait_until(|| fixture.provider.billing().jobs.len() == 1);
            third
        });
        let first = sandbox.start(sandbox.command(&shared));
        wait_until(|| {
            row(&fixture).is_some_and(|row| row.submits() == 1 && row.state() == State::Queued)
        });
        let requester = row(&fixture).expect("its row").schedule.requester;
        let second = sandbox.start(sandbox.command(&shared));
        wait_until(|| row(&fixture).is_some_and(|row| row.schedule.requester != requester));
        assert!(second.strike());
        let state = row(&fixture).expect("its row").state();
        assert_eq!(
            state,
            State::Queued,
            "nobody had submitted it when the second one died"
        );

        let answer = first.end().answer();
        assert_eq!(answer["summary"]["finalized"], 1, "{answer}");
        match third {
            Some(third) => drop(third.end().answer()),
            None => drop(fixture.wanted.remove("other-1")),
        }
        fixture.comes_to_its_end(None);
    }
}

/// The row of the shared job.
fn row(fixture: &Fixture) -> Option<Job> {
    let ledger = Ledger::open(&fixture.sandbox.data_dir()).expect("the ledger");
    let row = ledger.job_of_key("practiced", "shared-1");
    row.expect("a ledger that answers")
}

#[track_caller]
fn wait_until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it does not come to that");
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn killed_at_random(processes: usize, honoured: bool) {
    let seed = number("ZOETROPE_CRASH_SEED").unwrap_or_else(Random::any_seed);
    println!("ZOETROPE_CRASH_SEED={seed}");
    // Polls that take their time, and many of them; submits that are turned away, so that jobs wait
    // to be submitted while those who asked for them die.
    let rules = json!([
        {"method": "POST", "path": "/v1/jobs", "from": 5, "every": 9, "status": 429, "headers": {"Retry-After": "1"}},
        {"method": "POST", "path": "/v1/jobs", "every": 2, "after": true, "delay_ms": 40},
        {"method": "GET", "path": "/v1/jobs/{id}", "delay_ms": 30, "patch": {"poll_after_ms": 100}},
        {"method": "GET", "path": "/v1/clips/*", "drip_ms": 3, "drip_bytes": 1024},
    ]);
    let mut fixture = Fixture::new(honoured, Duration::from_millis(400), &rules);
    let jobs = number("ZOETROPE_PROCESSES_JOBS").unwrap_or(JOBS);
    let batches: Vec<_> = (0..jobs.div_ceil(LINES))
        .map(|number| format!("crowd-{number}"))
        .map(|key| (key.clone(), batch(&mut fixture, &key, LINES)))
        .collect();
    let mut crowd = Crowd {
        fixture: &fixture,
        random: Random::new(seed),
        living: Vec::new(),
        kills: 0,
        drivers: 0,
        took_over: 0,
    };
    for command in commands(&batches) {
        while crowd.living.len() >= processes {
            crowd.lose_one();
        }
        crowd.start(&command);
    }
    // One by one, until the last one is left to finish.
    while crowd.living.len() > 1 {
        crowd.lose_one();
    }
    while let Some(survivor) = crowd.living.pop() {
        crowd.ended_well(survivor);
    }
    let Crowd {
        kills,
        drivers,
        took_over,
        ..
    } = crowd;
    // A batch whose processes all died before their rows were there.
    let known = fixture.ledger().jobs();
    let is_known = |key: &str| known.iter().any(|job| job.spec.key == key);
    for (key, batch) in &batches {
        if !(1..=LINES).all(|line| is_known(&format!("{key}-{line}"))) {
            let ended = fixture.sandbox.run(batch);
            assert!([0, 8].contains(&ended.code), "{ended:?}");
        }
    }
    let ending = fixture.comes_to_its_end(None);
    let most = fixture.provider.billing().most_polls_at_once_for_one_job;
    println!(
        "{processes} processes, {} jobs: {kills} kills, {drivers} of drivers, {took_over} taken over; \
         {} unknown; most polls at once for one job: {most}",
        ending.jobs, ending.unknown
    );
    assert_eq!(most, 1, "polls at once for one job");
    assert!(drivers > 0 && took_over > 0, "{drivers} {took_over}");
}

/// Batches that two processes ask for, one after the other; and, in between, going on with
/// everything.
fn commands(batches: &[(String, Vec<String>)]) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for (number, (_, batch)) in batches.iter().enumerate() {
        commands.extend([batch.clone(), batch.clone()]);
        if number % 2 == 1 {
            commands.push(RESUME.map(str::to_owned).into());
        }
    }
    commands
}

/// The command that runs so many lines under this key.
fn batch(fixture: &mut Fixture, key: &str, count: usize) -> Vec<String> {
    let lines = format!("{key}.jsonl");
    let mut text = String::new();
    for line in 1..=count {
        let image = format!("https://p.example/{key}-{line}.png");
        text += &json!({ "prompt": "pan", "image": image }).to_string();
        text.push('\n');
        let clip = fixture.sandbox.path(key).join(format!("{line}.mp4"));
        fixture.wanted.insert(format!("{key}-{line}"), clip);
    }
    fixture.sandbox.write(&lines, text);
    let words = ["--json", "run", "image_to_video_v3", "--batch", &lines];
    let more = ["--out-dir", key, "--key", key];
    words.into_iter().chain(more).map(str::to_owned).collect()
}

/// The processes on the scene's data directory.
struct Crowd<'a> {
    fixture: &'a Fixture,
    random: Random,
    living: Vec<Running<'a>>,
    kills: usize,
    drivers: usize,
    took_over: usize,
}

impl Crowd<'_> {
    fn start(&mut self, command: &[String]) {
        let sandbox = &self.fixture.sandbox;
        self.living.push(sandbox.start(sandbox.command(command)));
    }

    /// Waits a moment, then kills the driver or anybody, unless somebody has ended meanwhile.
    fn lose_one(&mut self) {
        let life = Duration::from_millis(self.random.below(LIFE_MS));
        let begun = Instant::now();
        while begun.elapsed() < life {
            if self.let_go_of_the_ended() {
                return;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        let driver = self.driver();
        let any = usize::try_from(self.random.below(self.living.len() as u64)).unwrap_or(0);
        // Each test has seen a takeover at least once.
        let wanted = self.took_over == 0 || self.random.below(3) > 0;
        let victim = driver.filter(|_| wanted).unwrap_or(any);
        if !self.living.swap_remove(victim).strike() {
            return;
        }
        self.kills += 1;
        if driver == Some(victim) {
            self.drivers += 1;
            self.is_taken_over();
        }
    }

    /// Checks and forgets those that have come to their own end.
    fn let_go_of_the_ended(&mut self) -> bool {
        let ended = self.living.iter_mut().position(Running::has_ended);
        let Some(ended) = ended else { return false };
        let ended = self.living.swap_remove(ended);
        self.ended_well(ended);
        true
    }

    /// Whoever is not killed gets its clips.
    #[track_caller]
    fn ended_well(&self, process: Running<'_>) {
        let outcome = process.end();
        let is_well = outcome.code == 0 || (outcome.code == 8 && !self.fixture.honoured);
        assert!(is_well, "{outcome:?}");
        let answer = outcome.json();
        for job in answer["jobs"].as_array().expect("the jobs") {
            let is_done = job["file"].is_string();
            let is_unknown = job["state"] == "outcome_unknown" && !self.fixture.honoured;
            assert!(is_done || is_unknown, "{job}");
        }
    }

    /// While anybody is left, somebody drives.
    #[track_caller]
    fn is_taken_over(&mut self) {
        let begun = Instant::now();
        while self.driver().is_none() {
            // Those that had only to say that they are done need no driver.
            self.let_go_of_the_ended();
            if self.living.is_empty() {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "nobody has taken over");
            std::thread::sleep(POLL_INTERVAL);
        }
        self.took_over += 1;
    }

    /// Which of the living holds the driver's lock.
    fn driver(&self) -> Option<usize> {
        let lock = self.fixture.sandbox.data_dir().join("driver.lock");
        let file = std::fs::metadata(lock).ok()?.ino().to_string();
        let locks = std::fs::read_to_string("/proc/locks").expect("the kernel's locks");
        // 1: FLOCK  ADVISORY  WRITE 4711 fe:00:5980603 0 EOF
        let mut holders = locks.lines().filter_map(|lock| {
            let words: Vec<_> = lock.split_whitespace().collect();
            let inode = words.get(5)?.rsplit(':').next()?;
            let is_held = words[1] == "FLOCK" && inode == file;
            words[4].parse::<u32>().ok().filter(|_| is_held)
        });
        holders.find_map(|holder| self.living.iter().position(|one| one.id() == holder))
    }
}
