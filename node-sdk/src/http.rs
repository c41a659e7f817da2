//! Requests and replies as plain data.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
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
        let mut preview = serde_json::json!({ "method": self.method, "url": self.url });
        // Not through `json!`, which changes the text of numbers, and for which the component
        // would have a second writer of objects.
        preview["headers"] = Value::Object(headers);
        preview["body"] = body.unwrap_or(Value::Null);
        preview
    }
}

/// A whole reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The URL of its request.
    pub url: String,
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

    /// The body as JSON, whatever its media type; `None` if it is not JSON. A byte-order mark is
    /// skipped.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        let text = std::str::from_utf8(&self.body).ok()?;
        json::parse_leniently(text.strip_prefix('\u{feff}').unwrap_or(text))
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

    /// The first header of this name, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
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

/// A request to `path`, below the connection's base URL, as [`url`] completes it.
#[must_use]
pub fn request(connection: &Connection, method: &str, path: &str, id: &str) -> Request {
    Request::new(method, url(connection, path, id))
}

/// The URL of `path`, below the connection's base URL.
///
/// `{id}` in it becomes `id`, percent-encoded as one segment or one value. `{+id}` becomes `id` as it
/// is (RFC 6570, reserved expansion): its slashes stay, so that it may be several segments. What would
/// begin a query, a fragment or a further parameter is encoded. An id with a segment `.` or `..` is
/// encoded whole, and a host refuses to send it.
#[must_use]
pub fn url(connection: &Connection, path: &str, id: &str) -> String {
    let base = connection.base_url.trim_end_matches('/');
    let (below, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let segment = match id {
        "." => "%2E".into(),
        ".." => "%2E%2E".into(),
        id => encoded(id),
    };
    let segments = if climbs(id) {
        encoded(id)
    } else {
        reserved(id, "/:@!$&'()*+,;=")
    };
    let below = below
        .replace("{id}", &segment)
        // Two slashes would be an empty segment.
        .replace("/{+id}", &format!("/{}", segments.trim_start_matches('/')))
        .replace("{+id}", &segments);
    let query = query
        .replace("{id}", &encoded(id))
        .replace("{+id}", &reserved(id, "/:@!$'()*,"));
    format!("{base}{below}{query}")
}

/// An id that is one segment of a path or one value of a query.
fn encoded(id: &str) -> String {
    utf8_percent_encode(id, ID).to_string()
}

/// An id of which these characters and percent-encoded ones stay.
fn reserved(id: &str, kept: &str) -> String {
    let bytes = id.as_bytes();
    let is_hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let mut text = String::new();
    for (at, letter) in id.char_indices() {
        let is_encoded = letter == '%' && is_hex(at + 1) && is_hex(at + 2);
        if is_encoded || kept.contains(letter) {
            text.push(letter);
        } else {
            text += &encoded(&id[at..at + letter.len_utf8()]);
        }
    }
    text
}

/// Whether an id could leave the path that it is put into.
fn climbs(id: &str) -> bool {
    let decoded = percent_decode_str(id).decode_utf8_lossy();
    let names = decoded.split(['/', '\\']);
    let mut names = names.filter_map(|segment| segment.split(';').next());
    names.any(|name| matches!(name, "." | ".."))
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

/// Longest relative URL, in bytes: a longer text is something else, such as a file in base64.
const REFERENCE_LIMIT: usize = 4096;

/// The URL that a text in a reply from `base` names: absolute, or relative as RFC 3986 resolves
/// it, with `\` read as `/` before its query. `None` if it is not the reference of a file: a text with
/// blanks, a bare word, or a URL of a scheme that the host cannot fetch.
///
/// A host takes `data:` URLs, and those of the scheme `attached:`, which it puts in the place of
/// a picture or a clip inside a reply.
#[must_use]
pub fn resolved(base: &str, text: &str) -> Option<String> {
    let text = text.trim();
    if is_absolute(text) || is_inline(text) {
        return Some(text.into());
    }
    let mut text = text;
    // As browsers read it: `https:\\host\path`, and `http:/host/path` if the base is `https`. One
    // slash after the base's own scheme begins a path.
    for scheme in ["https:", "http:"] {
        if has_scheme(text, scheme) {
            let rest = &text[scheme.len()..];
            let below = rest.trim_start_matches(['/', '\\']);
            match rest.len() - below.len() {
                0 => {}
                1 if has_scheme(base, scheme) => text = rest,
                _ => return Some(format!("{scheme}//{below}")),
            }
            break;
        }
    }
    let ends_as_a_file = |text: &str| {
        let (_, extension) = text.rsplit_once('.')?;
        let is_one = (2..=5).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_one.then_some(())
    };
    let has_blanks = text.contains(char::is_whitespace);
    if text.len() > REFERENCE_LIMIT
        || text.contains(|letter: char| letter.is_control())
        || has_blanks && !text.starts_with('/') && ends_as_a_file(text).is_none()
    {
        return None;
    }
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let text = text[..end].replace('\\', "/") + &text[end..];
    let start = &text[..text.find(['/', '?', '#']).unwrap_or(text.len())];
    if start.contains(':') || !text.contains(['/', '.', '?']) {
        return None;
    }
    let (scheme, rest) = base.split_once("://")?;
    let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let folder = match text.as_bytes()[0] {
        b'/' if text.starts_with("//") => return Some(format!("{scheme}:{text}")),
        b'/' => "",
        b'?' => path,
        _ => path.rfind('/').map_or("/", |last| &path[..=last]),
    };
    let (below, query) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
    let path = format!("{folder}{below}");
    let mut segments = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        segments.push("");
    }
    let path = segments.join("/");
    Some(format!("{scheme}://{authority}/{path}{query}").replace(' ', "%20"))
}

/// Whether a URL stands for bytes that were inside a reply.
#[must_use]
pub fn is_inline(url: &str) -> bool {
    has_scheme(url, "data:") || has_scheme(url, "attached:")
}

/// The scheme and authority of a URL.
#[must_use]
pub fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let length = url[start..]
        .find(['/', '?', '#'])
        .unwrap_or(url.len() - start);
    &url[..start + length]
}

