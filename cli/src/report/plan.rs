//! A plan as JSON and as text.

use serde_json::{Value, json};
use zoetrope_host::contract::{Estimate, Note, Plan};

use crate::printer::Printer;

/// The answer of `check`.
pub(crate) fn document(node: &str, plan: &Plan) -> Value {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    let mut answer = json!({
        "ok": true,
        "node": node,
        "input": parsed(&plan.input),
        "notes": plan.notes.iter().map(note).collect::<Vec<_>>(),
        "request": plan.request.as_deref().map_or(Value::Null, parsed),
    });
    if let Some(known) = &plan.estimate {
        answer["estimate"] = estimate(known);
    }
    answer
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

/// Prints the estimate, if there is one, as text.
pub(crate) fn show_estimate(plan: &Plan, printer: &Printer) {
    if let Some(known) = &plan.estimate {
        let price = format!("{} {}", known.price.amount, known.price.unit);
        let basis = known.basis.as_str().replace('_', " ");
        let source = &known.source;
        printer.message(&format!("estimate: {price} {basis} (source: {source})"));
    }
}

/// Prints the notes as text, one a line.
pub(crate) fn show_notes(plan: &Plan, printer: &Printer) {
    for note in &plan.notes {
        let adjustment = note.adjustment.as_str().replace('_', " ");
        let (path, message) = (&note.instance_path, &note.message);
        printer.message(&format!("note: {path} {adjustment}: {message}"));
    }
}
