//! The problems of the categories and options of connections, by what a component publishes.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::{Problem, nearest};
use super::file::position;
use crate::similar::most_similar;

/// The problems of the options in `text`, by position: unknown names, wrong types and unknown
/// words. `schema_of`: the JSON Schema of the options of a category, if it is known. The
/// component itself checks the rest when a node is checked or run.
#[must_use]
pub fn check_options(text: &str, schema_of: &dyn Fn(&str) -> Option<Value>) -> Vec<Problem> {
    let Ok(document) = DeTable::parse(text) else {
        return Vec::new();
    };
    let mut checker = Checker {
        text,
        problems: Vec::new(),
    };
    for connection in connections(document.get_ref()) {
        let key = |name: &str| connection.get(name).map(Spanned::get_ref);
        let schema = key("category")
            .and_then(DeValue::as_str)
            .and_then(schema_of);
        let options = key("options").and_then(DeValue::as_table);
        if let (Some(schema), Some(options)) = (schema, options) {
            checker.check_table(options, &schema);
        }
    }
    checker.problems.sort();
    checker.problems
}

/// The categories of the connections in `text` that are none of `known`, by position: no node uses
/// such a connection.
#[must_use]
pub fn check_categories(text: &str, known: &[&str]) -> Vec<Problem> {
    let Ok(document) = DeTable::parse(text) else {
        return Vec::new();
    };
    let categories = connections(document.get_ref()).filter_map(|found| found.get("category"));
    let mut problems: Vec<_> = categories
        .filter_map(|category| {
            let written = category.get_ref().as_str()?;
            if known.contains(&written) {
                return None;
            }
            let near = most_similar(written, known.iter().copied());
            let (line, column) = position(text, category.span().start);
            Some(Problem {
                line,
                column,
                message: "no built-in node and no allowed pack uses this category".into(),
                did_you_mean: near.map(str::to_owned),
            })
        })
        .collect();
    problems.sort();
    problems
}

/// The problem `message` of the options of connection `id` in `text`, which is at its options if it
/// has any.
#[must_use]
pub fn option_problem(text: &str, id: &str, message: &str) -> Problem {
    let document = DeTable::parse(text).ok();
    let found = document.as_ref().and_then(|document| {
        let tables = document
            .get_ref()
            .get("connections")?
            .get_ref()
            .as_table()?;
        let (key, table) = tables.get_key_value(id)?;
        let options = table.get_ref().as_table()?.get_key_value("options");
        Some(options.map_or(key.span().start, |(key, _)| key.span().start))
    });
    let (line, column) = position(text, found.unwrap_or_default());
    Problem {
        line,
        column,
        message: message.to_owned(),
        did_you_mean: None,
    }
}

/// The tables of the connections.
fn connections<'a, 'd>(document: &'a DeTable<'d>) -> impl Iterator<Item = &'a DeTable<'d>> {
    let tables = document.get("connections");
    let tables = tables.and_then(|found| found.get_ref().as_table());
    let tables = tables.into_iter().flat_map(DeTable::values);
    tables.filter_map(|table| table.get_ref().as_table())
}

struct Checker<'a> {
    text: &'a str,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn check_table(&mut self, table: &DeTable<'_>, schema: &Value) {
        let names = schema["properties"].as_object();
        for (key, value) in table {
            let property = names.and_then(|names| names.get(&**key.get_ref()));
            if let Some(property) = property {
                self.check_value(value.get_ref(), &value.span(), property);
            } else if schema["additionalProperties"] == false {
                let names = names.into_iter().flat_map(serde_json::Map::keys);
                let message = format!("unknown field, expected one of {}", listed(names));
                self.refuse(&key.span(), message);
            }
        }
    }

    fn check_value(&mut self, value: &DeValue<'_>, span: &Range<usize>, schema: &Value) {
        let types = match &schema["type"] {
            Value::Array(types) => types.as_slice(),
            Value::Null => &[],
            one => std::slice::from_ref(one),
        };
        let types: Vec<_> = types.iter().filter_map(Value::as_str).collect();
        if !types.is_empty() && !types.iter().any(|name| has_type(value, name)) {
            // TOML has no null.
            let known = types.iter().filter(|name| **name != "null");
            let message = format!("wrong type, expected {}", listed(known));
            return self.refuse(span, message);
        }
        if let DeValue::Table(table) = value {
            self.check_table(table, schema);
        }
        if let (Some(words), Some(text)) = (schema["enum"].as_array(), value.as_str())
            && !words.iter().any(|word| word == text)
        {
            let words = words.iter().filter_map(Value::as_str);
            let message = format!("unknown word, expected one of {}", listed(words));
            self.refuse(span, message);
        }
    }

    fn refuse(&mut self, span: &Range<usize>, message: String) {
        let (line, column) = position(self.text, span.start);
        let written = self.text.get(span.clone()).unwrap_or_default();
        self.problems.push(Problem {
            line,
            column,
            did_you_mean: nearest(written.trim_matches(['"', '\'']), &message),
            message,
        });
    }
}

/// Whether a value has this type of JSON Schema.
fn has_type(value: &DeValue<'_>, name: &str) -> bool {
    match value {
        DeValue::String(_) | DeValue::Datetime(_) => name == "string",
        DeValue::Integer(_) => matches!(name, "integer" | "number"),
        DeValue::Float(_) => name == "number",
        DeValue::Boolean(_) => name == "boolean",
        DeValue::Array(_) => name == "array",
        DeValue::Table(_) => name == "object",
    }
}

fn listed<T: AsRef<str>>(names: impl Iterator<Item = T>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{}`", name.as_ref())).collect();
    names.join(", ")
}
