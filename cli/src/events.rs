//! The events of `--events`: what happens to the jobs that a command waits for, a JSON object a line
//! on standard output. An event of a change follows the commit of that change.
//! `docs/reference/events.md` describes them.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use zoetrope_host::contract::Charge;
use zoetrope_host::download::Received;
use zoetrope_host::driver::JobUpdate;
use zoetrope_host::ledger::{ClipFile, Cost, Job, JobError, State};
use zoetrope_host::sanitize::line;

use super::printer::Printer;
use super::report::outcome;
use super::terminal_line::{advanced, higher};

/// The shortest time between two events on the progress of a job in one stage.
const INTERVAL: Duration = Duration::from_millis(250);

/// Prints events.
pub(super) struct Events {
    printer: Printer,
    jobs: HashMap<String, Reported>,
}

/// What was reported of a job.
#[derive(Default)]
struct Reported {
    state: Option<State>,
    charge: (Option<Charge>, Option<Cost>),
    problem: Option<JobError>,
    files: HashSet<PathBuf>,
    stage: &'static str,
    fraction: Option<f32>,
    received: (u64, Option<u64>),
    /// When the last progress was reported.
    at: Option<Instant>,
}

impl Events {
    pub(super) fn new(printer: Printer) -> Self {
        Self {
            printer,
            jobs: HashMap::new(),
        }
    }

    /// Reports what has changed in a committed row.
    pub(super) fn committed(&mut self, job: &Job) {
        if !self.printer.has_events() {
            return;
        }
        let id = &job.spec.id;
        let reported = self.jobs.entry(id.clone()).or_default();
        let mut events = Vec::new();
        if reported.state.replace(job.state()) != Some(job.state()) {
            let mut state = json!({
                "key": job.spec.key,
                "node": job.spec.node,
                "connection": job.spec.connection,
                "state": job.state().as_str(),
            });
            if let Some(provider_job_id) = job.provider_job_id() {
                state["provider_job_id"] = provider_job_id.into();
            }
            events.push(("state", state));
        }
        let charge = (Some(job.charge()), job.cost().cloned());
        if reported.charge != charge {
            let mut event = json!({ "charged": job.charge().as_str() });
            if let Some(cost) = &charge.1 {
                event["cost"] = json!({ "amount": cost.amount, "unit": cost.unit });
            }
            reported.charge = charge;
            events.push(("charge", event));
        }
        if reported.problem != job.last_error {
            reported.problem.clone_from(&job.last_error);
            if let Some(error) = &job.last_error {
                let problem = json!({
                    "kind": error.kind.as_str(),
                    "message": line(&error.message),
                    "will_retry": !job.is_settled(),
                });
                events.push(("problem", problem));
            }
        }
        let files = job.file().filter(|_| job.is_finalized());
        for file in files.into_iter().flat_map(ClipFile::all) {
            if reported.files.insert(file.path.clone()) {
                events.push(("file", outcome::described(file)));
            }
        }
        for (name, event) in events {
            self.print(name, id, event);
        }
    }

    /// Reports an update that changes no row.
    pub(super) fn updated(&mut self, id: &str, update: &JobUpdate<'_>) {
        if !self.printer.has_events() {
            return;
        }
        match update {
            JobUpdate::Committed(job) => self.committed(job),
            JobUpdate::Progress {
                stage,
                fraction,
                message,
            } => self.at_provider(id, stage.as_str(), *fraction, *message),
            JobUpdate::Uploading => {
                if self.is_due(id, "uploading") {
                    self.print("progress", id, json!({ "stage": "uploading" }));
                }
            }
            JobUpdate::Downloading(received) => self.downloading(id, *received),
            JobUpdate::HeldUp(held_up) | JobUpdate::WaitEnded(held_up) => {
                self.print("held_up", id, json!({ "message": held_up.to_string() }));
            }
            JobUpdate::Unrecorded {
                ticket,
                provider_job_id,
                error,
                ..
            } => {
                let unrecorded = json!({
                    "provider_job_id": provider_job_id,
                    "ticket": outcome::document(Some(ticket)),
                    "message": error.to_string(),
                });
                self.print("unrecorded", id, unrecorded);
            }
        }
    }

    fn at_provider(
        &mut self,
        id: &str,
        stage: &'static str,
        fraction: Option<f32>,
        message: Option<&str>,
    ) {
        let reported = self.jobs.entry(id.to_owned()).or_default();
        if let Some(fraction) = fraction {
            reported.fraction = Some(higher(reported.fraction, fraction));
        }
        let fraction = reported.fraction;
        if !self.is_due(id, stage) {
            return;
        }
        let mut event = json!({ "stage": stage });
        if let Some(fraction) = fraction {
            event["fraction"] = rounded(fraction);
        }
        if let Some(message) = message {
            event["message"] = line(message).into();
        }
        self.print("progress", id, event);
    }

    fn downloading(&mut self, id: &str, received: Received) {
        let reported = self.jobs.entry(id.to_owned()).or_default();
        let before = reported.received;
        reported.received = advanced(reported.received, received.bytes, received.total);
        let (bytes, total) = reported.received;
        if reported.received == before {
            return;
        }
        if total == Some(bytes) || self.is_due(id, "downloading") {
            let mut event = json!({ "stage": "downloading", "bytes": bytes });
            if let Some(total) = total {
                event["total"] = total.into();
            }
            self.print("progress", id, event);
        }
    }

    /// Whether progress in this stage is reported now.
    fn is_due(&mut self, id: &str, stage: &'static str) -> bool {
        let reported = self.jobs.entry(id.to_owned()).or_default();
        let is_new = reported.stage != stage;
        let is_due = is_new || reported.at.is_none_or(|at| at.elapsed() >= INTERVAL);
        if is_due {
            reported.stage = stage;
            reported.at = Some(Instant::now());
        }
        is_due
    }

    fn print(&self, name: &str, id: &str, event: Value) {
        let mut fields = match event {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        fields.insert("job".into(), id.into());
        self.printer.event(name, fields);
    }
}

/// A part in thousandths.
fn rounded(fraction: f32) -> Value {
    ((f64::from(fraction) * 1000.0).round() / 1000.0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_has_three_places() {
        assert_eq!(rounded(0.1), json!(0.1));
        assert_eq!(rounded(0.66666), json!(0.667));
        assert_eq!(rounded(1.0), json!(1.0));
    }
}
