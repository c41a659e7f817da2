//! The routes of changing requests beside the submit: uploads of pictures and cancellations.
//!
//! Such a request can cost money like a submit. Its method and path must be those of a route that
//! the pack asks for and is granted, or of an endpoint that the connection's own options name, which
//! the operator wrote. Pure functions of permissions, connection and request.

use http::Method;
use percent_encoding::percent_decode_str;

use super::error::Denial;
use super::policy::Permit;
use crate::connections::{Connection, OpenConnection};
use crate::policy::{Missing, Permissions};

/// The option of a connection that names the endpoint of uploads.
const FILES: &str = "files";

/// The option of a connection that names the endpoint of cancellations.
const CANCEL: &str = "cancel";

/// The option of a connection that names the endpoint of submits.
const SUBMIT: &str = "submit";

/// The texts in an endpoint's path that stand for a job's id: one segment or a part of it, and any
/// number of segments.
const ID: &str = "{id}";
const SEGMENTS: &str = "{+id}";

/// Whether a picture may be uploaded by `method` to `path`, which is below the connection's base
/// path by [`policy::permitted`](super::policy::permitted).
pub(super) fn upload(
    permissions: &Permissions,
    connection: &OpenConnection,
    method: &Method,
    path: &str,
) -> Result<(), Denial> {
    let path = below(connection, path);
    if is_endpoint(connection.connection(), FILES, method, path) {
        return Ok(());
    }
    Ok(permissions.upload(method, path)?)
}

/// Whether a call to `cancel` may send a request that changes something. `submit_path` is the path
/// of the job's submit, with that of the base URL.
pub(super) fn cancel(
    permissions: &Permissions,
    connection: &OpenConnection,
    permit: &Permit,
    method: &Method,
    path: &str,
    submit_path: Option<&str>,
) -> Result<(), Denial> {
    if *permit != Permit::Provider {
        return Err(Denial::NotGranted(Missing::Never));
    }
    let path = below(connection, path);
    if is_endpoint(connection.connection(), CANCEL, method, path) {
        return Ok(());
    }
    let submits = submit_path.map(|path| below(connection, path));
    let is_submit = submits.is_some_and(|submits| canonical(submits) == canonical(path))
        || is_endpoint(connection.connection(), SUBMIT, method, path);
    // A route whose last segment is `*` can permit the path of a submit that is not known.
    let may_be_submit =
        submits.is_none() && !permissions.is_trusted() && !permissions.ends_cancel(method, path);
    if (is_submit || may_be_submit) && !permissions.names_cancel(method, path) {
        permissions.cancel(method, path)?;
        return Err(Denial::SubmitPath);
    }
    Ok(permissions.cancel(method, path)?)
}

/// Whether a call that only reads may send a request of a method that is not safe. Of a pack that is
/// not trusted it must not be one that orders something: a submit, an upload or a cancellation.
pub(super) fn read(
    permissions: &Permissions,
    connection: &OpenConnection,
    permit: &Permit,
    method: &Method,
    path: &str,
    submit_path: Option<&str>,
) -> Result<(), Denial> {
    if permissions.is_trusted() {
        return Ok(());
    }
    if submit_path.is_some_and(|submits| canonical(submits) == canonical(path)) {
        return Err(Denial::ReadPath);
    }
    if *permit != Permit::Provider {
        return Ok(());
    }
    let (configured, path) = (connection.connection(), below(connection, path));
    let mut endpoints = [SUBMIT, FILES, CANCEL].into_iter();
    if is_at_submit(configured, path)
        || endpoints.any(|option| is_endpoint(configured, option, method, path))
        || permissions.upload(method, path).is_ok()
        || permissions.cancel(method, path).is_ok()
    {
        return Err(Denial::ReadPath);
    }
    Ok(())
}

/// Whether servers may take this path for that of the connection's submits.
fn is_at_submit(connection: &Connection, path: &str) -> bool {
    let endpoint = connection.options().get(SUBMIT);
    let named = endpoint.and_then(|endpoint| endpoint.get("path")?.as_str());
    named.is_some_and(|named| {
        let named = named.split(['?', '#']).next().unwrap_or_default();
        canonical(named) == canonical(path)
    })
}

/// The part of a path below the connection's base path.
fn below<'a>(connection: &OpenConnection, path: &'a str) -> &'a str {
    path.strip_prefix(connection.base_url().path())
        .unwrap_or_default()
}

