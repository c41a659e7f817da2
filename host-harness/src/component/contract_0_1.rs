//! The types of contract 0.1.0 that differ from those of the present contract. All others are
//! structurally equal, so the present ones are used for components of both versions.

use wasmtime::component::{ComponentType, Lift};

use crate::contract;
use crate::contract::{Basis, ConnectionRequirement, MediaField, Price};

/// A node type, without rules.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct NodeType {
    name: String,
    version: String,
    title: String,
    description: String,
    connection: Option<ConnectionRequirement>,
    #[component(name = "input-schema")]
    input_schema: String,
    #[component(name = "output-schema")]
    output_schema: String,
    #[component(name = "input-media")]
    input_media: Vec<MediaField>,
    #[component(name = "output-media")]
    output_media: Vec<MediaField>,
    extensions: String,
}

impl From<NodeType> for contract::NodeType {
    fn from(node: NodeType) -> Self {
        Self {
            name: node.name,
            version: node.version,
            title: node.title,
            description: node.description,
            connection: node.connection,
            input_schema: node.input_schema,
            rules: "{}".into(),
            output_schema: node.output_schema,
            input_media: node.input_media,
            output_media: node.output_media,
            extensions: node.extensions,
        }
    }
}

/// A change to an input; there is no advice.
#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "only a component constructs them")]
pub(super) enum Adjustment {
    #[component(name = "defaulted")]
    Defaulted,
    #[component(name = "coerced")]
    Coerced,
    #[component(name = "dropped")]
    Dropped,
    #[component(name = "not-forwarded")]
    NotForwarded,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Note {
    #[component(name = "instance-path")]
    instance_path: String,
    adjustment: Adjustment,
    message: String,
}

impl From<Note> for contract::Note {
    fn from(note: Note) -> Self {
        Self {
            instance_path: note.instance_path,
            adjustment: match note.adjustment {
                Adjustment::Defaulted => contract::Adjustment::Defaulted,
                Adjustment::Coerced => contract::Adjustment::Coerced,
                Adjustment::Dropped => contract::Adjustment::Dropped,
                Adjustment::NotForwarded => contract::Adjustment::NotForwarded,
            },
            message: note.message,
        }
    }
}

/// A price, without the clip's length.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Estimate {
    price: Price,
    basis: Basis,
    source: String,
}

/// What `start` would do.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Plan {
    input: String,
    notes: Vec<Note>,
    request: Option<String>,
    estimate: Option<Estimate>,
}

impl From<Plan> for contract::Plan {
    fn from(plan: Plan) -> Self {
        Self {
            input: plan.input,
            notes: plan.notes.into_iter().map(Into::into).collect(),
            request: plan.request,
            estimate: plan.estimate.map(|estimate| contract::Estimate {
                price: estimate.price,
                basis: estimate.basis,
                source: estimate.source,
                seconds: None,
            }),
        }
    }
}