/// Longest message of a provider, in characters; a longer one is truncated.
const MESSAGE_LIMIT: usize = 500;

/// A provider's message made safe for logs: one line, bounded, without control characters,
/// URLs without their queries.
#[must_use]
pub fn presentable(message: &str) -> String {
    let mut line = String::new();
    let mut left = MESSAGE_LIMIT;
    let ends_word = |letter: char| letter.is_whitespace() || steers(letter);
    for word in message.split(ends_word).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
            left = left.saturating_sub(1);
        }
        for letter in without_query(word).chars() {
            if left == 0 {
                line.push('…');
                return line;
            }
            line.push(letter);
            left -= 1;
        }
    }
    line
}

/// Whether two names are the same to a reader: without regard to case, to blanks around them,
/// and to the separators `-`, `_` and blank.
#[must_use]
pub fn same_name(one: &str, other: &str) -> bool {
    let normal = |byte: u8| match byte {
        b'-' | b'_' => b' ',
        byte => byte.to_ascii_lowercase(),
    };
    let (one, other) = (one.trim().bytes(), other.trim().bytes());
    one.map(normal).eq(other.map(normal))
}

/// Whether it is a control character, changes the direction of writing, or is not visible: the
/// set of the host's `sanitize::is_harmful`, which a test compares.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0e}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
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
    use crate::testing::connection;

    /// What texts name in a reply from `https://api.example/v1/jobs/7?full=1`. The host resolves
    /// them the same way: its tests of `FetchUrl` have this list too.
    const REFERENCES: [(&str, &str); 14] = [
        ("https:/cdn/x.mp4", "https://api.example/cdn/x.mp4"),
        ("HTTPS:\\cdn\\x.mp4", "https://api.example/cdn/x.mp4"),
        ("http:/cdn.example/x.mp4", "http://cdn.example/x.mp4"),
        ("http:\\cdn.example/x.mp4", "http://cdn.example/x.mp4"),
        ("https://cdn.example/x.mp4", "https://cdn.example/x.mp4"),
        ("https:\\\\cdn.example/x.mp4", "https://cdn.example/x.mp4"),
        ("//cdn.example/x.mp4", "https://cdn.example/x.mp4"),
        ("/\\cdn.example/x.mp4", "https://cdn.example/x.mp4"),
        ("/x.mp4", "https://api.example/x.mp4"),
        ("\\x.mp4?a\\b", "https://api.example/x.mp4?a\\b"),
        ("x.mp4", "https://api.example/v1/jobs/x.mp4"),
        ("../x.mp4", "https://api.example/v1/x.mp4"),
        ("../../../x/..", "https://api.example/"),
        ("?file=1", "https://api.example/v1/jobs/7?file=1"),
    ];

    #[test]
    fn id_in_braces_is_one_segment_or_one_value() {
        let connection = connection(&serde_json::json!({}));
        let base = connection.base_url.trim_end_matches('/');
        for (id, expected) in [
            ("18446744073709551617", "18446744073709551617"),
            ("-1.50e+3", "-1.50e%2B3"),
            ("a/b", "a%2Fb"),
            ("a?b#c&d=e;f", "a%3Fb%23c%26d%3De%3Bf"),
            ("50%2F", "50%252F"),
            ("a b\u{e9}\n", "a%20b%C3%A9%0A"),
            ("{+id}", "%7B%2Bid%7D"),
            ("../x", "..%2Fx"),
            ("a\\..", "a%5C.."),
        ] {
            let path = url(&connection, "/jobs/{id}/state", id);
            assert_eq!(path, format!("{base}/jobs/{expected}/state"), "{id}");
            let query = url(&connection, "/job?id={id}&x=1", id);
            assert_eq!(query, format!("{base}/job?id={expected}&x=1"), "{id}");
        }
        for (id, path) in [("..", "/jobs/%2E%2E"), (".", "/jobs/%2E")] {
            let url = url(&connection, "/jobs/{id}", id);
            assert_eq!(url, format!("{base}{path}"));
        }
        let query = url(&connection, "/job?id={id}", "..");
        assert_eq!(query, format!("{base}/job?id=.."));
    }

    #[test]
    fn id_with_a_plus_keeps_its_slashes_and_stays_in_the_path() {
        let connection = connection(&serde_json::json!({}));
        let base = connection.base_url.trim_end_matches('/');
        for (id, in_path, in_query) in [
            (
                "18446744073709551617",
                "18446744073709551617",
                "18446744073709551617",
            ),
            (
                "models/v3/operations/7",
                "models/v3/operations/7",
                "models/v3/operations/7",
            ),
            ("/operations/7", "operations/7", "/operations/7"),
            ("urn:job:7@eu", "urn:job:7@eu", "urn:job:7@eu"),
            ("a+b&c=d;e", "a+b&c=d;e", "a%2Bb%26c%3Dd%3Be"),
            ("a?b#c", "a%3Fb%23c", "a%3Fb%23c"),
            ("50%2Fa%", "50%2Fa%25", "50%2Fa%25"),
            ("a b\u{e9}", "a%20b%C3%A9", "a%20b%C3%A9"),
            ("[a]|{id}", "%5Ba%5D%7C%7Bid%7D", "%5Ba%5D%7C%7Bid%7D"),
            // The host refuses these, encoded or not.
            ("../x", "..%2Fx", "../x"),
            ("a/..;b/c", "a%2F..%3Bb%2Fc", "a/..%3Bb/c"),
            ("%2e%2e/x", "%252e%252e%2Fx", "%2e%2e/x"),
        ] {
            let path = url(&connection, "/v1/{+id}:state", id);
            assert_eq!(path, format!("{base}/v1/{in_path}:state"), "{id}");
            let query = url(&connection, "/job?id={+id}", id);
            assert_eq!(query, format!("{base}/job?id={in_query}"), "{id}");
        }
    }

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
        assert_eq!(presentable("a\u{200b}b\u{2028}c\u{e0041}"), "a b c");
        let signed = format!("{}?sig=SECRET", "x".repeat(600));
        assert_eq!(presentable(&signed), "x".repeat(500) + "…");
        let url = format!("https://cdn.example/{}?sig=SECRET", "x".repeat(400));
        assert_eq!(presentable(&url), url[..420]);
        let long = presentable(&"word ".repeat(500));
        assert!(long.chars().count() <= MESSAGE_LIMIT + 1 && long.ends_with('…'));
        assert_eq!(presentable(&"字".repeat(500)), "字".repeat(500));
        let cut = presentable(&"字".repeat(501));
        assert_eq!(cut, "字".repeat(500) + "…");
    }

    #[test]
    fn relative_url_is_resolved_against_its_reply() {
        let base = "https://api.example:8443/v1/jobs/7?full=1";
        for (text, expected) in [
            (
                "https://cdn.example/x.mp4?e=1",
                Some("https://cdn.example/x.mp4?e=1"),
            ),
            (" HTTP://cdn.example/x ", Some("HTTP://cdn.example/x")),
            ("/files/x.mp4", Some("https://api.example:8443/files/x.mp4")),
            ("x.mp4", Some("https://api.example:8443/v1/jobs/x.mp4")),
            ("files/x", Some("https://api.example:8443/v1/jobs/files/x")),
            (
                "../x.mp4?e=1",
                Some("https://api.example:8443/v1/x.mp4?e=1"),
            ),
            (
                "\\files\\x.mp4?a\\b",
                Some("https://api.example:8443/files/x.mp4?a\\b"),
            ),
            ("?file=1", Some("https://api.example:8443/v1/jobs/7?file=1")),
            ("//cdn.example/x.mp4", Some("https://cdn.example/x.mp4")),
            (
                "a.mp4?at=12:30",
                Some("https://api.example:8443/v1/jobs/a.mp4?at=12:30"),
            ),
            (
                "data:video/mp4;base64,AAAA",
                Some("data:video/mp4;base64,AAAA"),
            ),
            ("attached:0", Some("attached:0")),
            (
                "https:\\\\cdn.example\\x.mp4",
                Some("https://cdn.example\\x.mp4"),
            ),
            ("ftp://cdn.example/x.mp4", None),
            ("javascript:alert(1)", None),
            ("s3://bucket/x.mp4", None),
            (
                "/files/my clip.mp4",
                Some("https://api.example:8443/files/my%20clip.mp4"),
            ),
            (
                "my clip.mp4",
                Some("https://api.example:8443/v1/jobs/my%20clip.mp4"),
            ),
            ("still rendering", None),
            ("Still rendering. Please wait.", None),
            ("pending", None),
            ("", None),
        ] {
            assert_eq!(resolved(base, text).as_deref(), expected, "{text}");
        }
        let base = "https://api.example/v1/jobs/7?full=1";
        for (text, expected) in REFERENCES {
            assert_eq!(resolved(base, text).as_deref(), Some(expected), "{text}");
        }
        let at_root = resolved("http://127.0.0.1:9", "x.mp4");
        assert_eq!(at_root.as_deref(), Some("http://127.0.0.1:9/x.mp4"));
    }

    #[test]
    fn names_are_compared_without_case_and_separators() {
        for (one, other) in [
            ("SUCCEEDED", "succeeded"),
            ("in-progress", "IN_PROGRESS"),
            (" In Progress\n", "in_progress"),
        ] {
            assert!(same_name(one, other), "{one}");
        }
        assert!(!same_name("inprogress", "in_progress"));
        assert!(!same_name("", "queued"));
    }
}
