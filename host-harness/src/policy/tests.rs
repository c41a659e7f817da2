use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::connections::Connection;
use crate::digest::Sha256Digest;

mod placement;

const DIGEST: &str = "3f9c0000000000000000000000000000000000000000000000000000000000aa";

fn digest() -> Sha256Digest {
    DIGEST.parse().expect("a digest")
}

fn manifest(document: &Value) -> Manifest {
    Manifest::parse(document.to_string().as_bytes()).expect("a manifest")
}

fn asking(hosts: &[&str], limits: &Value) -> Manifest {
    manifest(&json!({
        "format": 1,
        "name": "example-pack",
        "version": "1.0.0",
        "connections": ["pixelml"],
        "hosts": hosts,
        "limits": limits,
    }))
}

fn granting(connections: &[&str], hosts: &[&str], limits: &Value) -> Grant {
    let ids = connections.iter().map(|id| id.parse().expect("an id"));
    let rules = hosts.iter().map(|rule| rule.parse().expect("a rule"));
    Grant {
        name: "example-pack".into(),
        connections: Connections::These(ids.collect()),
        hosts: rules.collect(),
        limits: serde_json::from_value(limits.clone()).expect("limits"),
        ..Grant::as_asked(&Manifest::default())
    }
}

fn permissions(manifest: Manifest, grant: Grant) -> Permissions {
    let policy = Policy::default().with(digest(), grant);
    policy.permissions(digest(), manifest).expect("allowed")
}

fn connection(id: &str, category: &str) -> Connection {
    let base_url = "https://api.example.com".parse().expect("a base URL");
    Connection::new(id.parse().expect("an id"), category, base_url)
}

fn get(permissions: &Permissions, url: &str) -> Result<(), Missing> {
    permissions.request(&Method::GET, &Url::parse(url).expect(url))
}

#[test]
fn unknown_component_is_refused_and_trusted_one_gets_what_it_asks_for() {
    let unknown = Policy::default().permissions(digest(), asking(&[], &json!({})));
    let refused = unknown.expect_err("not allowed");
    assert!(refused.to_string().contains(DIGEST), "{refused}");
    assert_eq!(refused.more, None);

    let manifest = Manifest::of(zoetrope_bundled_pack::COMPONENT).expect("a manifest");
    let permissions = Policy::default()
        .trusting(zoetrope_bundled_pack::DIGEST)
        .permissions(zoetrope_bundled_pack::DIGEST.into(), manifest)
        .expect("allowed by the build");
    let any = connection("whatever", "pixelml");
    assert_eq!(permissions.connection(&any), Ok(()));
}

#[test]
fn new_component_of_a_known_name_is_compared_with_the_allowed_one() {
    let granted = granting(
        &["mine"],
        &["GET https://*.example.com/"],
        &json!({"instances": 4}),
    );
    let policy = Policy::default().with("ab".repeat(32).parse().expect("a digest"), granted);
    let more = asking(
        &["GET https://a.example.com/x", "PUT https://a.example.com/x"],
        &json!({"instances": 8, "requests_per_call": 8}),
    );
    let refused = policy.permissions(digest(), more).expect_err("not allowed");
    assert!(
        refused.to_string().ends_with(
            "it asks for more than the allowed one: `PUT https://a.example.com/x`, instances 8 instead of 4"
        ),
        "{refused}"
    );
    let no_more = asking(&["GET https://a.example.com/x"], &json!({"instances": 4}));
    let refused = policy
        .permissions(digest(), no_more)
        .expect_err("not allowed");
    assert!(refused.more.is_some_and(|more| more.is_empty()));
}

#[test]
fn request_and_limit_need_both_manifest_and_grant() {
    let asked = asking(
        &["GET https://a.example.com/", "GET https://b.example.com/"],
        &json!({"requests_per_call": 100, "memory_bytes": 1_000_000}),
    );
    let granted = granting(
        &["mine"],
        &[
            "GET https://a.example.com/media",
            "GET https://c.example.com/",
        ],
        &json!({"requests_per_call": 50}),
    );
    let both = permissions(asked, granted);
    assert_eq!(get(&both, "https://a.example.com/media/1.mp4?x=1"), Ok(()));
    for (url, expected) in [
        (
            "https://a.example.com/x?secret=1",
            "under [packs.3f9c0000000000000000000000000000000000000000000000000000000000aa] in zoetrope.toml: hosts = [\"GET https://a.example.com/media\", \"GET https://c.example.com/\", \"GET https://a.example.com/x\"]",
        ),
        (
            "https://c.example.com/x",
            "its author writes \"hosts\": [\"GET https://c.example.com/x\"] into it",
        ),
        (
            "http://127.0.0.1/x",
            "no rule can allow a pack to send this",
        ),
    ] {
        let missing = get(&both, url).expect_err(url);
        assert!(missing.to_string().ends_with(expected), "{missing}");
    }
    assert_eq!(both.bounds().of_one(PackLimit::RequestsPerCall), 50);
    assert_eq!(both.bounds().of_one(PackLimit::MemoryBytes), 1_000_000);
    assert_eq!(both.bounds().of_one(PackLimit::RequestsPerMinute), 6_000);
    assert_eq!(
        both.beyond(PackLimit::RequestsPerCall).to_string(),
        "the pack is not allowed to have more than 50 requests in a call; to allow it, under [packs.3f9c0000000000000000000000000000000000000000000000000000000000aa] in zoetrope.toml: limits = { requests_per_call = 100 }"
    );
    assert_eq!(
        both.beyond(PackLimit::MemoryBytes).to_string(),
        "the pack's manifest does not ask to have more than 1000000 bytes of memory; its author writes \"limits\": { \"memory_bytes\": 2000000 } into it"
    );
}

