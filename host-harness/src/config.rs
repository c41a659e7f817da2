//! `zoetrope.toml`: which connections there are.
//!
//! ```toml
//! [connections.pixelml]                         # the table's name is the connection's id
//! category = "pixelml"
//! base_url = "https://api.example.com"
//! credential = { env = "PIXELML_API_KEY" }      # or { file = "…" }
//! idempotency = "24h"                           # absent or false: keys are not honoured
//! options = { wire = "jobs" }
//! ```
//!
//! Unknown keys are errors. An error names file, line and column and never quotes the
//! line: somebody may have written the credential itself into it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::connections::{Connection, ConnectionId, Credential};
use crate::secret::SecretSource;
use crate::urls::BaseUrl;

/// The variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "ZOETROPE_CONFIG";

/// The configuration file's name in the working directory.
pub const CONFIG_FILE: &str = "zoetrope.toml";

/// What is configured. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    source: Option<PathBuf>,
    connections: BTreeMap<ConnectionId, Arc<Connection>>,
}

impl Config {
    /// Reads the file at `explicit`, else the one that `ZOETROPE_CONFIG` names, else
    /// `zoetrope.toml` in the working directory if there is one; else nothing is
    /// configured.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or understood; a file that was named must exist.
    pub fn load(explicit: Option<&Path>) -> Result<Self, ConfigError> {
        let variable = std::env::var_os(CONFIG_VARIABLE);
        match locate(explicit, variable, Path::new("")) {
            Some(path) => Self::read(&path),
            None => Ok(Self::default()),
        }
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Reads `text`, which came from `path`; a credential's file is relative to the
    /// folder that `path` is in.
    ///
    /// # Errors
    ///
    /// When it cannot be understood.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let document: Document = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or_default();
            ConfigError::Content {
                path: path.to_owned(),
                line: before.matches('\n').count() + 1,
                column: before.chars().rev().take_while(|&c| c != '\n').count() + 1,
                message: without_value(error.message()),
            }
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let connections = document
            .connections
            .into_iter()
            .map(|(Parsed(id), table)| {
                let connection = table.into_connection(id.clone(), folder);
                (id, Arc::new(connection))
            })
            .collect();
        Ok(Self {
            source: Some(path.to_owned()),
            connections,
        })
    }

    /// The file it was read from, if any.
    #[must_use]
    pub fn source(&self) -> Option<&Path> {
        self.source.as_deref()
    }

    /// Every connection, by id.
    pub fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.connections.values()
    }

    /// The connection of this id.
    #[must_use]
    pub fn connection(&self, id: &str) -> Option<&Arc<Connection>> {
        self.connections.get(&id.parse().ok()?)
    }

    /// The connection for a node of `category`: the one named `wanted`, else the only
    /// one of the category. `None` when nothing was asked for and none is configured.
    ///
    /// # Errors
    ///
    /// When `wanted` does not exist or is of another category, or when several would do.
    pub fn select(
        &self,
        category: &str,
        wanted: Option<&str>,
    ) -> Result<Option<&Arc<Connection>>, SelectError> {
        if let Some(id) = wanted {
            let connection = self.connection(id).ok_or_else(|| SelectError::Unknown {
                id: id.to_owned(),
                known: Listed(self.connections.keys().cloned().collect()),
            })?;
            if connection.category() != category {
                return Err(SelectError::Category {
                    id: connection.id().clone(),
                    category: connection.category().to_owned(),
                    wanted: category.to_owned(),
                });
            }
            return Ok(Some(connection));
        }
        let matching: Vec<_> = self
            .connections()
            .filter(|connection| connection.category() == category)
            .collect();
        match matching[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            _ => Err(SelectError::Several {
                category: category.to_owned(),
                known: Listed(matching.iter().map(|one| one.id().clone()).collect()),
            }),
        }
    }
}

fn locate(explicit: Option<&Path>, variable: Option<OsString>, folder: &Path) -> Option<PathBuf> {
    let named = explicit
        .map(Path::to_owned)
        .or_else(|| variable.filter(|name| !name.is_empty()).map(PathBuf::from));
    named.or_else(|| Some(folder.join(CONFIG_FILE)).filter(|path| path.exists()))
}

