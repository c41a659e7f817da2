//! The provider for which `check` shows requests: a configured connection, else the practice
//! provider, else a placeholder. None is opened or started.

use std::sync::Arc;

use serde_json::{Value, json};
use zoetrope_emulator::Protocol;
use zoetrope_host::connections::Connection;
use zoetrope_host::contract::NodeType;

use crate::configuration::PRACTICE;
use crate::context::Context;
use crate::report::{Failure, Phase};

/// The address in requests to the practice provider, whose port is chosen when it starts.
const PRACTICE_ORIGIN: &str = "http://127.0.0.1:1";
const SHOWN_PRACTICE_ORIGIN: &str = "http://127.0.0.1:<port>";

/// The base URL in requests without a known provider.
const PLACEHOLDER: &str = "https://provider.invalid";

/// The provider of the requests.
#[derive(Clone)]
pub(crate) enum Provider {
    /// A configured connection.
    Configured(Arc<Connection>),
    /// The practice provider.
    Practice(Arc<Connection>),
    /// The practice provider, in the place of a configuration that is not trusted. A run would
    /// not use it.
    Untrusted(Arc<Connection>),
    /// No connection is configured, and the practice provider does not support the category.
    Placeholder(Arc<Connection>),
    /// No request is shown, for this reason.
    NotShown(String),
}

impl Provider {
    /// The provider of a node. `wanted`: the id of `--connection`.
    pub(crate) async fn of(
        context: &Context,
        node: &NodeType,
        wanted: Option<&str>,
    ) -> Result<Self, Failure> {
        let Some(requirement) = &node.connection else {
            let why = "the node uses no connection";
            return Ok(Self::NotShown(why.into()));
        };
        let is_unused = wanted.is_none() && context.configuration().is_unused().await;
        if is_unused {
            context.note_unused_config().await;
        } else if let Some(configured) = context.chosen(node, wanted).await? {
            return Ok(Self::Configured(configured));
        }
        let category = &requirement.category;
        let protocol = Protocol::of_category(category);
        let (id, base_url) = match protocol {
            Some(protocol) => (PRACTICE, protocol.base_url(PRACTICE_ORIGIN)),
            None => ("placeholder", PLACEHOLDER.to_owned()),
        };
        let id = id.parse().map_err(unexpected)?;
        let base_url = base_url.parse().map_err(unexpected)?;
        let connection = Arc::new(Connection::new(id, category.as_str(), base_url));
        // A pack that is not built in may use the connections that its grant names.
        let permitted = context.pack().await?.permissions().connection(&connection);
        Ok(match permitted {
            Err(missing) => Self::NotShown(missing.to_string()),
            Ok(()) if protocol.is_some() && is_unused => Self::Untrusted(connection),
            Ok(()) if protocol.is_some() => Self::Practice(connection),
            Ok(()) => Self::Placeholder(connection),
        })
    }

    /// Prints which provider serves a run, once.
    pub(crate) async fn say(
        context: &Context,
        node: &NodeType,
        wanted: Option<&str>,
    ) -> Result<(), Failure> {
        if wanted.is_none() && context.configuration().is_unused().await {
            return Ok(());
        }
        context.configured(node, wanted).await.map(drop)
    }

    /// The connection of the calls.
    pub(crate) fn connection(&self) -> Option<&Arc<Connection>> {
        match self {
            Self::Configured(connection)
            | Self::Practice(connection)
            | Self::Untrusted(connection)
            | Self::Placeholder(connection) => Some(connection),
            Self::NotShown(_) => None,
        }
    }

    /// The sentence that names it.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Configured(connection) => format!("connection `{}`", connection.id()),
            Self::Practice(_) => {
                "the practice provider, whose <port> is chosen when it starts".into()
            }
            Self::Untrusted(_) => {
                "the practice provider, since the configuration of this folder is not trusted"
                    .into()
            }
            Self::Placeholder(connection) => format!(
                "a placeholder: no `{}` connection is configured",
                connection.category()
            ),
            Self::NotShown(why) => format!("not shown: {why}"),
        }
    }

    /// Its base URL in JSON, and whether that is the one of a run.
    pub(super) fn document(&self) -> Value {
        match self {
            Self::NotShown(why) => json!({ "base_url": null, "why": why }),
            Self::Configured(connection)
            | Self::Practice(connection)
            | Self::Untrusted(connection)
            | Self::Placeholder(connection) => json!({
                "base_url": self.shown_url(&connection.base_url().to_string()),
                "is_placeholder": !matches!(self, Self::Configured(_)),
            }),
        }
    }

    /// A URL of a request as it is shown: with the placeholder of the port, and without the values
    /// of its query.
    pub(super) fn shown_url(&self, url: &str) -> String {
        let path = match self {
            Self::Practice(_) | Self::Untrusted(_) => url.strip_prefix(PRACTICE_ORIGIN),
            _ => None,
        };
        match path {
            Some(path) => without_values(&format!("{SHOWN_PRACTICE_ORIGIN}{path}")),
            None => without_values(url),
        }
    }

    /// The id of the connection that a run would use.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Configured(connection) => Some(connection.id().as_str()),
            Self::Practice(_) => Some(PRACTICE),
            Self::Untrusted(_) | Self::Placeholder(_) | Self::NotShown(_) => None,
        }
    }
}

/// A URL without the values of its query, which may be secrets.
fn without_values(url: &str) -> String {
    let Some((before, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let names = query.split('&').map(|part| match part.split_once('=') {
        Some((name, _)) => format!("{name}=<hidden>"),
        None => "<hidden>".to_owned(),
    });
    format!("{before}?{}", names.collect::<Vec<_>>().join("&"))
}

fn unexpected(error: impl std::error::Error) -> Failure {
    Failure::internal(Phase::Setup, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_url_has_a_placeholder_for_the_practice_provider_and_no_value_of_a_query() {
        let of = |url: &str| {
            let id = PRACTICE.parse().expect("an id");
            let base_url = url.parse().expect("a base URL");
            Arc::new(Connection::new(id, "pixelml", base_url))
        };
        let practice = Provider::Practice(of(PRACTICE_ORIGIN));
        let url = "http://127.0.0.1:1/v1/jobs?token=secret&x";
        let hidden = "/v1/jobs?token=<hidden>&<hidden>";
        assert_eq!(
            practice.shown_url(url),
            format!("http://127.0.0.1:<port>{hidden}")
        );
        let own = Provider::Configured(of(PRACTICE_ORIGIN));
        assert_eq!(own.shown_url(url), format!("http://127.0.0.1:1{hidden}"));
    }
}
