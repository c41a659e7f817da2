//! Results and uploads, shared by both wires.

use serde_json::{Value, json};
use zoetrope_node_sdk::bindings::{Connection, NodeError, Settlement, Success};
use zoetrope_node_sdk::http::Reply;
use zoetrope_node_sdk::json;
use zoetrope_node_sdk::node::Node;
use zoetrope_node_sdk::result::files;

use crate::providers::clips;

/// The end of a job whose document has the clip at the pointer. Of several clips, the output has
/// the first as `video` and all as `videos`.
pub(super) fn success(
    connection: &Connection,
    node: &Node,
    reply: &Reply,
    document: &Value,
    pointer: &str,
    settlement: Settlement,
) -> Result<Success, NodeError> {
    let expected =
        || NodeError::protocol_violation(format!("expected the clip's URL at {pointer}"));
    let place = document.pointer(pointer).ok_or_else(expected)?;
    let files = files(connection, &reply.url, place);
    let mut output = json!({});
    clips::set(&mut output, &files);
    if files.is_empty() || !(node.validate_output)(&output).is_empty() {
        return Err(expected());
    }
    Ok(Success {
        output: json::text(&output),
        media: clips::media(files, Vec::new()),
        settlement,
    })
}

pub(super) fn no_local_files() -> NodeError {
    NodeError::unsupported("this connection takes no local files: give the picture's URL")
}
