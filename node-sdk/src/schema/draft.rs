//! The draft of an input, on which a node applies the rules that its schema cannot express.

use std::mem;

use serde_json::{Map, Value};

use crate::bindings::{Adjustment, Note, Violation};
use crate::json;

/// An input that is an object. A node changes or rejects it, once for the input that is shown
/// and the request that is sent.
pub struct Draft {
    pub(crate) given: Map<String, Value>,
    pub(crate) withheld: Vec<(&'static str, &'static str)>,
    pub(crate) notes: Vec<Note>,
    pub(crate) violations: Vec<Violation>,
}

impl Draft {
    pub(crate) fn new(given: Map<String, Value>) -> Self {
        Self {
            given,
            withheld: Vec::new(),
            notes: Vec::new(),
            violations: Vec::new(),
        }
    }

    /// A field that was given.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.given.get(field)
    }

    /// A text that was given, to be changed in place.
    pub fn text_mut(&mut self, field: &str) -> Option<&mut String> {
        match self.given.get_mut(field) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Removes a field from the input, with a note.
    pub fn leave_out(&mut self, field: &'static str, why: &str) {
        if self.take(field).is_some() {
            let note = note(field, Adjustment::Dropped, why.into());
            self.notes.push(note);
        }
    }

    /// Reads `alias` as `field`, which has precedence if both are given. Returns the name
    /// under which the value was given.
    pub fn unify(&mut self, field: &'static str, alias: &'static str) -> &'static str {
        if self.given.contains_key(field) {
            self.leave_out(
                alias,
                &format!("Another name of `{field}`, which is given."),
            );
            return field;
        }
        match self.take(alias) {
            Some(value) => {
                self.given.insert(field.into(), value);
                self.coerced(
                    alias,
                    format!("Another name of `{field}`, and read as that."),
                );
                alias
            }
            None => field,
        }
    }

    fn take(&mut self, field: &str) -> Option<Value> {
        let value = self.given.get_mut(field)?.take();
        self.given = json::kept(mem::take(&mut self.given), |name| name != field);
        Some(value)
    }

    /// Notes that a field's value was changed.
    pub fn coerced(&mut self, field: &str, how: impl Into<String>) {
        self.notes
            .push(note(field, Adjustment::Coerced, how.into()));
    }

    /// Adds advice on a field. The input is not changed.
    pub fn advise(&mut self, field: &str, advice: impl Into<String>) {
        self.notes
            .push(note(field, Adjustment::Advice, advice.into()));
    }

    /// Keeps a field out of the request, with a note, if it is given.
    pub fn withhold(&mut self, field: &'static str, why: &'static str) {
        self.withheld.push((field, why));
    }

    /// Rejects the input at `field`, or as a whole if `field` is empty.
    pub fn refuse(&mut self, field: &str, keyword: &str, message: impl Into<String>) {
        let instance_path = if field.is_empty() {
            String::new()
        } else {
            json::pointer("", field)
        };
        self.violations.push(Violation {
            instance_path,
            keyword: keyword.into(),
            message: message.into(),
        });
    }
}

pub(crate) fn note(field: &str, adjustment: Adjustment, message: String) -> Note {
    Note {
        instance_path: json::pointer("", field),
        adjustment,
        message,
    }
}
