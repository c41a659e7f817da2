//! A plan as JSON and as text.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use zoetrope_host::contract::{Adjustment, Basis, Estimate, Note, Plan};
use zoetrope_host::sanitize::{excerpt, line};

use super::violations::field_name;
use crate::notes;
use crate::printer::Printer;

/// The answer of `check`. `connection`: the id of the one that a run would use.
pub(crate) fn document(node: &str, connection: Option<&str>, plan: &Plan) -> Value {
    let parsed = |text: &str| zoetrope_host::json::parse(text).unwrap_or(Value::Null);
    let mut answer = json!({
        "ok": true,
        "node": node,
        "connection": connection,
        "notes": plan.notes.iter().map(note).collect::<Vec<_>>(),
    });
    // Not through `json!`, which changes the text of numbers.
    answer["input"] = parsed(&plan.input);
    answer["request"] = plan.request.as_deref().map_or(Value::Null, parsed);
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

/// The length of the clip in the example of a price per second, in seconds.
const EXAMPLE_SECONDS: &str = "4";

fn estimate(estimate: &Estimate) -> Value {
    let mut document = json!({
        "amount": estimate.price.amount,
        "unit": estimate.price.unit,
        "basis": estimate.basis.as_str(),
        "source": estimate.source,
    });
    match total(estimate) {
        Some(total) => document["total"] = total.into(),
        None => {
            if let Some(total) = example(estimate) {
                document["example"] = json!({ "seconds": EXAMPLE_SECONDS, "total": total });
            }
        }
    }
    document
}

/// The price of the whole run, if it is known.
pub(crate) fn total(estimate: &Estimate) -> Option<String> {
    match estimate.basis {
        Basis::PerRun => Some(estimate.price.amount.clone()),
        Basis::PerSecondOfVideo => times(&estimate.price.amount, estimate.seconds.as_deref()?),
    }
}

/// The price of a clip of [`EXAMPLE_SECONDS`].
fn example(estimate: &Estimate) -> Option<String> {
    times(&estimate.price.amount, EXAMPLE_SECONDS)
}

/// The product of two decimal numbers.
fn times(amount: &str, seconds: &str) -> Option<String> {
    let [amount, seconds] = [amount, seconds].map(|text| Decimal::from_str_exact(text).ok());
    Some(amount?.checked_mul(seconds?)?.normalize().to_string())
}

/// The published price as text, if there is one.
pub(crate) fn estimate_text(plan: &Plan) -> Option<String> {
    let known = plan.estimate.as_ref()?;
    let unit = &known.price.unit;
    let price = format!("{} {unit}", known.price.amount);
    let basis = known.basis.as_str().replace('_', " ");
    let source = &known.source;
    let more = match (total(known), known.seconds.as_deref(), example(known)) {
        (Some(total), Some(seconds), _) => format!(", {total} {unit} for {seconds} s"),
        (None, _, Some(total)) => {
            format!("; for example {total} {unit} for a clip of {EXAMPLE_SECONDS} s")
        }
        _ => String::new(),
    };
    Some(format!(
        "estimate: {price} {basis}{more} (source: {source})"
    ))
}

/// Prints the notes as text, one a line, and the defaults in one line.
pub(crate) fn show_notes(plan: &Plan, printer: &Printer) {
    for note in adjusted(plan) {
        printer.info(&note.text());
    }
    if let Some(defaults) = defaults(plan) {
        printer.info(&defaults);
    }
}

/// The notes without those on defaults.
pub(crate) fn adjusted(plan: &Plan) -> impl Iterator<Item = notes::Note> {
    let notes = plan.notes.iter();
    let notes = notes.filter(|note| note.adjustment != Adjustment::Defaulted);
    notes.map(|note| notes::Note {
        adjustment: Some(note.adjustment.as_str()),
        ..notes::Note::of_field(&note.instance_path, note.message.clone())
    })
}

/// Longest default that is shown, in characters.
const LONGEST_DEFAULT: usize = 60;

/// `Defaults used: steps=20, frame_rate=8`; none if every field was given.
fn defaults(plan: &Plan) -> Option<String> {
    let input = zoetrope_host::json::parse(&plan.input).unwrap_or_default();
    let defaulted = plan.notes.iter();
    let defaulted = defaulted.filter(|note| note.adjustment == Adjustment::Defaulted);
    let shown = defaulted.map(|note| {
        let name = field_name(&note.instance_path);
        let value = input.pointer(&note.instance_path).unwrap_or(&Value::Null);
        let value = value.to_string();
        format!("{name}={}", excerpt(&line(&value), LONGEST_DEFAULT))
    });
    let shown: Vec<_> = shown.collect();
    (!shown.is_empty()).then(|| format!("Defaults used: {}", shown.join(", ")))
}

#[cfg(test)]
mod tests {
    use zoetrope_host::contract::Price;

    use super::*;

    fn priced(basis: Basis, seconds: Option<&str>) -> Estimate {
        Estimate {
            price: Price {
                amount: "0.048".into(),
                unit: "USD".into(),
            },
            basis,
            source: "a page".into(),
            seconds: seconds.map(str::to_owned),
        }
    }

    #[test]
    fn estimate_has_a_total_where_the_length_is_known() {
        let known = estimate(&priced(Basis::PerSecondOfVideo, Some("5.5")));
        assert_eq!(
            (&known["total"], &known["example"]),
            (&json!("0.264"), &Value::Null)
        );
        let per_run = estimate(&priced(Basis::PerRun, None));
        assert_eq!(per_run["total"], "0.048");
        let unknown = estimate(&priced(Basis::PerSecondOfVideo, None));
        assert_eq!(unknown["total"], Value::Null);
        assert_eq!(
            unknown["example"],
            json!({"seconds": "4", "total": "0.192"})
        );
        let huge = priced(
            Basis::PerSecondOfVideo,
            Some("99999999999999999999999999999999"),
        );
        assert_eq!(estimate(&huge)["total"], Value::Null);
    }

    #[test]
    fn defaults_are_one_line_with_their_values() {
        let note = |path: &str, adjustment| Note {
            instance_path: path.into(),
            adjustment,
            message: "words".into(),
        };
        let plan = |notes| Plan {
            input: r#"{"negative_prompt":null,"steps":20,"size":"L","prompt":"p"}"#.into(),
            notes,
            request: None,
            estimate: None,
        };
        let notes = vec![
            note("/negative_prompt", Adjustment::Defaulted),
            note("/prompt", Adjustment::Advice),
            note("/steps", Adjustment::Defaulted),
            note("/size", Adjustment::Defaulted),
        ];
        let line = "Defaults used: negative_prompt=null, steps=20, size=\"L\"";
        assert_eq!(defaults(&plan(notes)).as_deref(), Some(line));
        assert_eq!(defaults(&plan(Vec::new())), None);
    }
}