/// Whether this option of the connection, `{"method": …, "path": …}`, names the request. `{id}` in
/// its path is a segment, or a part of one, that is not empty; `{+id}` is one or several.
fn is_endpoint(connection: &Connection, option: &str, method: &Method, path: &str) -> bool {
    let endpoint = connection.options().get(option);
    let text = |key: &str| endpoint?.get(key)?.as_str();
    let (Some(named), Some(pattern)) = (text("method"), text("path")) else {
        return false;
    };
    let pattern = pattern.split(['?', '#']).next().unwrap_or_default();
    if let Some((before, after)) = pattern.split_once(SEGMENTS) {
        return named.eq_ignore_ascii_case(method.as_str()) && are_segments(path, before, after);
    }
    let (mut patterns, mut segments) = (pattern.split('/'), path.split('/'));
    named.eq_ignore_ascii_case(method.as_str())
        && loop {
            match (patterns.next(), segments.next()) {
                (None, None) => break true,
                (Some(pattern), Some(segment)) if is_segment(pattern, segment) => {}
                _ => break false,
            }
        }
}

fn is_segment(pattern: &str, segment: &str) -> bool {
    let Some((before, after)) = pattern.split_once(ID) else {
        return pattern == segment;
    };
    let rest = segment.strip_prefix(before);
    let id = rest.and_then(|rest| rest.strip_suffix(after));
    id.is_some_and(|id| !id.is_empty())
}

/// Whether a path has segments that are not empty between these beginnings and ends.
fn are_segments(path: &str, before: &str, after: &str) -> bool {
    let rest = path.strip_prefix(before);
    let id = rest.and_then(|rest| rest.strip_suffix(after));
    id.is_some_and(|id| id.split('/').all(|segment| !segment.is_empty()))
}

