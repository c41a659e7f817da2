//! From text to the input that will be run: parse, validate, fill defaults, note.

use serde_json::{Map, Value};

use crate::bindings::{Adjustment, NodeError, Note, Profile};
use crate::json;
use crate::nodes::{Field, Node};

/// The longest key that is compared with field names; a longer one is no typing slip.
const SUGGESTION_LIMIT: usize = 64;

/// A valid input, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Every field of the node that was given or has a default, nothing else.
    pub fields: Map<String, Value>,
    /// The fields that the provider gets.
    pub forwarded: Map<String, Value>,
    /// What was done to it, in the order of the node's fields; unknown keys last.
    pub notes: Vec<Note>,
}

/// Reads an input for `node`.
///
/// # Errors
///
/// `invalid-input` with every violation; `unsupported` for a profile other than strict.
pub fn read(node: &Node, text: &str, profile: Profile) -> Result<Input, NodeError> {
    if profile != Profile::Strict {
        return Err(NodeError::unsupported(
            "this version reads inputs by the strict profile only",
        ));
    }
    let refused = |violation| NodeError::invalid_input(vec![violation]);
    let document = json::parse(text).map_err(refused)?;
    let violations = (node.validate_input)(&document);
    if !violations.is_empty() {
        return Err(NodeError::invalid_input(violations));
    }
    match document {
        Value::Object(given) => Ok(complete(node, given)),
        _ => Err(NodeError::unsupported("inputs that are no objects")),
    }
}

fn complete(node: &Node, mut given: Map<String, Value>) -> Input {
    let not_forwarded = (node.not_forwarded)(&given);
    let mut input = Input {
        fields: Map::new(),
        forwarded: Map::new(),
        notes: Vec::new(),
    };
    for field in node.fields {
        let value = match (given.get_mut(field.name), field.default) {
            (Some(value), _) => whole_number(value.take(), field, &mut input.notes),
            (None, Some(default)) => {
                let message = format!("The default is {}.", json::text(&default.value()));
                input
                    .notes
                    .push(note(field.name, Adjustment::Defaulted, message));
                default.value()
            }
            (None, None) => continue,
        };
        match not_forwarded.iter().find(|(name, _)| *name == field.name) {
            Some((_, why)) => {
                let message = (*why).into();
                input
                    .notes
                    .push(note(field.name, Adjustment::NotForwarded, message));
            }
            None => {
                input.forwarded.insert(field.name.into(), value.clone());
            }
        }
        input.fields.insert(field.name.into(), value);
    }
    for key in given.keys() {
        if !node.fields.iter().any(|field| field.name == key) {
            input
                .notes
                .push(note(key, Adjustment::Dropped, unknown(node, key)));
        }
    }
    input
}

/// `20.0` is an integer to JSON Schema, but not to every provider: pass on `20`.
fn whole_number(value: Value, field: &Field, notes: &mut Vec<Note>) -> Value {
    match value.as_f64() {
        Some(float) if field.integer && value.is_f64() => {
            let message = "A whole number with a decimal point is passed on without it.";
            notes.push(note(field.name, Adjustment::Coerced, message.into()));
            #[expect(
                clippy::cast_possible_truncation,
                reason = "valid integers of every schema are small"
            )]
            Value::from(float as i64)
        }
        _ => value,
    }
}

fn unknown(node: &Node, key: &str) -> String {
    let nearest = node
        .fields
        .iter()
        .filter(|_| key.len() <= SUGGESTION_LIMIT)
        .map(|field| (strsim::osa_distance(key, field.name), field.name))
        .min()
        .filter(|(distance, name)| *distance * 3 <= name.len().max(key.len()));
    match nearest {
        Some((_, name)) => format!("Not a field of this node; did you mean `{name}`?"),
        None => "Not a field of this node.".into(),
    }
}

fn note(field: &str, adjustment: Adjustment, message: String) -> Note {
    Note {
        instance_path: json::pointer("", field),
        adjustment,
        message,
    }
}
