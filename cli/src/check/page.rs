//! The answer of `check` as text: the input, the requests, the cost.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use zoetrope_host::catalog::InputSchema;
use zoetrope_host::contract::{NodeType, Plan};
use zoetrope_host::sanitize::{escaped_json, excerpt, line};

use crate::preview::{Answer, Requests};
use crate::report::plan;

/// Longest text that is shown whole, in characters. A longer one is a picture in base64.
const LONGEST_TEXT: usize = 2_000;

/// Characters of a longer text that are shown.
const EXCERPT: usize = 60;

/// The page of a checked input.
pub(super) fn page(answer: &Answer, requests: &Requests, checked: &Plan) -> String {
    let document = &answer.document;
    let mut page = String::from("Input\n");
    let names = names(&requests.node);
    object(&mut page, document["input"].as_object(), &names, "  ");
    if let Some(picture) = document.get("picture") {
        let media_type = picture["media_type"].as_str().unwrap_or_default();
        let _ = write!(
            page,
            "\nPicture: {media_type}, {} bytes\n",
            picture["bytes"]
        );
    }
    let sent = document["requests"].as_array();
    let sent = sent.map_or(&[] as &[_], Vec::as_slice);
    let words = line(&requests.provider.words()).into_owned();
    let is_known = requests.provider.connection().is_some();
    let _ = match sent.len() {
        0 if is_known => writeln!(page, "\nRequest: the pack shows none"),
        0 => writeln!(page, "\nRequest: {words}"),
        1 => writeln!(page, "\nRequest to {words}"),
        count => writeln!(page, "\n{count} requests to {words}"),
    };
    for (index, request) in sent.iter().enumerate() {
        let number = (sent.len() > 1).then(|| format!("{}. ", index + 1));
        self::request(&mut page, &number.unwrap_or_default(), request, &names);
    }
    let _ = write!(page, "\nCost: {}\n", answer.bound);
    if let Some(estimate) = plan::estimate_text(checked) {
        let _ = writeln!(page, "{}", line(&estimate));
    }
    page
}

fn request(page: &mut String, number: &str, request: &Value, names: &[String]) {
    let text = |key: &str| line(request[key].as_str().unwrap_or_default()).into_owned();
    let _ = writeln!(page, "  {number}{} {}", text("method"), text("url"));
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        let _ = writeln!(page, "  {}: {}", line(name), line(value));
    }
    page.push('\n');
    match &request["body"] {
        Value::Null => {}
        Value::Object(fields) => object(page, Some(fields), names, "  "),
        other => lines(page, other, "  ", ""),
    }
}

/// The names of the input's fields, in the order of the schema.
fn names(node: &NodeType) -> Vec<String> {
    InputSchema::of(node).map_or_else(|_| Vec::new(), |schema| schema.names().to_vec())
}

/// An object as JSON, with the fields of the input in the order of the schema, also where they are
/// below another key.
fn object(page: &mut String, fields: Option<&Map<String, Value>>, names: &[String], indent: &str) {
    let Some(fields) = fields.filter(|fields| !fields.is_empty()) else {
        let _ = writeln!(page, "{indent}{{}}");
        return;
    };
    let _ = writeln!(page, "{indent}{{");
    members(page, fields, names, &format!("{indent}  "));
    let _ = writeln!(page, "{indent}}}");
}

fn members(page: &mut String, fields: &Map<String, Value>, names: &[String], indent: &str) {
    let place = |key: &str| {
        names
            .iter()
            .position(|name| name == key)
            .unwrap_or(names.len())
    };
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_by_key(|(key, _)| place(key));
    let last = sorted.len();
    for (index, (key, value)) in sorted.into_iter().enumerate() {
        let comma = if index + 1 == last { "" } else { "," };
        let key = escaped_json(&Value::from(key.as_str()).to_string()).into_owned();
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                let _ = writeln!(page, "{indent}{key}: {{");
                members(page, inner, names, &format!("{indent}  "));
                let _ = writeln!(page, "{indent}}}{comma}");
            }
            value => lines(page, value, &format!("{indent}{key}: "), comma),
        }
    }
}

/// A value after `before`, its further lines indented as far.
fn lines(page: &mut String, value: &Value, before: &str, after: &str) {
    let mut value = value.clone();
    shorten(&mut value);
    let blank = before.len() - before.trim_start().len();
    let text = format!("{value:#}");
    let text = escaped_json(&text).replace('\n', &format!("\n{}", " ".repeat(blank)));
    let _ = writeln!(page, "{before}{text}{after}");
}

/// Shortens the texts that no person reads.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            let count = text.chars().count();
            if count > LONGEST_TEXT {
                *text = format!("{} ({count} characters)", excerpt(text, EXCERPT));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn object_has_the_fields_in_the_order_of_the_schema() {
        let fields = json!({
            "action": "n",
            "input": {"a": 1, "z": "b\u{1b}", "m": [1], "e": {}},
            "x": "x".repeat(3_000),
        });
        let mut page = String::new();
        let names = ["z", "m", "a"].map(str::to_owned);
        object(&mut page, fields.as_object(), &names, "");
        let expected = "{\n  \"action\": \"n\",\n  \"input\": {\n    \"z\": \"b\\u001b\",\n    \
                        \"m\": [\n      1\n    ],\n    \"a\": 1,\n    \"e\": {}\n  },\n  \"x\": \"";
        assert!(page.starts_with(expected), "{page}");
        assert!(
            page.contains("(3000 characters)") && page.len() < 300,
            "{page}"
        );
    }
}
