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
            "its author writes \"credentials\": { \"pixelml\": { \"header\": \"x-api-key\", \"prefix\": \"\" } } into it; or the connection sets it in its `credential`: header = \"x-api-key\", prefix = \"\""
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
fn refused_route_names_the_route_of_the_manifest() {
    use http::Method;

    let asked = manifest(&json!({
        "format": 1, "name": "a", "version": "1", "connections": ["pixelml"],
        "uploads": ["POST /v1/files"], "cancels": ["POST /v1/jobs/*/cancel"],
    }));
    let granted = Grant {
        cancels: vec!["DELETE /v1/jobs/*".parse().expect("a route")],
        ..granting(&["one"], &[], &json!({}))
    };
    let asking_routes = permissions(asked, granted.clone());
    let path = "/v1/jobs/7/cancel";
    let missing = asking_routes.cancel(&Method::POST, path);
    let line = format!(
        "the pack is not allowed to cancel a job by `POST /v1/jobs/7/cancel`; to allow it, under [packs.{DIGEST}] in zoetrope.toml: cancels = [\"DELETE /v1/jobs/*\", \"POST /v1/jobs/*/cancel\"]"
    );
    assert_eq!(missing.expect_err("refused").to_string(), line);
    let missing = asking_routes.upload(&Method::POST, "/v1/files");
    let line = "uploads = [\"POST /v1/files\"]";
    assert!(missing.expect_err("refused").to_string().ends_with(line));

    let silent = permissions(asking(&[], &json!({})), granted);
    let missing = silent.cancel(&Method::POST, path).expect_err("refused");
    let text = missing.to_string();
    let line = "its author writes \"cancels\": [\"POST /v1/jobs/7/cancel\"] into it; a segment that differs for each job is `*`";
    assert!(text.contains(line), "{text}");
    let missing = silent.upload(&Method::POST, "/v1/files");
    let route = "POST /v1/files".parse().expect("a route");
    assert_eq!(missing, Err(Missing::AskedUpload { route }));
}

#[test]
fn missing_refusals_name_the_line_of_the_grant_or_of_the_manifest() {
    let asked = |refusals_in_2xx: bool| {
        manifest(&json!({
            "format": 1, "name": "a", "version": "1", "refusals_in_2xx": refusals_in_2xx,
        }))
    };
    let granted = |refusals_in_2xx: bool| Grant {
        refusals_in_2xx,
        ..granting(&["one"], &[], &json!({}))
    };
    let missing = |asks, has| permissions(asked(asks), granted(has)).missing_refusals();
    assert_eq!(missing(true, true), None);
    let line = missing(true, false).expect("a line");
    let end = format!("under [packs.{DIGEST}] in zoetrope.toml: refusals_in_2xx = true");
    assert!(line.ends_with(&end), "{line}");
    let line = missing(false, true).expect("a line");
    let end = "writes \"refusals_in_2xx\": true into the manifest";
    assert!(line.ends_with(end), "{line}");
}

#[test]
fn header_that_cannot_carry_a_credential_is_not_asked_for() {
    for header in ["content-type", "User_Agent", "x-forwarded-host", "", "a b"] {
        let document = json!({
            "format": 1, "name": "a", "version": "1", "connections": ["pixelml"],
            "credentials": {"pixelml": {"header": header}},
        });
        let parsed = Manifest::parse(document.to_string().as_bytes());
        assert!(
            matches!(parsed, Err(ManifestError::Content(_))),
            "{header}: {parsed:?}"
        );
    }
    let document = json!({
        "format": 1, "name": "a", "version": "1", "connections": ["pixelml"],
        "credentials": {"pixelml": {"header": "user_agent"}},
    });
    let error = Manifest::parse(document.to_string().as_bytes()).expect_err("refused");
    let named =
        "the header `user_agent` cannot carry a credential; use `authorization` or one such";
    assert!(error.to_string().contains(named), "{error}");
}

#[test]
fn place_of_a_category_without_connections_is_refused() {
    for (table, place) in [
        ("credentials", json!({"header": "x-key"})),
        ("idempotency", json!("x-once")),
    ] {
        for (category, is_accepted) in [("pixelml", true), ("popiart", false)] {
            let document = json!({
                "format": 1, "name": "a", "version": "1", "connections": ["pixelml"],
                table: {category: place},
            });
            let parsed = Manifest::parse(document.to_string().as_bytes());
            assert_eq!(parsed.is_ok(), is_accepted, "{table} {category}");
        }
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
