//! Tables and JSON documents.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::measure::{Group, Row};

/// A group's table. Ratios come first, since they compare between machines.
#[must_use]
pub fn table(group: &Group) -> String {
    let mut text = format!("{}\n", group.title());
    let head = format!(
        "{:>8} {:>11} {:>11} {:>8}",
        "ratio", "median", "p95", "samples"
    );
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "  {:<58}{head}",
        format!("(1.0 = {})", group.baseline())
    );
    let rows = group.rows();
    // One unit for the whole table.
    let are_long = rows
        .iter()
        .all(|row| row.median >= Duration::from_millis(1));
    let (unit, a_second) = if are_long { ("ms", 1e3) } else { ("µs", 1e6) };
    for row in rows {
        let (median, p95) = (row.median.as_secs_f64(), row.p95.as_secs_f64());
        let (median, p95) = (median * a_second, p95 * a_second);
        let _ = writeln!(
            text,
            "  {:<58}{:>8.1} {median:>8.1} {unit} {p95:>8.1} {unit} {:>8}",
            row.name, row.ratio, row.samples
        );
    }
    text
}

/// A group as JSON.
#[must_use]
pub fn group_json(group: &Group) -> Value {
    let row = |row: &Row| {
        json!({
            "name": row.name, "ratio": row.ratio, "samples": row.samples,
            "median_us": microseconds(row.median), "p95_us": microseconds(row.p95),
        })
    };
    let rows: Vec<Value> = group.rows().iter().map(row).collect();
    json!({"title": group.title(), "baseline": group.baseline(), "rows": rows})
}

/// Lines a second, by contestant: the median run and the slowest.
#[derive(Clone, Debug, PartialEq)]
pub struct Throughput {
    /// The contestant.
    pub name: String,
    /// Lines a second of each run.
    pub runs: Vec<f64>,
}

impl Throughput {
    /// The median run.
    #[must_use]
    pub fn median(&self) -> f64 {
        let mut runs = self.runs.clone();
        runs.sort_unstable_by(f64::total_cmp);
        runs.get(runs.len() / 2).copied().unwrap_or_default()
    }

    /// The slowest run.
    #[must_use]
    pub fn slowest(&self) -> f64 {
        self.runs.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// The table of lines a second. The last contestant is the baseline.
#[must_use]
pub fn throughput_table(title: &str, all: &[Throughput]) -> String {
    let base = all.last().map_or(f64::NAN, Throughput::median);
    let name = all.last().map_or("", |last| &last.name);
    let mut text = format!("{title}\n");
    let head = format!(
        "{:>8} {:>11} {:>11} {:>8}",
        "ratio", "median", "slowest", "runs"
    );
    let _ = writeln!(text, "  {:<58}{head}", format!("(1.0 = {name})"));
    for one in all {
        let (ratio, median, slowest) = (one.median() / base, one.median(), one.slowest());
        let _ = writeln!(
            text,
            "  {:<58}{ratio:>8.2} {median:>9.0}/s {slowest:>9.0}/s {:>8}",
            one.name,
            one.runs.len()
        );
    }
    text
}

/// The throughput as JSON.
#[must_use]
pub fn throughput_json(title: &str, all: &[Throughput]) -> Value {
    let row = |one: &Throughput| json!({"name": one.name, "lines_a_second": one.runs});
    let rows: Vec<Value> = all.iter().map(row).collect();
    json!({"title": title, "rows": rows})
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
