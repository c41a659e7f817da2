//! The table and the JSON document of a measurement.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::measurement::{Figures, PickUp};
use super::peers::{self, Design};

/// A row that this host and the other designs share: its name, and the values of both.
type Shared = (
    &'static str,
    fn(&Figures) -> String,
    fn(&peers::Figures) -> String,
);

/// The rows of the comparison.
const SHARED: [Shared; 5] = [
    (
        "resident memory for each job",
        |one| bytes(one.bytes_a_job()),
        |one| bytes(one.bytes_a_job()),
    ),
    (
        "processor time a second while all wait",
        |one| milliseconds(one.waiting.time),
        |one| milliseconds(one.waiting.time),
    ),
    (
        "polls, every job due",
        |one| rate(one.polling.a_second),
        |one| rate(one.polling.a_second),
    ),
    (
        "processor time, a poll",
        |one| microseconds(one.polling.time),
        |one| microseconds(one.polling.time),
    ),
    (
        "calls that the provider holds while all wait",
        |_| "0".into(),
        |one| one.calls.to_string(),
    ),
];

/// A column for each size, a row for each figure.
#[must_use]
pub fn table(all: &[Figures]) -> String {
    let mut table = Table {
        all,
        text: String::from("jobs in flight at once\n"),
    };
    submits(&mut table);
    waiting(&mut table);
    polls(&mut table);
    resumes(&mut table);
    table.text
}

/// The results as JSON.
#[must_use]
pub fn to_json(figures: &Figures) -> Value {
    let pick_up =
        |one: PickUp| json!({"first_s": one.first.as_secs_f64(), "last_s": one.last.as_secs_f64()});
    json!({
        "jobs": figures.jobs,
        "submits_a_second": figures.submits_a_second(),
        "inserted_s": figures.inserted.as_secs_f64(),
        "accepted_s": figures.accepted.as_secs_f64(),
        "submit_cpu_us": micros(each(figures.submit_time, figures.jobs)),
        "resident_empty_bytes": figures.empty,
        "resident_waiting_bytes": figures.waiting.resident,
        "resident_resumed_bytes": figures.resumed,
        "bytes_a_job": figures.bytes_a_job(),
        "waiting_cpu_us_a_second": micros(figures.waiting.time),
        "polls_a_second": figures.polling.a_second,
        "poll_cpu_us": micros(figures.polling.time),
        "provider_poll_cpu_us": micros(figures.polling.provider_time),
        "resumed_by_command": pick_up(figures.command),
        "resumed_by_library": pick_up(figures.embedded),
    })
}

/// The table of the comparison: a row for each figure and design, a column for each size.
#[must_use]
pub fn side_by_side(all: &[Figures], others: &[peers::Figures]) -> String {
    let mut text = String::from("next to it, without a ledger: each job in a call of its own\n");
    let row = |text: &mut String, name: &str, values: Vec<String>| {
        // Writing to a string cannot fail.
        let _ = write!(text, "  {name:<58}");
        for value in values {
            let _ = write!(text, "{value:>15}");
        }
        text.push('\n');
    };
    let sizes: Vec<_> = all
        .iter()
        .filter(|one| one.jobs <= peers::MOST_JOBS)
        .collect();
    row(
        &mut text,
        "",
        sizes.iter().map(|one| one.jobs.to_string()).collect(),
    );
    for (name, host_value, design_value) in SHARED {
        let values = sizes.iter().map(|one| host_value(one)).collect();
        row(&mut text, &format!("{name}: this host"), values);
        for design in Design::ALL {
            let of = |host: &&Figures| {
                let mut others = others.iter();
                others
                    .find(|one| one.design == design && one.jobs == host.jobs)
                    .map_or_else(String::new, design_value)
            };
            row(
                &mut text,
                &format!("  {}", design.name()),
                sizes.iter().map(of).collect(),
            );
        }
    }
    text
}

/// The results of a design as JSON.
#[must_use]
pub fn design_to_json(figures: &peers::Figures) -> Value {
    json!({
        "design": figures.design.name(),
        "jobs": figures.jobs,
        "held_calls": figures.calls,
        "resident_empty_bytes": figures.empty,
        "resident_waiting_bytes": figures.waiting.resident,
        "bytes_a_job": figures.bytes_a_job(),
        "waiting_cpu_us_a_second": micros(figures.waiting.time),
        "polls_a_second": figures.polling.a_second,
        "poll_cpu_us": micros(figures.polling.time),
        "provider_poll_cpu_us": micros(figures.polling.provider_time),
    })
}

/// Rows of a table, with a column for each size.
struct Table<'a> {
    all: &'a [Figures],
    text: String,
}

impl Table<'_> {
    fn row(&mut self, name: &str, value: &dyn Fn(usize, &Figures) -> String) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "  {name:<58}");
        for (place, figures) in self.all.iter().enumerate() {
            let _ = write!(self.text, "{:>15}", value(place, figures));
        }
        self.text.push('\n');
    }
}

fn submits(table: &mut Table<'_>) {
    table.row("", &|_, one| one.jobs.to_string());
    table.row("from nothing to a ticket on the disk", &|_, one| {
        rate(one.submits_a_second())
    });
    table.row("  rows inserted, in one commit", &|_, one| {
        seconds(one.inserted)
    });
    table.row(
        "  submitted and accepted, every ticket on the disk",
        &|_, one| seconds(one.accepted),
    );
    table.row("  processor time of the host, a job", &|_, one| {
        microseconds(each(one.submit_time, one.jobs))
    });
}

fn waiting(table: &mut Table<'_>) {
    let all = table.all;
    table.row("resident memory before the first job", &|_, one| {
        mebibytes(one.empty)
    });
    table.row("  while all wait", &|_, one| {
        mebibytes(one.waiting.resident)
    });
    table.row(
        "  while all wait, in a process that picked them up",
        &|_, one| mebibytes(one.resumed),
    );
    table.row("  for each job", &|_, one| bytes(one.bytes_a_job()));
    table.row(
        "  for each job more than in the column before",
        &|place, one| match place.checked_sub(1).and_then(|before| all.get(before)) {
            Some(before) => bytes(one.bytes_a_further_job(before)),
            None => String::new(),
        },
    );
    table.row("processor time a second while all wait", &|_, one| {
        milliseconds(one.waiting.time)
    });
}

fn polls(table: &mut Table<'_>) {
    table.row("polls, every job due", &|_, one| rate(one.polling.a_second));
    table.row("  processor time of the host, a poll", &|_, one| {
        microseconds(one.polling.time)
    });
    table.row("  processor time of the provider, a poll", &|_, one| {
        microseconds(one.polling.provider_time)
    });
}

fn resumes(table: &mut Table<'_>) {
    table.row(
        "killed, `jobs resume --all`: until the first poll",
        &|_, one| seconds(one.command.first),
    );
    table.row("  until every job was polled", &|_, one| {
        seconds(one.command.last)
    });
    table.row(
        "killed, a program with the library: until the first poll",
        &|_, one| seconds(one.embedded.first),
    );
    table.row("  until every job was polled", &|_, one| {
        seconds(one.embedded.last)
    });
}

fn each(time: Duration, jobs: usize) -> Duration {
    time / u32::try_from(jobs).unwrap_or(u32::MAX).max(1)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn rate(rate: f64) -> String {
    format!("{rate:.0}/s")
}

fn bytes(bytes: f64) -> String {
    format!("{bytes:.0} B")
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn microseconds(time: Duration) -> String {
    format!("{:.0} µs", micros(time))
}

#[expect(clippy::cast_precision_loss, reason = "no process is that large")]
fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
