//! A violation of a node's schema as a sentence: "steps must be a whole number from 1 to 50; got
//! text". It never has a text of the input.

use serde_json::Value;
use zoetrope_host::catalog::InputSchema;
use zoetrope_host::contract::{NodeType, Violation};
use zoetrope_host::sanitize::line;
use zoetrope_host::similar::{most_similar, only_part};

use super::takes::Schema;
use crate::report::field_name;

/// Longest number that is shown.
const NUMBER: usize = 24;

/// Longest text that is shown in the place of a choice, in characters.
const WORD: usize = 24;

/// What the SDK says of a keyword that it has no words for.
const WORDLESS: &str = "Breaks the rule ";

/// The violations with sentences that say what the fields take. `input`: the document that was
/// checked.
pub(crate) fn explained(
    node: &NodeType,
    input: &str,
    violations: Vec<Violation>,
) -> Vec<Violation> {
    let Ok(Ok(schema)) = InputSchema::of(node).map(serde_json::to_value) else {
        return violations;
    };
    let document = zoetrope_host::json::parse(input).unwrap_or_default();
    let violations = violations.into_iter();
    violations
        .map(|violation| {
            let message = sentence(Schema::new(&schema), &document, &violation);
            Violation {
                message: message.unwrap_or(violation.message),
                ..violation
            }
        })
        .collect()
}

fn path(pointer: &str) -> Vec<String> {
    let parts = pointer.split('/').skip(1);
    parts
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect()
}

fn sentence(root: Schema<'_>, document: &Value, violation: &Violation) -> Option<String> {
    let Violation {
        instance_path,
        keyword,
        message,
    } = violation;
    let schema = root.at(&path(instance_path));
    let value = document.pointer(instance_path);
    if keyword == "additionalProperties" || keyword == "unevaluatedProperties" {
        return unknown(schema?, value?, message);
    }
    if instance_path.is_empty() {
        return None;
    }
    let name = field_name(instance_path);
    let is_of_schema = match keyword.as_str() {
        "type" | "enum" | "const" | "format" | "minimum" | "maximum" | "exclusiveMinimum"
        | "exclusiveMaximum" | "multipleOf" | "minLength" | "maxLength" | "minItems"
        | "maxItems" => true,
        _ => message.starts_with(WORDLESS),
    };
    let words = schema.and_then(Schema::words).filter(|_| is_of_schema);
    match words {
        Some(words) => {
            let takes_number = schema.is_some_and(Schema::takes_number);
            let got = value.and_then(|value| got(value, keyword, takes_number));
            let got = got.map(|got| format!("; got {got}")).unwrap_or_default();
            Some(format!("{name} must be {words}{got}"))
        }
        // The component's own words, after the name.
        None => {
            let rest = message.strip_prefix("Must ")?;
            Some(format!("{name} must {}", rest.trim_end_matches('.')))
        }
    }
}

/// What is in the place of what a field takes. Texts are not repeated, since one may be a prompt, but
/// a short word in the place of a choice.
fn got(value: &Value, keyword: &str, takes_number: bool) -> Option<String> {
    let is_of_range = matches!(
        keyword,
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf"
    );
    Some(match value {
        // The profile `lax` read it as another type.
        Value::String(_) | Value::Bool(_) if is_of_range => return None,
        Value::String(text) if matches!(keyword, "minLength" | "maxLength") => {
            format!("{} characters", text.chars().count())
        }
        Value::String(_) if keyword == "type" => "text".into(),
        Value::String(text) if is_choice(keyword) && is_word(text) => {
            line(&Value::from(text.as_str()).to_string()).into_owned()
        }
        Value::String(_) => "another text".into(),
        Value::Number(_) if keyword == "type" && !takes_number => "a number".into(),
        Value::Number(number) => {
            let text = number.to_string();
            if text.len() > NUMBER {
                "another number".into()
            } else {
                text
            }
        }
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".into(),
        Value::Array(items) if matches!(keyword, "minItems" | "maxItems") => {
            format!("{} items", items.len())
        }
        Value::Array(_) => "an array".into(),
        Value::Object(_) => "an object".into(),
    })
}

fn is_choice(keyword: &str) -> bool {
    matches!(keyword, "enum" | "const")
}

