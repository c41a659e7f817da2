//! A day of a machine, in one script: a batch of 50 jobs through a closed terminal, an account
//! without credit, a stopped process, a clock that is set, a full disk and a kill. The test runs only
//! the commands that the program named.
//!
//! The process is stopped for some seconds; `ZOETROPE_DAY_STOP` sets another number of them.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::support::disk::Disk;
use crate::support::fixture::{Fixture, RESUME, number};
use crate::support::outcome::Outcome;
use crate::support::sandbox::{Running, TIMEOUT};
use crate::support::wall_clock::{command, library, set_clock};

const JOBS: usize = 50;

/// The jobs that the credit suffices for.
const CREDIT: usize = 10;

const STOPPED_SECONDS: u64 = 3;

/// How long the disk stays full. Nothing depends on it.
const FULL: Duration = Duration::from_secs(1);

const HOUR: i64 = 3_600;

/// The most commands until all jobs are done.
const MOST_COMMANDS: usize = 12;

struct Day {
    fixture: Fixture,
    batch: Vec<String>,
    /// The library that sets the clock, if it can be compiled.
    clock: Option<PathBuf>,
    /// The commands that were run, and their exit codes.
    log: RefCell<Vec<String>>,
}

impl Day {
    fn begin() -> Self {
        // The credit is used up once. Half of the replies and all clips are slow.
        let rules = json!([
            {"method": "POST", "path": "/v1/jobs", "from": CREDIT + 1, "times": 1, "status": 402,
             "body": {"error": {"code": "insufficient_credits", "message": "add credits"}}},
            {"method": "POST", "path": "/v1/jobs", "every": 2, "after": true, "delay_ms": 80},
            {"method": "GET", "path": "/v1/clips/*", "drip_ms": 4, "drip_bytes": 1024},
        ]);
        // The provider creates a job for every submit.
        let mut fixture = Fixture::new(false, Duration::from_millis(300), &rules);
        let connection = fixture.provider.connection("");
        let slow = connection.replace("requests_per_second = 100000", "requests_per_second = 6");
        assert_ne!(slow, connection, "the rate is in the connection");
        fixture.sandbox.configure(&slow);
        let folder = fixture.sandbox.data_dir().join("day");
        let mut text = String::new();
        for line in 1..=JOBS {
            let image = format!("https://p.example/{line}.png");
            text += &json!({ "prompt": "pan", "image": image }).to_string();
            text.push('\n');
            let clip = folder.join(format!("{line:02}.mp4"));
            fixture.targets.insert(format!("day-{line}"), clip);
        }
        fixture.sandbox.write("lines.jsonl", text);
        let batch = [
            "--json",
            "run",
            "image_to_video_v3",
            "--batch",
            "lines.jsonl",
            "--key",
            "day",
            "--out-dir",
            folder.to_str().expect("a path"),
        ];
        Self {
            batch: batch.map(str::to_owned).into(),
            clock: library(),
            log: RefCell::default(),
            fixture,
        }
    }

