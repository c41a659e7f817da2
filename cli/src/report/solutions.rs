//! The solutions that a node's documentation gives for the errors of its provider.

use zoetrope_host::catalog::About;
use zoetrope_host::config::Config;
use zoetrope_host::connections::SecretSource;
use zoetrope_host::contract::NodeType;
use zoetrope_host::error::ErrorKind;

use super::failure::Failure;

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
