//! Local pictures of a run's input: the files that `file:` URLs in its picture fields name.

use serde_json::{Value, json};

use super::error::JobsError;
use crate::contract::{Adjustment, MediaKind, NodeType, Plan};
use crate::media::{Picture, file_url};

/// A local picture, and its field.
pub(super) struct Local {
    pub(super) picture: Picture,
    /// JSON Pointer into the completed input.
    pub(super) field: String,
    /// Its URL; in the raw input it may be in a field of another name.
    url: String,
}

impl Local {
    /// Whether its URL names a file below the working directory.
    pub(super) fn is_relative(&self) -> bool {
        let path = self.url.split_once(':').map_or("", |(_, path)| path);
        !path.starts_with('/')
    }
}

/// Opens the local pictures of a plan. The component may have renamed their fields, but it
/// cannot choose files: a URL that is not in the raw input is not opened.
pub(super) fn find(
    node: &NodeType,
    raw_input: &Value,
    plan: &Plan,
) -> Result<Vec<Local>, JobsError> {
    let input: Value = serde_json::from_str(&plan.input).unwrap_or_default();
    let mut pictures = Vec::new();
    for media in &node.input_media {
        let is_forwarded = !plan.notes.iter().any(|note| {
            note.adjustment == Adjustment::NotForwarded && note.instance_path == media.pointer
        });
        let url = input.pointer(&media.pointer).and_then(Value::as_str);
        let url = url.filter(|url| file_url::is_one(url) && mentions(raw_input, url));
        if let Some(url) = url
            && media.kind == MediaKind::Image
            && is_forwarded
        {
            pictures.push(open(&media.pointer, url)?);
        }
    }
    Ok(pictures)
}

fn open(field: &str, url: &str) -> Result<Local, JobsError> {
    let path = file_url::path(url).map_err(|fault| JobsError::FileUrl {
        field: field.to_owned(),
        fault,
    })?;
    Ok(Local {
        picture: Picture::open(&path).map_err(JobsError::Picture)?,
        field: field.to_owned(),
        url: url.to_owned(),
    })
}

/// The raw input with each local picture's URL replaced by its digest.
pub(super) fn by_content(raw_input: &Value, pictures: &[Local]) -> Value {
    let mut raw_input = raw_input.clone();
    for Local { picture, url, .. } in pictures {
        let digest = picture.sha256().to_string();
        replace(&mut raw_input, url, &json!({ "sha256": digest }));
    }
    raw_input
}

fn mentions(document: &Value, text: &str) -> bool {
    match document {
        Value::String(value) => value == text,
        Value::Array(values) => values.iter().any(|value| mentions(value, text)),
        Value::Object(fields) => fields.values().any(|value| mentions(value, text)),
        _ => false,
    }
}

fn replace(document: &mut Value, text: &str, by: &Value) {
    match document {
        Value::String(value) if value == text => *document = by.clone(),
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, text, by)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|value| replace(value, text, by)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{MediaField, Note};

    fn node(pointers: &[&str]) -> NodeType {
        let field = |pointer: &&str| MediaField {
            pointer: (*pointer).into(),
            kind: MediaKind::Image,
        };
        NodeType {
            name: "example".into(),
            version: "1.0.0".into(),
            title: String::new(),
            description: String::new(),
            connection: None,
            input_schema: "{}".into(),
            rules: "{}".into(),
            output_schema: "{}".into(),
            input_media: pointers.iter().map(field).collect(),
            output_media: Vec::new(),
            extensions: "{}".into(),
        }
    }

    fn plan(input: &Value, not_forwarded: Option<&str>) -> Plan {
        let note = |pointer: &str| Note {
            instance_path: pointer.into(),
            adjustment: Adjustment::NotForwarded,
            message: String::new(),
        };
        Plan {
            input: input.to_string(),
            notes: not_forwarded.map(note).into_iter().collect(),
            request: None,
            estimate: None,
        }
    }

    #[test]
    fn picture_under_an_alias_is_found_in_the_completed_input() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a b.jpg");
        std::fs::write(&path, b"\xff\xd8\xff??").expect("write");
        let url = file_url::of(&path);
        let raw_input = json!({"alias": url, "prompt": "p"});
        let completed = json!({"image": url, "mask": "https://p.example/m.png", "prompt": "p"});
        let node = node(&["/image", "/mask", "/absent"]);
        let found = find(&node, &raw_input, &plan(&completed, None)).expect("pictures");
        let fields: Vec<_> = found.iter().map(|local| local.field.as_str()).collect();
        assert_eq!(fields, ["/image"]);
        let moved = folder.path().join("c.jpg");
        std::fs::rename(&path, &moved).expect("rename");
        let elsewhere = file_url::of(&moved);
        let again = json!({"alias": elsewhere, "prompt": "p"});
        let completed = json!({"image": elsewhere, "prompt": "p"});
        let same = find(&node, &again, &plan(&completed, None)).expect("pictures");
        assert_eq!(by_content(&raw_input, &found), by_content(&again, &same));
    }

    #[test]
    fn picture_not_forwarded_or_not_in_the_raw_input_is_not_opened() {
        let node = node(&["/image"]);
        let input = json!({"image": "file:nowhere.png"});
        let found = find(&node, &input, &plan(&input, Some("/image"))).expect("pictures");
        assert_eq!(found.len(), 0, "it is not forwarded");
        let raw_input = json!({"prompt": "nowhere.png"});
        let found = find(&node, &raw_input, &plan(&input, None)).expect("pictures");
        assert_eq!(found.len(), 0, "it is not in the raw input");
        assert!(find(&node, &input, &plan(&input, None)).is_err());
    }
}
