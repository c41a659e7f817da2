//! Changes of a JSON reply: other fields at other places.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::clips::{self, ClipForm};
use crate::job::JobId;

/// The places of a status word: those of the replies of all protocols.
const STATUS_PLACES: [&str; 2] = ["/status", "/data/status"];

/// The changes of a JSON object, applied in the order of the fields. Places are JSON Pointers
/// (RFC 6901).
#[derive(Clone, Debug, Default)]
pub(crate) struct Edits {
    /// Replaces the object by the value at this place.
    pub(crate) unwrap: Option<String>,
    /// Writes the clips of the reply in another form.
    pub(crate) clip: Option<ClipForm>,
    /// Other words for the status.
    pub(crate) status_words: BTreeMap<String, String>,
    /// A merge patch (RFC 7396).
    pub(crate) patch: Option<Value>,
    /// Changes of single places.
    pub(crate) places: Vec<PlaceEdit>,
    /// Adds a field `padding` of this many bytes.
    pub(crate) pad_bytes: Option<usize>,
    /// Adds a field `nesting` of this many nested arrays.
    pub(crate) nest: Option<usize>,
}

/// A change of one place. Nothing happens where nothing is at the place to read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PlaceEdit {
    Move { from: String, to: String },
    Copy { from: String, to: String },
    Remove(String),
    Set(String, Value),
}

impl Edits {
    /// Whether nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.unwrap.is_none()
            && self.clip.is_none()
            && self.status_words.is_empty()
            && self.patch.is_none()
            && self.places.is_empty()
            && self.pad_bytes.is_none()
            && self.nest.is_none()
    }

    /// The changed text of an object. `clip_values` are the other
    /// forms of the clips of jobs.
    pub(crate) fn text(&self, object: Value, clip_values: &HashMap<JobId, Value>) -> String {
        let mut value = object;
        if let Some(pointer) = &self.unwrap
            && let Some(inner) = value.pointer_mut(pointer)
        {
            value = inner.take();
        }
        if !value.is_object() {
            return value.to_string();
        }
        clips::replace(&mut value, clip_values);
        for place in STATUS_PLACES {
            if let Some(status) = value.pointer_mut(place)
                && let Some(other) = self.status_words.get(&word(status))
            {
                *status = other.as_str().into();
            }
        }
        if let Some(patch) = &self.patch {
            merge(&mut value, patch);
        }
        for edit in &self.places {
            edit.apply(&mut value);
        }
        let mut text = value.to_string();
        if let Some(bytes) = self.pad_bytes {
            append(&mut text, "padding", &format!("\"{}\"", "x".repeat(bytes)));
        }
        if let Some(depth) = self.nest {
            // As text: dropping a `Value` of this depth would overflow the stack.
            let nesting = "[".repeat(depth) + &"]".repeat(depth);
            append(&mut text, "nesting", &nesting);
        }
        text
    }
}

impl PlaceEdit {
    fn apply(&self, document: &mut Value) {
        match self {
            Self::Move { from, to } => {
                if let Some(value) = take(document, from) {
                    set(document, to, value);
                }
            }
            Self::Copy { from, to } => {
                if let Some(value) = document.pointer(from).cloned() {
                    set(document, to, value);
                }
            }
            Self::Remove(place) => drop(take(document, place)),
            Self::Set(place, value) => set(document, place, value.clone()),
        }
    }
}

/// A status as a word; that of `ShortAPI` is a number.
fn word(status: &Value) -> String {
    match status {
        Value::String(word) => word.clone(),
        other => other.to_string(),
    }
}

/// Removes the value at a place.
fn take(document: &mut Value, place: &str) -> Option<Value> {
    let (parent, last) = place.rsplit_once('/')?;
    match document.pointer_mut(parent)? {
        Value::Object(fields) => fields.remove(&unescaped(last)),
        Value::Array(items) => {
            let index: usize = last.parse().ok()?;
            (index < items.len()).then(|| items.remove(index))
        }
        _ => None,
    }
}

/// Sets the value at a place. Missing objects and lists in its path are created, a list for a
/// number; texts and numbers in its path are replaced. Nothing is set beyond the end of a list.
fn set(document: &mut Value, place: &str, value: Value) {
    let mut at = document;
    for token in place.split('/').skip(1) {
        let Some(child) = child(at, unescaped(token)) else {
            return;
        };
        at = child;
    }
    *at = value;
}

fn child(parent: &mut Value, token: String) -> Option<&mut Value> {
    let index: Option<usize> = token.parse().ok();
    if !parent.is_object() && !parent.is_array() {
        *parent = match index {
            Some(_) => Value::Array(Vec::new()),
            None => Value::Object(Map::new()),
        };
    }
    match parent {
        Value::Array(items) => {
            let index = index.filter(|index| *index <= items.len())?;
            if index == items.len() {
                items.push(Value::Null);
            }
            items.get_mut(index)
        }
        Value::Object(fields) => Some(fields.entry(token).or_insert(Value::Null)),
        _ => None,
    }
}

/// The name that a part of a pointer stands for.
fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// Merges a patch into a value, by RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(target) = target.as_object_mut() else {
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Appends a field to the text of an object.
fn append(object: &mut String, name: &str, value: &str) {
    if object.pop() == Some('}') {
        let comma = if object.ends_with('{') { "" } else { "," };
        // Appended one by one without a copy: a value may have many megabytes.
        for part in [comma, "\"", name, "\":", value, "}"] {
            object.push_str(part);
        }
    }
}

#[cfg(test)]
mod tests;
