//! Reads a connection's `options`. Every option has a type and a default. An unknown option is
//! an error, since a misspelled one would be ignored silently.
//!
//! Written by hand: `serde`'s derive would add a sixth to the component's size.

use serde_json::{Map, Value};

use crate::bindings::{Connection, NodeError};
use crate::http::{self, Request};
use crate::json;

/// A method, and a path below the base URL in which `{id}` or `{+id}` is the job's id, as
/// [`http::url`] completes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// HTTP method.
    pub method: String,
    /// With a leading slash.
    pub path: String,
}

impl Endpoint {
    /// A request to it, for the job of this id.
    #[must_use]
    pub fn request(&self, connection: &Connection, job: &str) -> Request {
        http::request(connection, &self.method, &self.path, job)
    }
}

/// The options that have not been read yet, and the first error among them.
///
/// A function returns the default if the option is absent or invalid. [`Reader::finish`]
/// reports the error, so the options must not be used before it.
pub struct Reader {
    path: String,
    given: Map<String, Value>,
    known: Vec<&'static str>,
    problem: Option<String>,
}

impl Reader {
    /// All options of a connection.
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        let mut reader = Self {
            path: "options".into(),
            given: Map::new(),
            known: Vec::new(),
            problem: None,
        };
        match json::parse_leniently(&connection.options) {
            Some(Value::Object(given)) => reader.given = given,
            _ => reader.problem = Some("`options` must be a JSON object".into()),
        }
        reader
    }

    /// Takes an option without reading it.
    pub fn ignore(&mut self, name: &'static str) {
        self.take(name);
    }

    /// A text.
    pub fn text(&mut self, name: &'static str, default: &str) -> String {
        match self.take(name) {
            None => default.into(),
            Some(Value::String(text)) => text,
            Some(_) => {
                self.refuse(name, "must be a text");
                String::new()
            }
        }
    }

    /// A path below the base URL, with a leading slash.
    pub fn path(&mut self, name: &'static str, default: &str) -> String {
        let path = self.text(name, default);
        if !path.starts_with('/') {
            self.refuse(name, "must start with a slash");
        }
        path
    }

    /// A number above 0.
    pub fn positive(&mut self, name: &'static str, default: f64) -> f64 {
        let Some(value) = self.take(name) else {
            return default;
        };
        let number = value.as_f64().filter(|number| *number > 0.0);
        number.unwrap_or_else(|| {
            self.refuse(name, "must be a number above 0");
            default
        })
    }

    /// A whole number above 0.
    pub fn count(&mut self, name: &'static str, default: u64) -> u64 {
        let Some(value) = self.take(name) else {
            return default;
        };
        let number = value.as_u64().filter(|number| *number > 0);
        number.unwrap_or_else(|| {
            self.refuse(name, "must be a whole number above 0");
            default
        })
    }

    /// An object; an empty one when absent.
    pub fn object(&mut self, name: &'static str) -> Map<String, Value> {
        match self.take(name) {
            None => Map::new(),
            Some(Value::Object(object)) => object,
            Some(_) => {
                self.refuse(name, "must be an object");
                Map::new()
            }
        }
    }

    /// A list of words.
    pub fn words(&mut self, name: &'static str, default: &str) -> Vec<String> {
        let Some(value) = self.take(name) else {
            return vec![default.into()];
        };
        let mut words = Vec::new();
        let given = value.as_array().map_or(&[] as &[Value], Vec::as_slice);
        for word in given {
            words.extend(word.as_str().map(String::from));
        }
        if !value.is_array() || words.len() < given.len() {
            self.refuse(name, "must be a list of words");
        }
        words
    }

    /// An endpoint.
    pub fn endpoint(&mut self, name: &'static str, method: &str, path: &str) -> Endpoint {
        let mut parts = self.nested(name);
        let endpoint = Endpoint {
            method: parts.text("method", method),
            path: parts.path("path", path),
        };
        self.absorb(parts);
        endpoint
    }

    /// An endpoint that null or, since TOML has no null, false disables.
    pub fn optional_endpoint(
        &mut self,
        name: &'static str,
        method: &str,
        path: &str,
    ) -> Option<Endpoint> {
        if matches!(self.given.get(name), Some(Value::Null | Value::Bool(false))) {
            self.ignore(name);
            None
        } else {
            Some(self.endpoint(name, method, path))
        }
    }

    /// A reader of the options within an option; to be passed to [`Reader::absorb`].
    #[must_use]
    pub fn nested(&mut self, name: &'static str) -> Self {
        Self {
            path: format!("{}.{name}", self.path),
            given: self.object(name),
            known: Vec::new(),
            problem: None,
        }
    }

    /// Takes over the error of nested options.
    pub fn absorb(&mut self, nested: Self) {
        let problem = nested.into_problem();
        self.problem = self.problem.take().or(problem);
    }

    /// Records an option's error, unless one was recorded before.
    pub fn refuse(&mut self, name: &str, problem: &str) {
        if self.problem.is_none() {
            self.problem = Some(format!("`{}.{name}` {problem}", self.path));
        }
    }

    /// Checks that every option was valid, and that none is left unread.
    ///
    /// # Errors
    ///
    /// `connection-unavailable`, naming the option and the connection.
    pub fn finish(self, connection: &Connection) -> Result<(), NodeError> {
        match self.into_problem() {
            None => Ok(()),
            Some(problem) => Err(NodeError::connection_unavailable(format!(
                "{problem} (connection `{}`)",
                connection.id
            ))),
        }
    }

    fn into_problem(mut self) -> Option<String> {
        let unknown = |name: &&String| !self.known.contains(&name.as_str());
        if let Some(name) = self.given.keys().find(unknown).cloned() {
            self.refuse(&name, "is not an option");
        }
        self.problem
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.given.get_mut(name).map(Value::take)
    }
}
