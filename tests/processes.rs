//! Several processes on one data directory, killed at random, the driver most often. Another process
//! takes its role over, no job is polled twice at the same time, none is submitted twice.
//!
//! The tests read the driver from the kernel's list of locks, so they run on Linux only.
//! `ZOETROPE_PROCESSES_JOBS` sets the number of jobs.

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

/// A limit on any wait, with a margin for slow machines.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The longest time before a process is killed.
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

/// Two processes request one job, and the later one dies. The other one still waits for it, with
/// itself or a third process as the driver.
#[test]
fn shared_job_is_finished_for_the_requester_that_survives() {
    for another_drives in [false, true] {
        // The first submit of the shared job is rejected, so that the job stays queued.
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
        assert!(second.kill_if_running());
        let state = row(&fixture).expect("its row").state();
        assert_eq!(
            state,
            State::Queued,
            "the job was not submitted when the second process died"
        );

        let answer = first.end().answer();
        assert_eq!(answer["summary"]["finalized"], 1, "{answer}");
        match third {
            Some(third) => drop(third.end().answer()),
            None => drop(fixture.targets.remove("other-1")),
        }
        fixture.finish_and_check(None);
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
        assert!(
            begun.elapsed() < TIMEOUT,
            "the condition did not hold in time"
        );
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn killed_at_random(processes: usize, honoured: bool) {
    let seed = number("ZOETROPE_CRASH_SEED").unwrap_or_else(Random::any_seed);
    println!("ZOETROPE_CRASH_SEED={seed}");
    // Slow and frequent polls; rejected submits, so that jobs stay queued while their requesters die.
    let rules = json!([
        {"method": "POST", "path": "/v1/jobs", "from": 5, "every": 9, "status": 429, "headers": {"Retry-After": "1"}},
        {"method": "POST", "path": "/v1/jobs", "every": 2, "after": true, "delay_ms": 40},
        {"method": "GET", "path": "/v1/jobs/{id}", "delay_ms": 30, "patch": {"poll_after_ms": 100}},
        {"method": "GET", "path": "/v1/clips/*", "drip_ms": 3, "drip_bytes": 1024},
    ]);
    let mut fixture = Fixture::new(honoured, Duration::from_millis(400), &rules);
    let jobs = number("ZOETROPE_PROCESSES_JOBS").unwrap_or(JOBS);
    let batches: Vec<_> = (0..jobs.div_ceil(LINES))
        .map(|number| format!("group-{number}"))
        .map(|key| (key.clone(), batch(&mut fixture, &key, LINES)))
        .collect();
    let mut group = Group {
        fixture: &fixture,
        random: Random::new(seed),
        running: Vec::new(),
        kills: 0,
        drivers: 0,
        takeovers: 0,
    };
    for command in commands(&batches) {
        while group.running.len() >= processes {
            group.kill_one();
        }
        group.start(&command);
    }
    // All but the last one are killed.
    while group.running.len() > 1 {
        group.kill_one();
    }
    while let Some(survivor) = group.running.pop() {
        group.ended_well(survivor);
    }
    let Group {
        kills,
        drivers,
        takeovers,
        ..
    } = group;
    // Batches whose processes all died before their rows were committed.
    let known = fixture.ledger().jobs();
    let is_known = |key: &str| known.iter().any(|job| job.spec.key == key);
    for (key, batch) in &batches {
        if !(1..=LINES).all(|line| is_known(&format!("{key}-{line}"))) {
            let ended = fixture.sandbox.run(batch);
            assert!([0, 8].contains(&ended.code), "{ended:?}");
        }
    }
    let ending = fixture.finish_and_check(None);
    let most = fixture.provider.billing().most_polls_at_once_for_one_job;
    println!(
        "{processes} processes, {} jobs: {kills} kills, {drivers} of drivers, {takeovers} taken over; \
         {} unknown; most polls at once for one job: {most}",
        ending.jobs, ending.unknown
    );
    assert_eq!(most, 1, "polls at once for one job");
    assert!(drivers > 0 && takeovers > 0, "{drivers} {takeovers}");
}

/// Each batch twice, for two processes, and `jobs resume --all` after every second batch.
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

/// The command that runs a batch of `count` lines under this key.
fn batch(fixture: &mut Fixture, key: &str, count: usize) -> Vec<String> {
    let lines = format!("{key}.jsonl");
    let mut text = String::new();
    for line in 1..=count {
        let image = format!("https://p.example/{key}-{line}.png");
        text += &json!({ "prompt": "pan", "image": image }).to_string();
        text.push('\n');
        let clip = fixture.sandbox.path(key).join(format!("{line}.mp4"));
        fixture.targets.insert(format!("{key}-{line}"), clip);
    }
    fixture.sandbox.write(&lines, text);
    let words = ["--json", "run", "image_to_video_v3", "--batch", &lines];
    let more = ["--out-dir", key, "--key", key];
    words.into_iter().chain(more).map(str::to_owned).collect()
}

/// The processes on the fixture's data directory.
struct Group<'a> {
    fixture: &'a Fixture,
    random: Random,
    running: Vec<Running<'a>>,
    kills: usize,
    drivers: usize,
    takeovers: usize,
}

impl Group<'_> {
    fn start(&mut self, command: &[String]) {
        let sandbox = &self.fixture.sandbox;
        self.running.push(sandbox.start(sandbox.command(command)));
    }

    /// Waits a random time, then kills the driver or any process, unless one ended before.
    fn kill_one(&mut self) {
        let life = Duration::from_millis(self.random.below(LIFE_MS));
        let begun = Instant::now();
        while begun.elapsed() < life {
            if self.remove_ended() {
                return;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        let driver = self.driver();
        let any = usize::try_from(self.random.below(self.running.len() as u64)).unwrap_or(0);
        // Each test has at least one takeover.
        let wanted = self.takeovers == 0 || self.random.below(3) > 0;
        let victim = driver.filter(|_| wanted).unwrap_or(any);
        if !self.running.swap_remove(victim).kill_if_running() {
            return;
        }
        self.kills += 1;
        if driver == Some(victim) {
            self.drivers += 1;
            self.wait_for_takeover();
        }
    }

    /// Checks and removes a process that has ended by itself.
    fn remove_ended(&mut self) -> bool {
        let ended = self.running.iter_mut().position(Running::has_ended);
        let Some(ended) = ended else { return false };
        let ended = self.running.swap_remove(ended);
        self.ended_well(ended);
        true
    }

    /// Asserts that a process that was not killed got its clips.
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

    /// Waits until another process drives, or none is left.
    #[track_caller]
    fn wait_for_takeover(&mut self) {
        let begun = Instant::now();
        while self.driver().is_none() {
            // Processes without open jobs end without a driver.
            self.remove_ended();
            if self.running.is_empty() {
                return;
            }
            assert!(begun.elapsed() < TIMEOUT, "no process took over");
            std::thread::sleep(POLL_INTERVAL);
        }
        self.takeovers += 1;
    }

    /// The index of the process that holds the driver's lock.
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
        holders.find_map(|holder| self.running.iter().position(|one| one.id() == holder))
    }
}
