//! The functions of the contract's interface `artifacts`.

use crate::bindings::{Artifact, Charge, LocalFile, NodeError, Upload};
use crate::host::Host;
use crate::http::Reply;
use crate::job;
use crate::node::{Artifacts, Pack, Provider};

/// `artifacts.categories`.
#[must_use]
pub fn categories(pack: &Pack) -> Vec<String> {
    let mut categories: Vec<String> = Vec::new();
    for node in pack.nodes {
        let category = node.provider.requirement().category;
        if node.provider.artifacts().is_some() && !categories.contains(&category) {
            categories.push(category);
        }
    }
    categories
}

/// `artifacts.find`.
///
/// # Errors
///
/// `unsupported` for a category without artifacts; `connection-unavailable`; why the artifact
/// could not be read. The charge is `no`.
pub fn find(
    pack: &Pack,
    host: &impl Host,
    category: &str,
    id: &str,
) -> Result<Artifact, NodeError> {
    let (provider, artifacts) = of_category(pack, category)?;
    if id.is_empty() {
        return Err(NodeError::unsupported("an artifact without an id"));
    }
    let connection = job::connection_of(host, provider)?;
    job::converse(host, &connection, |replies| {
        artifacts.find(&connection, id, replies)
    })
    .map_err(free)
}

/// `artifacts.plan-upload`.
///
/// # Errors
///
/// `unsupported`; `connection-unavailable`.
pub fn plan_upload(
    pack: &Pack,
    host: &impl Host,
    category: &str,
    file: &LocalFile,
    role: &str,
) -> Result<Upload, NodeError> {
    let (provider, artifacts) = of_category(pack, category)?;
    let connection = job::connection_of(host, provider)?;
    artifacts.plan_upload(&connection, file, role)
}

/// `artifacts.uploaded`.
///
/// # Errors
///
/// The provider's refusal; `protocol-violation` when the reply cannot be read.
pub fn uploaded(
    pack: &Pack,
    host: &impl Host,
    category: &str,
    status: u16,
    body: String,
) -> Result<Artifact, NodeError> {
    let (provider, artifacts) = of_category(pack, category)?;
    let connection = job::connection_of(host, provider)?;
    let reply = Reply {
        status,
        body: body.into_bytes(),
        ..Reply::default()
    };
    artifacts.uploaded(&connection, &reply).map_err(free)
}

fn of_category(
    pack: &Pack,
    category: &str,
) -> Result<(&'static dyn Provider, &'static dyn Artifacts), NodeError> {
    let providers = pack.nodes.iter().map(|node| node.provider);
    let mut fitting = providers.filter(|provider| provider.requirement().category == category);
    fitting
        .find_map(|provider| Some((provider, provider.artifacts()?)))
        .ok_or_else(|| NodeError::unsupported(format!("artifacts of the category `{category}`")))
}

/// No job is involved.
fn free(error: NodeError) -> NodeError {
    NodeError {
        charge: Charge::No,
        ..error
    }
}
