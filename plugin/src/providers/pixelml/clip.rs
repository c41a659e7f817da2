//! Results and uploads, shared by both wires.

use serde_json::Value;
use zoetrope_node_sdk::bindings::{NodeError, ResultMedia, Settlement, Success};
use zoetrope_node_sdk::http::is_absolute;
use zoetrope_node_sdk::json;
use zoetrope_node_sdk::node::Node;

/// The end of a job whose document has the clip's URL at the pointer.
pub(super) fn success(
    node: &Node,
    document: &Value,
    pointer: &str,
    settlement: Settlement,
) -> Result<Success, NodeError> {
    let expected =
        || NodeError::protocol_violation(format!("expected the clip's absolute URL at {pointer}"));
    let url = document
        .pointer(pointer)
        .and_then(Value::as_str)
        .ok_or_else(expected)?;
    if !is_absolute(url) {
        return Err(expected());
    }
    let output = serde_json::json!({ "video": url });
    if !(node.validate_output)(&output).is_empty() {
        return Err(expected());
    }
    Ok(Success {
        output: json::text(&output),
        media: vec![ResultMedia {
            pointer: "/video".into(),
            url: url.into(),
            media_type: None,
            sha256: None,
            expires_at: None,
            needs_credential: false,
        }],
        settlement,
    })
}

pub(super) fn no_local_files() -> NodeError {
    NodeError::unsupported("this connection takes no local files: give the picture's URL")
}
