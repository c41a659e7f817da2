//! Requests and replies as plain data.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::bindings::Connection;
use crate::json;

/// A request to a provider. Holds no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Absolute.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// A JSON document.
    pub body: Option<String>,
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: &str, url: String) -> Self {
        let headers = vec![("accept".into(), "application/json".into())];
        Self {
            method: method.into(),
            url,
            headers,
            body: None,
        }
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.body = Some(json::text(body));
        self.header("content-type", "application/json")
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// As `check` shows it: `{"method", "url", "headers", "body"}`.
    #[must_use]
    pub fn preview(&self) -> Value {
        let mut headers = Map::new();
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.as_str().into());
        }
        let body = self.body.as_deref().and_then(json::parse_leniently);
        let mut preview = serde_json::json!({
            "method": self.method, "url": self.url, "headers": headers,
        });
        // Not through `json!`, which changes the text of numbers.
        preview["body"] = body.unwrap_or(Value::Null);
        preview
    }
}

/// A whole reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Reply {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON; `None` if it is not JSON.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        json::parse_leniently(std::str::from_utf8(&self.body).ok()?)
    }

    /// The delay of `Retry-After`, in milliseconds. A date counts from the reply's own `Date`,
    /// so that only the server's clock is used.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        let value = self.header("retry-after")?.trim();
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(seconds.saturating_mul(1000));
        }
        let then = seconds_of_date(value)?;
        let now = seconds_of_date(self.header("date")?.trim())?;
        Some(then.saturating_sub(now) * 1000)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Seconds since the year 0 of `Sat, 21 Nov 2026 06:30:05 GMT`, the one form of date
/// that servers send (RFC 9110, IMF-fixdate). A library for all three forms and the system
/// clock would add a fortieth to the component's size.
fn seconds_of_date(date: &str) -> Option<u64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let number = |range| {
        date.get(range)
            .and_then(|digits: &str| digits.parse::<u64>().ok())
    };
    if date.len() != 29 || !date.ends_with(" GMT") {
        return None;
    }
    let (day, year) = (number(5..7)?, number(12..16)?);
    let (hours, minutes, seconds) = (number(17..19)?, number(20..22)?, number(23..25)?);
    let month = MONTHS.find(date.get(8..11)?)? as u64 / 3;
    // Counted from March, a leap day is the last day of its year.
    let (year, month) = if month < 2 {
        (year.checked_sub(1)?, month + 10)
    } else {
        (year, month - 2)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day;
    Some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

/// The bytes that are encoded in an id, so that it is one path segment or one query value.
const ID: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A request to `path`, below the connection's base URL; `{id}` in it becomes `id`.
#[must_use]
pub fn request(connection: &Connection, method: &str, path: &str, id: &str) -> Request {
    Request::new(method, url(connection, path, id))
}

/// The URL of `path`, below the connection's base URL; `{id}` in it becomes `id`.
#[must_use]
pub fn url(connection: &Connection, path: &str, id: &str) -> String {
    let base = connection.base_url.trim_end_matches('/');
    let id = utf8_percent_encode(id, ID).to_string();
    format!("{base}{}", path.replace("{id}", &id))
}

/// Whether a text begins with this, without regard to case: `https://`.
#[must_use]
pub fn has_scheme(text: &str, scheme: &str) -> bool {
    let start = text.get(..scheme.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// Whether a text is an absolute URL that can be fetched.
#[must_use]
pub fn is_absolute(text: &str) -> bool {
    has_scheme(text, "https://") || has_scheme(text, "http://")
}

/// Longest message of a provider, in bytes; a longer one is truncated.
const MESSAGE_LIMIT: usize = 500;

/// A provider's message made safe for logs: one line, bounded, without control characters,
/// URLs without their queries.
#[must_use]
pub fn presentable(message: &str) -> String {
    let mut words = Vec::new();
    let mut length = 0;
    let ends_word = |letter: char| letter.is_whitespace() || steers(letter);
    for word in message.split(ends_word).filter(|word| !word.is_empty()) {
        let word = without_query(word);
        length += word.len() + 1;
        if length > MESSAGE_LIMIT {
            words.push("…");
            break;
        }
        words.push(word);
    }
    words.join(" ")
}

/// Whether it is a control character, or one that changes the direction of writing.
fn steers(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A word without the query of the URL that it is or holds, with or without a scheme.
fn without_query(word: &str) -> &str {
    let scheme = word.find("://").unwrap_or(word.len());
    let query = word
        .match_indices(['?', '#'])
        .find(|(at, mark)| *at > scheme || *mark == "?" && word[*at..].contains('='));
    query.map_or(word, |(at, _)| &word[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delay(headers: &[(&str, &str)]) -> Option<u64> {
        let headers = headers.iter().map(|&(n, v)| (n.into(), v.into())).collect();
        Reply {
            headers,
            ..Reply::default()
        }
        .retry_after_ms()
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let date = ("date", "Sat, 21 Nov 2026 06:30:00 GMT");
        assert_eq!(delay(&[("retry-after", " 3 ")]), Some(3000));
        assert_eq!(
            delay(&[("retry-after", "Sat, 21 Nov 2026 06:30:05 GMT"), date]),
            Some(5000)
        );
        assert_eq!(
            delay(&[("retry-after", "Sat, 21 Nov 2026 06:29:00 GMT"), date]),
            Some(0)
        );
        assert_eq!(
            delay(&[("retry-after", "Sat, 21 Nov 2026 06:30:05 GMT")]),
            None
        );
        assert_eq!(delay(&[("retry-after", "soon")]), None);
        assert_eq!(
            delay(&[("retry-after", "Sunday, 21-Nov-26 06:30:05 GMT"), date]),
            None
        );
        let leap = ("date", "Thu, 29 Feb 2024 23:59:59 GMT");
        assert_eq!(
            delay(&[("retry-after", "Fri, 01 Mar 2024 00:00:01 GMT"), leap]),
            Some(2000)
        );
        let year = ("date", "Thu, 31 Dec 2026 23:59:59 GMT");
        assert_eq!(
            delay(&[("retry-after", "Fri, 01 Jan 2027 00:00:00 GMT"), year]),
            Some(1000)
        );
        assert_eq!(delay(&[]), None);
    }

    #[test]
    fn messages_lose_queries_and_length() {
        assert_eq!(
            presentable("could not\nread https://cdn.example/a.png?sig=SECRET today?"),
            "could not read https://cdn.example/a.png today?"
        );
        assert_eq!(
            presentable("(what?)https://cdn.example/a?sig=SECRET cdn.example/b.png?sig=SECRET"),
            "(what cdn.example/b.png"
        );
        assert_eq!(presentable("a\u{1b}[2Jb\u{202e}\0 c"), "a [2Jb c");
        assert!(presentable(&"word ".repeat(500)).len() <= MESSAGE_LIMIT + 4);
        assert_eq!(presentable(&"x".repeat(501)), "…");
    }
}
