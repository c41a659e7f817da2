//! PopiArt's replies: bare, or wrapped in `{"ok", "data" | "error"}`.

use serde_json::Value;
use zoetrope_node_sdk::bindings::{Charge, NextStep, NodeError, Settlement};
use zoetrope_node_sdk::http::Reply;
use zoetrope_node_sdk::reply::{FaultPointers, instead};

use crate::providers::envelope;

pub(super) const FAULTS: FaultPointers<'_> = FaultPointers {
    code: "/error/code",
    message: "/error/message",
};

/// The document of an upload's reply. An upload costs nothing and can be repeated.
pub(super) fn uploaded(reply: &Reply) -> Result<Value, NodeError> {
    if let Some(error) = FAULTS.submit_error(reply) {
        return Err(NodeError {
            charge: Charge::No,
            ..error
        });
    }
    let document = reply.json().unwrap_or(Value::Null);
    if opened(&document).is_err() {
        let fault = FAULTS.fault(reply);
        let next = NextStep::FixInput;
        return Err(envelope::submit_error(fault, None, next, reply));
    }
    Ok(document)
}

pub(super) fn unreadable_upload(expected: String) -> NodeError {
    NodeError {
        charge: Charge::No,
        next: NextStep::Retry,
        ..NodeError::protocol_violation(expected)
    }
}

/// The data of an envelope, or the document if there is none; an error if `ok` is false.
pub(super) fn opened(document: &Value) -> Result<&Value, ()> {
    match document.get("ok") {
        Some(Value::Bool(false)) => Err(()),
        Some(Value::Bool(true)) => Ok(&document["data"]),
        _ => Ok(document),
    }
}

/// The document of a read.
pub(super) fn readable(reply: &Reply) -> Result<Value, NodeError> {
    if let Some(error) = FAULTS.read_error(reply) {
        return Err(error);
    }
    let expected = || NodeError::protocol_violation(instead("expected a JSON document", reply));
    reply.json().ok_or_else(expected)
}

/// The data of a read's envelope.
pub(super) fn read<'a>(reply: &Reply, document: &'a Value) -> Result<&'a Value, NodeError> {
    opened(document).map_err(|()| {
        let expected = "expected an answer, not an error";
        envelope::read_error(FAULTS.fault(reply), expected, reply)
    })
}

/// PopiArt returns no prices.
pub(super) fn settlement(charge: Charge) -> Settlement {
    Settlement { charge, cost: None }
}
