//! The policy for a component's requests: the origin of the call's connection, below its
//! base path, and the other hosts that its pack is granted.
//!
//! Pure functions of permissions, connection and request. A permitted URL is in normal form, so that
//! the path that is judged is the path that is sent.

use http::{Method, Uri};
use url::Url;

use super::error::Denial;
use crate::net::{BaseUrl, Origin, is_normal, may_climb};
use crate::policy::Permissions;

/// Where a request may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    /// To the connection's own provider, with the credential.
    Provider,
    /// To another host that the pack is granted, without the credential.
    Besides(Url),
}

/// Whether a pack with these permissions may send `method` and `uri` over the connection at
/// `base`.
pub(crate) fn permitted_to(
    permissions: &Permissions,
    base: &BaseUrl,
    method: &Method,
    uri: &Uri,
) -> Result<Permit, Denial> {
    match permitted(base, method, uri) {
        Ok(()) => Ok(Permit::Provider),
        Err(Denial::Origin { .. }) => {
            let url = parsed(uri)?;
            let origin = Origin::of(&url).ok_or(Denial::Url)?;
            if uri.path().split('/').any(may_climb) || !is_normal(uri, &origin) {
                return Err(Denial::Form);
            }
            permissions.request(method, &url)?;
            Ok(Permit::Besides(url))
        }
        Err(denial) => Err(denial),
    }
}

/// Whether `method` and `uri` may be sent over the connection at `base`.
pub(crate) fn permitted(base: &BaseUrl, method: &Method, uri: &Uri) -> Result<(), Denial> {
    if matches!(*method, Method::CONNECT | Method::TRACE) {
        return Err(Denial::Method);
    }
    let authority = uri.authority().ok_or(Denial::Url)?;
    if authority.as_str().contains('@') {
        return Err(Denial::Userinfo);
    }
    // Fast path: most requests have the origin in normal form, which need not be parsed.
    let is_own = base
        .origin()
        .is_written(uri.scheme_str(), authority.as_str());
    if !is_own && Origin::of(&parsed(uri)?).as_ref() != Some(base.origin()) {
        let allowed = base.origin().to_string();
        return Err(Denial::Origin { allowed });
    }
    if !base.has_below(uri.path()) {
        return Err(Denial::Path);
    }
    if !is_normal(uri, base.origin()) {
        return Err(Denial::Form);
    }
    Ok(())
}

fn parsed(uri: &Uri) -> Result<Url, Denial> {
    Url::parse(&uri.to_string()).map_err(|_| Denial::Url)
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(base: &str, uri: &str) -> Result<(), Denial> {
        let base: BaseUrl = base.parse().expect(base);
        let uri: Uri = uri.parse().expect(uri);
        permitted(&base, &Method::POST, &uri)
    }

    #[test]
    fn request_below_the_base_path_of_the_own_origin_is_permitted() {
        for (base, uri) in [
            ("https://api.example.com", "https://api.example.com/v1/jobs"),
            ("https://api.example.com/v1", "https://api.example.com/v1"),
            (
                "https://api.example.com/v1/",
                "https://api.example.com/v1/jobs?id=a..b",
            ),
            (
                "https://api.example.com",
                "https://API.example.com:443/a%2Fb",
            ),
            (
                "https://api.example.com",
                "https://api.example.com./jobs/a...b",
            ),
            (
                "https://api.example.com",
                "https://api.example.com/jobs/%C3%A9;a=1",
            ),
            ("http://127.0.0.1:9", "http://127.0.0.1:9/v1/jobs"),
        ] {
            assert!(verdict(base, uri).is_ok(), "{uri}");
        }
    }

    #[test]
    fn request_to_another_origin_is_denied() {
        for uri in [
            "http://api.example.com/v1",
            "https://api.example.com:8443/v1",
            "https://api.example.com.evil.example/v1",
            "https://evil.example/v1",
            "https://127.0.0.1/v1",
        ] {
            let verdict = verdict("https://api.example.com/v1", uri);
            assert!(matches!(verdict, Err(Denial::Origin { .. })), "{uri}");
        }
        assert_eq!(
            verdict(
                "https://api.example.com",
                "https://api.example.com@evil.example/"
            ),
            Err(Denial::Userinfo)
        );
    }

    #[test]
    fn path_outside_the_base_path_is_denied() {
        for path in [
            "/",
            "/v2",
            "/v1x/jobs",
            "/v1/../admin",
            "/v1/%2e%2E/admin",
            "/v1/..%2fadmin",
            "/v1/%252e%252e/admin",
            "/v1/./x",
            "/v1/..%5Cadmin",
            "/v1/..;/admin",
            "/v1/..%3Bx/admin",
            "/v1/%c0%ae%c0%ae/admin",
            "/v1/.%00./admin",
        ] {
            let uri = format!("https://api.example.com{path}");
            assert_eq!(
                verdict("https://api.example.com/v1", &uri),
                Err(Denial::Path),
                "{path}"
            );
        }
    }

    #[test]
    fn url_that_is_not_in_normal_form_is_denied() {
        for url in [
            "https://api.example.com//evil.example/v1",
            "https://api.example.com?x",
            "https://api.example.com/{id}",
            "https://api.example.com/a?b\\c",
            "https://api.example.com/%zz",
            "https://api.example.com:0443/a",
        ] {
            let verdict = verdict("https://api.example.com", url);
            assert_eq!(verdict, Err(Denial::Form), "{url}");
        }
    }

    #[test]
    fn connect_and_trace_are_denied() {
        let base: BaseUrl = "https://api.example.com".parse().expect("base");
        let uri: Uri = "https://api.example.com/".parse().expect("uri");
        for method in [Method::CONNECT, Method::TRACE] {
            assert_eq!(permitted(&base, &method, &uri), Err(Denial::Method));
        }
    }
}