/// A parser's complaint without the text it found: that may be a credential in the wrong
/// place.
fn without_value(message: &str) -> String {
    let quoted = message
        .split_once(": string \"")
        .zip(message.rsplit_once("\", expected "));
    match quoted {
        Some(((complaint, _), (_, expected))) => format!("{complaint}: a string, expected {expected}"),
        None => message.to_owned(),
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration `{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be understood.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// In characters, counted from 1.
        column: usize,
        /// What is wrong there. Never quotes the file.
        message: String,
    },
}

/// Why no connection could be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// No connection of this id.
    #[error("there is no connection `{id}`; configured: {known}")]
    Unknown {
        /// What was asked for.
        id: String,
        /// What there is.
        known: Listed,
    },
    /// The connection leads to another kind of provider.
    #[error("connection `{id}` is of category `{category}`, the node needs `{wanted}`")]
    Category {
        /// The connection.
        id: ConnectionId,
        /// Its category.
        category: String,
        /// The node's.
        wanted: String,
    },
    /// More than one would do.
    #[error("several connections are of category `{category}`: {known}; name one")]
    Several {
        /// The category.
        category: String,
        /// The connections.
        known: Listed,
    },
}

/// Connection ids as a sentence lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed(pub Vec<ConnectionId>);

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (index, id) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}`{id}`")?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    connections: BTreeMap<Parsed<ConnectionId>, Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    category: String,
    base_url: Parsed<BaseUrl>,
    credential: Option<CredentialTable>,
    #[serde(default)]
    idempotency: Window,
    #[serde(default)]
    options: Options,
}

impl Table {
    fn into_connection(self, id: ConnectionId, folder: &Path) -> Connection {
        let mut connection = Connection::new(id, self.category, self.base_url.0);
        if let Some(CredentialTable(mut credential)) = self.credential {
            if let SecretSource::File(path) = &mut credential.source {
                *path = folder.join(&*path);
            }
            connection = connection.with_credential(credential);
        }
        if let Window(Some(window)) = self.idempotency {
            connection = connection.with_idempotency(window);
        }
        connection.with_options(self.options.0)
    }
}

/// A value read through its `FromStr`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Parsed<T>(T);

impl<'de, T> Deserialize<'de> for Parsed<T>
where
    T: FromStr<Err: fmt::Display>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(de::Error::custom)
    }
}

/// `{ env = "…" }` or `{ file = "…" }`, with `header` and `prefix` beside it.
struct CredentialTable(Credential);

impl<'de> Deserialize<'de> for CredentialTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CredentialVisitor).map(Self)
    }
}

struct CredentialVisitor;

impl<'de> Visitor<'de> for CredentialVisitor {
    type Value = Credential;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table like { env = \"NAME\" } or { file = \"PATH\" }")
    }

    /// A text here is most likely the credential itself.
    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom(
            "a credential is not written here; say where it is kept: { env = \"NAME\" } or { file = \"PATH\" }",
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            env: Option<String>,
            file: Option<PathBuf>,
            header: Option<String>,
            prefix: Option<String>,
        }
        let fields = Fields::deserialize(de::value::MapAccessDeserializer::new(map))?;
        let source = match (fields.env, fields.file) {
            (Some(name), None) if is_variable(&name) => SecretSource::Env(name),
            (Some(_), None) => {
                return Err(de::Error::custom(
                    "`env` is the name of an environment variable, not the credential",
                ));
            }
            (None, Some(path)) => SecretSource::File(path),
            _ => return Err(de::Error::custom("give either `env` or `file`")),
        };
        Ok(Credential {
            source,
            header: fields.header,
            prefix: fields.prefix,
        })
    }
}

fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `"24h"`, or `false`.
#[derive(Default)]
struct Window(Option<Duration>);

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WindowVisitor).map(Self)
    }
}

struct WindowVisitor;

impl Visitor<'_> for WindowVisitor {
    type Value = Option<Duration>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("how long a key is honoured, like \"24h\", or false")
    }

    fn visit_bool<E: de::Error>(self, honoured: bool) -> Result<Self::Value, E> {
        if honoured {
            return Err(E::custom("say how long a key is honoured, like \"24h\""));
        }
        Ok(None)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        match humantime::parse_duration(text) {
            Ok(window) if !window.is_zero() => Ok(Some(window)),
            _ => Err(E::custom("not a duration like \"24h\" or \"30m\"")),
        }
    }
}

/// Any TOML, as JSON.
#[derive(Default)]
struct Options(Map<String, Value>);

impl<'de> Deserialize<'de> for Options {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = toml::Table::deserialize(deserializer)?;
        let options = table.into_iter().map(|(key, value)| Some((key, json(value)?)));
        options
            .collect::<Option<_>>()
            .map(Self)
            .ok_or_else(|| de::Error::custom("infinity and NaN have no JSON form"))
    }
}

fn json(value: toml::Value) -> Option<Value> {
    Some(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => serde_json::Number::from_f64(number)?.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect::<Option<Vec<_>>>()?.into(),
        toml::Value::Table(table) => {
            let fields = table.into_iter().map(|(key, value)| Some((key, json(value)?)));
            fields.collect::<Option<Map<_, _>>>()?.into()
        }
    })
}

#[cfg(test)]
mod tests;
