//! Where a provider looks for the idempotency key of a submit.

use serde_json::Value;

use crate::connections::Connection;
use crate::error::ErrorKind;
use crate::ledger::JobError;
use crate::policy::{KeyPlace, Permissions};

/// The option of a connection that names the header of the idempotency key.
const KEY_HEADER_OPTION: &str = "idempotency_header";

/// As the connection's options say, else as the pack is granted; `None` if the option is invalid, so
/// that no submit counts as one with a key.
pub(super) fn key_place(connection: &Connection, permissions: &Permissions) -> Option<KeyPlace> {
    match connection.options().get(KEY_HEADER_OPTION) {
        Some(option) => place(option),
        None => {
            let granted = permissions.idempotency(connection.category());
            Some(granted.cloned().unwrap_or_default())
        }
    }
}

/// Checks the option.
pub(super) fn check_key_option(connection: &Connection) -> Result<(), JobError> {
    match connection.options().get(KEY_HEADER_OPTION) {
        Some(option) if place(option).is_none() => {
            let id = connection.id();
            let message = format!(
                "the option `{KEY_HEADER_OPTION}` of connection `{id}` is not the name of a header \
                 that a pack may set"
            );
            Err(JobError::new(ErrorKind::ConnectionUnavailable, message))
        }
        _ => Ok(()),
    }
}

fn place(option: &Value) -> Option<KeyPlace> {
    option.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::digest::Sha256Digest;
    use crate::policy::{Grant, Manifest, Policy};

    fn permissions() -> Permissions {
        let manifest = Manifest {
            name: "guest".into(),
            connections: ["pixelml".into()].into(),
            ..Manifest::default()
        };
        let digest = Sha256Digest::from([7; 32]);
        Policy::default()
            .with(digest, Grant::as_asked(&manifest))
            .permissions(digest, manifest)
            .expect("allowed")
    }

    fn connection(options: &Value) -> Connection {
        let base = "https://api.example.com".parse().expect("base");
        let connection = Connection::new("mine".parse().expect("id"), "pixelml", base);
        connection.with_options(options.as_object().cloned().expect("options"))
    }

    #[test]
    fn invalid_option_is_an_error_that_names_it_and_no_submit_is_keyed() {
        let permissions = permissions();
        for option in [json!("a b"), json!(""), json!("authorization"), json!(1)] {
            let connection = connection(&json!({ "idempotency_header": option }));
            assert_eq!(key_place(&connection, &permissions), None, "{option}");
            let error = check_key_option(&connection).expect_err("invalid");
            assert_eq!(error.kind, ErrorKind::ConnectionUnavailable);
            assert!(error.message.contains("`idempotency_header`"), "{error:?}");
        }
        for (options, expected) in [
            (json!({}), "idempotency-key"),
            (json!({"idempotency_header": "X-Once"}), "x-once"),
        ] {
            let connection = connection(&options);
            assert!(check_key_option(&connection).is_ok());
            let place = key_place(&connection, &permissions).expect("a place");
            assert_eq!(place.to_string(), expected);
        }
    }
}
