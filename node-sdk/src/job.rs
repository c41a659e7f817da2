//! The functions of the contract's interface `jobs`.

use serde_json::Value;

use crate::bindings::{
    Cancellation, Charge, CheckOptions, Connection, ConnectionError, JobState, NodeError, Plan,
    Profile, ProviderFault, Started,
};
use crate::host::{Host, SendError};
use crate::http::{Reply, Request};
use crate::input;
use crate::json;
use crate::node::{Next, Node, Pack, Provider};
use crate::ticket::Ticket;

/// The placeholder of the idempotency key in a previewed request.
const PREVIEW_KEY: &str = "<idempotency key>";

/// Most requests of one call; more are an endless sequence of a provider.
const REQUESTS_A_CALL: usize = 8;

/// `jobs.check`.
///
/// # Errors
///
/// `unknown-node-type`, `invalid-input`, `unsupported`; with a preview also
/// `connection-unavailable`.
pub fn check(
    pack: &Pack,
    host: &impl Host,
    node: &str,
    text: &str,
    options: CheckOptions,
) -> Result<Plan, NodeError> {
    let node = pack.find(node)?;
    // Errors of the input are reported first.
    let connection = options
        .preview_request
        .then(|| connection(host, node))
        .transpose();
    let known = connection.as_ref().ok().and_then(Option::as_ref);
    let input = input::read(node, text, options.profile, known)?;
    let request = match connection? {
        Some(connection) => {
            node.provider.wire(&connection)?;
            let forwarded = input.clone().forwarded();
            let request = node
                .provider
                .submit(&connection, node, &forwarded, PREVIEW_KEY)?;
            Some(json::text(&request.preview()))
        }
        None => None,
    };
    let estimate = node.estimate.as_ref();
    Ok(Plan {
        estimate: estimate.map(|listed| listed.estimate(&input.fields)),
        input: json::text(&Value::Object(input.fields)),
        notes: input.notes,
        request,
    })
}

/// `jobs.start`.
///
/// # Errors
///
/// As [`check`], and the errors of the submit.
pub fn start(
    pack: &Pack,
    host: &impl Host,
    node: &str,
    text: &str,
    idempotency_key: &str,
) -> Result<Started, NodeError> {
    let node = pack.find(node)?;
    let connection = connection(host, node);
    let input = input::read(node, text, Profile::Strict, connection.as_ref().ok())?;
    if !(1..=255).contains(&idempotency_key.len())
        || !idempotency_key.bytes().all(|b| b.is_ascii_graphic())
    {
        let message = "an idempotency key of other than 1 to 255 visible ASCII characters";
        return Err(NodeError::unsupported(message));
    }
    let connection = connection?;
    // Unreadable options are rejected before anything is sent.
    node.provider.wire(&connection)?;
    let request = node
        .provider
        .submit(&connection, node, &input.forwarded(), idempotency_key)?;
    let reply = send(host, &connection, request).map_err(|error| match error {
        SendError::Denied(why) => NodeError::denied(why, Charge::No),
        SendError::NotSent(why) => NodeError::not_sent(why),
        SendError::Lost(why) => NodeError::outcome_unknown(ProviderFault::new(None, why)),
    })?;
    node.provider.submitted(&connection, node, &reply)
}

/// `jobs.poll`.
///
/// # Errors
///
/// Why the state could not be read; the job is not affected.
pub fn poll(pack: &Pack, host: &impl Host, ticket: &str) -> Result<JobState, NodeError> {
    let (node, connection, ticket) = resume(pack, host, ticket)?;
    converse(host, &connection, |replies| {
        node.provider.poll(&connection, node, &ticket, replies)
    })
}

/// `jobs.cancel`.
///
/// # Errors
///
/// As [`poll`].
pub fn cancel(pack: &Pack, host: &impl Host, ticket: &str) -> Result<Cancellation, NodeError> {
    let (node, connection, ticket) = resume(pack, host, ticket)?;
    converse(host, &connection, |replies| {
        node.provider.cancel(&connection, &ticket, replies)
    })
}

