//! Finds the reason that a provider gives, whatever its form: JSON in the usual shapes (RFC 9457
//! among them), an HTML or XML page, or plain text.

use serde_json::Value;

use crate::http::{Reply, has_scheme, presentable};
use crate::json;

/// The fields with a part of the reason, in the order in which the parts are named.
const PARTS: [&str; 16] = [
    "title",
    "error",
    "message",
    "msg",
    "error_message",
    "error_description",
    "reason",
    "failure_reason",
    "info",
    "description",
    "detail",
    "details",
    "errors",
    "reasons",
    "fault",
    "faultstring",
];

/// The fields with the place in the request that a part is about.
const PLACES: [&str; 3] = ["loc", "field", "param"];

/// The places of the provider's code.
const CODES: [&str; 6] = [
    "/error/code",
    "/errors/0/code",
    "/error/type",
    "/detail/0/type",
    "/code",
    "/error_code",
];

/// Deepest nesting that is read, and most entries of a list.
const DEPTH: usize = 6;
const ENTRIES: usize = 100;

/// The characters of a text that decide whether it is one.
const BEGINNING: usize = 256;

/// The tags of a page whose text is its reason, in order.
const TAGS: [&str; 5] = ["message", "title", "h1", "faultstring", "error"];

/// The reason in a reply, made safe for logs. `None` if it has none.
#[must_use]
pub fn of_reply(reply: &Reply) -> Option<String> {
    match reply.json() {
        Some(document) => of_document(&document),
        None => of_page(&String::from_utf8_lossy(&reply.body)),
    }
}

/// The reason in a document, or in the part of one that describes an error.
#[must_use]
pub fn of_document(document: &Value) -> Option<String> {
    shown(&part(document, DEPTH)?)
}

/// A text made safe for logs; `None` if nothing of it remains.
fn shown(text: &str) -> Option<String> {
    let text = presentable(text);
    (!text.is_empty()).then_some(text)
}

/// A document without a field that is known, as its own text.
#[must_use]
pub fn of_anything(document: &Value) -> Option<String> {
    let is_empty = match document {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        other => other.is_null(),
    };
    if is_empty {
        return None;
    }
    shown(&json::text(document))
}

