//! `popiskill-image-img2img-basic-v1`: PopiArt's picture from a picture.

use zoetrope_node_sdk::bindings::MediaKind;
use zoetrope_node_sdk::field::{Field, Media};
use zoetrope_node_sdk::node::Node;
use zoetrope_node_sdk::schema::violations;

use crate::nodes::popiart_source;
use crate::providers::popiart::POPIART;

/// The node type.
pub static NODE: Node = Node {
    name: "popiskill-image-img2img-basic-v1",
    version: "1.0.0",
    title: "PopiArt image to image",
    description: "Redraws a picture as a prompt says, through PopiArt's basic skill.",
    provider: &POPIART,
    input_schema: include_str!("../../../schemas/popiskill-image-img2img-basic-v1/input.json"),
    output_schema: include_str!("../../../schemas/popiskill-image-img2img-basic-v1/output.json"),
    fields: &[
        Field::text("prompt"),
        Field::text("source_artifact_id"),
        Field::text("image_url"),
        Field::text("reference_image_url"),
        Field::number("strength"),
        Field::text("style"),
        Field::text("size"),
        Field::text("aspect_ratio"),
        Field::number("seed"),
        Field::text("notes"),
    ],
    input_media: popiart_source::MEDIA,
    output_media: &[Media {
        pointer: "/url",
        kind: MediaKind::Image,
    }],
    validate_input: |document| violations::of(InputSchema::iter_errors(document)),
    validate_output: |document| violations::of(OutputSchema::iter_errors(document)),
    amend: |draft, _| {
        popiart_source::choose(draft);
        Ok(())
    },
    estimate: None,
};

#[jsonschema::validator(path = "../schemas/popiskill-image-img2img-basic-v1/input.json")]
struct InputSchema;

#[jsonschema::validator(path = "../schemas/popiskill-image-img2img-basic-v1/output.json")]
struct OutputSchema;
