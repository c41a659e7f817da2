//! What a configuration does, for the user who decides whether to trust its file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::error::ConfigError;
use super::file;
use super::source::ConfigFile;
use crate::connections::{Connection, SecretSource};
use crate::digest::Sha256Digest;
use crate::external_command::ExternalCommand;
use crate::net::Origin;
use crate::policy::{Connections, Grant, PackLimits};
use crate::sanitize::escaped_path;

/// What the program does by a configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Effects {
    /// Its connections, by id.
    pub connections: Vec<ConnectionEffects>,
    /// The packs that it allows, by digest.
    pub grants: Vec<GrantEffects>,
    /// The keys of `[network]`, each with its value. A URL is reduced to its origin.
    pub network: Vec<(String, String)>,
    /// The environment variables that are read, sorted.
    pub variables: BTreeSet<String>,
    /// The files that are read, sorted, with unprintable characters escaped. Their content is no
    /// part of the configuration.
    pub files: BTreeSet<String>,
    /// The folders that are written, sorted. No key of this version names one.
    pub writes: BTreeSet<String>,
    /// The commands that are run: each with when, and as a JSON array with unprintable characters
    /// escaped.
    pub commands: Vec<(String, String)>,
}

/// A connection, as [`Effects`] lists it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ConnectionEffects {
    /// Its id.
    pub id: String,
    /// Which nodes use it.
    pub category: String,
    /// The URL that its requests and its credential are sent to. It has no user and no query.
    pub base_url: String,
    /// The environment variable that holds its credential.
    pub variable: Option<String>,
    /// The file that holds its credential, with unprintable characters escaped.
    pub file: Option<String>,
    /// The command that prints its credential, as a JSON array with unprintable characters escaped.
    pub command: Option<String>,
    /// The entry of the platform's keyring that holds its credential.
    pub keyring: Option<String>,
    /// The header of the credential, if it is not the node's own.
    pub header: Option<String>,
    /// How long its provider honours an idempotency key, in seconds. A submit with an unknown
    /// outcome is repeated within that time.
    pub idempotency_seconds: Option<u64>,
    /// The most requests a second.
    pub requests_per_second: Option<f64>,
    /// The most that one run costs, as the file states it.
    pub max_cost: Option<String>,
    /// The further origins of its results. Their addresses may be private ones, or those of this
    /// machine.
    pub result_origins: Vec<String>,
    /// The names of its options.
    pub options: Vec<String>,
    /// The origins of URLs in its options, sorted. The provider may send results there.
    pub option_origins: BTreeSet<String>,
}

/// A grant, as [`Effects`] lists it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GrantEffects {
    /// The digest of the component that may run.
    pub digest: String,
    /// Its name.
    pub name: String,
    /// The connections that it may use; `None`: any of the categories that it asks for.
    pub connections: Option<Vec<String>>,
    /// The further requests that it may send.
    pub hosts: Vec<String>,
    /// Whether it may read by methods other than GET and HEAD.
    pub unsafe_reads: bool,
    /// The routes of its uploads of pictures.
    pub uploads: Vec<String>,
    /// The routes of its cancellations.
    pub cancels: Vec<String>,
    /// The header of the credential and the text before it by category, where they are not
    /// `authorization` and `Bearer `: `x-api-key: Token …`.
    pub credentials: BTreeMap<String, String>,
    /// Where its submits carry the idempotency key, by category.
    pub idempotency: BTreeMap<String, String>,
    /// Whether its refusals of a submit are believed in replies with a status of 2xx.
    pub refusals_in_2xx: bool,
    /// Its limits, where they are stated.
    pub limits: PackLimits,
}

impl Effects {
    /// What the program would do by this file.
    ///
    /// # Errors
    ///
    /// When it is not a valid configuration.
    pub fn of(file: &ConfigFile) -> Result<Self, ConfigError> {
        let content = file::read(file.text(), file.path())?;
        let connections: Vec<_> = content
            .connections
            .iter()
            .map(ConnectionEffects::of)
            .collect();
        let grants = content.policy.grants();
        let folder = file.path().parent().unwrap_or(Path::new(""));
        let network = network(file.text());
        let mut files: BTreeSet<_> = connections
            .iter()
            .filter_map(|connection| connection.file.clone())
            .collect();
        files.extend(
            network
                .iter()
                .filter(|(key, _)| key.ends_with("_file"))
                .map(|(_, path)| escaped_path(&folder.join(path))),
        );
        let of_credentials = connections.iter().filter_map(|connection| {
            let when = format!("for the credential of connection {}", connection.id);
            Some((when, connection.command.clone()?))
        });
        let mut commands: Vec<_> = of_credentials.collect();
        let at_ends = content.on_end.as_ref().map(ExternalCommand::shown);
        commands.extend(at_ends.map(|command| ("when a job has ended".to_owned(), command)));
        Ok(Self {
            commands,
            variables: connections
                .iter()
                .filter_map(|connection| connection.variable.clone())
                .collect(),
            grants: grants
                .map(|(digest, grant)| GrantEffects::of(digest, grant))
                .collect(),
            files,
            writes: BTreeSet::new(),
            network,
            connections,
        })
    }
}

