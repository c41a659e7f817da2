//! The solutions that a node's documentation gives for the errors of its provider.

use std::{env, fs};

use zoetrope_host::catalog::About;
use zoetrope_host::config::Config;
use zoetrope_host::connections::{Connection, SecretSource};
use zoetrope_host::contract::NodeType;
use zoetrope_host::error::ErrorKind;

use super::failure::Failure;
use crate::shell::quoted;

/// What provides the credential of a connection that has none now; `None` if it has one, or if only
/// its use would tell.
pub(crate) fn missing_credential(connection: &Connection) -> Option<String> {
    match &connection.credential()?.source {
        SecretSource::Env(name) if env::var_os(name).is_none_or(|value| value.is_empty()) => {
            // Another name may be a credential that was configured as the name.
            Some(if name.contains(|c: char| c.is_ascii_lowercase()) {
                format!(
                    "Set the variable that `credential` of connection `{}` names",
                    connection.id()
                )
            } else {
                format!("Set the variable {name}")
            })
        }
        SecretSource::File(path)
            if !fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0) =>
        {
            Some(format!("Write the key to {}", quoted(path)))
        }
        _ => None,
    }
}

/// The documentation of the component's nodes, and the configuration of their connections.
pub(crate) struct Solutions<'a> {
    nodes: Vec<(String, About)>,
    config: Option<&'a Config>,
    options: String,
}

impl<'a> Solutions<'a> {
    /// `options`: the global options to repeat in commands.
    pub(crate) fn new(nodes: Vec<NodeType>, config: Option<&'a Config>, options: String) -> Self {
        let about = nodes.into_iter().map(|node| {
            let about = About::of(&node);
            (node.name, about)
        });
        Self {
            nodes: about.collect(),
            config,
            options,
        }
    }

    /// The failure with the documented solution as its next step, if the provider's error is
    /// documented. A refused credential is named in any case. An unknown outcome keeps its own
    /// next step: a new run could be charged twice.
    pub(crate) fn applied_to(&self, failure: Failure) -> Failure {
        if failure.kind() == ErrorKind::ConnectionUnavailable {
            let missing = failure.job_of().and_then(|(_, id)| {
                let connection = self.config.and_then(|config| config.connection(id));
                missing_credential(connection?)
            });
            return match missing {
                Some(repair) => failure.repaired_by(&repair, &self.options),
                None => failure,
            };
        }
        let is_of_provider = matches!(
            failure.kind(),
            ErrorKind::Rejected
                | ErrorKind::Failed
                | ErrorKind::Unauthorized
                | ErrorKind::NotSent
                | ErrorKind::Throttled
        );
        let Some((node, connection)) = failure.job_of().filter(|_| is_of_provider) else {
            return failure;
        };
        let known = self.nodes.iter().find(|(name, _)| name == node);
        let error = known.and_then(|(_, about)| about.error_in(failure.message()));
        let solution = error.map(|error| error.solution.trim_end_matches('.'));
        let solution = if failure.kind() == ErrorKind::Unauthorized {
            let source = self.source(connection);
            let solution = solution.unwrap_or("Check the credential");
            Some(format!("{solution} (connection `{connection}`{source})"))
        } else {
            solution.map(str::to_owned)
        };
        match solution {
            Some(solution) => failure.solved_by(&solution, &self.options),
            None => failure,
        }
    }

    /// Where the credential of a configured connection comes from, after a comma.
    fn source(&self, connection: &str) -> String {
        let connection = self.config.and_then(|config| config.connection(connection));
        let Some(connection) = connection else {
            return String::new();
        };
        match connection.credential().map(|credential| &credential.source) {
            // Another name may be a credential that was configured as the name.
            Some(SecretSource::Env(name)) if !name.contains(|c: char| c.is_ascii_lowercase()) => {
                format!(", variable {name}")
            }
            Some(source) => format!(", {source}"),
            None => ", which has no credential".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_credential_is_named_with_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        for (credential, expected) in [
            (
                "env = \"ZOETROPE_TEST_NOT_SET\"",
                Some("Set the variable ZOETROPE_TEST_NOT_SET"),
            ),
            (
                "env = \"hunter2\"",
                Some("Set the variable that `credential` of connection `a` names"),
            ),
            ("file = \"key\"", Some("Write the key to ")),
            ("command = [\"pass\"]", None),
        ] {
            let text = format!(
                "[connections.a]\ncategory = \"pixelml\"\nbase_url = \"https://a.example\"\ncredential = {{ {credential} }}\n"
            );
            let config = Config::parse(&text, &folder.path().join("z.toml")).expect("valid");
            let connection = config.connection("a").expect("the connection");
            let found = missing_credential(connection);
            let begins = found
                .as_deref()
                .map(|found| expected.is_some_and(|it| found.starts_with(it)));
            assert!(begins.unwrap_or(expected.is_none()), "{found:?}");
        }
    }
}
