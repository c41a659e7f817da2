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
    title: "PopiArt Image To Video Basic",
    description: "Turn one source image into a short video through the PopiArt runtime baseline. Use this when the user wants the most direct image-to-video path for motion previews, short teaser clips, or runtime validation.",
    provider: &POPIART,
    input_schema: include_str!("../../../schemas/popiskill-video-image2video-basic-v1/input.json"),
    output_schema: include_str!(
        "../../../schemas/popiskill-video-image2video-basic-v1/output.json"
    ),
    rules: include_str!("../../../schemas/popiskill-video-image2video-basic-v1/rules.json"),
    about: include_str!("../../../schemas/popiskill-video-image2video-basic-v1/about.json"),
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
/// connection's options set it; it applies to both names of the field.
fn amend(draft: &mut Draft, connection: Option<&Connection>) -> Result<(), NodeError> {
    let from_text = "From text alone, first run PopiArt's skill `popiskill-image-text2image-basic-v1`, which is not a node here.";
    popiart_source::choose(draft, from_text);
    let shortest = shortest_clip_s(connection)?;
    for field in ["duration_s", "seconds"] {
        let duration = draft.get(field).and_then(Value::as_f64);
        if duration.is_some_and(|duration| duration < shortest) {
            // Rust's own formatting of floats would add 18 kB to the component.
            let text = json::text(&shortest.into());
            let least = text.strip_suffix(".0").unwrap_or(&text);
            draft.refuse(field, "minimum", format!("Must be at least {least}."));
        }
    }
    draft.unify("duration_s", "seconds");
    Ok(())
}
