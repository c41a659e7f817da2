//! `zoetrope jobs`.

use std::process::ExitCode;

use serde_json::Value;
use zoetrope_host::driver::now;
use zoetrope_host::error::chain;
use zoetrope_host::jobs::{Comparison, FileState, error_text, short_id};
use zoetrope_host::ledger::{Job, LedgerError, Rows, State};
use zoetrope_host::sanitize::line;

use crate::ago::relative;
use crate::args::ListLimit;
use crate::args::jobs::List;
use crate::context::Context;
use crate::report::{Failure, cost, of_ledger, outcome};
use crate::style::{Style, StyledText};
use crate::table::{Cell, Column, Cut, table, width};

/// The jobs of a list for people.
const LIMIT: usize = 20;

/// The shortest id in a list.
pub(super) const SHORT_ID: usize = 8;

const COLUMNS: [Column; 6] = [
    Column {
        heading: "ID",
        cut: Cut::Never,
        dispensable: 0,
    },
    Column {
        heading: "STATE",
        cut: Cut::Never,
        dispensable: 0,
    },
    Column {
        heading: "CREATED",
        cut: Cut::Never,
        dispensable: 2,
    },
    Column {
        heading: "COST",
        cut: Cut::Never,
        dispensable: 1,
    },
    Column {
        heading: "NODE",
        cut: Cut::End(10),
        dispensable: 3,
    },
    Column {
        heading: "RESULT",
        cut: Cut::Path(12),
        dispensable: 4,
    },
];

impl List {
    /// Lists the jobs; then the damaged rows, to which no filter applies.
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let ledger = context.ledger()?;
        let rows = ledger.rows();
        let rows = rows.map_err(|error| of_ledger(&error, &context.options()))?;
        let found: Vec<_> = rows.jobs.iter().filter(|job| self.takes(job)).collect();
        let limit = match self.limit {
            Some(ListLimit(limit)) => limit,
            None if context.json() => None,
            None => Some(LIMIT),
        };
        let left_out = found.len().saturating_sub(limit.unwrap_or(usize::MAX));
        let mut jobs = found[left_out..].to_vec();
        if context.json() {
            let listed = jobs.into_iter().map(outcome::listed);
            let damaged = rows.damaged.iter().map(outcome::damaged);
            let listed = Value::Array(listed.chain(damaged).collect());
            context.printer().line(&listed)?;
            return Ok(ExitCode::SUCCESS);
        }
        if !self.reverse {
            jobs.reverse();
        }
        if jobs.is_empty() && rows.damaged.is_empty() {
            match &self.node {
                Some(node) if rows.jobs.iter().all(|job| job.spec.node != *node) => {
                    let text = format!("No job is of the node type `{}`.", line(node));
                    context.printer().info(&text);
                }
                _ => context.printer().info(nothing(&rows)),
            }
            return Ok(ExitCode::SUCCESS);
        }
        let ids = ledger.ids();
        let ids = ids.map_err(|error| of_ledger(&error, &context.options()))?;
        let text = text(&jobs, &rows.damaged, &ids, now(), width());
        context.printer().styled(&text)?;
        if left_out > 0 {
            let more = format!(
                "note: {left_out} older {} not shown; --limit all shows every job",
                if left_out == 1 { "job is" } else { "jobs are" }
            );
            context.printer().info(&more);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn takes(&self, job: &Job) -> bool {
        (self.states.is_empty() || self.states.contains(&job.state()))
            && self.node.as_ref().is_none_or(|node| *node == job.spec.node)
            && self.since.is_none_or(|since| job.spec.created_at >= since)
    }
}

/// Says why a list is empty.
fn nothing(rows: &Rows) -> &'static str {
    if rows.jobs.is_empty() {
        "No jobs. Make one: zoetrope run NODE --input FILE"
    } else {
        "No job matches."
    }
}

/// The list for people. `ids`: those of all jobs, sorted.
fn text(
    jobs: &[&Job],
    damaged: &[LedgerError],
    ids: &[String],
    now: i64,
    width: Option<usize>,
) -> StyledText {
    let rows = jobs.iter().map(|job| cells(job, ids, now));
    let damaged = damaged.iter().map(|error| {
        let id = error.damaged_row().map_or("", |row| &row.job);
        let cell = |text: &str| (Style::Plain, line(text).into_owned());
        let [empty, cost, node] = ["", "", ""].map(cell);
        let state = (Style::Bad, "unreadable".to_owned());
        vec![
            cell(short_id(id, ids, SHORT_ID)),
            state,
            empty,
            cost,
            node,
            cell(&chain(error)),
        ]
    });
    table(&COLUMNS, &rows.chain(damaged).collect::<Vec<_>>(), width)
}

