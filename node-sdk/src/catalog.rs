//! The node types as the contract lists them.

use crate::bindings::NodeType;
use crate::node::{Node, Pack};

/// Every node type, in a stable order.
#[must_use]
pub fn node_types(pack: &Pack) -> Vec<NodeType> {
    pack.nodes.iter().map(|node| entry(node)).collect()
}

fn entry(node: &Node) -> NodeType {
    NodeType {
        name: node.name.into(),
        version: node.version.into(),
        title: node.title.into(),
        description: node.description.into(),
        connection: Some(node.provider.requirement()),
        input_schema: node.input_schema.into(),
        output_schema: node.output_schema.into(),
        input_media: node.input_media.iter().map(Into::into).collect(),
        output_media: node.output_media.iter().map(Into::into).collect(),
        rules: node.rules.into(),
        extensions: node.about.into(),
    }
}
