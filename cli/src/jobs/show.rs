//! `zoetrope jobs show`.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};
use zoetrope_host::error::ErrorKind;
use zoetrope_host::ledger::{HistoryEntry, Job, Target};

use super::named;
use crate::args::jobs::Show;
use crate::context::Context;
use crate::report::{Failure, of_ledger, outcome};

impl Show {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let ledger = context.ledger()?;
        let job = named(&ledger, &self.id, context)?;
        let history = ledger.history(&job.spec.id);
        let history = history.map_err(|error| of_ledger(&error))?;
        let known = self.known(&job, &history);
        if context.json() {
            context.printer().line(&known)?;
        } else {
            context.printer().text(&text(&known))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn known(&self, job: &Job, history: &[HistoryEntry]) -> Value {
        let mut known = outcome::listed(job);
        let (Target::File(target) | Target::Stem(target)) = &job.target;
        let history = history.iter().map(|entry| {
            json!({
                "at": outcome::time(entry.at),
                "state": entry.state.as_str(),
                "error": entry.error.map(ErrorKind::as_str),
            })
        });
        let more = json!({
            "component": job.spec.component,
            "provider_origin": job.spec.provider_origin,
            "submits": job.submits(),
            "submit_sha256": job.submit_sha256(),
            "submitted_at": job.submitted_at().map(outcome::time),
            "ticket": outcome::document(job.ticket()),
            "output": outcome::document(job.output()),
            "target": target,
            "bytes": job.file().map(|file| file.bytes),
            "media_type": job.file().map(|file| &file.media_type),
            "history": history.collect::<Vec<_>>(),
        });
        if let (Value::Object(known), Value::Object(more)) = (&mut known, more) {
            known.extend(more);
        }
        if self.input {
            known["raw_input"] = outcome::document(Some(&job.spec.raw_input));
            known["input"] = outcome::document(Some(&job.spec.input));
        }
        known
    }
}

/// A line for each thing that is known.
fn text(known: &Value) -> String {
    let mut text = String::new();
    for (name, value) in known.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::String(value) => drop(writeln!(text, "{name}: {value}")),
            Value::Array(history) if name == "history" => {
                let _ = writeln!(text, "history:");
                for entry in history {
                    let word = |name: &str| entry[name].as_str().unwrap_or_default();
                    let line = format!("  {}  {}  {}", word("at"), word("state"), word("error"));
                    let _ = writeln!(text, "{}", line.trim_end());
                }
            }
            Value::Object(cost) if name == "cost" => {
                let word = |name: &str| cost.get(name).and_then(Value::as_str).unwrap_or_default();
                let _ = writeln!(text, "cost: {} {}", word("amount"), word("unit"));
            }
            value => drop(writeln!(text, "{name}: {value}")),
        }
    }
    text
}
