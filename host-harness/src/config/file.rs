//! Parses the file's text into validated types.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::DeTable;

use super::credential::CredentialTable;
use super::error::ConfigError;
use super::result_origin::ResultOrigin;
use crate::connections::{Connection, ConnectionId, HeaderFault};
use crate::digest::Sha256Digest;
use crate::external_command::ExternalCommand;
use crate::money::Money;
use crate::net::{BaseUrl, Network, ProxySetting};
use crate::policy::{
    Connections, CredentialPlace, Grant, HostRule, KeyPlace, PackLimits, Policy, Route,
};
use crate::reserved_headers::is_unfit_for_credentials;

/// The content of a configuration.
pub(super) struct Content {
    pub(super) connections: Vec<Connection>,
    pub(super) network: Network,
    pub(super) policy: Policy,
    pub(super) on_end: Option<ExternalCommand>,
}

/// Parses `text`, the content of `path`.
pub(super) fn read(text: &str, path: &Path) -> Result<Content, ConfigError> {
    let parsed = DeTable::parse(text).and_then(|table| parse(table, path));
    parsed.map_err(|error| {
        let (line, column) = position(text, error.span().map_or(0, |span| span.start));
        ConfigError::Content {
            path: path.to_owned(),
            line,
            column,
            message: without_quotation(error.message()),
        }
    })
}

/// Parses a document, the content of `path`. The error's message may quote it.
pub(super) fn parse(table: Spanned<DeTable<'_>>, path: &Path) -> Result<Content, toml::de::Error> {
    let document = Document::deserialize(toml::Deserializer::from(table))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let connections = document.connections.into_iter();
    let packs = document.packs.into_iter();
    let on_end = document.hooks.on_end;
    Ok(Content {
        on_end: on_end.map(|command| command.relative_to(folder)),
        connections: connections
            .map(|(Parsed(id), table)| table.into_connection(id, folder))
            .collect(),
        network: document.network.into_network(folder),
        policy: packs.fold(Policy::default(), |policy, (Parsed(digest), table)| {
            policy.with(digest, table.into())
        }),
    })
}

/// The line and the column of an offset, counted from 1; the column in characters.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    (line, column)
}

/// A parser's message without the name or value that it found, which may be a misplaced
/// credential. Before `, expected`, only the found value is quoted. That value may contain
/// quotes and `, expected` itself.
pub(super) fn without_quotation(message: &str) -> String {
    let Some((fault, expected)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let quotation = fault.find(['`', '"']).unwrap_or(fault.len());
    let fault = fault[..quotation].trim_end();
    format!("{fault}, expected {expected}")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    connections: BTreeMap<Parsed<ConnectionId>, Table>,
    #[serde(default)]
    network: NetworkTable,
    #[serde(default)]
    packs: BTreeMap<Parsed<Sha256Digest>, PackTable>,
    #[serde(default)]
    hooks: HooksTable,
}

/// The commands that are run.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct HooksTable {
    on_end: Option<ExternalCommand>,
}

/// The proxy and further certificate authorities.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkTable {
    proxy: Option<Parsed<ProxySetting>>,
    #[serde(default)]
    proxy_resolves: bool,
    ca_file: Option<PathBuf>,
}

impl NetworkTable {
    fn into_network(self, folder: &Path) -> Network {
        Network {
            proxy: self.proxy.map(|Parsed(proxy)| proxy).unwrap_or_default(),
            proxy_resolves: self.proxy_resolves,
            ca_file: self.ca_file.map(|path| folder.join(path)),
        }
    }
}

/// The grant of a pack.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackTable {
    name: String,
    #[serde(default)]
    connections: BTreeSet<Parsed<ConnectionId>>,
    #[serde(default)]
    hosts: Vec<Parsed<HostRule>>,
    #[serde(default)]
    unsafe_reads: bool,
    #[serde(default)]
    uploads: Vec<Parsed<Route>>,
    #[serde(default)]
    cancels: Vec<Parsed<Route>>,
    #[serde(default)]
    credentials: BTreeMap<String, CredentialPlace>,
    #[serde(default)]
    idempotency: BTreeMap<String, Parsed<KeyPlace>>,
    #[serde(default)]
    refusals_in_2xx: bool,
    /// Earlier versions named it `ceilings`.
    #[serde(default, alias = "ceilings")]
    limits: PackLimits,
}

