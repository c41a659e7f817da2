//! Reading a connection's `options`: every option has a type and a default, and what
//! is not an option is an error, since a mistyped one would silently change nothing.
//!
//! By hand and not by `serde`'s derive, which would be a sixth of the component.

use serde_json::{Map, Value};

use crate::bindings::{Connection, NodeError};
use crate::http::{self, Request};
use crate::json;

/// A method, and a path below the base URL in which `{id}` is the job's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// HTTP method.
    pub method: String,
    /// With a leading slash.
    pub path: String,
}

impl Endpoint {
    /// A request to it, about the job of this id.
    #[must_use]
    pub fn request(&self, connection: &Connection, job: &str) -> Request {
        http::request(connection, &self.method, &self.path, job)
    }
}

/// The options that have not been read yet, and the first thing wrong with them.
///
/// A function gives the default where the option is absent or wrong; [`Reader::finish`]
/// tells, so nothing may be done with the options before it.
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

    /// An endpoint that null or false switches off; TOML has no null.
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

    /// The options within an option; to be given back to [`Reader::absorb`].
    #[must_use]
    pub fn nested(&mut self, name: &'static str) -> Self {
        Self {
            path: format!("{}.{name}", self.path),
            given: self.object(name),
            known: Vec::new(),
            problem: None,
        }
    }

    /// Takes over what is wrong with nested options.
    pub fn absorb(&mut self, nested: Self) {
        let problem = nested.verdict();
        self.problem = self.problem.take().or(problem);
    }

    /// Notes what is wrong with an option, unless something was wrong before.
    pub fn refuse(&mut self, name: &str, problem: &str) {
        if self.problem.is_none() {
            self.problem = Some(format!("`{}.{name}` {problem}", self.path));
        }
    }

    /// Tells whether everything could be read, and nothing is left.
    ///
    /// # Errors
    ///
    /// `connection-unavailable`, naming the option and the connection.
    pub fn finish(self, connection: &Connection) -> Result<(), NodeError> {
        match self.verdict() {
            None => Ok(()),
            Some(problem) => Err(NodeError::connection_unavailable(format!(
                "{problem} (connection `{}`)",
                connection.id
            ))),
        }
    }

    fn verdict(mut self) -> Option<String> {
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