    fn start(&self, arguments: &[String]) -> Running<'_> {
        let sandbox = &self.fixture.sandbox;
        let command = match &self.clock {
            Some(library) => command(sandbox, library, arguments),
            None => sandbox.command(arguments),
        };
        self.log.borrow_mut().push(arguments.join(" "));
        sandbox.start(command)
    }

    /// The end of a command. Returns the command that goes on from there.
    fn end(&self, running: Running<'_>) -> (u8, Vec<String>) {
        let outcome = running.end();
        let next = self.next(&outcome);
        let mut log = self.log.borrow_mut();
        let last = log.last_mut().expect("a command");
        *last = format!("{last}: {}", outcome.code);
        (u8::try_from(outcome.code).expect("a code"), next)
    }

    /// The command that a message names.
    fn next(&self, outcome: &Outcome) -> Vec<String> {
        if outcome.code == 0 {
            return Vec::new();
        }
        let error = outcome.json()["error"].take();
        let next = error["next"].as_str().unwrap_or_default().to_owned();
        if next.contains("the same command") {
            let log = self.log.borrow();
            let is_batch = log.last().is_some_and(|last| last.contains("--batch"));
            return if is_batch {
                self.batch.clone()
            } else {
                RESUME.map(str::to_owned).into()
            };
        }
        let (_, command) = next
            .split_once("zoetrope ")
            .unwrap_or_else(|| panic!("no command: {outcome:?}"));
        let command = command.split([',', ';']).next().unwrap_or_default();
        let words = command.split(' ').map(str::to_owned);
        std::iter::once("--json".to_owned()).chain(words).collect()
    }

    fn made(&self) -> usize {
        self.fixture.provider.billing().jobs.len()
    }

    /// Waits until the provider has made so many jobs, or the process ends.
    #[track_caller]
    fn wait_for(&self, jobs: usize, running: &mut Running<'_>) {
        let begun = Instant::now();
        while self.made() < jobs && !running.has_ended() {
            assert!(begun.elapsed() < TIMEOUT, "{jobs} jobs: {:#?}", self.log);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn set_clock(&self, seconds: i64) {
        set_clock(&self.fixture.sandbox, seconds);
    }

    /// Settles what the kill left, and compares the provider's account with the disk.
    #[track_caller]
    fn finish(&self) {
        let ending = self.fixture.finish_and_check(None);
        assert_eq!(ending.jobs, JOBS);

        // A submit that the kill prevented is made good.
        for job in self.fixture.sandbox.jobs() {
            if job["state"] == "failed" {
                let id = job["id"].as_str().expect("an id");
                self.fixture
                    .sandbox
                    .run(["--json", "jobs", "retry", id])
                    .answer();
            }
        }
        let billing = self.fixture.provider.final_billing();
        assert_eq!(billing.jobs.len(), JOBS, "bought once each");
        for clip in self.fixture.targets.values() {
            assert!(clip.is_file(), "{} is missing", clip.display());
        }
    }
}

#[test]
fn every_job_of_the_day_is_bought_once_and_every_clip_is_on_the_disk() {
    let day = Day::begin();
    let disk = Disk::mount(&day.fixture.sandbox.data_dir());
    day.set_clock(0);
    // Compiles the component, whose code is on the other file system.
    assert_eq!(day.fixture.sandbox.run(["nodes"]).code, 0);

    // The terminal closes.
    let mut running = day.start(&day.batch);
    day.wait_for(2, &mut running);
    running.send(Signal::HUP);
    let (code, next) = day.end(running);
    assert_eq!(code, 9, "{:#?}", day.log);
    assert!(day.made() <= CREDIT, "no submit after the end");

    // The credit is used up, and added.
    let (code, next) = day.end(day.start(&next));
    assert_eq!(code, 6, "{:#?}", day.log);
    assert!(day.made() < JOBS / 2, "{} jobs", day.made());

    // The process is stopped for a while, and the clock is set both ways.
    let mut running = day.start(&next);
    day.wait_for(CREDIT + 8, &mut running);
    running.send(Signal::STOP);
    let stopped = number("ZOETROPE_DAY_STOP").unwrap_or(STOPPED_SECONDS);
    std::thread::sleep(Duration::from_secs(stopped));
    running.send(Signal::CONT);
    for (jobs, shift) in [(22, HOUR), (26, -HOUR), (30, 0)] {
        day.wait_for(jobs, &mut running);
        assert!(!running.has_ended(), "the clock ends no wait");
        day.set_clock(shift);
    }

    // The disk is full.
    if let Some(disk) = &disk {
        day.wait_for(34, &mut running);
        disk.fill();
        std::thread::sleep(FULL);
        disk.free();
    }
    if running.has_ended() {
        let (code, next) = day.end(running);
        assert_eq!(code, 1, "{:#?}", day.log);
        running = day.start(&next);
    }

    // The process is killed. Its messages named the command that goes on for each job.
    day.wait_for(40, &mut running);
    running.kill();
    let mut next = RESUME.map(str::to_owned).to_vec();
    for _ in 0..MOST_COMMANDS {
        let (code, named) = day.end(day.start(&next));
        if code == 0 || code == 8 {
            break;
        }
        next = named;
    }
    println!("{:#?}", day.log.borrow());
    if disk.is_none() {
        println!("the disk was not filled: no file system can be mounted here");
    }
    if day.clock.is_none() {
        println!("the clock was not set: no library can be compiled here");
    }
    day.finish();
}
