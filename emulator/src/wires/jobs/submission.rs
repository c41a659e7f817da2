//! A submission of the `jobs` wire.
//!
//! A practice render uses `prompt`, `image` and the format. `negative_prompt`,
//! `prompt_optimizer`, `steps` and `guidance_scale` steer a model; here they are not read, nor are
//! unknown fields.

use serde_json::{Map, Value};

use crate::camera::Camera;
use crate::format::{Canvas, FrameRate, Length, Size};
use crate::input::{Input, inline_picture, is_data_url, picture_url, whole};
use crate::render_request::{
    Clip, Origin, Product, RenderRequest, RenderRequestError, Source, Submission, wrong,
};

/// The names of the actions.
const ACTIONS: [&str; 2] = [Action::ImageToVideo.name(), Action::ImageToVideoV3.name()];

/// An action of `PixelML`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// `image_to_video`
    ImageToVideo,
    /// `image_to_video_v3`
    ImageToVideoV3,
}

impl Action {
    /// Its name in a submission.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ImageToVideo => "image_to_video",
            Self::ImageToVideoV3 => "image_to_video_v3",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let actions = [Self::ImageToVideo, Self::ImageToVideoV3];
        actions.into_iter().find(|action| action.name() == name)
    }
}

/// Reads the body of a submission.
pub(crate) fn read(body: &[u8]) -> Result<Submission, RenderRequestError> {
    let body: Value = serde_json::from_slice(body).map_err(RenderRequestError::NotJson)?;
    let (Some(action), Some(input)) = (body["action"].as_str(), body["input"].as_object()) else {
        return Err(RenderRequestError::NotASubmission(
            "`action`, a string, and `input`, an object",
        ));
    };
    let action = Action::named(action).ok_or(RenderRequestError::UnknownAction(&ACTIONS))?;
    submission(action, input, Origin::PixelMl)
}

/// The submission of an action with its input.
pub(crate) fn submission(
    action: Action,
    input: &Map<String, Value>,
    origin: Origin,
) -> Result<Submission, RenderRequestError> {
    let format = match action {
        Action::ImageToVideo => image_to_video,
        Action::ImageToVideoV3 => image_to_video_v3,
    };
    let input = Input(input);
    let camera = Camera::from_prompt(input.text("prompt")?);
    let (picture, inline) = picture_source(input.text("image")?)?;
    let (canvas, frame_rate) = format(&input)?;
    let clip = Clip {
        canvas,
        frame_rate,
        length_ms: Length::default(),
        camera,
    };
    Ok(Submission {
        render_request: RenderRequest {
            origin,
            picture,
            product: Product::Clip(clip),
        },
        inline,
    })
}

/// Size by name, 24 frames a second. `size` is only for Pixel M; Pixel S has the default size.
fn image_to_video(input: &Input) -> Result<(Canvas, FrameRate), RenderRequestError> {
    let size = input
        .optional_text("size")?
        .map(|name| Size::named(name).ok_or(wrong("size", "is not a published size")))
        .transpose()?
        .unwrap_or(Size::DEFAULT);
    let size = match input.optional_text("model")?.unwrap_or("Pixel M") {
        "Pixel M" => size,
        "Pixel S" => Size::DEFAULT,
        _ => return Err(wrong("model", "is neither `Pixel M` nor `Pixel S`")),
    };
    Ok((Canvas::Size(size), FrameRate::CINEMA))
}

/// The picture's aspect, and the requested frame rate.
fn image_to_video_v3(input: &Input) -> Result<(Canvas, FrameRate), RenderRequestError> {
    let frame_rate = match input.0.get("frame_rate") {
        None => FrameRate::V3_DEFAULT,
        Some(value) => whole(value)
            .and_then(FrameRate::new)
            .ok_or(wrong("frame_rate", "is not an integer from 1 to 30"))?,
    };
    Ok((Canvas::OfPicture, frame_rate))
}

