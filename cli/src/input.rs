//! Reads input documents, and applies `--set`.

use std::io::{self, Read};
use std::path::Path;

use serde_json::{Map, Value};
use zoetrope_host::contract::{NodeType, Violation};

use super::args::{InputSource, Setting};
use super::report::Failure;

/// The longest input document, in bytes: enough for a picture of 12 MiB in base64.
pub(super) const INPUT_LIMIT: u64 = 16 << 20;

/// Reads a document from its source.
pub(super) fn read(source: &InputSource) -> Result<String, Failure> {
    let path = match source {
        InputSource::Inline(text) => return document(text.clone().into_bytes()),
        InputSource::File(path) => path,
    };
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin()
            .lock()
            .take(INPUT_LIMIT + 1)
            .read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(INPUT_LIMIT + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        Failure::usage(format!(
            "the input `{}` cannot be read: {error}",
            path.display()
        ))
    })?;
    document(bytes)
}

/// The longest file of input documents, in bytes.
const LINES_LIMIT: u64 = 1 << 30;

/// Reads a file that has a document on each line.
pub(super) fn read_lines(path: &Path) -> Result<String, Failure> {
    let unreadable = |why: String| {
        Failure::usage(format!(
            "the batch `{}` cannot be read: {why}",
            path.display()
        ))
    };
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LINES_LIMIT + 1).read_to_string(&mut text))
        .map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > LINES_LIMIT {
        return Err(unreadable(format!("it is longer than {LINES_LIMIT} bytes")));
    }
    Ok(text)
}

/// Checks the length and the encoding of a document. It is not parsed yet.
pub(super) fn document(bytes: Vec<u8>) -> Result<String, Failure> {
    if bytes.len() as u64 > INPUT_LIMIT {
        let message = format!("The document is longer than {} MiB.", INPUT_LIMIT >> 20);
        return Err(unreadable(message));
    }
    String::from_utf8(bytes).map_err(|_| unreadable("Not UTF-8 text.".into()))
}

fn unreadable(message: String) -> Failure {
    Failure::invalid_input(Violation {
        instance_path: String::new(),
        keyword: "json".into(),
        message,
    })
}

/// Puts the settings into an input: as text if the field takes text, else as JSON.
pub(super) fn apply(
    settings: &[Setting],
    node: &NodeType,
    input: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let schema: Value = serde_json::from_str(&node.input_schema).unwrap_or(Value::Null);
    for Setting { key, value } in settings {
        let value = if takes_text(&schema["properties"][key]) {
            value.as_str().into()
        } else {
            zoetrope_host::json::parse(value).map_err(|error| {
                Failure::usage(format!(
                    "--set {key}: the value must be JSON for this field: {error}"
                ))
            })?
        };
        input.insert(key.clone(), value);
    }
    Ok(())
}

/// Whether a property takes text, possibly among other types. An unknown one counts as text:
/// the component drops it with a note.
fn takes_text(property: &Value) -> bool {
    let is_text = |schema: &Value| schema["type"] == "string";
    let branches = property["anyOf"]
        .as_array()
        .map_or(&[] as &[Value], Vec::as_slice);
    property.is_null() || is_text(property) || branches.iter().any(is_text)
}
