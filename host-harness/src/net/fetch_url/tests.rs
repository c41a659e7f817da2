use super::*;

/// What is sent for a text: the origin, and the target of the request line.
fn sent(text: &str) -> String {
    let url = FetchUrl::parse(text).expect(text);
    let uri = url.uri().expect(text);
    let target = uri.path_and_query().expect(text).as_str();
    format!("{}{target}", url.origin())
}

#[test]
fn path_and_query_are_sent_byte_for_byte() {
    for text in [
        "https://cdn.example/a'b/c.mp4?sig='x'&y={z}|^`[1]",
        "https://cdn.example/{tenant}/a|b^c/[1]/clip.mp4",
        "https://cdn.example/a%27b%2Fc%7b%7D/%zz/%?x=%27%2f%zz&y=a+b&z=\\",
        "https://cdn.example//a//b.mp4?",
        "https://cdn.example/a;v=1,2:@!$&()*=~_-.mp4?a=../..&b=?/x",
        "http://127.0.0.1:9/",
    ] {
        assert_eq!(sent(text), text);
    }
}

#[test]
fn form_alone_refuses_no_url() {
    for (text, expected) in [
        ("https://cdn.example", "https://cdn.example/"),
        ("https://cdn.example?a=b", "https://cdn.example/?a=b"),
        ("HTTPS://CDN.Example.:443/A#t=1", "https://cdn.example/A"),
        (
            "https://b\u{fc}cher.example/\u{e9}.mp4?n=\u{e9}",
            "https://xn--bcher-kva.example/%C3%A9.mp4?n=%C3%A9",
        ),
        (
            " \t\u{a0}https://cdn.example/a b\r\n",
            "https://cdn.example/a%20b",
        ),
        (
            "https://cdn.example/a?q=a b\"<>",
            "https://cdn.example/a?q=a%20b%22%3C%3E",
        ),
        (
            "https://cdn.example/`\"<>",
            "https://cdn.example/%60%22%3C%3E",
        ),
        ("https://cdn.example/\0\u{7f}", "https://cdn.example/%00%7F"),
        (
            "https://cdn.ex\nample/cl\tip.mp4",
            "https://cdn.example/clip.mp4",
        ),
        (
            "https:\\\\cdn.example\\a\\b.mp4?c\\d",
            "https://cdn.example/a/b.mp4?c\\d",
        ),
        ("https:/cdn.example/a", "https://cdn.example/a"),
        ("https:////cdn.example/a", "https://cdn.example/a"),
        ("https://cdn.example/a/../b/./c", "https://cdn.example/b/c"),
        ("https://cdn.example/../../a", "https://cdn.example/a"),
        (
            "https://cdn.example/a/%2E%2e/b/.%2e/c/%2e",
            "https://cdn.example/c/",
        ),
        ("https://cdn.example/a\\..\\b", "https://cdn.example/b"),
        ("https://cdn.example/a/..", "https://cdn.example/"),
        ("https://cdn.example/a//../b", "https://cdn.example/a/b"),
        ("http://0x7f.1:80/a", "http://127.0.0.1/a"),
    ] {
        assert_eq!(sent(text), expected, "{text}");
    }
}

#[test]
fn relative_url_is_resolved_against_its_reply() {
    let base = FetchUrl::parse("https://api.example/v1/jobs/1?x='y'").expect("a URL");
    for (reference, expected) in [
        ("clip.mp4", "https://api.example/v1/jobs/clip.mp4"),
        (
            "../../media/{a}'b.mp4",
            "https://api.example/media/{a}'b.mp4",
        ),
        ("/media/a.mp4?s='", "https://api.example/media/a.mp4?s='"),
        ("\\media\\a.mp4", "https://api.example/media/a.mp4"),
        ("//cdn.example:8443/a", "https://cdn.example:8443/a"),
        ("/\\cdn.example/a", "https://cdn.example/a"),
        ("?y=2", "https://api.example/v1/jobs/1?y=2"),
        ("", "https://api.example/v1/jobs/1?x='y'"),
        ("#t", "https://api.example/v1/jobs/1?x='y'"),
        ("https:a", "https://api.example/v1/jobs/a"),
        ("http:a", "http://a/"),
        ("HTTP://a.example", "http://a.example/"),
    ] {
        let joined = base.join(reference).expect(reference);
        let shown = format!("{}{}", joined.origin, joined.target);
        assert_eq!(shown, expected, "{reference}");
    }
}

