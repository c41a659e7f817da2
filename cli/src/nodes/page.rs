//! The page of a node type: `zoetrope nodes NAME`.

use std::fmt::Write as _;

use serde_json::Value;
use zoetrope_host::catalog::{About, DocumentedField, InputSchema, property_names};
use zoetrope_host::contract::NodeType;
use zoetrope_host::sanitize::line;

use crate::ago;
use crate::shell::quoted_text;

/// The widest column of names. A longer name shifts only its own line.
const WIDEST: usize = 40;

/// Columns that the facts of a field need beside its name. With fewer, they are below it.
const NARROWEST: usize = 28;

/// The page of a node type, in lines of at most so many columns.
///
/// # Errors
///
/// When a schema of the node is not JSON.
pub(super) fn page(node: &NodeType, columns: usize) -> serde_json::Result<String> {
    let schema = InputSchema::of(node)?;
    let output: Value = serde_json::from_str(&node.output_schema)?;
    let about = About::of(node);
    let mut page = Page {
        text: String::new(),
        columns,
    };
    page.heading(node, &about);
    page.text.push_str("\nInput:\n");
    let one_of = schema.one_of();
    for name in schema.names() {
        let property = schema.property(name);
        let is_one_of = one_of.contains(&name.as_str());
        let presence = Presence::of(property, schema.requires(name), is_one_of);
        let documented = about.field(name);
        let facts = facts(property, &presence, documented);
        page.field(width(schema.names()), name, &facts);
        page.details(property, documented);
    }
    if !one_of.is_empty() {
        let names = one_of.join(", ");
        page.wrap("  ", "  ", &format!("One of these is required: {names}"));
    }
    page.text.push_str("\nOutput:\n");
    let names = property_names(&node.output_schema)?;
    for name in &names {
        let property = &output["properties"][name];
        let documented = about.output_fields.iter().find(|field| field.name == *name);
        let facts = facts(property, &Presence::NotSaid, documented);
        page.field(width(&names), name, &facts);
        page.details(property, documented);
    }
    page.text.push('\n');
    let name = quoted_text(&node.name);
    let schemas = format!("Schemas: zoetrope nodes {name} --schema input|output|rules|form");
    page.wrap("", "  ", &schemas);
    Ok(page.text)
}

/// A page in the making.
struct Page {
    text: String,
    columns: usize,
}

impl Page {
    fn heading(&mut self, node: &NodeType, about: &About) {
        self.wrap("", "", &format!("{} (version {})", node.name, node.version));
        if node.title != node.name {
            self.wrap("", "", &node.title);
        }
        if node.description != node.title {
            self.wrap("", "", &node.description);
        }
        if let Some(connection) = &node.connection {
            let (title, category) = (&connection.title, &connection.category);
            self.text.push('\n');
            self.wrap(
                "",
                "  ",
                &format!("Connection: {title} (category `{category}`)"),
            );
            self.wrap("  ", "  ", &connection.description);
        }
        if let Some(price) = &about.price {
            self.text.push('\n');
            self.wrap("", "  ", &format!("Price: {price}"));
        }
        if let Some(duration) = about.estimated_duration {
            let usual = ago::duration(duration);
            self.text.push('\n');
            self.wrap("", "  ", &format!("Usual duration of a run: {usual}"));
        }
    }

    /// Adds the name of a field and its facts: beside it, or below it on a narrow terminal.
    fn field(&mut self, width: usize, name: &str, facts: &str) {
        let name = line(name);
        let beside = width + 4;
        if beside + NARROWEST > self.columns {
            self.wrap("  ", "  ", &name);
            self.wrap("    ", "    ", facts);
        } else {
            self.wrap(&format!("  {name:width$}  "), &" ".repeat(beside), facts);
        }
    }

    /// Adds what a field is for, its examples, and what its values mean.
    fn details(&mut self, property: &Value, documented: Option<&DocumentedField>) {
        let indent = "      ";
        let described = documented.and_then(|field| field.description.as_deref());
        let own = property["description"].as_str();
        // A description that only repeats the title says nothing.
        let own = own.filter(|own| Some(*own) != property["title"].as_str());
        if let Some(meaning) = described.or(own) {
            self.wrap(indent, indent, meaning);
        }
        for example in property["examples"].as_array().into_iter().flatten() {
            self.wrap(indent, indent, &format!("Example: {example}"));
        }
        let choices_below = meanings(property, documented);
        let documented = documented.filter(|_| values(property).is_none());
        let ranges = documented.into_iter().flat_map(|field| &field.choices);
        let ranges = ranges.map(|(value, meaning)| format!("{value}: {meaning}"));
        let choices = choices_below.unwrap_or_else(|| ranges.collect());
        for choice in choices {
            self.wrap("      - ", "        ", &choice);
        }
    }

    /// Adds lines that fit.
    fn wrap(&mut self, first: &str, others: &str, words: &str) {
        let options = textwrap::Options::new(self.columns)
            .initial_indent(first)
            .subsequent_indent(others)
            .break_words(false);
        for line in textwrap::wrap(&line(words), options) {
            let _ = writeln!(self.text, "{line}");
        }
    }
}

