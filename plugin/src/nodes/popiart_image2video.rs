//! `popiskill-video-image2video-basic-v1`: PopiArt's clip from one picture.

use serde_json::Value;
use zoetrope_node_sdk::bindings::{Connection, MediaKind, NodeError};
use zoetrope_node_sdk::field::{Field, Media};
use zoetrope_node_sdk::json;
use zoetrope_node_sdk::node::Node;
use zoetrope_node_sdk::schema::draft::Draft;
use zoetrope_node_sdk::schema::violations;

use crate::nodes::popiart_source;
use crate::providers::popiart::{POPIART, shortest_clip_s};

/// The node type.
pub static NODE: Node = Node {
    name: "popiskill-video-image2video-basic-v1",
    version: "1.0.0",
    title: "PopiArt image to video",
    description: "Animates a picture into a short clip, through PopiArt's basic skill.",
    provider: &POPIART,
    input_schema: include_str!("../../../schemas/popiskill-video-image2video-basic-v1/input.json"),
    output_schema: include_str!(
        "../../../schemas/popiskill-video-image2video-basic-v1/output.json"
    ),
    fields: &[
        Field::text("source_artifact_id"),
        Field::text("image_url"),
        Field::text("reference_image_url"),
        Field::text("prompt"),
        Field::text("negative_prompt"),
        Field::number("duration_s"),
        Field::number("seconds"),
        Field::number("fps"),
        Field::text("camera_motion"),
        Field::text("motion_intensity"),
        Field::text("style"),
        Field::text("aspect_ratio"),
        Field::number("seed"),
        Field::text("notes"),
    ],
    input_media: popiart_source::MEDIA,
    output_media: &[Media {
        pointer: "/url",
        kind: MediaKind::Video,
    }],
    validate_input: |document| violations::of(InputSchema::iter_errors(document)),
    validate_output: |document| violations::of(OutputSchema::iter_errors(document)),
    amend,
    estimate: None,
};

#[jsonschema::validator(path = "../schemas/popiskill-video-image2video-basic-v1/input.json")]
struct InputSchema;

#[jsonschema::validator(path = "../schemas/popiskill-video-image2video-basic-v1/output.json")]
struct OutputSchema;

/// A clip needs a source picture. PopiArt documents a shortest length "for now", so the
/// connection's options set it.
fn amend(draft: &mut Draft, connection: Option<&Connection>) -> Result<(), NodeError> {
    popiart_source::choose(draft);
    let given = draft.unify("duration_s", "seconds");
    let shortest = shortest_clip_s(connection)?;
    let duration = draft.get("duration_s").and_then(Value::as_f64);
    if duration.is_some_and(|duration| duration < shortest) {
        let shortest = json::text(&shortest.into());
        draft.refuse(given, "minimum", format!("Must be at least {shortest}."));
    }
    Ok(())
}
