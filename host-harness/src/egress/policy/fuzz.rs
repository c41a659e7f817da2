//! Fuzz target for URLs that try to leave the base URL; see `docs/reference/fuzzing.md`.

use proptest::prelude::*;
use zoetrope_fuzzing::{SEPARATOR, Target, parts};

use super::*;
use crate::net::shown;

const BASES: [&str; 5] = [
    "https://api.example.com",
    "https://api.example.com/v1",
    "https://api.example.com:8443/a/b",
    "http://127.0.0.1:9/v1",
    "https://xn--bcher-kva.example/v1.0",
];

/// Parts of URLs, with spellings that some parsers read differently.
const SCHEMES: [&str; 8] = [
    "https://",
    "http://",
    "HTTPS://",
    "https:/",
    "https:///",
    "https:\\\\",
    "//",
    "ws://",
];
const USERS: [&str; 6] = ["", "", "", "user@", "api.example.com@", "a:b@"];
const HOSTS: [&str; 18] = [
    "api.example.com",
    "API.example.com",
    "api.example.com.",
    "api.example.com..",
    "api%2eexample.com",
    "api.example.com%00.evil.example",
    "api.example.com.evil.example",
    "evil.example#api.example.com",
    "evil.example?api.example.com",
    "evil.example\\.api.example.com",
    "127.0.0.1",
    "0x7f.1",
    "2130706433",
    "0177.0.0.1",
    "[::ffff:127.0.0.1]",
    "[::1%25lo]",
    "b\u{fc}cher.example",
    "xn--bcher-kva.example",
];
const PORTS: [&str; 8] = ["", "", ":443", ":8443", ":9", ":0", ":65536", ":"];
const STEPS: [&str; 30] = [
    "/", "/", "/v1", "/v1", "/a/b", "/v1.0", "/jobs", "/..", "/.", "..", "%2e", "%2E%2e", "%252e",
    "%25252e", "%2f", "%252F", "%5c", "\\", ";", "/..;", "%3b", "%00", "%09", "%c0%ae", "%c0%af",
    "//", "\u{2024}", "\u{ff0e}", "?..", "#",
];

fn url() -> impl Strategy<Value = Vec<u8>> {
    use prop::sample::select;
    let base = select(&BASES[..]);
    let origin = prop_oneof![
        2 => Just(None),
        1 => (select(&SCHEMES[..]), select(&USERS[..]), select(&HOSTS[..]), select(&PORTS[..]))
            .prop_map(Some),
    ];
    let path = prop::collection::vec(select(&STEPS[..]), 0..8);
    (base, origin, any::<bool>(), path).prop_map(|(base, origin, is_below, path)| {
        let mut url = match origin {
            None if is_below => base.to_owned(),
            None => base
                .parse::<BaseUrl>()
                .expect("a base")
                .origin()
                .to_string(),
            Some((scheme, user, host, port)) => format!("{scheme}{user}{host}{port}"),
        };
        url.extend(path);
        format!("{base}{SEPARATOR}{url}").into_bytes()
    })
}

/// The path as a lenient server may resolve it: decoded `decodings` times, `\` read as `/`,
/// parameters after `;` dropped, overlong UTF-8 decoded, then `..` applied.
fn resolved(path: &str, decodings: usize) -> Vec<String> {
    let mut bytes = path.as_bytes().to_vec();
    for _ in 0..decodings {
        bytes = percent_encoding::percent_decode(&bytes).collect();
    }
    let mut path = String::from_utf8_lossy(&overlong_undone(&bytes)).replace('\\', "/");
    path.retain(|letter| letter != '\0');
    let mut folders: Vec<String> = Vec::new();
    for step in path.split('/') {
        match step.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => drop(folders.pop()),
            other => folders.push(other.to_owned()),
        }
    }
    folders
}

/// Decodes `.` and `/` from their overlong UTF-8 forms of two bytes.
fn overlong_undone(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let (byte, left) = match (first, tail) {
            (0xc0, [0xae, left @ ..]) => (b'.', left),
            (0xc0, [0xaf, left @ ..]) => (b'/', left),
            _ => (*first, tail),
        };
        plain.push(byte);
        rest = left;
    }
    plain
}

#[test]
fn permitted_url_is_below_the_base_url() {
    Target::new("urls", 3000).with_grammar(url()).run(|input| {
        let missing = [BASES[1].as_bytes(), b""];
        let [base, uri] = parts(input, missing).map(String::from_utf8_lossy);
        if let Ok(url) = Url::parse(&uri) {
            let shown = Url::parse(&shown(&url)).expect("a URL");
            assert!(
                shown.query().is_none() && shown.fragment().is_none(),
                "{shown}"
            );
            assert!(
                shown.username().is_empty() && shown.password().is_none(),
                "{shown}"
            );
        }
        let Ok(base) = base.parse::<BaseUrl>() else {
            return "no base";
        };
        assert_eq!(base.to_string().parse().as_ref(), Ok(&base));
        let Ok(uri) = uri.parse::<Uri>() else {
            return "no URI";
        };
        match permitted(&base, &Method::POST, &uri) {
            Ok(()) => {}
            Err(Denial::Origin { .. }) => return "another origin",
            Err(Denial::Path) => return "another path",
            Err(_) => return "refused otherwise",
        }
        let url = Url::parse(&uri.to_string()).expect("a URL");
        assert_eq!(Origin::of(&url).as_ref(), Some(base.origin()));
        assert!(url.username().is_empty() && url.password().is_none());
        // The path that the policy saw, and the path that is sent.
        for path in [url.path(), uri.path()] {
            for decodings in 0..=2 {
                let below = resolved(path, decodings);
                let above = resolved(base.path(), 0);
                assert!(
                    below.starts_with(&above),
                    "{path} decoded {decodings} times"
                );
            }
        }
        "permitted"
    });
}
