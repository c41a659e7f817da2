//! The local pictures of a job that its provider wants uploaded: where each belongs in the input,
//! and its value there once it is handed over.
//!
//! Their bytes are files beside the rows; see [`Pictures`](super::Pictures). In the row's `input`,
//! the field of such a picture has the URL of the user's file.

use std::collections::HashSet;
use std::fmt;

use serde_json::{Map, Value, json};

use super::stage::Millis;

/// The local pictures of a job that are uploaded, and when they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalPictures {
    /// The pictures; empty for most jobs.
    pub pictures: Vec<LocalPicture>,
    /// When all of them were handed over; `None`: not yet, or no longer.
    pub handed_over_at: Option<Millis>,
    /// When the provider said that it no longer has an upload of the present attempt. Uploads before
    /// do not count.
    pub gone_at: Option<Millis>,
    /// The [`retries`](super::Job::retries) of the job at the latest change of the fields above.
    pub retries: u32,
}

/// A picture of a job.
#[derive(Clone, PartialEq, Eq)]
pub struct LocalPicture {
    /// JSON Pointer into the completed input.
    pub field: String,
    /// SHA-256 of the file, by which it is stored; lower-case hexadecimal.
    pub sha256: String,
    /// The name of the user's file, without folders.
    pub name: String,
    /// What is submitted for it; `None`: it is not handed over.
    pub value: Option<FieldValue>,
}

/// What is submitted for a picture.
#[derive(Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// This value, mostly a URL.
    Json(Value),
    /// The file in base64.
    Base64,
}

/// Without the value, which may give access.
impl fmt::Debug for LocalPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("LocalPicture");
        shown.field("field", &self.field);
        shown.field("sha256", &self.sha256);
        shown.field("is_handed_over", &self.value.is_some());
        shown.finish_non_exhaustive()
    }
}

/// The kind alone.
impl fmt::Debug for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json(_) => "Json",
            Self::Base64 => "Base64",
        })
    }
}

impl LocalPictures {
    /// Pictures that are not handed over.
    #[must_use]
    pub fn new(pictures: Vec<LocalPicture>) -> Self {
        Self {
            pictures,
            ..Self::default()
        }
    }

    /// Whether there are pictures that are not handed over.
    #[must_use]
    pub fn are_pending(&self) -> bool {
        !self.pictures.is_empty() && self.handed_over_at.is_none()
    }

    /// The number of uploads that are needed for all: one for each file.
    #[must_use]
    pub fn uploads(&self) -> usize {
        let digests = self.pictures.iter().map(|picture| &picture.sha256);
        digests.collect::<HashSet<_>>().len()
    }

    /// The values of the pictures, as one document; null without pictures.
    #[must_use]
    pub fn values(&self) -> Value {
        let values = self.pictures.iter();
        let values: Vec<_> = values
            .filter_map(|picture| match &picture.value {
                Some(FieldValue::Json(value)) => Some(value.clone()),
                _ => None,
            })
            .collect();
        if values.is_empty() {
            Value::Null
        } else {
            values.into()
        }
    }

    /// The input with the values of the pictures, where it has some.
    pub fn fill(&self, input: &mut Value) {
        for picture in &self.pictures {
            if let Some(FieldValue::Json(value)) = &picture.value
                && let Some(place) = input.pointer_mut(&picture.field)
            {
                *place = value.clone();
            }
        }
    }

    /// The pictures as in the column of a row; `None` without pictures.
    pub(super) fn to_column(&self) -> Option<String> {
        if self.pictures.is_empty() {
            return None;
        }
        let pictures: Vec<_> = self.pictures.iter().map(LocalPicture::document).collect();
        let document = json!({
            "pictures": pictures,
            "handed_over_at": self.handed_over_at,
            "gone_at": self.gone_at,
            "retries": self.retries,
        });
        Some(document.to_string())
    }

    /// The pictures of a column; `None` if it is unreadable. A row of an earlier version has none.
    pub(super) fn of_column(text: &str) -> Option<Self> {
        let document: Value = serde_json::from_str(text).ok()?;
        let pictures = document["pictures"].as_array()?;
        let time = |name: &str| match &document[name] {
            Value::Null => Ok(None),
            value => value.as_i64().map(Some).ok_or(()),
        };
        Some(Self {
            pictures: pictures
                .iter()
                .map(LocalPicture::of_document)
                .collect::<Option<_>>()?,
            handed_over_at: time("handed_over_at").ok()?,
            gone_at: time("gone_at").ok()?,
            retries: document["retries"].as_u64()?.try_into().ok()?,
        })
    }
}

impl LocalPicture {
    fn document(&self) -> Value {
        let mut document = Map::new();
        document.insert("field".into(), self.field.as_str().into());
        document.insert("sha256".into(), self.sha256.as_str().into());
        document.insert("name".into(), self.name.as_str().into());
        match &self.value {
            Some(FieldValue::Json(value)) => drop(document.insert("value".into(), value.clone())),
            Some(FieldValue::Base64) => drop(document.insert("base64".into(), true.into())),
            None => {}
        }
        document.into()
    }

    fn of_document(document: &Value) -> Option<Self> {
        let text = |name: &str| document[name].as_str().map(str::to_owned);
        let value = document.get("value").cloned().map(FieldValue::Json);
        let base64 = document.get("base64").map(|_| FieldValue::Base64);
        Some(Self {
            field: text("field")?,
            sha256: text("sha256")?,
            name: text("name")?,
            value: value.or(base64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(field: &str, value: Option<FieldValue>) -> LocalPicture {
        LocalPicture {
            field: field.into(),
            sha256: "a".repeat(64),
            name: "a b.png".into(),
            value,
        }
    }

    #[test]
    fn pictures_of_a_column_are_those_that_were_written() {
        let values = [
            None,
            Some(FieldValue::Json(
                "https://files.example/1?signature=x".into(),
            )),
            Some(FieldValue::Json(Value::Null)),
            Some(FieldValue::Json(json!({"$picture": "b"}))),
            Some(FieldValue::Base64),
        ];
        let local = LocalPictures {
            pictures: values.map(|value| picture("/image", value)).into(),
            handed_over_at: Some(7),
            gone_at: None,
            retries: 2,
        };
        let text = local.to_column().expect("a column");
        assert_eq!(LocalPictures::of_column(&text), Some(local.clone()));
        assert!(!format!("{local:?}").contains("signature"));
        assert_eq!(LocalPictures::default().to_column(), None);
        for damaged in ["", "{}", r#"{"pictures": [{}], "retries": 0}"#] {
            assert_eq!(LocalPictures::of_column(damaged), None, "{damaged}");
        }
    }

    #[test]
    fn values_are_put_at_their_fields() {
        let url = Value::from("https://files.example/1");
        let local = LocalPictures::new(vec![
            picture("/images/1", Some(FieldValue::Json(url.clone()))),
            picture("/image", None),
        ]);
        let mut input = json!({"images": ["a", "file:b.png"], "image": "file:c.png"});
        local.fill(&mut input);
        assert_eq!(input, json!({"images": ["a", url], "image": "file:c.png"}));
        assert_eq!(local.values(), json!([url]));
        assert!(local.are_pending() && !LocalPictures::default().are_pending());
        assert_eq!(local.uploads(), 1, "both fields name one file");
    }
}
