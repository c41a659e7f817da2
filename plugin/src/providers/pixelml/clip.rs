//! Results and uploads, shared by both wires.

use serde_json::{Value, json};
use zoetrope_node_sdk::bindings::{Connection, NodeError, Settlement, Success};
use zoetrope_node_sdk::http::Reply;
use zoetrope_node_sdk::json;
use zoetrope_node_sdk::node::Node;
use zoetrope_node_sdk::result::files;

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
    let first = files.first().ok_or_else(expected)?;
    let mut output = json!({ "video": first.url });
    if files.len() > 1 {
        let urls = files.iter().map(|file| Value::from(file.url.as_str()));
        output["videos"] = urls.collect();
    }
    if !(node.validate_output)(&output).is_empty() {
        return Err(expected());
    }
    let media = files.into_iter().enumerate().map(|(index, file)| {
        file.at(match index {
            0 => "/video".into(),
            _ => json::pointer("/videos", &index.to_string()),
        })
    });
    Ok(Success {
        output: json::text(&output),
        media: media.collect(),
        settlement,
    })
}

pub(super) fn no_local_files() -> NodeError {
    NodeError::unsupported("this connection takes no local files: give the picture's URL")
}
