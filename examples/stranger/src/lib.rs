//! A pack as another author would write it: one node, `slow_zoom`, which runs with a connection of the
//! category `pixelml`, and so with the practice provider too.
//!
//! The provider's protocol: `POST /v1/jobs` with `{"action", "input"}` answers `{"id"}`;
//! `GET /v1/jobs/{id}` answers `{"status"}`, with the clip's URL as `output.video` once that is
//! `succeeded`; `POST /v1/jobs/{id}/cancel` cancels; `POST /v1/files` stores a picture and answers
//! `{"url"}`. A job that has ended has `charged`, true or false.

mod provider;

use zoetrope_node_sdk::bindings::MediaKind;
use zoetrope_node_sdk::field::{Default, Field, Media};
use zoetrope_node_sdk::node::{Node, Pack};
use zoetrope_node_sdk::schema::violations;

use provider::Jobs;

/// The table of node types.
pub static PACK: Pack = Pack {
    nodes: &[&SLOW_ZOOM],
};

zoetrope_node_sdk::export!(PACK, manifest: include_bytes!("../manifest.json"));

static SLOW_ZOOM: Node = Node {
    name: "slow_zoom",
    version: "1.0.0",
    title: "Slow zoom",
    description: "Zooms slowly into or out of a picture.",
    provider: &Jobs,
    input_schema: include_str!("../input.json"),
    output_schema: include_str!("../output.json"),
    rules: "{}",
    about: "{}",
    fields: &[
        Field::text("image"),
        Field::optional("direction", Default::Text("in")),
        Field::optional("frame_rate", Default::Integer(24)),
    ],
    input_media: &[Media {
        pointer: "/image",
        kind: MediaKind::Image,
    }],
    output_media: &[Media {
        pointer: "/video",
        kind: MediaKind::Video,
    }],
    validate_input: |document| violations::of(InputSchema::iter_errors(document)),
    validate_output: |document| violations::of(OutputSchema::iter_errors(document)),
    amend: |_, _| Ok(()),
    estimate: None,
};

#[jsonschema::validator(path = "input.json")]
struct InputSchema;

#[jsonschema::validator(path = "output.json")]
pub(crate) struct OutputSchema;