#[test]
fn read_by_post_needs_both_manifest_and_grant() {
    let checked = |asked: bool, unsafe_reads: bool| {
        let manifest = Manifest {
            unsafe_reads: asked,
            ..asking(&[], &json!({}))
        };
        let grant = Grant {
            unsafe_reads,
            ..granting(&["mine"], &[], &json!({}))
        };
        let result = permissions(manifest, grant).unsafe_read(&Method::POST);
        result.map_err(|missing| missing.to_string())
    };
    assert_eq!(checked(true, true), Ok(()));
    let not_granted = checked(true, false).expect_err("not granted");
    assert!(not_granted.ends_with("in zoetrope.toml: unsafe_reads = true"));
    let not_asked = checked(false, true).expect_err("not asked for");
    assert!(not_asked.contains("\"unsafe_reads\": true"), "{not_asked}");
}

#[test]
fn connection_needs_its_category_in_the_manifest_and_its_id_in_the_grant() {
    let both = permissions(
        asking(&[], &json!({})),
        granting(&["mine"], &[], &json!({})),
    );
    assert_eq!(both.connection(&connection("mine", "pixelml")), Ok(()));
    let other = both.connection(&connection("theirs", "pixelml"));
    let other = other.expect_err("not granted").to_string();
    assert!(
        other.ends_with("connections = [\"mine\", \"theirs\"]"),
        "{other}"
    );
    let category = both.connection(&connection("mine", "shortapi"));
    let category = category.expect_err("not asked for").to_string();
    assert!(
        category.contains("\"connections\": [\"shortapi\"]"),
        "{category}"
    );
}

#[test]
fn lines_of_a_denial_parse_as_configuration() {
    let both = permissions(
        asking(&["GET https://a.example.com/"], &json!({"instances": 100})),
        granting(&["mine"], &[], &json!({})),
    );
    let denials = [
        get(&both, "https://a.example.com/x").expect_err("not granted"),
        both.connection(&connection("theirs", "pixelml"))
            .expect_err("not granted"),
        both.beyond(PackLimit::Instances),
    ];
    for denial in denials {
        let Missing::Granted { table, line, .. } = denial else {
            panic!("{denial}")
        };
        let text = format!("{table}\nname = \"example-pack\"\n{line}\n");
        let path = std::path::Path::new("zoetrope.toml");
        crate::config::Config::parse(&text, path).expect(&text);
    }
}

#[test]
fn component_with_two_manifests_is_refused() {
    fn section(content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![u8::try_from(SECTION.len()).expect("a short name")];
        bytes.extend_from_slice(SECTION.as_bytes());
        bytes.extend_from_slice(content);
        let length = u8::try_from(bytes.len()).expect("a short section");
        assert!(length < 0x80, "one byte of LEB128");
        [vec![0, length], bytes].concat()
    }
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";
    let content = br#"{"format": 1, "name": "a", "version": "1"}"#;
    let of = |parts: &[&[u8]]| Manifest::of(&parts.concat());
    assert_eq!(of(&[EMPTY]).expect("none"), Manifest::default());
    let one = section(content);
    assert_eq!(of(&[EMPTY, &one]).expect("one").name, "a");
    assert!(matches!(
        of(&[EMPTY, &one, &one]),
        Err(ManifestError::Several)
    ));
    assert!(matches!(
        of(&[EMPTY, &[1]]),
        Err(ManifestError::Component(_))
    ));
}

#[test]
fn invalid_manifest_is_refused_without_control_characters() {
    for (document, expected) in [
        (r"{", "EOF"),
        (r#"{"name": "a", "version": "1"}"#, "missing field `format`"),
        (
            r#"{"format": 2, "name": "a", "version": "1"}"#,
            "`format` is not 1",
        ),
        (
            r#"{"format": 1, "name": "A b", "version": "1"}"#,
            "`name` is not",
        ),
        (
            r#"{"format": 1, "name": "a", "version": ""}"#,
            "`version` is not",
        ),
        (
            r#"{"format": 1, "name": "a", "version": "1", "description": "\u001b[2J"}"#,
            "`description` is not",
        ),
        (
            r#"{"format": 1, "name": "a", "version": "1", "\u001b[2J": 1}"#,
            r"\u{1b}[2J",
        ),
        (
            r#"{"format": 1, "name": "a", "version": "1", "hosts": ["GET https://10.0.0.1/"]}"#,
            "a host rule names no address",
        ),
        (
            r#"{"format": 1, "name": "a", "version": "1", "connections": ["A\nB"]}"#,
            "not a category",
        ),
    ] {
        let error = Manifest::parse(document.as_bytes()).expect_err(document);
        let text = error.to_string();
        assert!(text.contains(expected), "{text}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
}
