//! Standard output, and the JSON shapes that several commands share.

use std::io::{self, Write};

use serde_json::{Value, json};
use zoetrope_host::contract::{Estimate, Note, Plan, Violation};
use zoetrope_host::words::harmless;

use super::failure::{Failure, Phase};

/// Writes one JSON document on a line of its own.
pub(super) fn line(document: &Value) -> Result<(), Failure> {
    data(&format!("{document}\n"))
}

/// Writes for people: what a terminal would act on is taken out.
pub(super) fn text(text: &str) -> Result<(), Failure> {
    data(&harmless(text))
}

/// Writes as it is. A reader that has gone away has seen what it wanted: the command
/// ends, and whatever it had begun is on disk or costs nothing.
pub(super) fn data(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failure::internal(
            Phase::Setup,
            format!("standard output cannot be written: {error}"),
        )),
    }
}

/// A plan as `check` answers it.
pub(super) fn plan(node: &str, plan: &Plan) -> Value {
    let document = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    let mut answer = json!({
        "ok": true,
        "node": node,
        "input": document(&plan.input),
        "notes": plan.notes.iter().map(note).collect::<Vec<_>>(),
        "request": plan.request.as_deref().map_or(Value::Null, document),
    });
    if let Some(known) = &plan.estimate {
        answer["estimate"] = estimate(known);
    }
    answer
}

pub(super) fn violation(violation: &Violation) -> Value {
    json!({
        "instance_path": violation.instance_path,
        "keyword": violation.keyword,
        "message": violation.message,
    })
}

fn note(note: &Note) -> Value {
    json!({
        "instance_path": note.instance_path,
        "adjustment": note.adjustment.as_str(),
        "message": note.message,
    })
}

fn estimate(estimate: &Estimate) -> Value {
    json!({
        "amount": estimate.price.amount,
        "unit": estimate.price.unit,
        "basis": estimate.basis.as_str(),
        "source": estimate.source,
    })
}

/// The estimate for people, if there is one.
pub(super) fn show_estimate(plan: &Plan) {
    if let Some(known) = &plan.estimate {
        let price = format!("{} {}", known.price.amount, known.price.unit);
        let basis = known.basis.as_str().replace('_', " ");
        eprintln!("estimate: {price} {basis} (source: {})", known.source);
    }
}

/// Notes for people, one a line.
pub(super) fn show_notes(plan: &Plan) {
    for note in &plan.notes {
        let what = note.adjustment.as_str().replace('_', " ");
        eprintln!("note: {} {what}: {}", note.instance_path, note.message);
    }
}