/// Columns of the names of fields.
fn width(names: &[String]) -> usize {
    let widths = names.iter().map(|name| name.chars().count());
    widths.max().unwrap_or(0).min(WIDEST)
}

/// Whether a field must be given.
enum Presence {
    Required,
    OneOfSeveral,
    Default(String),
    Optional,
    /// A field of the output.
    NotSaid,
}

impl Presence {
    fn of(property: &Value, is_required: bool, is_one_of: bool) -> Self {
        match property.get("default") {
            _ if is_required => Self::Required,
            _ if is_one_of => Self::OneOfSeveral,
            Some(default) => Self::Default(default.to_string()),
            None => Self::Optional,
        }
    }
}

/// Whether a field is required, then its type, range, length, choices and default.
fn facts(property: &Value, presence: &Presence, documented: Option<&DocumentedField>) -> String {
    let kind = types(property);
    let documented_type = documented.and_then(|field| field.type_name.clone());
    let (before, after) = match presence {
        Presence::Required => (Some("required".to_owned()), None),
        Presence::OneOfSeveral => (Some("one of several required".to_owned()), None),
        Presence::Default(default) => (None, Some(format!("default {default}"))),
        Presence::Optional => (None, Some("optional".to_owned())),
        Presence::NotSaid => (None, None),
    };
    let facts = [
        before,
        documented_type.filter(|name| !kind.contains(name.as_str())),
        Some(kind),
        bounds(property),
        length(property),
        choices(property, documented),
        after,
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

fn length(property: &Value) -> Option<String> {
    let limit = branches(property).find_map(|branch| branch.get("maxLength"))?;
    Some(format!("at most {limit} characters"))
}

/// The values of an enum, in the order of the schema: `one of "Pixel M", "Pixel S"`. Values with
/// a documented meaning are below.
fn choices(property: &Value, documented: Option<&DocumentedField>) -> Option<String> {
    let values = values(property)?;
    if meanings(property, documented).is_some() {
        return Some(format!("one of {} values", values.len()));
    }
    let values: Vec<_> = values.iter().map(Value::to_string).collect();
    Some(format!("one of {}", values.join(", ")))
}

fn values(property: &Value) -> Option<&[Value]> {
    let found = branches(property).find_map(|branch| branch["enum"].as_array());
    found.map(Vec::as_slice)
}

/// The values of an enum with what each means, if the documentation has that.
fn meanings(property: &Value, documented: Option<&DocumentedField>) -> Option<Vec<String>> {
    let known = &documented?.choices;
    let values = values(property)?.iter().filter_map(Value::as_str);
    let mut is_documented = false;
    let shown = values.map(|value| match known.iter().find(|(name, _)| name == value) {
        Some((_, meaning)) => {
            is_documented = true;
            format!("{value}: {meaning}")
        }
        None => value.to_owned(),
    });
    let shown: Vec<_> = shown.collect();
    is_documented.then_some(shown)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node() -> NodeType {
        let schema = r#"{"required": ["prompt"], "properties": {
            "zoom": {"type": "number", "minimum": 1, "maximum": 9, "default": 2, "description": "How near."},
            "prompt": {"type": "string", "maxLength": 904, "description": "What to show in the clip, in a few words."},
            "model": {"type": "string", "enum": ["Z", "A"], "default": "Z"},
            "mode": {"type": "string", "enum": ["on", "off"]}
        }}"#;
        let about = json!({"fields": [{"name": "model", "choices": [["Z", "the better one"]]}]});
        NodeType {
            name: "example".into(),
            version: "1.0.0".into(),
            title: "Example".into(),
            description: "Example".into(),
            connection: None,
            input_schema: schema.into(),
            rules: "{}".into(),
            output_schema: "{}".into(),
            input_media: Vec::new(),
            output_media: Vec::new(),
            extensions: about.to_string(),
        }
    }

    #[test]
    fn page_has_the_published_order_and_the_facts_of_each_field_in_one_order() {
        let page = page(&node(), 80).expect("a page");
        let expected = "\nInput:
  zoom    number, 1 to 9, default 2
      How near.
  prompt  required, string, at most 904 characters
      What to show in the clip, in a few words.
  model   string, one of 2 values, default \"Z\"
      - Z: the better one
      - A
  mode    string, one of \"on\", \"off\", optional
";
        assert!(page.contains(expected), "{page}");
    }

    #[test]
    fn page_fits_every_width_and_puts_facts_below_names_on_a_narrow_terminal() {
        for columns in [40, 80, 100] {
            let page = page(&node(), columns).expect("a page");
            for line in page.lines().filter(|line| !line.contains("--schema")) {
                assert!(line.chars().count() <= columns, "{columns}: {line}");
            }
        }
        let narrow = page(&node(), 34).expect("a page");
        assert!(
            narrow.contains("  zoom\n    number, 1 to 9, default 2\n"),
            "{narrow}"
        );
    }
}
