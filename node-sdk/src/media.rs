//! The functions of the contract's interface `media`.

use crate::bindings::{LocalFile, NodeError, Step};
use crate::host::Host;
use crate::http::Reply;
use crate::job;
use crate::node::{Node, Pack};

/// `media.plan-upload`.
///
/// # Errors
///
/// `unsupported` for a field without media, or a file that is not a picture;
/// `connection-unavailable`.
pub fn plan_upload(
    pack: &Pack,
    host: &impl Host,
    node: &str,
    field: &str,
    file: &LocalFile,
) -> Result<Step, NodeError> {
    let node = media_field(pack, node, field)?;
    if !file.media_type.starts_with("image/") {
        return Err(NodeError::unsupported(format!(
            "a file of type {} as a picture",
            file.media_type
        )));
    }
    let connection = job::connection(host, node)?;
    node.provider.plan_upload(&connection, node, field, file)
}

/// `media.uploaded`.
///
/// # Errors
///
/// The provider's refusal; `protocol-violation` when the reply cannot be read.
pub fn uploaded(
    pack: &Pack,
    host: &impl Host,
    node: &str,
    field: &str,
    status: u16,
    body: String,
) -> Result<Step, NodeError> {
    let node = media_field(pack, node, field)?;
    let connection = job::connection(host, node)?;
    let reply = Reply {
        status,
        body: body.into_bytes(),
        ..Reply::default()
    };
    node.provider.uploaded(&connection, node, field, &reply)
}

fn media_field(pack: &Pack, node: &str, field: &str) -> Result<&'static Node, NodeError> {
    let node = pack.find(node)?;
    if node.input_media.iter().any(|media| media.pointer == field) {
        Ok(node)
    } else {
        Err(NodeError::unsupported(format!(
            "a file for `{field}`, which holds no picture"
        )))
    }
}
