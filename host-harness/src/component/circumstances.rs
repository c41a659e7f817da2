//! Adds to a provider's refusal the facts that only the host knows: where the refused credential
//! comes from, and the size of a request that was too large.

use super::error::CallError;
use crate::connections::Connection;
use crate::contract::{ErrorCause, NodeError};

/// HTTP 413 Content Too Large.
const TOO_LARGE: u16 = 413;

/// Adds the connection and the source of its credential to a refused credential, and the
/// length of the body to a request that was answered 413.
pub(super) fn add(error: &mut NodeError, connection: Option<&Connection>, too_large: Option<u64>) {
    let is_unauthorized = matches!(error.cause, ErrorCause::Unauthorized(_));
    let Some(fault) = error.cause.fault_mut() else {
        return;
    };
    if let Some(connection) = connection
        && (is_unauthorized || matches!(fault.status, Some(401 | 403)))
    {
        fault.add(&credential_of(connection));
    }
    if let Some(length) = too_large
        && fault.status == Some(TOO_LARGE)
    {
        fault.add(&format!("the request body had {length} bytes"));
    }
}

/// Adds the length of an uploaded file to the error of an upload that was answered 413.
pub(crate) fn with_file_length(error: CallError, status: u16, length: u64) -> CallError {
    match error {
        CallError::Node(mut error) if status == TOO_LARGE => {
            if let Some(fault) = error.cause.fault_mut() {
                fault.add(&format!("the file has {length} bytes"));
            }
            CallError::Node(error)
        }
        error => error,
    }
}

fn credential_of(connection: &Connection) -> String {
    let id = connection.id();
    match connection.credential() {
        Some(credential) => {
            let source = &credential.source;
            format!("connection `{id}` takes its credential from {source}")
        }
        None => format!("connection `{id}` has no credential"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::{Credential, SecretSource};
    use crate::contract::{Charge, NextStep, ProviderFault};

    fn refused(cause: fn(ProviderFault) -> ErrorCause, status: u16) -> NodeError {
        NodeError {
            cause: cause(ProviderFault {
                status: Some(status),
                code: None,
                message: "no".into(),
            }),
            charge: Charge::No,
            next: NextStep::Stop,
            retry_after_ms: None,
        }
    }

    fn connection(source: Option<SecretSource>) -> Connection {
        let id = "pixelml".parse().expect("an id");
        let base_url = "https://api.example.com".parse().expect("a base URL");
        let connection = Connection::new(id, "pixelml", base_url);
        match source {
            Some(source) => connection.with_credential(Credential {
                source,
                header: None,
                prefix: None,
            }),
            None => connection,
        }
    }

    #[test]
    fn refused_credential_is_named_by_connection_and_source() {
        let in_variable = || Some(SecretSource::Env("PIXELML_API_KEY".into()));
        for (cause, status, source, expected) in [
            (
                ErrorCause::Unauthorized as fn(_) -> _,
                401,
                in_variable(),
                "no; connection `pixelml` takes its credential from the environment variable `PIXELML_API_KEY` (HTTP status 401)",
            ),
            (
                ErrorCause::Rejected,
                403,
                Some(SecretSource::File("/keys/pixelml".into())),
                "no; connection `pixelml` takes its credential from the file `/keys/pixelml` (HTTP status 403)",
            ),
            (
                ErrorCause::Unauthorized,
                200,
                None,
                "no; connection `pixelml` has no credential",
            ),
            (
                ErrorCause::Rejected,
                422,
                in_variable(),
                "no (HTTP status 422)",
            ),
        ] {
            let mut error = refused(cause, status);
            add(&mut error, Some(&connection(source)), None);
            assert_eq!(error.cause.message(), expected);
        }
    }

    #[test]
    fn key_configured_as_the_name_of_a_variable_is_not_shown() {
        let mut error = refused(ErrorCause::Unauthorized, 401);
        let source = SecretSource::Env("sk_live_abc".into());
        add(&mut error, Some(&connection(Some(source))), None);
        assert!(!error.cause.message().contains("sk_live"));
    }

    #[test]
    fn size_is_added_to_a_request_that_was_too_large() {
        let mut error = refused(ErrorCause::Rejected, 413);
        add(&mut error, None, Some(12_345_678));
        let text = "no; the request body had 12345678 bytes (HTTP status 413)";
        assert_eq!(error.cause.message(), text);
        let mut error = refused(ErrorCause::Rejected, 422);
        add(&mut error, None, Some(12_345_678));
        assert_eq!(error.cause.message(), "no (HTTP status 422)");
        let error = CallError::Node(refused(ErrorCause::Rejected, 413));
        let text = "no; the file has 7 bytes (HTTP status 413)";
        assert_eq!(with_file_length(error, 413, 7).to_string(), text);
    }
}
