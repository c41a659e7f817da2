//! The notes of a command: sentences about pictures, results and credentials. They change
//! nothing. Each is printed once, and is in the JSON of the answer.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

/// A note.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Note {
    /// The line of a batch.
    pub(crate) line: Option<usize>,
    /// JSON Pointer of the input's field; empty if the note is about no field.
    pub(crate) field: String,
    /// What a plan did to the field; `None` for a note of this program.
    pub(crate) adjustment: Option<&'static str>,
    pub(crate) message: String,
}

impl Note {
    /// A note about no field of the input.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            line: None,
            field: String::new(),
            adjustment: None,
            message: message.into(),
        }
    }

    /// A note about a field of the input.
    pub(crate) fn of_field(field: &str, message: String) -> Self {
        Self {
            field: field.to_owned(),
            ..Self::new(message)
        }
    }

    /// The line on standard error.
    pub(crate) fn text(&self) -> String {
        let line = self.line.map(|line| format!("line {line}: "));
        let field = match self.field.as_str() {
            "" => String::new(),
            field => format!("{field} "),
        };
        let line = line.unwrap_or_default();
        let adjustment = self.adjustment.map(|word| word.replace('_', " ") + ": ");
        let adjustment = adjustment.unwrap_or_default();
        format!("note: {line}{field}{adjustment}{}", self.message)
    }

    /// The note in JSON, as the notes of a plan.
    pub(crate) fn document(&self) -> Value {
        let mut document = json!({
            "instance_path": self.field,
            "adjustment": self.adjustment.unwrap_or("advice"),
            "message": self.message,
        });
        if let Some(line) = self.line {
            document["line"] = line.into();
        }
        document
    }
}

/// The notes so far.
#[derive(Default)]
pub(crate) struct Notes {
    all: Mutex<(BTreeSet<Note>, Vec<Note>)>,
}

impl Notes {
    /// Adds a note. Whether it is new.
    pub(crate) fn add(&self, note: &Note) -> bool {
        let mut all = self.lock();
        let is_new = all.0.insert(note.clone());
        if is_new {
            all.1.push(note.clone());
        }
        is_new
    }

    /// Puts them into an answer, if there are any, after those that it has.
    pub(crate) fn put_into(&self, answer: &mut Value) {
        let notes: Vec<_> = self.lock().1.iter().map(Note::document).collect();
        if notes.is_empty() {
            return;
        }
        match answer.get_mut("notes").and_then(Value::as_array_mut) {
            Some(known) => known.extend(notes),
            None => answer["notes"] = notes.into(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, (BTreeSet<Note>, Vec<Note>)> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn note_is_new_once_and_follows_the_notes_of_an_answer() {
        let notes = Notes::default();
        let mut answer = json!({"ok": true});
        notes.put_into(&mut answer);
        assert_eq!(answer, json!({"ok": true}));
        let note = Note::of_field("/image", "a.png is a JPEG".into());
        assert!(notes.add(&note) && !notes.add(&note));
        let line = Note {
            line: Some(3),
            ..note.clone()
        };
        assert!(notes.add(&line));
        assert_eq!(note.text(), "note: /image a.png is a JPEG");
        assert_eq!(line.text(), "note: line 3: /image a.png is a JPEG");
        assert_eq!(Note::new("words").text(), "note: words");
        let dropped = Note {
            adjustment: Some("not_forwarded"),
            ..line
        };
        let text = "note: line 3: /image not forwarded: a.png is a JPEG";
        assert_eq!(dropped.text(), text);
        assert_eq!(dropped.document()["adjustment"], "not_forwarded");
        let mut answer = json!({"notes": [1]});
        notes.put_into(&mut answer);
        assert_eq!(answer["notes"][1], note.document());
        assert_eq!(answer["notes"][2]["line"], 3);
    }
}
