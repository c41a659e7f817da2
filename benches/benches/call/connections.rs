//! The connection to the provider, and calls over it.

use std::sync::Arc;
use std::time::Duration;

use zoetrope_benches::{Failure, INPUT, NODE};
use zoetrope_host::component::{CallContext, CallError, Pack};
use zoetrope_host::connections::{Connection, Credential, OpenConnection, SecretSource};
use zoetrope_host::contract::{CheckOptions, Plan, Profile, Started};

pub(crate) const KEY: &str = "bench-0001";
pub(crate) const CREDENTIAL: &str = "Bearer sk-bench";

pub(crate) const STRICT: CheckOptions = CheckOptions {
    profile: Profile::Strict,
    preview_request: false,
};

/// A connection as a user configures it, with its credential in a file. Every submit opens a new
/// TCP connection.
pub(crate) async fn connection(
    pack: &Pack,
    base_url: &str,
) -> Result<Arc<OpenConnection>, Failure> {
    opened(pack, base_url, |connection| connection).await
}

/// The same for a provider that honours idempotency keys, so that submits may reuse a TCP
/// connection.
pub(crate) async fn keyed_connection(
    pack: &Pack,
    base_url: &str,
) -> Result<Arc<OpenConnection>, Failure> {
    let day = Duration::from_hours(24);
    opened(pack, base_url, |connection| {
        connection.with_idempotency(day)
    })
    .await
}

async fn opened(
    pack: &Pack,
    base_url: &str,
    adapt: impl Fn(Connection) -> Connection,
) -> Result<Arc<OpenConnection>, Failure> {
    let nodes = pack.node_types(&CallContext::offline()).await?;
    let node = nodes
        .iter()
        .find(|node| node.name == NODE)
        .ok_or("no node")?;
    let requirement = node.connection.as_ref().ok_or("a node without provider")?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), CREDENTIAL)?;
    let credential = Credential {
        source: SecretSource::File(file.path().to_owned()),
        header: None,
        prefix: Some(String::new()),
    };
    let connection = Connection::new(
        "bench".parse()?,
        requirement.category.as_str(),
        base_url.parse()?,
    );
    let connection = Arc::new(adapt(connection.with_credential(credential)));
    let placement = pack.permissions().credential_placement(requirement);
    Ok(Arc::new(connection.open(&placement)?))
}

pub(crate) async fn previewed(pack: &Pack, open: &Arc<OpenConnection>) -> Result<Plan, CallError> {
    let context = CallContext::previewing(Arc::clone(open));
    let options = CheckOptions {
        preview_request: true,
        ..STRICT
    };
    pack.check(&context, NODE, INPUT, options).await
}

/// Starts a run and returns its ticket.
pub(crate) async fn started(pack: &Pack, context: &CallContext) -> Result<String, Failure> {
    match pack.start(context, NODE, INPUT, KEY).await.judged()? {
        Started::Accepted(acceptance) => Ok(acceptance.ticket),
        Started::Finished(_) => Err("finished at once".into()),
    }
}