/// A path in the form in which servers compare paths at most: decoded, without letter case,
/// parameters and empty segments.
fn canonical(path: &str) -> Vec<String> {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let segments = decoded.split('/').map(|segment| {
        let name = segment.split(';').next().unwrap_or_default();
        name.trim().to_lowercase()
    });
    segments.filter(|segment| !segment.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};
    use std::sync::Arc;

    use super::*;
    use crate::digest::Sha256Digest;
    use crate::policy::{Grant, Manifest, Policy};

    const MANIFEST: &str = r#"{
        "format": 1, "name": "p", "version": "1", "connections": ["pixelml"],
        "uploads": ["POST /files"], "cancels": ["POST /jobs/*/cancel", "POST /*", "DELETE /jobs"]
    }"#;

    fn permissions(manifest: &str, is_trusted: bool) -> Permissions {
        let manifest = Manifest::parse(manifest.as_bytes()).expect("a manifest");
        let digest = Sha256Digest::from([1; 32]);
        let policy = if is_trusted {
            Policy::default().trusting(digest)
        } else {
            Policy::default().with(digest, Grant::as_asked(&manifest))
        };
        policy.permissions(digest, manifest).expect("allowed")
    }

    fn connection(options: Value) -> OpenConnection {
        let base = "https://api.example.com/v1".parse().expect("a base URL");
        let id = "pixelml".parse().expect("an id");
        let options: Map<String, Value> = serde_json::from_value(options).expect("options");
        Arc::new(Connection::new(id, "pixelml", base).with_options(options)).without_credential()
    }

    #[test]
    fn upload_is_permitted_on_granted_routes_and_the_connections_own_endpoint() {
        let permissions = permissions(MANIFEST, false);
        let plain = connection(json!({}));
        let own = connection(json!({"files": {"method": "PUT", "path": "/store/{id}?x=1"}}));
        let none = connection(json!({"files": false}));
        for (connection, method, path, expected) in [
            (&plain, Method::POST, "/v1/files", true),
            (&none, Method::POST, "/v1/files", true),
            (&plain, Method::PUT, "/v1/files", false),
            (&plain, Method::POST, "/v1/files/", false),
            (&plain, Method::POST, "/v1/jobs", false),
            (&plain, Method::POST, "/files", false),
            (&plain, Method::POST, "/v1", false),
            (&plain, Method::PUT, "/v1/store/a", false),
            (&own, Method::PUT, "/v1/store/a", true),
            (&own, Method::PUT, "/v1/store/", false),
            (&own, Method::PUT, "/v1/store/a/b", false),
            (&own, Method::POST, "/v1/store/a", false),
        ] {
            let outcome = upload(&permissions, connection, &method, path);
            assert_eq!(outcome.is_ok(), expected, "{method} {path}: {outcome:?}");
        }
    }

    #[test]
    fn cancellation_is_permitted_on_granted_routes_and_the_connections_own_endpoint() {
        let permissions = permissions(MANIFEST, false);
        let plain = connection(json!({}));
        let own = connection(json!({"cancel": {"method": "PATCH", "path": "/run-{id}.json"}}));
        let whole = connection(json!({"cancel": {"method": "PUT", "path": "/v3/{+id}:cancel"}}));
        for (connection, method, path, expected) in [
            (&plain, Method::POST, "/v1/jobs/a/cancel", true),
            (&plain, Method::POST, "/v1/jobs//cancel", false),
            (&plain, Method::PATCH, "/v1/run-7.json", false),
            (&own, Method::PATCH, "/v1/run-7.json", true),
            (&own, Method::PATCH, "/v1/run-.json", false),
            (&own, Method::PATCH, "/v1/run-.jsonx", false),
            (&own, Method::PATCH, "/v1/run-a/b.json", false),
            (&whole, Method::PUT, "/v1/v3/operations/7:cancel", true),
            (&whole, Method::PUT, "/v1/v3/7:cancel", true),
            (&whole, Method::PUT, "/v1/v3/:cancel", false),
            (&whole, Method::PUT, "/v1/v3/a//b:cancel", false),
            (&whole, Method::PUT, "/v1/v3/7", false),
            (&whole, Method::DELETE, "/v1/v3/7:cancel", false),
        ] {
            let permit = Permit::Provider;
            let outcome = cancel(&permissions, connection, &permit, &method, path, None);
            assert_eq!(outcome.is_ok(), expected, "{method} {path}: {outcome:?}");
        }
        let url = "https://cdn.example/jobs/a/cancel".parse().expect("a URL");
        let (permit, path) = (Permit::Besides(url), "/jobs/a/cancel");
        let elsewhere = cancel(&permissions, &plain, &permit, &Method::POST, path, None);
        assert_eq!(elsewhere, Err(Denial::NotGranted(Missing::Never)));
    }

    #[test]
    fn cancellation_at_the_path_of_the_submit_needs_a_route_that_names_it() {
        let permissions = permissions(MANIFEST, false);
        let plain = connection(json!({}));
        let configured = connection(json!({"submit": {"method": "POST", "path": "/create"}}));
        let tried = |connection, method: Method, path: &str, submit| {
            cancel(
                &permissions,
                connection,
                &Permit::Provider,
                &method,
                path,
                submit,
            )
        };
        let submits = Some("/v1/jobs");
        assert_eq!(tried(&plain, Method::POST, "/v1/stop", submits), Ok(()));
        for path in ["/v1/jobs", "/v1/Jobs", "/v1/%6aobs", "/v1/jobs;x"] {
            let outcome = tried(&plain, Method::POST, path, submits);
            assert_eq!(outcome, Err(Denial::SubmitPath), "{path}");
        }
        assert_eq!(tried(&plain, Method::DELETE, "/v1/jobs", submits), Ok(()));
        let outcome = tried(&configured, Method::POST, "/v1/create", None);
        assert_eq!(outcome, Err(Denial::SubmitPath));
    }

    #[test]
    fn cancellation_without_a_known_submit_needs_a_route_with_a_named_end() {
        let plain = connection(json!({}));
        for (is_trusted, path, expected) in [
            (false, "/v1/jobs/a/cancel", true),
            (false, "/v1/stop", false),
            (true, "/v1/stop", true),
        ] {
            let permissions = permissions(MANIFEST, is_trusted);
            let permit = Permit::Provider;
            let outcome = cancel(&permissions, &plain, &permit, &Method::POST, path, None);
            assert_eq!(outcome.is_ok(), expected, "{path}: {outcome:?}");
        }
    }

    #[test]
    fn unsafe_read_is_not_sent_where_something_is_ordered() {
        let manifest = r#"{
            "format": 1, "name": "p", "version": "1", "connections": ["pixelml"],
            "uploads": ["POST /files"], "cancels": ["POST /jobs/*/cancel"], "unsafe_reads": true
        }"#;
        let plain = connection(json!({}));
        let own = connection(json!({"submit": {"method": "POST", "path": "/create?x=1"}}));
        let submits = Some("/v1/jobs");
        for (connection, path, submit_path, expected) in [
            (&plain, "/v1/status", submits, true),
            (&plain, "/v1/jobs/a", submits, true),
            (&plain, "/v1/status", None, true),
            (&plain, "/v1/jobs", submits, false),
            (&plain, "/v1/Jobs", submits, false),
            (&plain, "/v1/%6aobs", submits, false),
            (&plain, "/v1/files", submits, false),
            (&plain, "/v1/jobs/a/cancel", None, false),
            (&own, "/v1/create", None, false),
            (&own, "/v1/Create/", None, false),
            (&own, "/v1/status", None, true),
        ] {
            for is_trusted in [true, false] {
                let permissions = permissions(manifest, is_trusted);
                let (permit, post) = (Permit::Provider, Method::POST);
                let outcome = read(&permissions, connection, &permit, &post, path, submit_path);
                let expected = is_trusted || expected;
                assert_eq!(outcome.is_ok(), expected, "{path}: {outcome:?}");
            }
        }
    }

    #[test]
    fn pack_that_an_earlier_program_bundled_names_no_routes() {
        let manifest = r#"{"format": 1, "name": "p", "version": "1", "connections": ["pixelml"]}"#;
        let connection = connection(json!({}));
        for is_trusted in [true, false] {
            let permissions = permissions(manifest, is_trusted);
            let outcome = upload(&permissions, &connection, &Method::POST, "/v1/files");
            assert_eq!(outcome.is_ok(), is_trusted);
        }
    }
}