impl From<PackTable> for Grant {
    fn from(table: PackTable) -> Self {
        let connections = table.connections.into_iter().map(|Parsed(id)| id);
        let keys = table.idempotency.into_iter();
        Self {
            name: table.name,
            connections: Connections::These(connections.collect()),
            hosts: table.hosts.into_iter().map(|Parsed(rule)| rule).collect(),
            unsafe_reads: table.unsafe_reads,
            uploads: table
                .uploads
                .into_iter()
                .map(|Parsed(route)| route)
                .collect(),
            cancels: table
                .cancels
                .into_iter()
                .map(|Parsed(route)| route)
                .collect(),
            credentials: table.credentials,
            idempotency: keys
                .map(|(category, Parsed(place))| (category, place))
                .collect(),
            refusals_in_2xx: table.refusals_in_2xx,
            limits: table.limits,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    category: String,
    base_url: Parsed<BaseUrl>,
    credential: Option<CredentialTable>,
    #[serde(default)]
    idempotency: Window,
    requests_per_second: Option<Rate>,
    max_cost: Option<Parsed<MaxCost>>,
    #[serde(default)]
    result_origins: Vec<Parsed<ResultOrigin>>,
    #[serde(default)]
    options: Options,
}

impl Table {
    fn into_connection(self, id: ConnectionId, folder: &Path) -> Connection {
        let name = id.to_string();
        let mut connection = Connection::new(id, self.category, self.base_url.0);
        if let Some(table) = self.credential {
            connection = connection.with_credential(table.into_credential(&name, folder));
        }
        if let Window(Some(window)) = self.idempotency {
            connection = connection.with_idempotency(window);
        }
        if let Some(Rate(rate)) = self.requests_per_second {
            connection = connection.with_requests_per_second(rate);
        }
        if let Some(Parsed(MaxCost(most))) = self.max_cost {
            connection = connection.with_max_cost(most);
        }
        let origins = self.result_origins.into_iter();
        let origins = origins.map(|Parsed(ResultOrigin(origin))| origin);
        connection
            .with_result_origins(origins.collect())
            .with_options(self.options.0)
    }
}

/// A value that is parsed by its `FromStr`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Parsed<T>(T);

impl<'de, T> Deserialize<'de> for Parsed<T>
where
    T: FromStr<Err: fmt::Display>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ParsedVisitor(PhantomData))
    }
}

/// Parses inside of the visitor: an error has the place of the text, also in an array.
struct ParsedVisitor<T>(PhantomData<T>);

impl<T> Visitor<'_> for ParsedVisitor<T>
where
    T: FromStr<Err: fmt::Display>,
{
    type Value = Parsed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        text.parse().map(Parsed).map_err(E::custom)
    }
}

/// Requests a second.
struct Rate(f64);

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rate = f64::deserialize(deserializer)?;
        if (0.001..=100_000.0).contains(&rate) {
            Ok(Self(rate))
        } else {
            Err(de::Error::custom("expected a number from 0.001 to 100000"))
        }
    }
}

/// The most that one run costs: more than nothing.
struct MaxCost(Money);

impl FromStr for MaxCost {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let money = text.parse().ok();
        let money = money.filter(|money: &Money| !money.amount.is_zero());
        money
            .map(Self)
            .ok_or("expected an amount above 0 and a unit, like \"0.50 USD\"")
    }
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

/// A TOML table, as JSON.
#[derive(Default)]
struct Options(Map<String, Value>);

impl<'de> Deserialize<'de> for Options {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = toml::Table::deserialize(deserializer)?;
        let header = table.get("credential_header").and_then(toml::Value::as_str);
        if header.is_some_and(is_unfit_for_credentials) {
            return Err(de::Error::custom(format!(
                "`credential_header`: {}",
                HeaderFault::Unfit
            )));
        }
        let options = table
            .into_iter()
            .map(|(key, value)| Some((key, json(value)?)));
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
        toml::Value::Array(values) => values
            .into_iter()
            .map(json)
            .collect::<Option<Vec<_>>>()?
            .into(),
        toml::Value::Table(table) => {
            let fields = table
                .into_iter()
                .map(|(key, value)| Some((key, json(value)?)));
            fields.collect::<Option<Map<_, _>>>()?.into()
        }
    })
}