/// The provider's code in a document.
#[must_use]
pub fn code(document: &Value) -> Option<String> {
    let mut codes = CODES.iter().filter_map(|pointer| document.pointer(pointer));
    codes.find_map(|code| match code {
        Value::String(text) if !text.trim().is_empty() => Some(presentable(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

fn part(value: &Value, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::String(text) if text.trim().is_empty() => None,
        // Relays pass the document of the provider behind them on as a text.
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            let inner = json::parse_leniently(text).and_then(|inner| part(&inner, depth));
            inner.or_else(|| Some(text.clone()))
        }
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let items = items.iter().take(ENTRIES);
            joined(items.filter_map(|item| part(item, depth)), "; ")
        }
        Value::Object(fields) => {
            let parts = PARTS.iter().filter_map(|name| {
                let (_, value) = fields.iter().find(|(field, _)| is_named(field, name))?;
                part(value, depth).or_else(|| of_fields(name, value, depth))
            });
            let text = joined(parts, ": ").or_else(|| {
                let inner = ["data", "result", "response"];
                let mut inner = inner.iter().filter_map(|name| fields.get(*name));
                inner.find_map(|data| part(data, depth).filter(|_| !data.is_number()))
            })?;
            let place = PLACES.iter().find_map(|name| place(fields.get(*name)?));
            Some(match place {
                Some(place) => format!("{place}: {text}"),
                None => text,
            })
        }
        // A number alone is a code; `part` is called for the fields that hold a reason.
        Value::Number(number) if depth + 1 < DEPTH => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a field has this name, written in any of the usual ways.
fn is_named(field: &str, name: &str) -> bool {
    let letters = |text: &str| {
        let letters = text.bytes().filter(u8::is_ascii_alphanumeric);
        letters
            .map(|letter| letter.to_ascii_lowercase())
            .collect::<Vec<_>>()
    };
    field == name || letters(field) == letters(name)
}

/// Errors by the name of the field that they are about.
fn of_fields(name: &str, value: &Value, depth: usize) -> Option<String> {
    let fields = value
        .as_object()
        .filter(|_| name == "errors" || name.starts_with("detail"))?;
    let fields = fields.iter().take(ENTRIES).filter_map(|(field, value)| {
        let text = part(value, depth)?;
        Some(format!("{field}: {text}"))
    });
    joined(fields, "; ")
}

/// The place that an error is about: a JSON Pointer for a list of tokens, else a name.
fn place(value: &Value) -> Option<String> {
    match value {
        Value::String(name) if !name.is_empty() => Some(name.clone()),
        Value::Array(tokens) => {
            let tokens = tokens.iter().take(ENTRIES);
            let place = tokens.fold(String::new(), |place, token| match token {
                Value::String(token) => json::pointer(&place, token),
                Value::Number(index) => json::pointer(&place, index.as_str()),
                _ => place,
            });
            (!place.is_empty()).then_some(place)
        }
        _ => None,
    }
}

/// The texts without those that others contain. `None` if there are none.
fn joined(texts: impl Iterator<Item = String>, separator: &str) -> Option<String> {
    let mut kept: Vec<String> = Vec::new();
    for text in texts {
        if kept.iter().all(|known| !known.contains(&text)) {
            kept.retain(|known| !text.contains(known));
            kept.push(text);
        }
    }
    (!kept.is_empty()).then(|| kept.join(separator))
}

/// The reason on a page, or the whole text if it is no page.
fn of_page(page: &str) -> Option<String> {
    let page = page.trim_start_matches('\u{feff}').trim();
    let is_binary = |letter: &char| letter.is_control() && !letter.is_whitespace();
    let beginning = || page.chars().take(BEGINNING);
    if page.is_empty() || beginning().filter(is_binary).count() * 6 > beginning().count() {
        return None;
    }
    if !page.starts_with('<') {
        return shown(page);
    }
    let text = TAGS.iter().find_map(|tag| tag_text(page, tag));
    let is_html = page.chars().take(64).collect::<String>();
    let is_html = is_html.to_ascii_lowercase().contains("html");
    match text {
        Some(text) if is_html => Some(format!("an HTML page with the title \"{text}\"")),
        None if is_html => Some("an HTML page".into()),
        None => shown(page),
        text => text,
    }
}

/// The text of the first element with this tag.
fn tag_text(page: &str, tag: &str) -> Option<String> {
    let mut starts = page.match_indices('<').filter(|(at, _)| {
        let rest = &page[at + 1..];
        has_scheme(rest, tag) && rest[tag.len()..].starts_with(['>', ' ', '\t', '\r', '\n'])
    });
    let (start, _) = starts.next()?;
    let rest = &page[start..];
    let content = &rest[rest.find('>')? + 1..];
    let content = &content[..content.find('<')?];
    let text = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(content.to_owned(), |text, (entity, letter)| {
        text.replace(entity, letter)
    });
    shown(&text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reason(body: &[u8]) -> Option<String> {
        of_reply(&Reply {
            status: 400,
            body: body.to_vec(),
            ..Reply::default()
        })
    }

    #[test]
    fn reason_is_found_in_every_shape() {
        for (document, expected) in [
            (json!({"detail": "too dark"}), "too dark"),
            (
                json!({"detail": [
                    {"loc": ["body", "input", "image"], "msg": "Field required", "type": "missing"},
                    {"loc": ["body", "steps", 0], "msg": "too large", "type": "le"},
                ]}),
                "/body/input/image: Field required; /body/steps/0: too large",
            ),
            (json!({"error": "too dark"}), "too dark"),
            (
                json!({"error": {"message": "too dark", "code": 7}}),
                "too dark",
            ),
            (
                json!({"errors": [{"message": "too dark"}, {"detail": "too small"}]}),
                "too dark; too small",
            ),
            (json!({"errors": ["too dark"]}), "too dark"),
            (json!({"message": "too dark"}), "too dark"),
            (json!({"msg": "too dark", "code": 5}), "too dark"),
            (json!({"info": "too dark"}), "too dark"),
            (
                json!({"type": "about:blank", "title": "Unprocessable", "detail": "too dark", "status": 422}),
                "Unprocessable: too dark",
            ),
            (
                json!({"error": "invalid_request", "error_description": "too dark"}),
                "invalid_request: too dark",
            ),
            (
                json!({"message": "The data was invalid.", "errors": {"image": ["too dark", "too small"]}}),
                "The data was invalid.: image: too dark; too small",
            ),
            (
                json!({"error": {"message": "too dark", "param": "image"}}),
                "image: too dark",
            ),
            (
                json!({"error": "{\"error\":{\"message\":\"too dark\"}}"}),
                "too dark",
            ),
            (
                json!({"success": false, "data": {"error": {"message": "too dark"}}}),
                "too dark",
            ),
            (json!({"message": "a", "error": "a"}), "a"),
            (json!("too dark"), "too dark"),
        ] {
            let found = reason(document.to_string().as_bytes());
            assert_eq!(found.as_deref(), Some(expected), "{document}");
        }
        for document in [
            json!({}),
            json!({"detail": []}),
            json!({"error": null}),
            json!(7),
        ] {
            assert_eq!(reason(document.to_string().as_bytes()), None, "{document}");
        }
    }

    #[test]
    fn reason_is_found_under_other_names() {
        for (document, expected) in [
            (json!({"Message": "too dark"}), "too dark"),
            (json!({"errorMessage": "too dark"}), "too dark"),
            (json!({"fault": {"faultstring": "too dark"}}), "too dark"),
            (json!({"error": 4711}), "4711"),
            (json!({"status": "error", "data": "too dark"}), "too dark"),
            (json!({"result": {"error": "too dark"}}), "too dark"),
        ] {
            let found = reason(document.to_string().as_bytes());
            assert_eq!(found.as_deref(), Some(expected), "{document}");
        }
        let unknown = json!({"image": ["too dark"]});
        assert_eq!(of_document(&unknown), None);
        assert_eq!(
            of_anything(&unknown).as_deref(),
            Some("{\"image\":[\"too dark\"]}")
        );
        assert_eq!(of_anything(&json!({})), None);
    }

    #[test]
    fn reason_of_a_page_is_its_title() {
        for (page, expected) in [
            (
                "<!DOCTYPE html>\n<html><head><TITLE >502 Bad &amp; Gateway</title>",
                "an HTML page with the title \"502 Bad & Gateway\"",
            ),
            (
                "<html><body><h1>Blocked</h1>",
                "an HTML page with the title \"Blocked\"",
            ),
            ("<html><p>x", "an HTML page"),
            (
                "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
                "Access Denied",
            ),
            (" upstream timed out\n", "upstream timed out"),
        ] {
            assert_eq!(reason(page.as_bytes()).as_deref(), Some(expected), "{page}");
        }
        assert_eq!(reason(b""), None);
        assert_eq!(reason(b"\0\0\0 ftyp"), None);
    }

    #[test]
    fn reason_is_bounded() {
        let mut deep = json!("x");
        for _ in 0..100 {
            deep = json!({ "error": deep });
        }
        assert_eq!(of_document(&deep), None);
        let long = json!({"detail": vec![json!({"msg": "word ".repeat(1000)}); 1000]});
        assert!(of_document(&long).unwrap().chars().count() <= 501);
    }

    #[test]
    fn code_is_found_beside_the_reason() {
        for (document, expected) in [
            (json!({"error": {"code": "E7", "type": "t"}}), Some("E7")),
            (json!({"code": 4001}), Some("4001")),
            (json!({"detail": [{"type": "missing"}]}), Some("missing")),
            (json!({"error": "E7"}), None),
        ] {
            assert_eq!(code(&document).as_deref(), expected, "{document}");
        }
    }
}
