//! Reads an input: parses, validates, fills defaults and notes changes.

use serde_json::{Map, Value};

use crate::bindings::{Adjustment, Connection, NodeError, Note, Profile, Violation};
use crate::field::{Field, Kind};
use crate::json;
use crate::node::Node;
use crate::profile;
use crate::schema::draft::{Draft, note};

/// Longest key that is compared with field names; a longer one is not a misspelling.
const SUGGESTION_LIMIT: usize = 64;

/// The first unknown keys, which are compared with field names.
const SUGGESTIONS: usize = 20;

/// Most unknown keys with a note each. One more note has the number of the others.
const UNKNOWN_KEYS: usize = 100;

/// A valid input.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The fields of the node that were given or have a default.
    pub fields: Map<String, Value>,
    /// The fields among these that are not sent to the provider.
    pub withheld: Vec<&'static str>,
    /// The changes to it, in the order of the node's fields; unknown keys last.
    pub notes: Vec<Note>,
}

impl Input {
    /// The fields that are sent to the provider.
    #[must_use]
    pub fn forwarded(self) -> Map<String, Value> {
        if self.withheld.is_empty() {
            return self.fields;
        }
        json::kept(self.fields, |name| !self.withheld.contains(&name))
    }
}

/// Reads an input for `node`, by the rules of its `connection`, if it is known.
///
/// # Errors
///
/// `invalid-input` with every violation, those of the published schema first;
/// `connection-unavailable` when the connection's options cannot be read.
pub fn read(
    node: &Node,
    text: &str,
    profile: Profile,
    connection: Option<&Connection>,
) -> Result<Input, NodeError> {
    let refused = |violation| NodeError::invalid_input(vec![violation]);
    let mut document = json::parse(text).map_err(refused)?;
    let coerced = match profile {
        Profile::Strict => Vec::new(),
        Profile::Lax => profile::coerce(node.fields, &mut document),
    };
    let violations = (node.validate_input)(&document);
    let mut violations = with_types(node, &document, violations);
    let Value::Object(given) = document else {
        if violations.is_empty() {
            return Err(NodeError::unsupported("inputs that are no objects"));
        }
        return Err(NodeError::invalid_input(violations));
    };
    let mut draft = Draft::new(given);
    for (field, how) in coerced {
        draft.coerced(field, how);
    }
    let amended = (node.amend)(&mut draft, connection);
    violations.append(&mut draft.violations);
    if !violations.is_empty() {
        return Err(NodeError::invalid_input(violations));
    }
    amended.map(|()| complete(node, draft))
}

/// Adds the violation of `type` to one of `enum` where the value has another type. The keywords
/// are independent, but the generated validator checks only `enum` of the two.
fn with_types(node: &Node, document: &Value, violations: Vec<Violation>) -> Vec<Violation> {
    if !violations
        .iter()
        .any(|violation| violation.keyword == "enum")
    {
        return violations;
    }
    let schema = json::parse_leniently(node.input_schema).unwrap_or_default();
    let mut all = Vec::with_capacity(violations.len() + 1);
    for violation in violations {
        let path = &violation.instance_path;
        let property = schema.pointer(&format!("/properties{path}"));
        let wanted = property.and_then(|property| property["type"].as_str());
        let value = document.pointer(path);
        if violation.keyword == "enum"
            && let (Some(wanted), Some(value)) = (wanted, value)
            && !has_type(value, wanted)
        {
            all.push(Violation {
                instance_path: path.clone(),
                keyword: "type".into(),
                message: format!("Must be of type {wanted}."),
            });
        }
        all.push(violation);
    }
    all
}

/// Whether a value has this type of JSON Schema.
fn has_type(value: &Value, name: &str) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => {
            let is_whole = number.as_f64().is_some_and(|number| number.fract() == 0.0);
            name == "number" || name == "integer" && is_whole
        }
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    }
}

fn complete(node: &Node, draft: Draft) -> Input {
    let mut input = Input {
        fields: draft.given,
        withheld: Vec::new(),
        notes: Vec::new(),
    };
    for field in node.fields {
        let of_field = draft
            .notes
            .iter()
            .filter(|note| note.instance_path[1..] == *field.name);
        input.notes.extend(of_field.cloned());
        match (input.fields.get_mut(field.name), field.default) {
            (Some(value), _) => input.notes.extend(whole_number(value, field)),
            (None, Some(default)) => {
                let value = default.value();
                let message = format!("The default is {}.", json::text(&value));
                let defaulted = note(field.name, Adjustment::Defaulted, message);
                input.notes.push(defaulted);
                input.fields.insert(field.name.into(), value);
            }
            (None, None) => continue,
        }
        let withheld = draft.withheld.iter().find(|(name, _)| *name == field.name);
        if let Some((name, why)) = withheld {
            let withheld = note(name, Adjustment::NotForwarded, (*why).into());
            input.notes.push(withheld);
            input.withheld.push(name);
        }
    }
    let is_known = |key: &str| node.fields.iter().any(|field| field.name == key);
    let mut count = 0;
    for key in input.fields.keys().filter(|key| !is_known(key)) {
        if count < UNKNOWN_KEYS {
            let message = unknown(node, key, count < SUGGESTIONS);
            input.notes.push(note(key, Adjustment::Dropped, message));
        }
        count += 1;
    }
    if let Some(more @ 1..) = count.checked_sub(UNKNOWN_KEYS) {
        input.notes.push(Note {
            instance_path: String::new(),
            adjustment: Adjustment::Dropped,
            message: format!("{more} more keys are not fields of this node."),
        });
    }
    if count > 0 {
        input.fields = json::kept(input.fields, is_known);
    }
    input
}

/// `20.0` is an integer in JSON Schema, but not to every provider, so it becomes `20`. Numbers
/// of other fields stay as they were written.
fn whole_number(value: &mut Value, field: &Field) -> Option<Note> {
    if field.kind != Kind::Integer || value.is_i64() {
        return None;
    }
    let float = value.as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "valid integers of every schema are small"
    )]
    let whole = float as i64;
    *value = whole.into();
    let message = "Passed on as an integer, without a fraction or an exponent.";
    Some(note(field.name, Adjustment::Coerced, message.into()))
}

fn unknown(node: &Node, key: &str, is_compared: bool) -> String {
    let nearest = node
        .fields
        .iter()
        .filter(|_| is_compared && key.len() <= SUGGESTION_LIMIT)
        .map(|field| (strsim::osa_distance(key, field.name), field.name))
        .min()
        .filter(|(distance, name)| *distance * 3 <= name.len().max(key.len()));
    match nearest {
        Some((_, name)) => format!("Not a field of this node; did you mean `{name}`?"),
        None => "Not a field of this node.".into(),
    }
}
