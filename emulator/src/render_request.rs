//! What was ordered: a clip or a picture, in the form in which the journal keeps it.
//!
//! Each wire reads its own submissions; what they become is the same for all.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::camera::Camera;
use crate::files::FileName;
use crate::format::{Canvas, FrameRate, Length};
use crate::picture;
use crate::protocol::Protocol;
use crate::redraw::Redrawing;

/// Something to make of one picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RenderRequest {
    /// Journals of earlier versions do not say it: they knew one protocol.
    #[serde(default)]
    pub(crate) origin: Origin,
    pub(crate) picture: Source,
    #[serde(flatten)]
    pub(crate) product: Product,
}

impl RenderRequest {
    /// How many frames there are to make; a picture is one.
    pub(crate) fn frames(&self) -> u32 {
        match &self.product {
            Product::Clip(clip) => clip.frames(),
            Product::Picture(_) => 1,
        }
    }
}

/// By which protocol an order came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    #[default]
    PixelMl,
    ShortApi,
    /// With what replies repeat. The input is a text: so it comes back as it was written.
    PopiArt {
        skill_id: String,
        input: String,
    },
}

impl Origin {
    /// The protocol.
    pub(crate) fn protocol(&self) -> Protocol {
        match self {
            Self::PixelMl => Protocol::PixelMl,
            Self::ShortApi => Protocol::ShortApi,
            Self::PopiArt { .. } => Protocol::PopiArt,
        }
    }
}

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Product {
    Clip(Clip),
    Picture(Redrawing),
}

/// A clip to render.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Clip {
    pub(crate) canvas: Canvas,
    pub(crate) frame_rate: FrameRate,
    /// Journals of earlier versions do not say it: they knew one length.
    #[serde(default)]
    pub(crate) length_ms: Length,
    pub(crate) camera: Camera,
}

impl Clip {
    /// How many frames it has; at least four.
    pub(crate) fn frames(&self) -> u32 {
        self.length_ms.frames(self.frame_rate)
    }
}

/// Where the picture is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// Among the stored files.
    File(FileName),
    /// Somewhere else.
    Url(Url),
}

/// A submission that was read.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) render_request: RenderRequest,
    /// A picture that came inside the body and is to be stored under the order's file name.
    pub(crate) inline: Option<Vec<u8>>,
}

/// Why a submission is refused; no value of the input is repeated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenderRequestError {
    #[error("the body is not JSON")]
    NotJson(#[source] serde_json::Error),
    #[error("the body needs {0}")]
    NotASubmission(&'static str),
    #[error("the action is none of {}", .0.join(", "))]
    UnknownAction(&'static [&'static str]),
    #[error("`{field}` {rule}")]
    Field {
        field: &'static str,
        rule: &'static str,
    },
    #[error("`{field}` holds more than {} MiB", picture::MAX_BYTES >> 20)]
    TooLarge { field: &'static str },
}

/// A field that does not follow a rule.
pub(crate) fn wrong(field: &'static str, rule: &'static str) -> RenderRequestError {
    RenderRequestError::Field { field, rule }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn orders_of_earlier_journals_are_read() {
        let render_request: RenderRequest = serde_json::from_value(json!({
            "picture": {"url": "https://example.com/a.png"},
            "canvas": {"size": "Square HD (1:1)"},
            "frame_rate": 24,
            "camera": {"pan": "left"},
        }))
        .expect("an order");
        assert_eq!(render_request.origin.protocol(), Protocol::PixelMl);
        assert_eq!(render_request.frames(), 96);
    }
}