/// Reads `image`: the URL of a stored picture, a URL of another server, or a `data:` URL.
fn picture_source(image: &str) -> Result<(Source, Option<Vec<u8>>), RenderRequestError> {
    if !is_data_url(image) {
        return Ok((picture_url("image", image)?, None));
    }
    let (head, payload) = image
        .split_once(',')
        .ok_or(wrong("image", "is a broken data URL"))?;
    if !head.to_ascii_lowercase().ends_with(";base64") {
        return Err(wrong("image", "is a data URL without base64"));
    }
    let (source, bytes) = inline_picture("image", payload)?;
    Ok((source, Some(bytes)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use url::Url;

    use super::*;
    use crate::files::FileName;

    fn render_request(action: &str, input: &Value) -> Result<RenderRequest, String> {
        let body = json!({"action": action, "input": input}).to_string();
        read(body.as_bytes())
            .map(|read| read.render_request)
            .map_err(|error| error.to_string())
    }

    fn format(action: &str, more: &Value) -> Result<(Canvas, u64), String> {
        let mut input = json!({"prompt": "", "image": "https://example.com/a.png"});
        for (key, value) in more.as_object().expect("an object") {
            input[key] = value.clone();
        }
        render_request(action, &input).map(|render_request| match render_request.product {
            Product::Clip(clip) => (clip.canvas, clip.frame_rate.into()),
            Product::Picture(_) => panic!("a picture"),
        })
    }

    #[test]
    fn format_follows_the_action() {
        let size = |name| Ok((Canvas::Size(Size::named(name).expect("a size")), 24));
        let cases = [
            (json!({}), size("Landscape HD (16:9)")),
            (
                json!({"size": "Portrait HD (9:16)"}),
                size("Portrait HD (9:16)"),
            ),
            (
                json!({"model": "Pixel M", "size": "Square HD (1:1)"}),
                size("Square HD (1:1)"),
            ),
            (
                json!({"model": "Pixel S", "size": "Square HD (1:1)"}),
                size("Landscape HD (16:9)"),
            ),
            (
                json!({"size": "huge"}),
                Err("`size` is not a published size".to_owned()),
            ),
            (
                json!({"size": null}),
                Err("`size` is not a string".to_owned()),
            ),
        ];
        for (input, expected) in cases {
            assert_eq!(format("image_to_video", &input), expected, "{input}");
        }
        let wrong = || Err("`frame_rate` is not an integer from 1 to 30".to_owned());
        let cases = [
            (json!({}), Ok((Canvas::OfPicture, 8))),
            (
                json!({"frame_rate": 30, "steps": 7}),
                Ok((Canvas::OfPicture, 30)),
            ),
            (json!({"frame_rate": 20.0}), Ok((Canvas::OfPicture, 20))),
            (json!({"frame_rate": 20.5}), wrong()),
            (json!({"frame_rate": 0}), wrong()),
            (json!({"frame_rate": 31}), wrong()),
            (json!({"frame_rate": -1}), wrong()),
            (json!({"frame_rate": "8"}), wrong()),
        ];
        for (input, expected) in cases {
            assert_eq!(format("image_to_video_v3", &input), expected, "{input}");
        }
    }

    #[test]
    fn invalid_submission_is_refused() {
        for body in [
            "",
            "[]",
            "{",
            "3",
            "{}",
            r#"{"action":"image_to_video","input":[]}"#,
        ] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
        let deep = "[".repeat(10_000);
        assert!(matches!(
            read(deep.as_bytes()),
            Err(RenderRequestError::NotJson(_))
        ));
        let unknown = render_request("text_to_video", &json!({}));
        assert_eq!(
            unknown,
            Err("the action is none of image_to_video, image_to_video_v3".to_owned())
        );
        assert_eq!(
            render_request("image_to_video", &json!({})),
            Err("`prompt` is missing".to_owned())
        );
    }

    #[test]
    fn picture_is_a_stored_url_another_url_or_inline_data() {
        let source = |image: &str| {
            render_request("image_to_video", &json!({"prompt": "", "image": image}))
                .map(|render_request| render_request.picture)
        };
        let name = format!("{}.png", "0f".repeat(32));
        let own = source(&format!("http://127.0.0.1:4/v1/files/{name}"));
        assert_eq!(own, Ok(Source::File(name.parse().expect("a name"))));
        let url = "https://example.com/a?b=c";
        assert_eq!(
            source(url),
            Ok(Source::Url(Url::parse(url).expect("a URL")))
        );
        // The first bytes of a PNG are enough: the picture is decoded later.
        for data in [
            "data:image/png;base64,iVBORw0KGgo=",
            "DATA:;BASE64,iVBORw0KGgo",
        ] {
            let expected = FileName::of(b"\x89PNG\r\n\x1a\n").expect("a PNG");
            assert_eq!(source(data), Ok(Source::File(expected)), "{data}");
        }
        for wrong in [
            "",
            "a.png",
            "file:///a.png",
            "data:,",
            "data:;base64,!!",
            "data:;base64,AA",
        ] {
            assert!(source(wrong).is_err(), "{wrong}");
        }
    }
}
