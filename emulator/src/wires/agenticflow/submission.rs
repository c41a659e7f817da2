//! A submission of the `agenticflow` wire, a `WorkflowRunCreateDTO`.
//!
//! The node is `image_to_video_v3` if the input has one of the fields that only this node has
//! (`frame_rate`, `steps`, `guidance_scale`), else `image_to_video`. `webhook`, `dataset_id` and
//! the other fields are ignored.

use serde_json::{Map, Value};

use super::super::jobs::submission::{Action, submission};
use crate::input::Input;
use crate::render_request::{Origin, RenderRequestError, Submission, wrong};

/// The fields of the body that are read. The other fields of an error are those of the input.
pub(super) const FIELDS: [&str; 3] = ["workflow_id", "input", "response_type"];

/// The fields that only `image_to_video_v3` has.
const V3_FIELDS: [&str; 3] = ["frame_rate", "steps", "guidance_scale"];

/// Reads the body of a submission.
pub(crate) fn read(body: &[u8]) -> Result<Submission, RenderRequestError> {
    let body: Value = serde_json::from_slice(body).map_err(RenderRequestError::NotJson)?;
    let body = body
        .as_object()
        .ok_or(RenderRequestError::NotASubmission("a JSON object"))?;
    let fields = Input(body);
    let workflow_id = fields.text("workflow_id")?;
    if workflow_id.is_empty() {
        return Err(wrong("workflow_id", "is empty"));
    }
    let response_type = fields.optional_text("response_type")?;
    if response_type.is_some_and(|kind| kind != "queue") {
        return Err(wrong(
            "response_type",
            "is not `queue`, the only one that this practice provider has",
        ));
    }
    let input = body.get("input").ok_or(wrong("input", "is missing"))?;
    let input = input
        .as_object()
        .ok_or(wrong("input", "is not an object"))?;
    let action = action(input);
    let origin = Origin::AgenticFlow {
        workflow_id: workflow_id.to_owned(),
        node: action.name().to_owned(),
        input: Value::Object(input.clone()).to_string(),
    };
    submission(action, input, origin)
}

fn action(input: &Map<String, Value>) -> Action {
    if V3_FIELDS.iter().any(|field| input.contains_key(*field)) {
        Action::ImageToVideoV3
    } else {
        Action::ImageToVideo
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::format::Canvas;
    use crate::render_request::Product;

    fn origin_and_canvas(more: &Value) -> Result<(Origin, Canvas), String> {
        let mut input = json!({"prompt": "", "image": "https://example.com/a.png"});
        for (key, value) in more.as_object().expect("an object") {
            input[key] = value.clone();
        }
        let body = json!({"workflow_id": "w", "input": input, "response_type": "queue"});
        let read = read(body.to_string().as_bytes()).map_err(|error| error.to_string())?;
        match read.render_request.product {
            Product::Clip(clip) => Ok((read.render_request.origin, clip.canvas)),
            Product::Picture(_) => panic!("a picture"),
        }
    }

    #[test]
    fn node_follows_the_fields_of_the_input() {
        for (more, expected) in [
            (json!({}), "image_to_video"),
            (json!({"model": "Pixel S"}), "image_to_video"),
            (json!({"frame_rate": 8}), "image_to_video_v3"),
            (json!({"steps": 20}), "image_to_video_v3"),
            (json!({"guidance_scale": 1}), "image_to_video_v3"),
        ] {
            let (origin, canvas) = origin_and_canvas(&more).expect("a submission");
            let Origin::AgenticFlow {
                workflow_id,
                node,
                input,
            } = origin
            else {
                panic!("{origin:?}");
            };
            assert_eq!((&*workflow_id, &*node), ("w", expected), "{more}");
            assert_eq!(canvas == Canvas::OfPicture, expected.ends_with("v3"));
            let input: Value = serde_json::from_str(&input).expect("JSON");
            assert_eq!(input["image"], "https://example.com/a.png");
        }
        assert!(origin_and_canvas(&json!({"frame_rate": 31})).is_err());
    }

    #[test]
    fn invalid_submission_is_refused() {
        for (body, expected) in [
            ("[]", "the body needs a JSON object"),
            ("{}", "`workflow_id` is missing"),
            (r#"{"workflow_id": ""}"#, "`workflow_id` is empty"),
            (r#"{"workflow_id": "w"}"#, "`input` is missing"),
            (
                r#"{"workflow_id": "w", "input": 1}"#,
                "`input` is not an object",
            ),
            (
                r#"{"workflow_id": "w", "input": {}}"#,
                "`prompt` is missing",
            ),
            (
                r#"{"workflow_id": "w", "input": {}, "response_type": "stream"}"#,
                "`response_type` is not `queue`, the only one that this practice provider has",
            ),
        ] {
            let error = read(body.as_bytes()).expect_err(body);
            assert_eq!(error.to_string(), expected);
        }
    }
}
