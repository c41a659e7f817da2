//! The request of a job, a clip or a picture, as the journal keeps it.
//!
//! Each wire parses its own submissions into this common form.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::camera::Camera;
use crate::files::FileName;
use crate::format::{Canvas, FrameRate, Length};
use crate::picture;
use crate::protocol::Protocol;
use crate::redraw::Redrawing;

/// A clip or picture to render from one picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RenderRequest {
    /// Absent in journals of earlier versions, which had one protocol.
    #[serde(default)]
    pub(crate) origin: Origin,
    pub(crate) picture: Source,
    #[serde(flatten)]
    pub(crate) product: Product,
}

impl RenderRequest {
    /// Number of frames; 1 for a picture.
    pub(crate) fn frames(&self) -> u32 {
        match &self.product {
            Product::Clip(clip) => clip.frames(),
            Product::Picture(_) => 1,
        }
    }
}

/// The protocol of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    #[default]
    PixelMl,
    /// With the fields that replies repeat. The input is text, so that it is repeated unchanged.
    AgenticFlow {
        workflow_id: String,
        /// The name of the workflow's one node.
        node: String,
        input: String,
    },
    ShortApi,
    /// With the fields that replies repeat. The input is text, so that it is repeated unchanged.
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
            Self::AgenticFlow { .. } => Protocol::AgenticFlow,
            Self::ShortApi => Protocol::ShortApi,
            Self::PopiArt { .. } => Protocol::PopiArt,
        }
    }
}

/// The result to render.
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
    /// Absent in journals of earlier versions, which had one length.
    #[serde(default)]
    pub(crate) length_ms: Length,
    pub(crate) camera: Camera,
}

impl Clip {
    /// Number of frames, at least four.
    pub(crate) fn frames(&self) -> u32 {
        self.length_ms.frames(self.frame_rate)
    }
}

/// The source of the picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// A stored file.
    File(FileName),
    /// A URL of another server.
    Url(Url),
}

/// A valid submission.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) render_request: RenderRequest,
    /// A picture from inside the body, to store under the request's file name.
    pub(crate) inline: Option<Vec<u8>>,
}

/// Why a submission is refused. The messages repeat no value of the input.
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

/// The error of a field that breaks a rule.
pub(crate) fn wrong(field: &'static str, rule: &'static str) -> RenderRequestError {
    RenderRequestError::Field { field, rule }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::filter::Filter;

    #[test]
    fn render_requests_of_earlier_journals_are_read() {
        let render_request: RenderRequest = serde_json::from_value(json!({
            "picture": {"url": "https://example.com/a.png"},
            "canvas": {"size": "Square HD (1:1)"},
            "frame_rate": 24,
            "camera": {"pan": "left"},
        }))
        .expect("a request");
        assert_eq!(render_request.origin.protocol(), Protocol::PixelMl);
        assert_eq!(render_request.frames(), 96);
        let redrawing: RenderRequest = serde_json::from_value(json!({
            "origin": "pixel_ml",
            "picture": {"url": "https://example.com/a.png"},
            "look": "film",
            "strength": 153,
            "frame": "of_picture",
        }))
        .expect("a request");
        let Product::Picture(redrawing) = redrawing.product else {
            panic!("not a picture: {redrawing:?}");
        };
        assert_eq!(redrawing.filter, Filter::Film);
    }
}