fn cells(job: &Job, ids: &[String], now: i64) -> Vec<Cell> {
    let plain = |text: &str| (Style::Plain, line(text).into_owned());
    vec![
        plain(short_id(&job.spec.id, ids, SHORT_ID)),
        (style(job), job.state().as_str().to_owned()),
        (Style::Faint, relative(job.spec.created_at, now)),
        plain(&cost::text(job)),
        plain(&job.spec.node),
        plain(&result_or_error(job)),
    ]
}

/// The style of a job's state.
pub(super) fn style(job: &Job) -> Style {
    match job.state() {
        State::Succeeded if job.is_finalized() => Style::Good,
        State::Failed => Style::Bad,
        State::Cancelled => Style::Faint,
        State::OutcomeUnknown => Style::Attention,
        _ if job.is_settled() => Style::Attention,
        _ => Style::Active,
    }
}

/// The path of the result, or the last error.
fn result_or_error(job: &Job) -> String {
    match (job.file(), &job.last_error) {
        (Some(file), _) if job.is_finalized() => {
            let path = file.path.display();
            match FileState::of_job(job, Comparison::Length) {
                None | Some(FileState::Present) => path.to_string(),
                Some(state) => format!("{path} ({})", state.as_str()),
            }
        }
        (_, Some(error)) => {
            let text = error_text(job).unwrap_or_default();
            format!("{}: {text}", error.kind)
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use textwrap::core::display_width;
    use zoetrope_host::contract::Charge;
    use zoetrope_host::error::ErrorKind;
    use zoetrope_host::ledger::{Cost, JobError, JobSpec, Target};

    use super::*;

    const NOW: i64 = 1_795_917_600_000;

    fn job(id: &str, node: &str, minutes_ago: i64) -> Job {
        let spec = JobSpec {
            id: id.into(),
            node: node.into(),
            raw_input: "{}".into(),
            raw_input_sha256: String::new(),
            input: "{}".into(),
            component: String::new(),
            connection: "pixelml".into(),
            provider_origin: "https://p.example".into(),
            key: id.into(),
            idempotency_ms: 0,
            created_at: NOW - minutes_ago * 60_000,
        };
        Job::new(spec, Target::Stem("/clips/a".into()), "r".into(), NOW)
    }

    fn suspended() -> Job {
        let mut job = job("4e5f6a7b-0000", "波の動画", 180);
        job.schedule.next_at = None;
        let message = "the provider did not answer in time";
        job.last_error = Some(JobError::new(ErrorKind::Deadline, message));
        job
    }

    fn listed(width: Option<usize>, colored: bool) -> String {
        let jobs = [job("0a1b2c3d-0000", "image_to_video_v3", 3), suspended()];
        let ids: Vec<_> = jobs.iter().map(|job| job.spec.id.clone()).collect();
        let jobs: Vec<_> = jobs.iter().collect();
        text(&jobs, &[], &ids, NOW, width).rendered(colored)
    }

    #[test]
    fn list_has_headings_short_ids_and_relative_times() {
        let expected = "\
ID        STATE   CREATED    COST  NODE               RESULT
0a1b2c3d  queued  3 min ago  -     image_to_video_v3
4e5f6a7b  queued  3 h ago    -     波の動画           deadline: the provider did not answer in time
";
        assert_eq!(listed(None, false), expected);
    }

    #[test]
    fn list_fits_the_terminal_and_keeps_ids_and_states() {
        for width in [40, 80, 200] {
            let text = listed(Some(width), false);
            let widest = text.lines().map(display_width).max();
            assert!(widest <= Some(width), "{text}");
            assert!(width < 80 || text.contains("deadline: the p"), "{text}");
            for line in text.lines().skip(1) {
                assert!(line.contains("  queued"), "{text}");
                assert!(line.contains(" ago"), "{text}");
            }
        }
    }

    #[test]
    fn cost_stays_where_the_time_does_not_fit() {
        let mut done = job("0a1b2c3d-0000", "image_to_video_v3", 180);
        done.billing.charge = Charge::Yes;
        done.billing.cost = Some(Cost {
            amount: "0.192345678".into(),
            unit: "credits".into(),
        });
        let text = text(&[&done], &[], &[], NOW, Some(40)).rendered(false);
        assert!(text.contains("0.192345678 credits"), "{text}");
        assert!(!text.contains("CREATED"), "{text}");
    }

    #[test]
    fn states_have_colours() {
        let text = listed(Some(80), true);
        assert!(
            text.contains("\u{1b}[36mqueued\u{1b}[0m"),
            "active: {text:?}"
        );
        assert!(
            text.contains("\u{1b}[33mqueued\u{1b}[0m"),
            "suspended: {text:?}"
        );
    }
}
