//! `image_to_video_v3`: PixelML's node with steps, guidance and a frame rate.

use serde_json::{Value, json};
use zoetrope_node_sdk::bindings::{Connection, MediaKind, NodeError};
use zoetrope_node_sdk::field::{Default, Field, Media};
use zoetrope_node_sdk::node::Node;
use zoetrope_node_sdk::schema::draft::Draft;
use zoetrope_node_sdk::schema::violations;

use crate::bindings::image_to_video_v3::Input;
use crate::nodes::advice::{self, Scheme};
use crate::providers::pixelml::PIXELML;

/// The node type.
pub static NODE: Node = Node {
    name: "image_to_video_v3",
    version: "1.0.0",
    title: "Image to video v3",
    description: "Image to video v3",
    provider: &PIXELML,
    input_schema: include_str!("../../../schemas/image_to_video_v3/input.json"),
    output_schema: include_str!("../../../schemas/image_to_video_v3/output.json"),
    rules: include_str!("../../../schemas/image_to_video_v3/rules.json"),
    about: include_str!("../../../schemas/image_to_video_v3/about.json"),
    fields: &[
        Field::text("prompt"),
        Field::text("image"),
        Field::optional("negative_prompt", Default::Null),
        Field::optional("steps", Default::Integer(20)),
        Field::optional("guidance_scale", Default::Integer(3)),
        Field::optional("frame_rate", Default::Integer(8)),
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
    amend,
    estimate: None,
};

#[jsonschema::validator(path = "../schemas/image_to_video_v3/input.json")]
struct InputSchema;

#[jsonschema::validator(path = "../schemas/image_to_video_v3/output.json")]
struct OutputSchema;

/// The document has advice alone beyond its schema.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all nodes")]
fn amend(draft: &mut Draft, _: Option<&Connection>) -> Result<(), NodeError> {
    advice::picture_url(draft, "image", Scheme::Any);
    // Read as integers where they are written so: that is faster than as floats.
    let number = |field| {
        let value = draft.get(field)?;
        let integer = value.as_i64().map(i32::try_from);
        match integer {
            Some(Ok(integer)) => Some(f64::from(integer)),
            _ => value.as_f64(),
        }
    };
    let (steps, guidance) = (number("steps"), number("guidance_scale"));
    let rate = number("frame_rate");
    if steps.is_some_and(|steps| steps > 30.0) {
        let advice = "More than 30 steps are smoother, and take significantly longer.";
        draft.advise("steps", advice);
    }
    match guidance {
        Some(..3.0) => {
            draft.advise(
                "guidance_scale",
                "Below 3, the prompt is interpreted freely.",
            );
        }
        Some(7.0..) => {
            let advice = "From 7 to 10, the clip follows the prompt closely.";
            draft.advise("guidance_scale", advice);
        }
        _ => {}
    }
    match rate {
        Some(rate) if rate > 24.0 => {
            let advice = "More than 24 frames a second make a larger file.";
            draft.advise("frame_rate", advice);
        }
        Some(rate) if rate < 24.0 && !(8.0..=15.0).contains(&rate) => {
            let advice =
                "Usual frame rates are 24 (cinematic), 30 (smooth) and 8 to 15 (stylized).";
            draft.advise("frame_rate", advice);
        }
        _ => {}
    }
    Ok(())
}

/// The input document of a typed run.
#[must_use]
pub fn document(input: &Input) -> Value {
    let mut document = json!({
        "prompt": input.prompt,
        "image": input.image,
        "negative_prompt": input.negative_prompt,
    });
    for (name, value) in [
        ("steps", input.steps),
        ("guidance_scale", input.guidance_scale),
        ("frame_rate", input.frame_rate),
    ] {
        if let Some(value) = value {
            document[name] = value.into();
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_input_becomes_a_valid_document() {
        let input = Input {
            prompt: "p".into(),
            image: "i".into(),
            negative_prompt: None,
            steps: Some(50),
            guidance_scale: None,
            frame_rate: Some(30),
        };
        let document = document(&input);
        assert_eq!((NODE.validate_input)(&document), []);
        assert_eq!(
            document,
            json!({
                "prompt": "p", "image": "i", "negative_prompt": null, "steps": 50, "frame_rate": 30,
            })
        );
    }
}
