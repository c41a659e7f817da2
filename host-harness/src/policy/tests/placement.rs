//! The header of the credential, and everything else that a manifest asks for beyond its hosts and
//! limits.

use serde_json::{Value, json};

use super::super::*;
use super::{DIGEST, asking, digest, granting, manifest, permissions};
use crate::connections::{Connection, Credential, CredentialPlacement, SecretSource};
use crate::contract::ConnectionRequirement;

fn requirement(header: &str, prefix: &str) -> ConnectionRequirement {
    ConnectionRequirement {
        category: "pixelml".into(),
        title: String::new(),
        description: String::new(),
        required: true,
        options_schema: "{}".into(),
        credential_header: header.into(),
        credential_prefix: prefix.into(),
    }
}

/// A manifest with these places of the credential.
fn placing(credentials: &Value) -> Manifest {
    manifest(&json!({
        "format": 1,
        "name": "example-pack",
        "version": "1.0.0",
        "connections": ["pixelml"],
        "credentials": credentials,
    }))
}

#[test]
fn catalog_of_the_trusted_pack_alone_decides_the_header_of_the_credential() {
    let declared = requirement("x-api-key", "Token ");
    let trusted = Policy::default().trusting(digest());
    let trusted = trusted.permissions(digest(), asking(&[], &json!({})));
    let placement = trusted.expect("trusted").credential_placement(&declared);
    assert_eq!(placement, CredentialPlacement::new("x-api-key", "Token "));

    let stranger = permissions(asking(&[], &json!({})), granting(&["one"], &[], &json!({})));
    let usual = stranger.credential_placement(&requirement("Authorization", "Bearer "));
    assert_eq!(usual, CredentialPlacement::default());
    assert_ne!(stranger.credential_placement(&declared), placement);
}

#[test]
fn refused_placement_names_the_line_of_the_manifest_or_of_the_grant() {
    let declared = requirement("X-Api-Key", "");
    let asked = json!({"pixelml": {"header": "x-api-key"}});
    let fault = |manifest: Manifest, grant: Grant| {
        let placement = permissions(manifest, grant).credential_placement(&declared);
        let base = "https://api.example.com".parse().expect("a base URL");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        std::fs::write(&path, "sk-hunter2").expect("a file");
        let connection = Connection::new("one".parse().expect("an id"), "pixelml", base);
        let connection = connection.with_credential(Credential {
            source: SecretSource::File(path),
            header: None,
            prefix: None,
        });
        let opened = std::sync::Arc::new(connection).open(&placement);
        opened.err().map(|error| crate::error::chain(&error))
    };
    let granted = granting(&["one"], &[], &json!({}));
    let unasked = fault(placing(&json!({})), granted.clone()).expect("refused");
    assert!(
        unasked.ends_with(
            "its author writes \"credentials\": { \"pixelml\": { \"header\": \"x-api-key\", \"prefix\": \"\" } } into it"
        ),
        "{unasked}"
    );
    let ungranted = fault(placing(&asked), granted.clone()).expect("refused");
    let line = format!(
        "under [packs.{DIGEST}] in zoetrope.toml: credentials = {{ \"pixelml\" = {{ header = \"x-api-key\", prefix = \"\" }} }}"
    );
    assert!(ungranted.ends_with(&line), "{ungranted}");
    let whole = Grant {
        credentials: placing(&asked).credentials,
        ..granted
    };
    assert_eq!(fault(placing(&asked), whole), None);
}

#[test]
fn header_that_cannot_carry_a_credential_is_not_asked_for() {
    for header in ["content-type", "User_Agent", "x-forwarded-host", "", "a b"] {
        let document = json!({
            "format": 1, "name": "a", "version": "1",
            "credentials": {"pixelml": {"header": header}},
        });
        let parsed = Manifest::parse(document.to_string().as_bytes());
        assert!(
            matches!(parsed, Err(ManifestError::Content(_))),
            "{header}: {parsed:?}"
        );
    }
}

#[test]
fn lists_and_tables_of_a_manifest_are_bounded() {
    let routes = |count: usize| -> Vec<_> { (0..count).map(|id| format!("POST /{id}")).collect() };
    for (count, is_accepted) in [(64, true), (65, false)] {
        for list in ["uploads", "cancels"] {
            let document = json!({
                "format": 1, "name": "a", "version": "1", list: routes(count),
            });
            let parsed = Manifest::parse(document.to_string().as_bytes());
            assert_eq!(parsed.is_ok(), is_accepted, "{list} {count}");
        }
    }
    for table in ["credentials", "idempotency"] {
        let place = if table == "credentials" {
            json!({"header": "x-key"})
        } else {
            json!("x-once")
        };
        let document = json!({"format": 1, "name": "a", "version": "1", table: {"\u{1b}": place}});
        let parsed = Manifest::parse(document.to_string().as_bytes());
        assert!(parsed.is_err(), "{table}");
    }
}

#[test]
fn changed_header_of_the_credential_counts_as_more() {
    let first = json!({"pixelml": {"header": "x-api-key", "prefix": "Key "}});
    let grant = Grant::as_asked(&placing(&first));
    assert!(AdditionalPermissions::of(&placing(&first), &grant).is_empty());
    for (changed, expected) in [
        (
            json!({"pixelml": {"header": "x-key", "prefix": "Key "}}),
            "x-key: Key …",
        ),
        (json!({"pixelml": {"header": "x-api-key"}}), "x-api-key: …"),
        (json!({}), "authorization: Bearer …"),
    ] {
        let more = AdditionalPermissions::of(&placing(&changed), &grant);
        let expected = format!("the credential of `pixelml` sent as `{expected}`");
        assert_eq!(more.to_string(), expected);
    }
}

#[test]
fn routes_keys_and_refusals_beyond_the_grant_count_as_more() {
    let asked = manifest(&json!({
        "format": 1,
        "name": "example-pack",
        "version": "1.0.0",
        "connections": ["pixelml"],
        "uploads": ["POST /v1/files"],
        "cancels": ["POST /v1/jobs/*/cancel"],
        "idempotency": {"pixelml": "x-once"},
        "refusals_in_2xx": true,
    }));
    let grant = granting(&["one"], &[], &json!({}));
    let more = AdditionalPermissions::of(&asked, &grant).to_string();
    assert_eq!(
        more,
        "uploads by `POST /v1/files`, cancellations by `POST /v1/jobs/*/cancel`, \
         the idempotency key of `pixelml` at `x-once`, refusals in replies with a status of 2xx"
    );
    let whole = Grant::as_asked(&asked);
    assert!(AdditionalPermissions::of(&asked, &whole).is_empty());
}
