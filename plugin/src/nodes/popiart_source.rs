//! The source picture of a PopiArt node. PopiArt accepts three fields for it, and uses the
//! first that is given.

use serde_json::Value;
use zoetrope_node_sdk::bindings::MediaKind;
use zoetrope_node_sdk::field::Media;
use zoetrope_node_sdk::schema::draft::Draft;

use crate::nodes::advice::{self, Scheme};

/// The fields, in the order of precedence. The last is an alias of the second.
const SOURCES: [&str; 3] = ["source_artifact_id", "image_url", "reference_image_url"];

/// The same as media fields: a local picture becomes an artifact.
pub(super) const MEDIA: &[Media] = &[
    Media {
        pointer: "/source_artifact_id",
        kind: MediaKind::Image,
    },
    Media {
        pointer: "/image_url",
        kind: MediaKind::Image,
    },
    Media {
        pointer: "/reference_image_url",
        kind: MediaKind::Image,
    },
];

/// Leaves one source in the request, and rejects an input that has none, with `otherwise` as
/// the way to a picture.
pub(super) fn choose(draft: &mut Draft, otherwise: &str) {
    let [artifact, url, alias] = SOURCES;
    for source in SOURCES {
        let text = draft.get(source).and_then(Value::as_str);
        if text.is_some_and(|text| text.trim().is_empty()) {
            draft.leave_out(source, "Empty, so no source.");
        }
    }
    draft.unify(url, alias);
    match (draft.get(artifact), draft.get(url)) {
        (Some(_), Some(_)) => draft.withhold(url, "The artifact goes first."),
        (None, None) => draft.refuse(
            "",
            "anyOf",
            format!(
                "One of `source_artifact_id`, `image_url` and `reference_image_url` is required. \
                 {otherwise}"
            ),
        ),
        (None, Some(_)) => advice::picture_url(draft, url, Scheme::Any),
        (Some(_), None) => {}
    }
}