/// `jobs.adopt`.
///
/// # Errors
///
/// `unknown-node-type`, `connection-unavailable`, `unsupported` for an empty id.
pub fn adopt(
    pack: &Pack,
    host: &impl Host,
    node: &str,
    provider_job_id: &str,
) -> Result<String, NodeError> {
    let node = pack.find(node)?;
    if provider_job_id.is_empty() {
        return Err(NodeError::unsupported("a job without an id"));
    }
    let connection = connection(host, node)?;
    let wire = node.provider.wire(&connection)?;
    Ok(Ticket::new(node.name, &connection.id, &wire, provider_job_id).encode())
}

/// The connection of a node's calls.
///
/// # Errors
///
/// `connection-unavailable`.
pub fn connection(host: &impl Host, node: &Node) -> Result<Connection, NodeError> {
    connection_of(host, node.provider)
}

/// The connection of a provider's calls.
///
/// # Errors
///
/// `connection-unavailable`.
pub fn connection_of(host: &impl Host, provider: &dyn Provider) -> Result<Connection, NodeError> {
    let category = provider.requirement().category;
    host.connection(&category).map_err(|error| {
        NodeError::connection_unavailable(match error {
            ConnectionError::NotConfigured => format!("no connection of category `{category}`"),
            ConnectionError::Unusable(why) => why,
        })
    })
}

fn resume(
    pack: &Pack,
    host: &impl Host,
    ticket: &str,
) -> Result<(&'static Node, Connection, Ticket), NodeError> {
    let ticket = Ticket::decode(ticket)?;
    let node = pack.find(&ticket.node).map_err(|_| {
        NodeError::bad_ticket(format!(
            "its node type `{}` is not in this component",
            ticket.node
        ))
    })?;
    // The job may be charged, even if it cannot be read.
    let read = |error: NodeError| NodeError {
        charge: Charge::Unknown,
        ..error
    };
    let connection = connection(host, node).map_err(read)?;
    if connection.id != ticket.connection {
        return Err(NodeError::connection_changed(format!(
            "the job was started on connection `{}`, not on `{}`",
            ticket.connection, connection.id
        )));
    }
    let wire = node.provider.wire(&connection).map_err(read)?;
    if wire != ticket.wire {
        return Err(NodeError::connection_changed(format!(
            "the job was started over the wire `{}`; connection `{}` now speaks `{wire}`",
            ticket.wire, connection.id
        )));
    }
    Ok((node, connection, ticket))
}

/// Sends the requests of `step` until it has the result.
///
/// # Errors
///
/// Those of `step`; `denied` or `unavailable` when a request has no reply;
/// `protocol-violation` after eight requests.
pub fn converse<T>(
    host: &impl Host,
    connection: &Connection,
    step: impl Fn(&[Reply]) -> Result<Next<T>, NodeError>,
) -> Result<T, NodeError> {
    let mut replies = Vec::new();
    loop {
        match step(&replies)? {
            Next::Done(answer) => return Ok(answer),
            Next::Send(_) if replies.len() == REQUESTS_A_CALL => {
                let expected = format!("expected an answer within {REQUESTS_A_CALL} requests");
                return Err(NodeError::protocol_violation(expected));
            }
            Next::Send(request) => {
                let reply = send(host, connection, request).map_err(|error| match error {
                    SendError::Denied(why) => NodeError::denied(why, Charge::Unknown),
                    SendError::NotSent(why) | SendError::Lost(why) => {
                        NodeError::unavailable(ProviderFault::new(None, why))
                    }
                })?;
                replies.push(reply);
            }
        }
    }
}

/// Sends a request with the connection's headers, which hold the credential in a host that
/// does not add it itself.
fn send(
    host: &impl Host,
    connection: &Connection,
    mut request: Request,
) -> Result<Reply, SendError> {
    request.headers.extend(connection.headers.iter().cloned());
    let reply = host.send(&request)?;
    Ok(Reply {
        url: request.url,
        ..reply
    })
}
