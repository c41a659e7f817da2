//! Fuzz target for URLs that try to leave the base URL; see `docs/reference/fuzzing.md`.

use proptest::prelude::*;
use zoetrope_fuzzing::{SEPARATOR, Target, parts};

use super::*;
use crate::digest::Sha256Digest;
use crate::net::shown;
use crate::policy::{Grant, Manifest, Policy};

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
        is_sent_as_judged(&uri, base.origin());
        // The path that the policy saw, and the path that is sent.
        for path in [url.path(), uri.path()] {
            for decodings in 0..=3 {
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

/// Asserts that the target that is sent is the one that was given, and that parsing changes nothing
/// of it but `'` in a query, which the `url` crate encodes.
fn is_sent_as_judged(given: &Uri, origin: &Origin) {
    let target = given.path_and_query().expect("a target").as_str();
    let sent: Uri = format!("{origin}{target}").parse().expect("a URI");
    assert_eq!(sent.path_and_query().expect("a target").as_str(), target);
    let url = Url::parse(&sent.to_string()).expect("a URL");
    assert_eq!(url.path(), given.path());
    let query = given.query().map(|query| query.replace('\'', "%27"));
    assert_eq!(url.query(), query.as_deref());
    assert_eq!(Origin::of(&url).as_ref(), Some(origin));
}

/// A pack that is granted requests below `/media` of another host than its connection's.
fn granted_media() -> Permissions {
    let document = br#"{"format": 1, "name": "p", "version": "1", "connections": ["pixelml"],
        "hosts": ["GET https://cdn.example/media"]}"#;
    let manifest = Manifest::parse(document).expect("a manifest");
    let grant = Grant::as_asked(&manifest);
    let digest: Sha256Digest = "ab".repeat(32).parse().expect("a digest");
    let policy = Policy::default().with(digest, grant);
    policy.permissions(digest, manifest).expect("permissions")
}

#[test]
fn path_of_a_permitted_url_of_a_granted_host_is_below_its_rule_for_every_server() {
    use prop::sample::select;
    use proptest::test_runner::TestRunner;

    let permissions = granted_media();
    let base: BaseUrl = "https://api.example.com".parse().expect("a base");
    let step = prop_oneof![
        select(&STEPS[..]),
        select(&["/media", "/media/", "/evil", "/x"][..])
    ];
    let path = prop::collection::vec(step, 0..8);
    let host = select(
        &[
            "cdn.example",
            "CDN.example:443",
            "cdn.example.",
            "cdn%2eexample",
        ][..],
    );
    let mut runner = TestRunner::new(ProptestConfig::with_cases(6000));
    let first = select(&["", "/media"][..]);
    let outcome = runner.run(&(host, first, path), |(host, first, path)| {
        let text = format!("https://{host}{first}{}", path.concat());
        let Ok(uri) = text.parse::<Uri>() else {
            return Ok(());
        };
        let Ok(Permit::Besides(url)) = permitted_to(&permissions, &base, &Method::GET, &uri) else {
            return Ok(());
        };
        is_sent_as_judged(&uri, &Origin::of(&url).expect("an origin"));
        for decodings in 0..=3 {
            let folders = resolved(uri.path(), decodings);
            prop_assert_eq!(
                folders.first().map(String::as_str),
                Some("media"),
                "{}",
                text
            );
        }
        Ok(())
    });
    outcome.expect("no step out of the rule's path");
}

#[test]
fn bypass_of_a_rule_by_an_unusual_path_is_denied() {
    let permissions = granted_media();
    let base: BaseUrl = "https://api.example.com".parse().expect("a base");
    let verdict = |url: &str| {
        let uri: Uri = url.parse().expect(url);
        permitted_to(&permissions, &base, &Method::GET, &uri)
    };
    for path in [
        "/media",
        "/media/",
        "/media/x?y=../z",
        "/media/%C3%BC/a%2Fb//c",
    ] {
        let url = format!("https://cdn.example{path}");
        assert!(matches!(verdict(&url), Ok(Permit::Besides(_))), "{url}");
    }
    for path in [
        "/evil/../media/x",
        "/evil/%2e%2e/media/x",
        "/evil/.%2E/media/x",
        "/evil/%252e%252e/media/x",
        "/evil/..\\media/x",
        "/media/..%2fevil",
        "/media/..;/evil",
        "/./media/x",
        "//media/x",
        "/media\\x",
        "/media/{x}",
        "/media/%zz",
        "/media/%00",
        "/media/\u{fc}",
    ] {
        let url = format!("https://cdn.example{path}");
        assert_eq!(verdict(&url), Err(Denial::Form), "{url}");
    }
}
