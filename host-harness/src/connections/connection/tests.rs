use super::*;
use serde_json::json;

fn opened(
    header: Option<&str>,
    prefix: Option<&str>,
    options: Value,
) -> Result<(String, Vec<u8>), OpenError> {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("key");
    std::fs::write(&path, "sk-1").expect("write");
    let Value::Object(options) = options else {
        unreachable!("an object")
    };
    let connection = Connection::new(
        "pixelml".parse().expect("id"),
        "pixelml",
        "https://api.example.com".parse().expect("base"),
    )
    .with_options(options)
    .with_credential(Credential {
        source: SecretSource::File(path),
        header: header.map(Into::into),
        prefix: prefix.map(Into::into),
    });
    let open = Arc::new(connection).open(&CredentialPlacement::default())?;
    let credential = open.credential().expect("credential");
    Ok((
        credential.name().to_string(),
        credential.header_value().as_bytes().to_vec(),
    ))
}

#[test]
fn header_is_taken_from_the_credential_table_then_options_then_the_pack() {
    let options = json!({"credential_header": "X-Key", "credential_prefix": "Key "});
    for (header, prefix, options, name, value) in [
        (None, None, json!({}), "authorization", "Bearer sk-1"),
        (None, None, options.clone(), "x-key", "Key sk-1"),
        (Some("X-Api-Key"), Some(""), options, "x-api-key", "sk-1"),
    ] {
        let (actual_name, actual_value) = opened(header, prefix, options).expect("opened");
        assert_eq!(
            (actual_name.as_str(), &actual_value[..]),
            (name, value.as_bytes())
        );
    }
}

#[test]
fn what_was_removed_from_a_credential_is_noted_with_its_connection() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("key");
    let opened = |text: &str, prefix: Option<&str>| {
        std::fs::write(&path, text).expect("write");
        let base = "https://api.example.com".parse().expect("base");
        let connection = Connection::new("mine".parse().expect("id"), "pixelml", base);
        let connection = connection.with_credential(Credential {
            source: SecretSource::File(path.clone()),
            header: None,
            prefix: prefix.map(Into::into),
        });
        Arc::new(connection)
            .open(&CredentialPlacement::default())
            .expect("open")
    };
    assert_eq!(opened("sk-1", None).credential_note(), None);
    let noted = opened("bearer sk-1\n", None);
    let credential = noted.credential().expect("credential");
    assert_eq!(credential.header_value().as_bytes(), b"Bearer sk-1");
    let note = noted.credential_note().expect("a note");
    let expected = "connection `mine`: removed a line end and the prefix `Bearer` from the credential in the file ";
    assert!(note.starts_with(expected), "{note}");
    assert!(!note.contains("sk-1"));

    let kept = opened("Bearer sk-1", Some(""));
    let credential = kept.credential().expect("credential");
    assert_eq!(credential.header_value().as_bytes(), b"Bearer sk-1");
    let note = kept.credential_note().expect("a note");
    assert!(note.contains("begins with `Bearer`"), "{note}");
    assert!(!note.contains("sk-1"));
}

#[test]
fn credential_with_an_invalid_header_is_an_error() {
    for (header, prefix) in [
        (Some("no header"), None),
        (None, Some("Bearer\n")),
        (Some("content-type"), None),
        (Some("X_Forwarded_Host"), Some("")),
    ] {
        let result = opened(header, prefix, json!({}));
        assert!(matches!(result, Err(OpenError::Header { .. })));
    }
    let result = opened(None, None, json!({"credential_header": "User-Agent"}));
    assert!(matches!(result, Err(OpenError::Header { .. })));
}

#[test]
fn account_is_that_of_one_credential_at_one_origin() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("key");
    let opened = |key: &str, base: &str| {
        std::fs::write(&path, key).expect("write");
        let connection = Connection::new(
            "mine".parse().expect("id"),
            "pixelml",
            base.parse().expect("base"),
        );
        let connection = connection.with_credential(Credential {
            source: SecretSource::File(path.clone()),
            header: None,
            prefix: None,
        });
        let open = Arc::new(connection).open(&CredentialPlacement::default());
        open.expect("open")
    };
    let first = opened("sk-hunter2", "https://api.example.com/v1");
    let recorded = first.account();
    assert!(!recorded.contains("hunter2"));
    assert_ne!(recorded, first.account(), "salted");
    let same = opened("sk-hunter2", "https://api.example.com/v2");
    assert!(first.is_account(&recorded) && same.is_account(&recorded));
    for other in [
        opened("sk-hunter3", "https://api.example.com/v1"),
        opened("sk-hunter2", "https://other.example.com/v1"),
    ] {
        assert!(!other.is_account(&recorded));
    }
    for damaged in ["", ":", "00:00", &recorded[1..], &recorded[..64]] {
        assert!(!first.is_account(damaged), "{damaged}");
    }
    let without = Arc::clone(first.connection()).without_credential();
    assert!(!without.is_account(&recorded));
    let none = without.account();
    assert!(without.is_account(&none) && !first.is_account(&none));
}

#[test]
fn connection_id_accepts_letters_digits_hyphen_and_underscore_only() {
    for id in ["pixelml", "my-2nd_one"] {
        assert!(id.parse::<ConnectionId>().is_ok());
    }
    for id in ["", "a b", "a.b", "é", &"x".repeat(65)] {
        assert!(id.parse::<ConnectionId>().is_err(), "{id}");
    }
}
