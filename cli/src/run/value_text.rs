//! The values of fields in the names of results. No user, password or query of a URL is in them.

use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::Url;

/// The text of a picture's field: the name of its file without the extension; empty if it has none, as
/// the picture itself in base64 has.
pub(super) fn of_picture(text: &str) -> String {
    let text = text.trim();
    if let Some(path) = without_scheme(text, "file:") {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = match path.strip_prefix("//") {
            // The name of a machine.
            Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
            None => path,
        };
        return stem(&decoded(last_name(path)));
    }
    match Url::parse(text) {
        Ok(url) if url.cannot_be_a_base() => String::new(),
        Ok(url) => {
            let name = last_name(url.path());
            stem(&decoded(name.split(';').next().unwrap_or_default()))
        }
        // No base64 has a dot.
        Err(url::ParseError::RelativeUrlWithoutBase)
            if text.contains('.') && !text.contains([':', '@']) =>
        {
            let path = text.split(['?', '#', ';']).next().unwrap_or_default();
            stem(&decoded(last_name(path)))
        }
        Err(_) => String::new(),
    }
}

/// The text of another field. A URL at its beginning is without what may be secret.
pub(super) fn of_other(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => without_secrets(text),
        Value::Array(values) => {
            let values = values.iter().map(of_other);
            values.collect::<Vec<_>>().join(",")
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, value)| format!("{name}={}", of_other(value)));
            fields.collect::<Vec<_>>().join(",")
        }
        value => value.to_string(),
    }
}

/// The name of a file without its extension.
pub(super) fn stem(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.to_owned()
}

fn without_secrets(text: &str) -> String {
    let begins = ["http:", "https:"].iter();
    let mut begins = begins.filter(|scheme| without_scheme(text.trim_start(), scheme).is_some());
    if begins.next().is_none() {
        return text.to_owned();
    }
    let (first, rest) = split_first_word(text.trim_start());
    let Ok(mut url) = Url::parse(first) else {
        return rest.to_owned();
    };
    url.set_query(None);
    url.set_fragment(None);
    // An http URL has a host, so it can have neither of them.
    let is_clean = url.set_username("").is_ok() && url.set_password(None).is_ok();
    if is_clean {
        format!("{url}{rest}")
    } else {
        rest.to_owned()
    }
}

fn split_first_word(text: &str) -> (&str, &str) {
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

fn without_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn last_name(path: &str) -> &str {
    path.rsplit(['/', '\\', ':']).next().unwrap_or_default()
}

fn decoded(name: &str) -> String {
    percent_decode_str(name).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn picture_is_named_by_its_file_and_never_by_a_secret_of_its_url() {
        for (url, expected) in [
            ("file:lighthouse.jpg", "lighthouse"),
            ("file:///home/me/a%20b.tar.gz", "a b.tar"),
            ("FILE:a;b.png", "a;b"),
            ("file:C:\\clips\\photo.png", "photo"),
            ("file://server", ""),
            ("https://p.example/x/photo.png?token=secret", "photo"),
            ("https://p.example/photo.png;session=secret", "photo"),
            ("https://p.example/photo.png#secret.x", "photo"),
            ("https://u:secret@p.example/photo.png", "photo"),
            ("https://u:secret@p.example", ""),
            ("https://u:secret@p.example?a=b", ""),
            ("HTTPS://u:secret@p.example", ""),
            ("https:u:secret@p.example", ""),
            ("https:\\\\u:secret@p.example\\a.png", "a"),
            ("https://u:sec/ret@p.example", ""),
            (" https://u:secret@p.example/a.png", "a"),
            ("s3://u:secret@p.example", ""),
            ("https://p.example/", ""),
            ("data:image/png;base64,AAAA", ""),
            ("DATA:image/png;base64,AAAA", ""),
            ("/9j/4AAQSkZJRgABAQAAAQ==", ""),
            ("iVBORw0KGgo", ""),
            ("u:secret@p.example/a.png", ""),
            ("pictures/lighthouse.jpg?secret", "lighthouse"),
        ] {
            assert_eq!(of_picture(url), expected, "{url}");
        }
    }

    #[test]
    fn other_text_is_without_the_user_and_the_query_of_its_url() {
        for (value, expected) in [
            (json!("waves, ?#@"), "waves, ?#@"),
            (
                json!("https://u:secret@p.example/a?secret#secret"),
                "https://p.example/a",
            ),
            (
                json!("HTTP://secret@p.example red"),
                "http://p.example/ red",
            ),
            (json!("https://u:sec/ret@p.example red"), " red"),
            (json!(24), "24"),
            (json!(null), ""),
            (
                json!(["https://p.example/?secret", 1]),
                "https://p.example/,1",
            ),
            (
                json!({"url": "https://p.example/?secret"}),
                "url=https://p.example/",
            ),
        ] {
            assert_eq!(of_other(&value), expected, "{value}");
        }
    }
}
