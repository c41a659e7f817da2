//! Reads the places of a result in the forms in which providers return them.

use serde_json::Value;

use crate::bindings::{Connection, ResultMedia};
use crate::http::{is_absolute, is_inline, origin, resolved};

/// The fields of an object with the URL of a file.
const URLS: [&str; 6] = ["url", "href", "uri", "video_url", "download_url", "data"];

/// Deepest nesting, and most files of one result.
const DEPTH: usize = 5;
const FILES: usize = 20;

/// A file of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Absolute, or of one of the schemes `data:` and `attached:`.
    pub url: String,
    /// Whether it lies on the connection's own origin and was given relative to it, so that
    /// fetching it needs the credential.
    pub needs_credential: bool,
}

impl File {
    /// The file as a medium at this pointer into the output.
    #[must_use]
    pub fn at(self, pointer: String) -> ResultMedia {
        ResultMedia {
            pointer,
            url: self.url,
            media_type: None,
            sha256: None,
            expires_at: None,
            needs_credential: self.needs_credential,
        }
    }
}

/// The files that a value names, each once: a text, an object with a URL, or a list of these. A
/// relative URL is resolved against `base`, the URL of the reply.
#[must_use]
pub fn files(connection: &Connection, base: &str, value: &Value) -> Vec<File> {
    let mut files = Vec::new();
    collect(&mut files, connection, base, value, DEPTH);
    files
}

fn collect(
    files: &mut Vec<File>,
    connection: &Connection,
    base: &str,
    value: &Value,
    depth: usize,
) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    match value {
        Value::String(text) => {
            let Some(url) = resolved(base, text) else {
                return;
            };
            let is_relative = !is_absolute(text.trim()) && !is_inline(&url);
            let file = File {
                needs_credential: is_relative && origin(&url) == origin(&connection.base_url),
                url,
            };
            if files.len() < FILES && files.iter().all(|known| known.url != file.url) {
                files.push(file);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(files, connection, base, item, depth);
            }
        }
        Value::Object(fields) => {
            let before = files.len();
            for url in URLS.iter().filter_map(|name| fields.get(*name)) {
                if files.len() == before {
                    collect(files, connection, base, url, depth);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::connection;

    #[test]
    fn files_are_found_in_every_form() {
        let (one, other) = ("https://cdn.example/1.mp4", "https://cdn.example/2.mp4");
        for (value, expected) in [
            (json!(one), vec![one]),
            (json!([one, other, one]), vec![one, other]),
            (json!({ "url": one }), vec![one]),
            (json!({ "href": one, "type": "video" }), vec![one]),
            (json!([{ "uri": one }, { "url": other }]), vec![one, other]),
            (json!({ "url": [one, other] }), vec![one, other]),
            (json!({ "url": null, "uri": one }), vec![one]),
            (json!("attached:0"), vec!["attached:0"]),
            (
                json!("data:video/mp4;base64,AAAA"),
                vec!["data:video/mp4;base64,AAAA"],
            ),
            (json!("pending"), vec![]),
            (json!({}), vec![]),
            (json!(7), vec![]),
        ] {
            let desk = connection(&json!({}));
            let found = files(&desk, "https://provider.example/api/v1/jobs/7", &value);
            let urls: Vec<_> = found.iter().map(|file| file.url.as_str()).collect();
            assert_eq!(urls, expected, "{value}");
            assert!(found.iter().all(|file| !file.needs_credential));
        }
    }

    #[test]
    fn relative_file_of_the_own_origin_needs_the_credential() {
        let desk = connection(&json!({}));
        for (text, needs_credential) in [
            ("/files/x.mp4", true),
            ("x.mp4", true),
            ("//provider.example/x.mp4", true),
            ("//cdn.example/x.mp4", false),
            ("https://provider.example/x.mp4", false),
        ] {
            let found = files(
                &desk,
                "https://provider.example/api/v1/jobs/7",
                &json!(text),
            );
            assert_eq!(found[0].needs_credential, needs_credential, "{text}");
        }
    }
}
