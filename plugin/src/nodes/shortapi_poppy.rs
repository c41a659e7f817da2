//! `shortapi/poppy-v1.0/image-to-video`: ShortAPI's clip from one picture.

use zoetrope_node_sdk::bindings::{Basis, Connection, MediaKind, NodeError};
use zoetrope_node_sdk::field::{Default, Field, ListPrice, Media};
use zoetrope_node_sdk::http::{has_scheme, is_absolute};
use zoetrope_node_sdk::node::Node;
use zoetrope_node_sdk::schema::draft::Draft;
use zoetrope_node_sdk::schema::violations;

use crate::nodes::advice::{self, Scheme};
use crate::providers::shortapi::SHORTAPI;

/// The node type.
pub static NODE: Node = Node {
    name: "shortapi/poppy-v1.0/image-to-video",
    version: "1.0.0",
    title: "shortapi/poppy-v1.0/image-to-video",
    description: "poppy-v1.0 is an image-to-video model from ShortAPI, designed to breathe life into static imagery through deep narrative motion. It precisely interprets the composition and intent of the initial frame, imbuing it with fluid dynamics and lighting transitions that align with physical intuition. Powered by ShortAPI’s high-performance inference architecture, poppy-v1.0 ensures exceptional fidelity to the source image while delivering superior logical consistency, seamlessly evolving stills into cinematic sequences.",
    provider: &SHORTAPI,
    input_schema: include_str!("../../../schemas/shortapi/poppy-v1.0/image-to-video/input.json"),
    output_schema: include_str!("../../../schemas/shortapi/poppy-v1.0/image-to-video/output.json"),
    rules: include_str!("../../../schemas/shortapi/poppy-v1.0/image-to-video/rules.json"),
    about: include_str!("../../../schemas/shortapi/poppy-v1.0/image-to-video/about.json"),
    fields: &[
        Field::text("prompt"),
        Field::text("image"),
        Field::optional("aspect_ratio", Default::Text("16:9")),
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
    estimate: Some(ListPrice {
        amount: "0.048",
        unit: "USD",
        basis: Basis::PerSecondOfVideo,
        source: "ShortAPI's page of shortapi/poppy-v1.0/image-to-video",
        length_field: None,
    }),
};

#[jsonschema::validator(path = "../schemas/shortapi/poppy-v1.0/image-to-video/input.json")]
struct InputSchema;

#[jsonschema::validator(path = "../schemas/shortapi/poppy-v1.0/image-to-video/output.json")]
struct OutputSchema;

/// The picture is a URL or bare base64. Removes the `data:` prefix, which ShortAPI rejects,
/// and the line breaks that many tools put into base64.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all nodes")]
fn amend(draft: &mut Draft, _: Option<&Connection>) -> Result<(), NodeError> {
    let Some(image) = draft.text_mut("image") else {
        return Ok(());
    };
    if is_url(image) {
        advice::picture_url(draft, "image", Scheme::Any);
        return Ok(());
    }
    let prefixed = strip_data_prefix(image);
    let in_lines = image.contains(['\r', '\n']);
    if in_lines {
        image.retain(|letter| !matches!(letter, '\r' | '\n'));
    }
    let is_base64 = is_base64(image.as_bytes());
    if prefixed {
        draft.coerced("image", "The `data:` prefix is taken off.");
    }
    if in_lines {
        draft.coerced("image", "Line breaks are taken out.");
    }
    if !is_base64 {
        let message = "Must be a URL, or a picture in base64.";
        draft.refuse("image", "pattern", message);
    }
    Ok(())
}

/// Includes `file:` URLs, which the host replaces by the picture.
fn is_url(image: &str) -> bool {
    is_absolute(image) || has_scheme(image, "file:")
}

/// Removes a prefix like `data:image/png;base64,`. Whether there was one.
fn strip_data_prefix(image: &mut String) -> bool {
    let Some((head, _)) = image.split_once(',') else {
        return false;
    };
    let head_length = head.len();
    let head = head.to_ascii_lowercase();
    let is_prefix = head.starts_with("data:") && head.ends_with(";base64");
    if is_prefix {
        image.drain(..=head_length);
    }
    is_prefix
}

/// Whether `text` is base64 in the standard alphabet (RFC 4648, section 4), padded or not.
fn is_base64(text: &[u8]) -> bool {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let digits = &text[..text.len() - padding];
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let fits = match digits.len() % 4 {
        0 => padding == 0,
        2 => matches!(padding, 0 | 2),
        3 => matches!(padding, 0 | 1),
        _ => false,
    };
    !digits.is_empty() && fits && digits.iter().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_distinguished_from_other_texts() {
        for text in ["QQ==", "QQ", "QUI=", "QUI", "QUJD", "+/+/"] {
            assert!(is_base64(text.as_bytes()), "{text}");
        }
        for text in [
            "", "=", "Q", "Q===", "QQ=", "QUJD=", "QQ==QQ==", "Q-_D", "a photo", "C:/a.png", "é",
        ] {
            assert!(!is_base64(text.as_bytes()), "{text}");
        }
    }
}