/// What texts name in a reply from `https://api.example/v1/jobs/7?full=1`. The SDK resolves them
/// the same way: the tests of its `http::resolved` have this list too.
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
fn reference_names_the_same_url_as_in_the_sdk() {
    let base = FetchUrl::parse("https://api.example/v1/jobs/7?full=1").expect("a URL");
    for (reference, expected) in REFERENCES {
        let joined = base.join(reference).expect(reference);
        let shown = format!("{}{}", joined.origin, joined.target);
        assert_eq!(shown, expected, "{reference}");
    }
}

#[test]
fn text_that_names_no_place_is_refused() {
    use FetchUrlError::{NotAUrl, Place, Userinfo};
    for (text, expected) in [
        ("", NotAUrl),
        ("clip.mp4", NotAUrl),
        ("//cdn.example/a", NotAUrl),
        ("https://", NotAUrl),
        ("https://[::1/", NotAUrl),
        ("https://a.example:65536/", NotAUrl),
        ("file:///etc/passwd", Place("file:…".into())),
        ("data:video/mp4,x", Place("data:…".into())),
        ("https://a..", Place("https://a../…".into())),
        (
            "https://user:secret@a.example/b?c",
            Userinfo("https://a.example/…".into()),
        ),
    ] {
        assert_eq!(FetchUrl::parse(text), Err(expected), "{text}");
    }
    let long = format!("https://a.example/{}", "x".repeat(70_000));
    assert_eq!(FetchUrl::parse(&long).expect("a URL").uri(), None);
}

#[test]
fn only_a_url_of_the_own_origin_below_the_base_path_is_below_the_base() {
    let base: BaseUrl = "https://api.example/v1".parse().expect("a base");
    for (text, expected) in [
        ("https://api.example/v1/a.mp4", true),
        ("https://API.example:443/x/../v1", true),
        ("https://api.example/v1?x", true),
        ("https://api.example/a.mp4", false),
        ("https://api.example/v1x/a.mp4", false),
        ("https://api.example/v1/../a.mp4", false),
        ("https://api.example/v1/..%2fa.mp4", false),
        ("https://api.example/v1/%252e%252e/a.mp4", false),
        ("http://api.example/v1/a.mp4", false),
        ("https://api.example:8443/v1/a.mp4", false),
        ("https://cdn.example/v1/a.mp4", false),
    ] {
        let url = FetchUrl::parse(text).expect(text);
        assert_eq!(url.is_below(&base), expected, "{text}");
    }
}

/// Compares with the parser of the `url` crate, which follows the same rules but for the bytes
/// that it rewrites.
#[test]
fn origin_and_resolved_path_agree_with_the_standard_of_browsers() {
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    const PARTS: [&str; 30] = [
        "/",
        "//",
        "\\",
        "..",
        ".",
        "%2e",
        "%2E",
        "a",
        "b.mp4",
        "?",
        "#",
        "'",
        "{",
        "}",
        "|",
        "^",
        "`",
        " ",
        "\t",
        "\u{e9}",
        "%27",
        "%2f",
        "%zz",
        ":",
        "@",
        "https:",
        "http://",
        "[1]",
        "\"",
        "x.example",
    ];
    let text = prop::collection::vec(prop::sample::select(&PARTS[..]), 0..10);
    let base = "https://api.example/v1/jobs/1?x=1";
    let (own, theirs) = (
        FetchUrl::parse(base).expect("a URL"),
        Url::parse(base).expect("a URL"),
    );
    let mut runner = TestRunner::new(ProptestConfig::with_cases(20_000));
    let outcome = runner.run(&text, |parts| {
        let text = parts.concat();
        // The crate refuses `///` before a host.
        let (Ok(joined), Ok(mut expected)) = (own.join(&text), theirs.join(&text)) else {
            return Ok(());
        };
        expected.set_fragment(None);
        prop_assert_eq!(Some(joined.origin().clone()), Origin::of(&expected));
        // Read by the crate, what is sent is what it makes of the text itself.
        let again = Url::parse(&format!("{}{}", joined.origin, joined.target)).expect("a URL");
        prop_assert_eq!(again.path(), expected.path());
        prop_assert_eq!(again.query(), expected.query());
        // The HTTP library refuses hosts like `{`.
        let Some(uri) = joined.uri() else {
            return Ok(());
        };
        let sent = uri.path_and_query().map(http::uri::PathAndQuery::as_str);
        prop_assert_eq!(sent, Some(&*joined.target));
        Ok(())
    });
    outcome.expect("the same URLs");
}