impl ConnectionEffects {
    fn of(connection: &Connection) -> Self {
        let credential = connection.credential();
        let source = credential.map(|credential| &credential.source);
        let (mut variable, mut file, mut command, mut keyring) = (None, None, None, None);
        match source {
            Some(SecretSource::Env(name)) => variable = Some(name.clone()),
            Some(SecretSource::File(path)) => file = Some(escaped_path(path)),
            Some(SecretSource::Program(program)) => command = Some(program.command().shown()),
            Some(SecretSource::Keyring(name)) => keyring = Some(name.clone()),
            None => {}
        }
        // Shown also without a credential: one that is added later is sent there.
        let by_option = connection.options().get("credential_header");
        let by_option = by_option.and_then(|name| name.as_str());
        let header = connection.credential_header().or(by_option);
        Self {
            id: connection.id().to_string(),
            category: connection.category().to_owned(),
            base_url: connection.base_url().to_string(),
            variable,
            file,
            command,
            keyring,
            header: header.map(str::to_owned),
            idempotency_seconds: connection.idempotency().map(|window| window.as_secs()),
            requests_per_second: connection.requests_per_second(),
            max_cost: connection.max_cost().map(ToString::to_string),
            result_origins: connection
                .result_origins()
                .iter()
                .map(ToString::to_string)
                .collect(),
            options: connection.options().keys().cloned().collect(),
            option_origins: origins(connection.options().values()),
        }
    }
}

impl GrantEffects {
    fn of(digest: &Sha256Digest, grant: &Grant) -> Self {
        Self {
            digest: digest.to_string(),
            name: grant.name.clone(),
            connections: match &grant.connections {
                Connections::Any => None,
                Connections::These(ids) => Some(ids.iter().map(ToString::to_string).collect()),
            },
            hosts: grant.hosts.iter().map(ToString::to_string).collect(),
            unsafe_reads: grant.unsafe_reads,
            uploads: grant.uploads.iter().map(ToString::to_string).collect(),
            cancels: grant.cancels.iter().map(ToString::to_string).collect(),
            credentials: texts(&grant.credentials),
            idempotency: texts(&grant.idempotency),
            refusals_in_2xx: grant.refusals_in_2xx,
            limits: grant.limits.clone(),
        }
    }
}

fn texts<T: ToString>(places: &BTreeMap<String, T>) -> BTreeMap<String, String> {
    let texts = places
        .iter()
        .map(|(key, place)| (key.clone(), place.to_string()));
    texts.collect()
}

/// The origins of all URLs among these values and in them.
fn origins<'a>(values: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for value in values {
        match value {
            Value::String(text) => {
                let origin = Url::parse(text).ok().and_then(|url| Origin::of(&url));
                found.extend(origin.map(|origin| origin.to_string()));
            }
            Value::Array(values) => found.extend(origins(values.iter())),
            Value::Object(values) => found.extend(origins(values.values())),
            _ => {}
        }
    }
    found
}

/// The keys of `[network]`, whatever they are.
pub(super) fn network(text: &str) -> Vec<(String, String)> {
    let table: Option<toml::Table> = toml::from_str(text).ok();
    let network = table.and_then(|mut table| table.remove("network"));
    let Some(toml::Value::Table(network)) = network else {
        return Vec::new();
    };
    let shown = network.into_iter().map(|(key, value)| {
        let value = match value {
            toml::Value::String(text) => without_secrets(text),
            value => value.to_string(),
        };
        (key, value)
    });
    shown.collect()
}

/// A URL without its user, password, path and query; any other text as it is.
fn without_secrets(text: String) -> String {
    match Url::parse(&text) {
        Ok(url) if url.has_host() => Origin::of(&url).map_or_else(
            || format!("{}:…", url.scheme()),
            |origin| origin.to_string(),
        ),
        _ if text.contains('@') => "…".into(),
        _ => text,
    }
}
