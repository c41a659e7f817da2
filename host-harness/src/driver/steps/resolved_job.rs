//! What the steps of a job need.

use std::sync::Arc;

use crate::component::CallContext;
use crate::contract::NodeType;
use crate::driver::packs::Known;
use crate::ledger::Millis;

/// The component, node type and connection that a row names.
pub(super) struct ResolvedJob {
    pub(super) known: Known,
    pub(super) node: Arc<NodeType>,
    pub(super) context: CallContext,
    pub(super) rate: f64,
    pub(super) longest_pause: Option<Millis>,
}
