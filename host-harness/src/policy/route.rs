//! Routes of a provider: a method and a path below a connection's base URL.

use std::fmt;
use std::str::FromStr;

use http::Method;
use serde::de::{Deserialize, Deserializer, Error as _};

use crate::net::may_climb;

/// The methods of routes.
const METHODS: [Method; 4] = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// A method and a path below the base URL of a connection: `POST /v1/files`, or
/// `POST /v1/jobs/*/cancel`, where `*` is one segment that is not empty. A request on a route may
/// have any query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    method: Method,
    path: String,
}

/// Why a text is not a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a route is POST, PUT, PATCH or DELETE, a space and a path such as `/v1/files` without `.` segments, query and fragment"
)]
pub struct RouteError;

impl Route {
    /// Whether a request of this method and path is on the route. `path` is below the base URL,
    /// with its leading slash.
    #[must_use]
    pub fn permits(&self, method: &Method, path: &str) -> bool {
        let (mut pattern, mut segments) = (self.path.split('/'), path.split('/'));
        *method == self.method
            && loop {
                match (pattern.next(), segments.next()) {
                    (None, None) => break true,
                    (Some("*"), Some(segment)) if !segment.is_empty() => {}
                    (Some(pattern), Some(segment)) if pattern == segment => {}
                    _ => break false,
                }
            }
    }

    /// Whether it permits every request that `other` permits.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        // `*` is a segment that only `*` permits.
        self.permits(&other.method, &other.path)
    }

    /// Whether it has no `*`, and so names one path.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !self.path.split('/').any(|segment| segment == "*")
    }

    /// Whether its last segment is not `*`.
    #[must_use]
    pub fn has_named_end(&self) -> bool {
        !self.path.ends_with("/*")
    }

    /// Its method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Its path below the base URL.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The route of one request; `None` if no route can permit it.
    #[must_use]
    pub fn of_request(method: &Method, path: &str) -> Option<Self> {
        format!("{method} {path}").parse().ok()
    }
}

impl FromStr for Route {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (method, path) = text.split_once(' ').ok_or(RouteError)?;
        let method = METHODS.into_iter().find(|known| known.as_str() == method);
        let is_path = path.starts_with('/')
            && path.len() <= 256
            && path
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"?#\"\\".contains(&byte))
            && !path.split('/').any(may_climb);
        match method {
            Some(method) if is_path => Ok(Self {
                method,
                path: path.to_owned(),
            }),
            _ => Err(RouteError),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_permits_its_method_and_whole_path_alone() {
        let route: Route = "POST /v1/jobs/*/cancel".parse().expect("a route");
        for (method, path, expected) in [
            (Method::POST, "/v1/jobs/a-1/cancel", true),
            (Method::PUT, "/v1/jobs/a-1/cancel", false),
            (Method::POST, "/v1/jobs//cancel", false),
            (Method::POST, "/v1/jobs/a/b/cancel", false),
            (Method::POST, "/v1/jobs", false),
            (Method::POST, "/v1/jobs/a-1/cancel/", false),
            (Method::POST, "/v1/jobs/a-1/cancel/x", false),
            (Method::POST, "/V1/jobs/a-1/cancel", false),
        ] {
            assert_eq!(route.permits(&method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn route_covers_itself_and_narrower_routes() {
        for (one, other, expected) in [
            ("POST /v1/files", "POST /v1/files", true),
            ("POST /v1/*/cancel", "POST /v1/jobs/cancel", true),
            ("POST /v1/*/cancel", "POST /v1/*/cancel", true),
            ("POST /v1/jobs/cancel", "POST /v1/*/cancel", false),
            ("POST /v1/files", "PUT /v1/files", false),
        ] {
            let [one, other]: [Route; 2] = [one, other].map(|text| text.parse().expect("a route"));
            assert_eq!(one.covers(&other), expected, "{one} {other}");
        }
    }

    #[test]
    fn text_that_is_no_route_is_refused() {
        for text in [
            "",
            "POST",
            "POST v1",
            "GET /v1",
            "post /v1",
            "POST /v1?x=1",
            "POST /v1/../x",
            "POST /%2e%2e/x",
            "POST /a b",
            "POST /a\\b",
        ] {
            assert_eq!(text.parse::<Route>(), Err(RouteError), "{text}");
        }
        let text = "DELETE /v1/jobs/*";
        assert_eq!(text.parse::<Route>().expect("a route").to_string(), text);
    }
}