/// Whether a text is short, and no sentence.
fn is_word(text: &str) -> bool {
    text.chars().count() <= WORD && text.split_whitespace().count() <= 3
}

/// A key of an object that takes no other keys.
fn unknown(schema: Schema<'_>, value: &Value, message: &str) -> Option<String> {
    if !message.starts_with(WORDLESS) {
        return None;
    }
    let names = schema.names();
    let keys = value.as_object()?.keys();
    let key = keys.map(String::as_str).find(|key| !names.contains(key))?;
    Some(not_a_field(key, &names, "this node"))
}

/// The sentence about a key that is not a field.
pub(super) fn not_a_field(key: &str, names: &[&str], of: &str) -> String {
    let shown = line(key);
    let names = || names.iter().copied();
    match most_similar(key, names()).or_else(|| only_part(key, names())) {
        Some(name) => format!("`{shown}` is not a field of {of}; did you mean `{name}`?"),
        None => format!("`{shown}` is not a field of {of}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(pointer: &str, keyword: &str, message: &str, value: &Value) -> Option<String> {
        let schema = json!({"properties": {
            "steps": {"type": "integer", "minimum": 1, "maximum": 50},
            "prompt": {"type": "string", "maxLength": 3},
            "model": {"type": "string", "enum": ["M", "S"]},
            "image": {"type": "string", "pattern": "^a"},
            "tags": {"type": "array", "maxItems": 1},
            "on": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        }});
        let violation = Violation {
            instance_path: pointer.into(),
            keyword: keyword.into(),
            message: message.into(),
        };
        let mut document = json!({});
        document[pointer.trim_start_matches('/')] = value.clone();
        let document = if pointer.is_empty() { value } else { &document };
        sentence(Schema::new(&schema), document, &violation)
    }

    #[test]
    fn sentence_says_what_the_field_takes_and_the_kind_of_what_it_got() {
        let steps = "steps must be a whole number from 1 to 50";
        for (keyword, value, got) in [
            ("type", json!("many"), "; got text"),
            ("type", json!(2.5), "; got 2.5"),
            ("type", Value::Null, "; got null"),
            ("maximum", json!(900), "; got 900"),
            ("maximum", json!("900"), ""),
        ] {
            let found = said("/steps", keyword, "Must be another.", &value);
            assert_eq!(found, Some(format!("{steps}{got}")));
        }
        let (text, tags) = ("text of at most 3 characters", "an array of at most 1 item");
        for (field, keyword, value, words, got) in [
            ("prompt", "maxLength", json!("secret"), text, "6 characters"),
            ("prompt", "type", json!({}), text, "an object"),
            (
                "model",
                "enum",
                json!("XL"),
                "one of \"M\", \"S\"",
                "\"XL\"",
            ),
            (
                "model",
                "enum",
                json!("a secret prompt of words"),
                "one of \"M\", \"S\"",
                "another text",
            ),
            ("model", "type", json!(1), "one of \"M\", \"S\"", "a number"),
            ("prompt", "type", json!(1), text, "a number"),
            ("tags", "maxItems", json!([1, 2]), tags, "2 items"),
            ("tags", "type", json!(true), tags, "true"),
            ("on", "type", json!([]), "true, false or null", "an array"),
        ] {
            let found = said(&format!("/{field}"), keyword, "Must be another.", &value);
            assert_eq!(found, Some(format!("{field} must be {words}; got {got}")));
        }
    }

    #[test]
    fn own_words_of_the_component_are_kept_and_unknown_keys_are_compared() {
        let found = said("/image", "pattern", "Must be a URL.", &json!("b"));
        assert_eq!(found.as_deref(), Some("image must be a URL"));
        let found = said(
            "/image",
            "pattern",
            "Breaks the rule `pattern` of the schema.",
            &json!("b"),
        );
        assert_eq!(
            found.as_deref(),
            Some("image must be text that matches `^a`; got another text")
        );
        assert_eq!(
            said(
                "/image",
                "json",
                "This key is given more than once.",
                &json!(1)
            ),
            None
        );
        let wordless = "Breaks the rule `additionalProperties` of the schema.";
        let found = said("", "additionalProperties", wordless, &json!({"stepps": 1}));
        let expected = "`stepps` is not a field of this node; did you mean `steps`?";
        assert_eq!(found.as_deref(), Some(expected));
    }
}
