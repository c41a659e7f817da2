//! What a field takes, as words, from its JSON Schema.

use std::cmp::Ordering;

use serde_json::{Number, Value};
use zoetrope_host::sanitize::{excerpt, line};

/// The deepest reference and the deepest branch that are followed.
const DEPTH: u8 = 8;

/// Most values of an enumeration that are named.
const VALUES: usize = 20;

/// Longest pattern that is shown, in characters.
const PATTERN: usize = 80;

/// A schema, whose local references can be followed.
#[derive(Clone, Copy)]
pub(super) struct Schema<'a> {
    root: &'a Value,
    own: &'a Value,
}

impl<'a> Schema<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root, own: root }
    }

    /// The schema of the value at this path; `None` if it is not known.
    pub(super) fn at(self, path: &[String]) -> Option<Self> {
        let Some((key, rest)) = path.split_first() else {
            return Some(self);
        };
        self.parts(DEPTH).into_iter().find_map(|part| {
            let next = part.own.get("properties").and_then(|known| known.get(key));
            let items = part.own.get("items").filter(|items| items.is_object());
            let next = next.or_else(|| items.filter(|_| key.parse::<usize>().is_ok()))?;
            self.with(next).at(rest)
        })
    }

    /// The names of the properties of an object.
    pub(super) fn names(self) -> Vec<&'a str> {
        let parts = self.parts(DEPTH).into_iter();
        let objects = parts.filter_map(|part| part.own.get("properties")?.as_object());
        objects
            .flat_map(|known| known.keys().map(String::as_str))
            .collect()
    }

    /// What it takes: `text of at most 904 characters or null`.
    pub(super) fn words(self) -> Option<String> {
        let mut kinds = Vec::new();
        self.kinds(DEPTH, &mut kinds);
        kinds.dedup();
        let (last, others) = kinds.split_last()?;
        if others.is_empty() {
            return Some(last.clone());
        }
        Some(format!("{} or {last}", others.join(", ")))
    }

    /// Whether it takes text, possibly among other types.
    pub(super) fn takes_text(self) -> bool {
        self.takes(&["string"])
    }

    /// Whether it takes a number, possibly among other types.
    pub(super) fn takes_number(self) -> bool {
        self.takes(&["integer", "number"])
    }

    /// Whether it takes one of these types.
    fn takes(self, types: &[&str]) -> bool {
        let is_one = |kind: &Value| kind.as_str().is_some_and(|kind| types.contains(&kind));
        self.parts(DEPTH)
            .iter()
            .any(|part| match part.own.get("type") {
                Some(Value::Array(kinds)) => kinds.iter().any(is_one),
                Some(kind) => is_one(kind),
                None => false,
            })
    }

    fn with(self, own: &'a Value) -> Self {
        Self { own, ..self }
    }

    /// It after its references.
    fn resolved(self, depth: u8) -> Self {
        let target = self.own.get("$ref").and_then(Value::as_str);
        let target = target.and_then(|target| self.root.pointer(target.strip_prefix('#')?));
        match target {
            Some(target) if depth > 0 => self.with(target).resolved(depth - 1),
            _ => self,
        }
    }

    /// It and its branches.
    fn parts(self, depth: u8) -> Vec<Self> {
        let schema = self.resolved(depth);
        let mut parts = vec![schema];
        if depth > 0 {
            for keyword in ["anyOf", "oneOf", "allOf"] {
                for branch in schema.branches(keyword) {
                    parts.extend(branch.parts(depth - 1));
                }
            }
        }
        parts
    }

    fn branches(self, keyword: &str) -> Vec<Self> {
        let branches = self.own.get(keyword).and_then(Value::as_array);
        let branches = branches.map_or(&[] as &[_], Vec::as_slice);
        branches.iter().map(|branch| self.with(branch)).collect()
    }

    /// It and the schemas that apply besides.
    fn all(self, keyword: &str) -> Vec<&'a Value> {
        let more = self.branches("allOf").into_iter();
        let schemas = [self]
            .into_iter()
            .chain(more.map(|part| part.resolved(DEPTH)));
        schemas
            .filter_map(|schema| schema.own.get(keyword))
            .collect()
    }

    fn kinds(self, depth: u8, kinds: &mut Vec<String>) {
        let schema = self.resolved(depth);
        if let Some(value) = schema.own.get("const") {
            kinds.push(shown(value));
        } else if let Some(values) = schema
            .all("enum")
            .first()
            .and_then(|values| values.as_array())
        {
            kinds.push(one_of(values));
        } else if let Some(kind) = schema.all("type").first() {
            match kind {
                Value::Array(several) => {
                    let names = several.iter().filter_map(Value::as_str);
                    names.for_each(|name| schema.kind(name, kinds));
                }
                kind => schema.kind(kind.as_str().unwrap_or_default(), kinds),
            }
        } else if depth > 0 {
            let branches = ["anyOf", "oneOf"].map(|keyword| schema.branches(keyword));
            for branch in branches.into_iter().flatten() {
                branch.kinds(depth - 1, kinds);
            }
        }
    }

    fn kind(self, name: &str, kinds: &mut Vec<String>) {
        match name {
            "integer" => kinds.push(format!("a whole number{}", self.range())),
            "number" => kinds.push(format!("a number{}", self.range())),
            "boolean" => kinds.extend(["true".into(), "false".into()]),
            "null" => kinds.push("null".into()),
            "string" => kinds.push(self.text()),
            "array" => kinds.push(format!(
                "an array{}",
                self.count(["minItems", "maxItems"], "items")
            )),
            "object" => kinds.push("an object".into()),
            _ => {}
        }
    }

    /// The highest of the lower limits, or the lowest of the upper ones.
    fn limit(self, keyword: &str, wanted: Ordering) -> Option<&'a Number> {
        let limits = self.all(keyword).into_iter().filter_map(Value::as_number);
        limits.reduce(|best, other| {
            let compared = other.as_f64().partial_cmp(&best.as_f64());
            if compared == Some(wanted) {
                other
            } else {
                best
            }
        })
    }

    fn range(self) -> String {
        let lower = self.limit("minimum", Ordering::Greater);
        let upper = self.limit("maximum", Ordering::Less);
        let mut words = match (lower, upper) {
            (Some(lower), Some(upper)) => format!(" from {lower} to {upper}"),
            (Some(lower), None) => format!(" of at least {lower}"),
            (None, Some(upper)) => format!(" of at most {upper}"),
            (None, None) => String::new(),
        };
        for (keyword, word, wanted) in [
            ("exclusiveMinimum", "above", Ordering::Greater),
            ("exclusiveMaximum", "below", Ordering::Less),
        ] {
            if let Some(limit) = self.limit(keyword, wanted) {
                let and = if words.is_empty() { "" } else { " and" };
                words = format!("{words}{and} {word} {limit}");
            }
        }
        if let Some(step) = self.limit("multipleOf", Ordering::Greater) {
            words = format!("{words} in steps of {step}");
        }
        words
    }

    fn count(self, [lower, upper]: [&str; 2], unit: &str) -> String {
        let lower = self.limit(lower, Ordering::Greater);
        let lower = lower.filter(|lower| lower.as_u64() != Some(0));
        let upper = self.limit(upper, Ordering::Less);
        let last = upper.or(lower).and_then(Number::as_u64);
        let unit = if last == Some(1) {
            unit.trim_end_matches('s')
        } else {
            unit
        };
        match (lower, upper) {
            (Some(lower), Some(upper)) if lower == upper => format!(" of {lower} {unit}"),
            (Some(lower), Some(upper)) => format!(" of {lower} to {upper} {unit}"),
            (Some(lower), None) => format!(" of at least {lower} {unit}"),
            (None, Some(upper)) => format!(" of at most {upper} {unit}"),
            (None, None) => String::new(),
        }
    }

    fn text(self) -> String {
        let format = self.all("format").into_iter().find_map(Value::as_str);
        let kind = match format {
            None => "text".to_owned(),
            Some("uri" | "url" | "iri" | "uri-reference" | "iri-reference") => "a URL".into(),
            Some("date-time") => "a time such as 2026-01-31T12:00:00Z".into(),
            Some("date") => "a date such as 2026-01-31".into(),
            Some("time") => "a time such as 12:00:00Z".into(),
            Some("email" | "idn-email") => "an email address".into(),
            Some("uuid") => "a UUID".into(),
            Some(other) => format!("text in the format `{}`", line(other)),
        };
        let length = self.count(["minLength", "maxLength"], "characters");
        let pattern = self.all("pattern").into_iter().find_map(Value::as_str);
        let pattern = pattern.map(|pattern| {
            let pattern = line(pattern).into_owned();
            format!(" that matches `{}`", excerpt(&pattern, PATTERN))
        });
        format!("{kind}{length}{}", pattern.unwrap_or_default())
    }
}

fn one_of(values: &[Value]) -> String {
    if let [only] = values {
        return shown(only);
    }
    let mut words: Vec<_> = values.iter().take(VALUES).map(shown).collect();
    if values.len() > VALUES {
        words.push(format!("{} more", values.len() - VALUES));
    }
    format!("one of {}", words.join(", "))
}

fn shown(value: &Value) -> String {
    line(&value.to_string()).into_owned()
}

#[cfg(test)]
mod tests;
