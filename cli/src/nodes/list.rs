//! The list of node types: `zoetrope nodes`.

use std::fmt::Write as _;

use zoetrope_host::catalog::About;
use zoetrope_host::contract::NodeType;
use zoetrope_host::sanitize::line;

/// The widest column of names. A longer name shifts only its own line.
const WIDEST: usize = 40;

/// Columns that a summary needs beside a name. With fewer, it is below the name.
const NARROWEST: usize = 24;

/// The node types by provider, in lines of at most so many columns, with the price where one is
/// published.
pub(super) fn list(types: &[NodeType], columns: usize) -> String {
    let mut providers: Vec<String> = Vec::new();
    for node in types {
        let provider = provider(node);
        if !providers.contains(&provider) {
            providers.push(provider);
        }
    }
    let widths = types.iter().map(|node| node.name.chars().count());
    let width = widths.max().unwrap_or(0).min(WIDEST);
    let mut text = String::new();
    for shown in &providers {
        if !text.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(text, "{}", line(shown));
        for node in types.iter().filter(|node| provider(node) == *shown) {
            entry(&mut text, node, width, columns);
        }
    }
    text
}

/// The name of the provider of a node, with the category of its connections.
fn provider(node: &NodeType) -> String {
    let Some(connection) = &node.connection else {
        return "Without a connection".into();
    };
    let title = connection.title.trim();
    let title = title.strip_suffix(" Connection").unwrap_or(title);
    format!(
        "{title} (connections of category `{}`)",
        connection.category
    )
}

fn entry(text: &mut String, node: &NodeType, width: usize, columns: usize) {
    let name = line(&node.name);
    let is_narrow = width + 4 + NARROWEST > columns;
    let indent = if is_narrow { 4 } else { width + 4 };
    let room = columns.saturating_sub(indent);
    let summary = summary(&node.description, room);
    if is_narrow {
        let _ = writeln!(text, "  {name}\n    {summary}");
    } else {
        let _ = writeln!(text, "  {name:width$}  {summary}");
    }
    if let Some(price) = About::of(node).price {
        let price = shortened(&line(&price), room);
        let _ = writeln!(text, "{}{price}", " ".repeat(indent));
    }
}

/// The first sentence of a description.
fn summary(description: &str, room: usize) -> String {
    let description = line(description);
    shortened(description.split(". ").next().unwrap_or_default(), room)
}

/// A text, cut between words.
fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let cut: String = text.chars().take(room.saturating_sub(2)).collect();
    let words = cut.rsplit_once(' ');
    let words = words.map_or(cut.as_str(), |(words, _)| words);
    format!("{words} …")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zoetrope_host::contract::ConnectionRequirement;

    use super::*;

    fn node(name: &str, category: Option<&str>, price: Option<&str>) -> NodeType {
        let connection = category.map(|category| ConnectionRequirement {
            category: category.into(),
            title: format!("{} Connection", category.to_uppercase()),
            description: String::new(),
            required: true,
            options_schema: "{}".into(),
            credential_header: String::new(),
            credential_prefix: String::new(),
        });
        let price = json!({"price": {"amount": price, "unit": "USD", "basis": "per_run"}});
        NodeType {
            name: name.into(),
            version: "1.0.0".into(),
            title: String::new(),
            description: "Makes a clip from one picture and words. More.".into(),
            connection,
            input_schema: "{}".into(),
            rules: "{}".into(),
            output_schema: "{}".into(),
            input_media: Vec::new(),
            output_media: Vec::new(),
            extensions: price.to_string(),
        }
    }

    #[test]
    fn nodes_are_listed_by_provider_with_a_published_price() {
        let types = [
            node("one", Some("a"), None),
            node("other", Some("b"), Some("0.5")),
            node("three", Some("a"), None),
            node("own", None, None),
        ];
        let expected = "\
A (connections of category `a`)
  one    Makes a clip from one picture and words
  three  Makes a clip from one picture and words

B (connections of category `b`)
  other  Makes a clip from one picture and words
         0.5 USD per run

Without a connection
  own    Makes a clip from one picture and words
";
        assert_eq!(list(&types, 80), expected);
    }

    #[test]
    fn narrow_terminal_has_the_summary_below_the_name() {
        let types = [node("a_node_with_a_long_name", Some("a"), Some("0.5"))];
        let text = list(&types, 40);
        assert!(
            text.contains("\n    Makes a clip from one picture and …\n    0.5 USD"),
            "{text}"
        );
        assert!(
            text.lines().all(|line| line.chars().count() <= 40),
            "{text}"
        );
    }
}
