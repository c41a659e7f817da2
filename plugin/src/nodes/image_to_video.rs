//! `image_to_video`: PixelML's node with the models Pixel M and Pixel S.

use serde_json::{Value, json};
use zoetrope_node_sdk::bindings::{Connection, MediaKind, NodeError};
use zoetrope_node_sdk::field::{Default, Field, Media};
use zoetrope_node_sdk::node::Node;
use zoetrope_node_sdk::schema::draft::Draft;
use zoetrope_node_sdk::schema::violations;

use crate::bindings::image_to_video::{Input, Model, PromptOptimizer, Size};
use crate::nodes::advice::{self, Scheme};
use crate::providers::pixelml::PIXELML;

/// The node type.
pub static NODE: Node = Node {
    name: "image_to_video",
    version: "1.0.0",
    title: "Image to video",
    description: "Image to video",
    provider: &PIXELML,
    input_schema: include_str!("../../../schemas/image_to_video/input.json"),
    output_schema: include_str!("../../../schemas/image_to_video/output.json"),
    rules: include_str!("../../../schemas/image_to_video/rules.json"),
    about: include_str!("../../../schemas/image_to_video/about.json"),
    fields: &[
        Field::optional("model", Default::Text("Pixel M")),
        Field::text("prompt"),
        Field::text("image"),
        Field::text("negative_prompt"),
        Field::optional("size", Default::Text("Landscape HD (16:9)")),
        Field::optional("prompt_optimizer", Default::Boolean(true)),
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

#[jsonschema::validator(path = "../schemas/image_to_video/input.json")]
struct InputSchema;

#[jsonschema::validator(path = "../schemas/image_to_video/output.json")]
struct OutputSchema;

/// `size` is documented as "Only for Pixel M", but a published example has it with Pixel S.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all nodes")]
fn amend(draft: &mut Draft, _: Option<&Connection>) -> Result<(), NodeError> {
    advice::picture_url(draft, "image", Scheme::Secure);
    let is = |field, value: &str| draft.get(field).is_some_and(|given| given == value);
    let is_large = draft
        .get("size")
        .and_then(Value::as_str)
        .is_some_and(|size| size.contains("FullHD"));
    if is("model", "Pixel S") {
        draft.withhold("size", "Only Pixel M has sizes; Pixel S runs without it.");
    } else if is_large {
        draft.advise(
            "size",
            "FullHD has better quality, takes longer and costs more credits than HD.",
        );
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
    if let Some(model) = input.model {
        document["model"] = model_name(model).into();
    }
    if let Some(size) = input.size {
        document["size"] = size_name(size).into();
    }
    match input.prompt_optimizer {
        Some(PromptOptimizer::On) => document["prompt_optimizer"] = true.into(),
        Some(PromptOptimizer::Off) => document["prompt_optimizer"] = false.into(),
        Some(PromptOptimizer::Null) => document["prompt_optimizer"] = Value::Null,
        None => {}
    }
    document
}

fn model_name(model: Model) -> &'static str {
    match model {
        Model::PixelM => "Pixel M",
        Model::PixelS => "Pixel S",
    }
}

fn size_name(size: Size) -> &'static str {
    match size {
        Size::SquareHd => "Square HD (1:1)",
        Size::SquareFullHd => "Square FullHD (1:1)",
        Size::PortraitHdThreeFour => "Portrait HD (3:4)",
        Size::PortraitFullHdThreeFour => "Portrait FullHD (3:4)",
        Size::PortraitHdNineSixteen => "Portrait HD (9:16)",
        Size::PortraitFullHdNineSixteen => "Portrait FullHD (9:16)",
        Size::LandscapeHdFourThree => "Landscape HD (4:3)",
        Size::LandscapeFullHdFourThree => "Landscape FullHD (4:3)",
        Size::LandscapeHdSixteenNine => "Landscape HD (16:9)",
        Size::LandscapeFullHdSixteenNine => "Landscape FullHD (16:9)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [Size; 10] = [
        Size::SquareHd,
        Size::SquareFullHd,
        Size::PortraitHdThreeFour,
        Size::PortraitFullHdThreeFour,
        Size::PortraitHdNineSixteen,
        Size::PortraitFullHdNineSixteen,
        Size::LandscapeHdFourThree,
        Size::LandscapeFullHdFourThree,
        Size::LandscapeHdSixteenNine,
        Size::LandscapeFullHdSixteenNine,
    ];

    #[test]
    fn typed_enum_names_are_those_of_the_schema() {
        let schema: Value = serde_json::from_str(NODE.input_schema).unwrap();
        assert_eq!(
            schema["properties"]["size"]["enum"],
            json!(SIZES.map(size_name))
        );
        let models = [Model::PixelM, Model::PixelS].map(model_name);
        assert_eq!(schema["properties"]["model"]["enum"], json!(models));
    }

    #[test]
    fn typed_input_becomes_a_valid_document() {
        for (size, optimizer) in SIZES.into_iter().zip(
            [
                None,
                Some(PromptOptimizer::Null),
                Some(PromptOptimizer::On),
                Some(PromptOptimizer::Off),
            ]
            .into_iter()
            .cycle(),
        ) {
            let document = document(&Input {
                model: Some(Model::PixelS),
                prompt: "p".into(),
                image: "i".into(),
                negative_prompt: None,
                size: Some(size),
                prompt_optimizer: optimizer,
            });
            assert_eq!((NODE.validate_input)(&document), []);
            assert_eq!(
                document.get("prompt_optimizer").is_some(),
                optimizer.is_some()
            );
        }
    }
}
