//! Durable submits: `cargo bench -p zoetrope-benches --bench ledger`.
//!
//! A submit is three commits of its job's row: `queued` when it is added, `submitting` before its
//! bytes are sent, `started` with its ticket. This bench makes the same commits as the driver,
//! without component and provider.

#![expect(clippy::print_stdout, reason = "a benchmark prints its measurements")]

mod disk;
mod submits;
mod syncs;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use zoetrope_benches::Failure;
use zoetrope_benches::bench::Bench;
use zoetrope_benches::report::Throughput;
use zoetrope_host::driver::DriverSettings;

use disk::{Disk, pages_a_commit};
use submits::Submits;

/// Rounds that are measured, and those before them that are not.
const ROUNDS: usize = 100;
/// See [`ROUNDS`].
const WARM_UP: usize = 2;

/// The pages, and the submits one after the other, in a turn.
const PAGES: usize = 60;
const ALONE: usize = 20;

fn main() -> ExitCode {
    Bench::main("ledger", &[], measure)
}

fn measure(bench: &Bench) -> Result<Value, Failure> {
    let folder = bench.folder("ledger")?;
    let mut log = Disk::create(&folder.join("appended"))?;
    let mut page = Disk::create(&folder.join("written-over"))?;
    let mut submits = Submits::open(&folder)?;
    // As many as a driver submits concurrently in one group commit.
    let batch = DriverSettings::default().calls;
    let pages = pages_a_commit(3 * ALONE, || submits.alone(ALONE))?;
    let mut contestants = [
        Contestant::new("the disk: 4 KiB appended, fdatasync"),
        Contestant::new("the disk: 4 KiB written over, fdatasync"),
        Contestant::new(format!("the disk: {pages} times that, as a commit has")),
        Contestant::new("submits, one after the other"),
        Contestant::new(format!("submits, {batch} at once")),
    ];
    for round in 0..WARM_UP + ROUNDS {
        let turns = [
            Turn::of(PAGES, || log.append(PAGES))?,
            Turn::of(PAGES, || page.write_over(PAGES, 1))?,
            Turn::of(PAGES, || page.write_over(PAGES, pages))?,
            Turn::of(ALONE, || submits.alone(ALONE))?,
            Turn::of(batch, || submits.submit(batch))?,
        ];
        let commits = [PAGES, PAGES, PAGES, 3 * ALONE, 3];
        if turns
            .iter()
            .zip(commits)
            .any(|(turn, commits)| turn.syncs < commits)
        {
            return Err("some commits are not synchronous, or not counted".into());
        }
        if round >= WARM_UP {
            for (contestant, turn) in contestants.iter_mut().zip(turns) {
                contestant.add(&turn);
            }
        }
    }
    print!("{}", table(&contestants));
    let disk = disk_rate(&contestants);
    let rows: Vec<Value> = contestants.iter().map(|one| one.to_json(disk)).collect();
    Ok(json!({"rows": rows}))
}

/// The result of one contestant in one round.
struct Turn {
    operations: usize,
    syncs: usize,
    taken: Duration,
}

impl Turn {
    fn of(operations: usize, work: impl FnOnce() -> Result<(), Failure>) -> Result<Self, Failure> {
        let (begun, before) = (Instant::now(), syncs::counted());
        work()?;
        let (taken, after) = (begun.elapsed(), syncs::counted());
        Ok(Self {
            operations,
            syncs: after - before,
            taken,
        })
    }
}

struct Contestant {
    /// Operations a second, by round.
    rate: Throughput,
    operations: usize,
    syncs: usize,
}

impl Contestant {
    fn new(name: impl Into<String>) -> Self {
        Self {
            rate: Throughput {
                name: name.into(),
                runs: Vec::new(),
            },
            operations: 0,
            syncs: 0,
        }
    }

    fn add(&mut self, turn: &Turn) {
        self.operations += turn.operations;
        self.syncs += turn.syncs;
        let rate = count(turn.operations) / turn.taken.as_secs_f64();
        self.rate.runs.push(rate);
    }

    fn syncs_each(&self) -> f64 {
        count(self.syncs) / count(self.operations)
    }

    /// Its rate as a share of the rate that the disk allows for its syncs.
    fn of_disk(&self, disk: f64) -> f64 {
        self.rate.median() * self.syncs_each() / disk
    }

    fn to_json(&self, disk: f64) -> Value {
        json!({
            "name": self.rate.name,
            "a_second": self.rate.median(),
            "a_second_in_the_slowest_round": self.rate.slowest(),
            "syncs_each": self.syncs_each(),
            "share_of_the_disk": self.of_disk(disk),
        })
    }
}

/// The rate of the disk alone, with as many pages as a commit writes.
fn disk_rate(contestants: &[Contestant; 5]) -> f64 {
    let [_, _, as_a_commit, ..] = contestants;
    as_a_commit.rate.median()
}

fn table(contestants: &[Contestant; 5]) -> String {
    let disk = disk_rate(contestants);
    let mut text = format!(
        "durable submits, medians of {ROUNDS} rounds\n  {:<42}{:>12}{:>12}{:>12}{:>14}\n",
        "", "median", "slowest", "syncs each", "of the disk's"
    );
    for one in contestants {
        let (median, slowest) = (one.rate.median(), one.rate.slowest());
        let (syncs, share) = (one.syncs_each(), one.of_disk(disk) * 100.0);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  {:<42}{median:>10.0}/s{slowest:>10.0}/s{syncs:>12.2}{share:>12.0} %",
            one.rate.name
        );
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "no round is that large")]
fn count(operations: usize) -> f64 {
    operations as f64
}
