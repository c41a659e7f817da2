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
    title: "PopiArt Image To Image Basic",
    description: "Transform one existing image into a new image through the PopiArt runtime baseline. Use this when the user already has a source image and wants the most direct image-to-image path for redraws, style transfer, or pipeline validation.",
    provider: &POPIART,
    input_schema: include_str!("../../../schemas/popiskill-image-img2img-basic-v1/input.json"),
    output_schema: include_str!("../../../schemas/popiskill-image-img2img-basic-v1/output.json"),
    rules: include_str!("../../../schemas/popiskill-image-img2img-basic-v1/rules.json"),
    about: include_str!("../../../schemas/popiskill-image-img2img-basic-v1/about.json"),
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
        let from_text = "Without a picture, first run PopiArt's skill `popiskill-image-text2image-basic-v1`, which is not a node here.";
        popiart_source::choose(draft, from_text);
        Ok(())
    },
    estimate: None,
};

#[jsonschema::validator(path = "../schemas/popiskill-image-img2img-basic-v1/input.json")]
struct InputSchema;

#[jsonschema::validator(path = "../schemas/popiskill-image-img2img-basic-v1/output.json")]
struct OutputSchema;
