//! Processes that are killed, at every durable step and at random moments. Afterwards the ledger is
//! compared with the provider's account. `docs/reference/crash-test.md` describes the tests.
//!
//! - [`steps`]: one job, killed on both sides of each of its commits
//! - [`storm`]: batches, killed at random
//!
//! Every test runs twice: with a provider that honours idempotency keys, where no outcome may stay
//! unknown, and with one that creates a job for every submit.

mod steps;
mod storm;

use std::fmt::Write as _;

use crate::support::fixture::{Ending, number};
use storm::{Report, Storm};

/// The default of `ZOETROPE_CRASH_JOBS`: the jobs of the long test for each provider.
const LONG: usize = 1_000;

#[test]
fn random_kills_with_idempotency_lose_and_double_no_job() {
    println!("{}", table(&[Storm::new(true, 30).run()]));
}

#[test]
fn random_kills_without_idempotency_lose_and_double_no_job() {
    println!("{}", table(&[Storm::new(false, 30).run()]));
}

#[test]
#[ignore = "takes minutes; docs/reference/crash-test.md has its command"]
fn long() {
    let jobs = number("ZOETROPE_CRASH_JOBS").unwrap_or(LONG);
    let reports = [true, false].map(|honoured| Storm::new(honoured, jobs).run());
    println!("{}", table(&reports));
}

type Figure = fn(&Ending) -> usize;

/// A table with a column of figures for each report.
fn table(reports: &[Report]) -> String {
    let mut table = String::new();
    let mut row = |name: &str, figure: &dyn Fn(&Report) -> String| {
        let figures: Vec<_> = reports.iter().map(figure).collect();
        let _ = writeln!(table, "| {name} | {} |", figures.join(" | "));
    };
    row("idempotency keys", &|report| {
        let word = if report.honoured {
            "honoured"
        } else {
            "ignored"
        };
        word.into()
    });
    row("---", &|_| "---:".into());
    row("seed", &|report| report.seed.to_string());
    row("jobs", &|report| report.ending.jobs.to_string());
    row("kills", &|report| report.kills.to_string());
    for (index, name) in storm::PLACES.iter().enumerate() {
        row(&format!("killed jobs {name}"), &|report| {
            report.states_at_kill[index].to_string()
        });
    }
    let endings: [(&str, Figure); 9] = [
        ("jobs at the provider", |ending| ending.created),
        ("of them charged", |ending| ending.charged),
        ("outcomes unknown", |ending| ending.unknown),
        ("of them found at the provider", |ending| ending.found),
        ("of them never started", |ending| ending.never_started),
        ("jobs created twice", |ending| ending.created_twice),
        ("jobs charged twice", |ending| ending.charged_twice),
        ("jobs lost", |ending| ending.lost),
        ("paid clips not on disk", |ending| ending.not_on_disk),
    ];
    for (name, figure) in endings {
        row(name, &|report| figure(&report.ending).to_string());
    }
    table
}
