//! The page of a node type: `zoetrope nodes NAME`.

use std::fmt::Write as _;

use serde_json::Value;
use zoetrope_host::catalog::{About, DocumentedField, InputSchema, property_names};
use zoetrope_host::contract::NodeType;
use zoetrope_host::sanitize::line;

use crate::shell::quoted_text;

/// The widest column of names. A longer name shifts only its own line.
pub(super) const WIDEST: usize = 40;

/// Columns of a line of text.
pub(super) const COLUMNS: usize = 80;

/// The page of a node type.
///
/// # Errors
///
/// When a schema of the node is not JSON.
pub(super) fn page(node: &NodeType) -> serde_json::Result<String> {
    let schema = InputSchema::of(node)?;
    let output: Value = serde_json::from_str(&node.output_schema)?;
    let about = About::of(node);
    let mut text = heading(node, &about);
    text.push_str("\nInput:\n");
    let one_of = schema.one_of();
    for name in schema.names() {
        let property = schema.property(name);
        let presence = presence(
            property,
            schema.requires(name),
            one_of.contains(&name.as_str()),
        );
        let line = [
            name.clone(),
            facts(property, Some(presence), about.field(name)),
        ];
        describe(
            &mut text,
            width(schema.names()),
            &line,
            property,
            about.field(name),
        );
    }
    if !one_of.is_empty() {
        let names = one_of.join(", ");
        wrap(
            &mut text,
            "  ",
            "  ",
            &format!("One of these is required: {names}"),
        );
    }
    text.push_str("\nOutput:\n");
    let names = property_names(&node.output_schema)?;
    for name in &names {
        let property = &output["properties"][name];
        let documented = about.output_fields.iter().find(|field| field.name == *name);
        let line = [name.clone(), facts(property, None, documented)];
        describe(&mut text, width(&names), &line, property, documented);
    }
    let name = quoted_text(&node.name);
    let _ = write!(
        text,
        "\nSchemas: zoetrope nodes {name} --schema input|output|rules|form\n"
    );
    Ok(text)
}

fn heading(node: &NodeType, about: &About) -> String {
    let (name, version) = (line(&node.name), line(&node.version));
    let mut text = format!("{name}  (version {version})\n");
    wrap(&mut text, "", "", &node.title);
    if node.description != node.title {
        wrap(&mut text, "", "", &node.description);
    }
    if let Some(connection) = &node.connection {
        let (title, category) = (line(&connection.title), line(&connection.category));
        let _ = write!(text, "\nConnection: {title} (category `{category}`)\n");
        wrap(&mut text, "  ", "  ", &connection.description);
    }
    if let Some(price) = &about.price {
        let _ = write!(text, "\nPrice: {}\n", line(price));
    }
    if let Some(duration) = about.estimated_duration {
        let duration = humantime::format_duration(duration);
        let _ = write!(text, "\nUsual duration of a run: {duration}\n");
    }
    text
}

/// Columns of the names of fields.
fn width(names: &[String]) -> usize {
    let widths = names.iter().map(|name| name.chars().count());
    widths.max().unwrap_or(0).min(WIDEST)
}

/// Adds a field: its name and facts, its descriptions, its examples, its choices.
fn describe(
    text: &mut String,
    width: usize,
    [name, facts]: &[String; 2],
    property: &Value,
    documented: Option<&DocumentedField>,
) {
    let indent = " ".repeat(width + 4);
    let name = line(name);
    wrap(text, &format!("  {name:width$}  "), &indent, facts);
    let described = documented.and_then(|field| field.description.as_deref());
    let own = property["description"].as_str();
    // A description that only repeats the title says nothing.
    let own = own.filter(|own| Some(*own) != property["title"].as_str());
    let own = own.filter(|own| described.is_none_or(|described| !described.contains(own)));
    for line in [described, own].into_iter().flatten() {
        wrap(text, "      ", "      ", line);
    }
    for example in property["examples"].as_array().into_iter().flatten() {
        wrap(text, "      ", "      ", &format!("Example: {example}"));
    }
    for (value, meaning) in choices(property, documented) {
        let choice = match meaning {
            Some(meaning) => format!("{value}: {meaning}"),
            None => value.to_owned(),
        };
        wrap(text, "      - ", "        ", &choice);
    }
}

/// Adds lines of at most [`COLUMNS`] columns.
fn wrap(text: &mut String, first: &str, others: &str, words: &str) {
    let options = textwrap::Options::new(COLUMNS)
        .initial_indent(first)
        .subsequent_indent(others)
        .break_words(false);
    for line in textwrap::wrap(&line(words), options) {
        let _ = writeln!(text, "{line}");
    }
}

/// Type, range, presence and length of a field.
fn facts(
    property: &Value,
    presence: Option<String>,
    documented: Option<&DocumentedField>,
) -> String {
    let kind = types(property);
    let documented_type = documented.and_then(|field| field.type_name.clone());
    let facts = [
        documented_type.filter(|name| !kind.contains(name.as_str())),
        Some(kind),
        bounds(property),
        presence,
        length(property),
    ];
    facts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The property itself, and the branches of its `anyOf`.
fn branches(property: &Value) -> impl Iterator<Item = &Value> {
    let any = property["anyOf"].as_array().into_iter().flatten();
    std::iter::once(property).chain(any)
}

fn types(property: &Value) -> String {
    let names: Vec<_> = branches(property)
        .filter_map(|branch| branch["type"].as_str())
        .collect();
    if names.is_empty() {
        "any value".into()
    } else {
        names.join(" or ")
    }
}

/// The range of a number: `1 to 50`.
fn bounds(property: &Value) -> Option<String> {
    let bound = |keyword: &str| branches(property).find_map(|branch| branch.get(keyword));
    match (bound("minimum"), bound("maximum")) {
        (Some(minimum), Some(maximum)) => Some(format!("{minimum} to {maximum}")),
        (Some(minimum), None) => Some(format!("at least {minimum}")),
        (None, Some(maximum)) => Some(format!("at most {maximum}")),
        (None, None) => None,
    }
}

fn presence(property: &Value, is_required: bool, is_one_of: bool) -> String {
    match property.get("default") {
        _ if is_required => "required".into(),
        _ if is_one_of => "one of several required".into(),
        Some(default) => format!("default {default}"),
        None => "optional".into(),
    }
}

fn length(property: &Value) -> Option<String> {
    let limit = branches(property).find_map(|branch| branch.get("maxLength"))?;
    Some(format!("at most {limit} characters"))
}

/// The values of an enum in the schema's order, else the documented values and ranges; with
/// what each means.
fn choices<'a>(
    property: &'a Value,
    documented: Option<&'a DocumentedField>,
) -> Vec<(&'a str, Option<&'a str>)> {
    let known = documented.map_or(&[] as &[_], |field| field.choices.as_slice());
    let meaning = |value: &str| {
        let found = known.iter().find(|(known, _)| known == value);
        found.map(|(_, meaning)| meaning.as_str())
    };
    let values = branches(property).find_map(|branch| branch["enum"].as_array());
    match values {
        Some(values) => {
            let values = values.iter().filter_map(Value::as_str);
            values.map(|value| (value, meaning(value))).collect()
        }
        None => known
            .iter()
            .map(|(value, meaning)| (value.as_str(), Some(meaning.as_str())))
            .collect(),
    }
}
