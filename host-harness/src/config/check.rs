//! Every problem of a configuration, not only the first one.

use std::ops::Range;
use std::path::Path;

use serde::Serialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::file::{self, without_quotation};
use crate::similar::{comparable, most_similar};

/// The most problems that are reported.
const MAX_PROBLEMS: usize = 100;

/// A problem of a configuration. It never quotes the file, which may contain a misplaced
/// credential.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The known key that a misspelled one is most similar to.
    pub did_you_mean: Option<String>,
}

/// Every problem of `text`, the content of `path`, by position; none if it is a valid
/// configuration.
///
/// Each problem that the parser finds is noted and replaced by something valid, until the parser
/// finds no more.
#[must_use]
pub fn check(text: &str, path: &Path) -> Vec<Problem> {
    let (mut table, faults) = DeTable::parse_recoverable(text);
    let is_toml = faults.is_empty();
    let mut problems: Vec<_> = faults
        .iter()
        .map(|fault| problem(text, fault))
        .take(MAX_PROBLEMS)
        .collect();
    for _ in 0..MAX_PROBLEMS {
        let Err(fault) = file::parse(table.clone(), path) else {
            break;
        };
        let missing = missing_field(fault.message());
        let problem = problem(text, &fault);
        let near = problem.did_you_mean.clone();
        // What is missing may stand in the part that is not TOML.
        let is_consequence = missing.is_some() || fault.span().is_none_or(|span| span.is_empty());
        if is_toml || !is_consequence {
            problems.push(problem);
        }
        let is_repaired = fault.span().is_some_and(|span| {
            let table = table.get_mut();
            near.is_some_and(|near| rename(table, &span, &near))
                || missing.is_some_and(|key| insert(table, &span, key))
                || remove(table, &span)
        });
        if !is_repaired {
            break;
        }
    }
    problems.sort();
    problems.dedup();
    problems
}

fn problem(text: &str, fault: &toml::de::Error) -> Problem {
    let span = fault.span().unwrap_or_default();
    let (line, column) = file::position(text, span.start);
    let message = without_quotation(fault.message());
    let written = text.get(span).unwrap_or_default();
    Problem {
        line,
        column,
        did_you_mean: nearest(written.trim_matches(['"', '\'']), &message),
        message,
    }
}

/// The name in the message about a missing field.
fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// A valid value of a key that must exist.
fn valid(key: &str) -> Option<&'static str> {
    match key {
        "base_url" => Some("https://placeholder.example"),
        "category" | "name" => Some("placeholder"),
        _ => None,
    }
}

/// Gives the misspelled key at this place its right name, so that its value is checked too.
/// `false` if the table has that key already.
fn rename(table: &mut DeTable<'_>, span: &Range<usize>, name: &str) -> bool {
    let wrong = table.keys().find(|key| key.span() == *span);
    if let Some(wrong) = wrong.map(|key| key.get_ref().to_string()) {
        if table.contains_key(name) {
            return false;
        }
        let value = table.remove(wrong.as_str());
        let key = Spanned::new(span.clone(), name.to_owned().into());
        return value.is_some_and(|value| table.insert(key, value).is_none());
    }
    table.iter_mut().any(|(_, value)| match value.get_mut() {
        DeValue::Table(table) => rename(table, span, name),
        _ => false,
    })
}

/// Inserts a key that must exist into the table at this place.
fn insert(table: &mut DeTable<'_>, span: &Range<usize>, key: &str) -> bool {
    let Some(value) = valid(key) else {
        return false;
    };
    table.iter_mut().any(|(_, found)| {
        let is_here = found.span() == *span;
        let DeValue::Table(table) = found.get_mut() else {
            return false;
        };
        if is_here && !table.contains_key(key) {
            let key = Spanned::new(0..0, key.to_owned().into());
            return table.insert(key, placeholder(value)).is_none();
        }
        insert(table, span, key)
    })
}

/// Removes the innermost key, value or element of an array at this place. A header such as
/// `[connections.a]` is the place of its table, whose values are outside of it.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let mut name = None;
    for (key, value) in table.iter_mut() {
        let is_key = key.span() == *span;
        let is_removed = !is_key
            && match value.get_mut() {
                DeValue::Table(table) => remove(table, span),
                DeValue::Array(array) => remove_element(array, span),
                _ => false,
            };
        if is_removed {
            return true;
        }
        if is_key || contains(&value.span(), span) {
            name = Some((key.get_ref().to_string(), is_key));
            break;
        }
    }
    let Some((name, is_key)) = name else {
        return false;
    };
    match (valid(&name), table.get_mut(name.as_str())) {
        (Some(valid), Some(wrong)) if !is_key => {
            *wrong = placeholder(valid);
            true
        }
        _ => table.remove(name.as_str()).is_some(),
    }
}

fn remove_element(array: &mut DeArray<'_>, span: &Range<usize>) -> bool {
    for (index, element) in array.iter_mut().enumerate() {
        let is_removed = match element.get_mut() {
            DeValue::Table(table) => remove(table, span),
            DeValue::Array(array) => remove_element(array, span),
            _ => false,
        };
        if is_removed {
            return true;
        }
        if contains(&element.span(), span) {
            let kept = array.iter().enumerate().filter(|(at, _)| *at != index);
            *array = kept.map(|(_, value)| value.clone()).collect();
            return true;
        }
    }
    false
}

fn placeholder(text: &'static str) -> Spanned<DeValue<'static>> {
    Spanned::new(0..0, DeValue::String(text.into()))
}

fn contains(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer == inner || (outer.start <= inner.start && inner.end <= outer.end && !outer.is_empty())
}

/// The expected name that is most similar to `written`, if the message lists names and one is
/// similar enough.
pub(super) fn nearest(written: &str, message: &str) -> Option<String> {
    let (fault, expected) = message.split_once(", expected ")?;
    if !fault.starts_with("unknown ") {
        return None;
    }
    let names = || expected.split('`').skip(1).step_by(2);
    let near = most_similar(written, names());
    let near = near.or_else(|| longest_beginning(written, names()));
    near.map(str::to_owned)
}

/// The longest name that `written` begins with: `env` of `environment`.
fn longest_beginning<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written = comparable(written)?;
    let names = names.filter(|name| written.starts_with(name));
    names.max_by_key(|name| name.len())
}
