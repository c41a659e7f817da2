//! Results and uploads, shared by both wires.

use serde_json::{Value, json};
use zoetrope_node_sdk::bindings::{Connection, JobState, NodeError, Settlement, Success};
use zoetrope_node_sdk::http::Reply;
use zoetrope_node_sdk::json;
use zoetrope_node_sdk::no_result;
use zoetrope_node_sdk::node::Node;
use zoetrope_node_sdk::result::files;

use crate::providers::clips;

/// The end of a job whose document has the clip at the pointer; `None` if nothing there is the URL
/// of a clip. Of several clips, the output has the first as `video` and all as `videos`.
pub(super) fn success(
    connection: &Connection,
    node: &Node,
    reply: &Reply,
    document: &Value,
    pointer: &str,
    settlement: Settlement,
) -> Result<Option<Success>, NodeError> {
    let place = document.pointer(pointer).unwrap_or(&Value::Null);
    let files = files(connection, &reply.url, place);
    if files.is_empty() {
        return Ok(None);
    }
    let mut output = json!({});
    clips::set(&mut output, &files);
    if !(node.validate_output)(&output).is_empty() {
        let expected = format!("expected the clip's URL at {pointer}");
        return Err(NodeError::protocol_violation(expected));
    }
    Ok(Some(Success {
        output: json::text(&output),
        media: clips::media(files, Vec::new()),
        settlement,
    }))
}

/// The state of a job that has succeeded without a clip. The value at the pointer, the one around
/// it, or else these documents say why.
pub(super) fn no_clip(
    reply: &Reply,
    document: &Value,
    pointer: &str,
    others: &[&Value],
    settlement: Settlement,
) -> JobState {
    let (around, _) = pointer.rsplit_once('/').unwrap_or_default();
    let places = [pointer, around].into_iter();
    let near = places.filter_map(|place| document.pointer(place));
    let documents: Vec<_> = near.chain(others.iter().copied()).collect();
    no_result::state(reply, pointer, &documents, settlement)
}

pub(super) fn no_local_files() -> NodeError {
    NodeError::unsupported("this connection takes no local files: give the picture's URL")
}
