//! What was ordered: the body of a submission, read once into what the renderer needs.
//!
//! A practice render follows `prompt`, `image` and the format. `negative_prompt`,
//! `prompt_optimizer`, `steps` and `guidance_scale` steer a model; here they have no effect and
//! are not read, nor are fields that nobody knows.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::camera::Camera;
use crate::files::FileName;
use crate::format::{Canvas, FrameRate, Size};
use crate::picture;

/// One clip to render.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) picture: Source,
    pub(crate) canvas: Canvas,
    pub(crate) frame_rate: FrameRate,
    pub(crate) camera: Camera,
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
    pub(crate) order: Order,
    /// A picture that came inside the body and is to be stored under the order's file name.
    pub(crate) inline: Option<Vec<u8>>,
}

/// Why a submission is refused; no value of the input is repeated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderError {
    #[error("the body is not JSON")]
    NotJson(#[source] serde_json::Error),
    #[error("the body needs `action`, a string, and `input`, an object")]
    NotASubmission,
    #[error("the action is none of {}", ACTIONS.map(|action| action.0).join(", "))]
    UnknownAction,
    #[error("`{field}` {rule}")]
    Field {
        field: &'static str,
        rule: &'static str,
    },
    #[error("`image` holds more than {} MiB", picture::MAX_BYTES >> 20)]
    TooLarge,
}

/// Reads the format out of an action's input.
type ReadFormat = fn(&Input) -> Result<(Canvas, FrameRate), OrderError>;

/// The actions and how the format of their clips is read.
const ACTIONS: [(&str, ReadFormat); 2] = [
    ("image_to_video", image_to_video),
    ("image_to_video_v3", image_to_video_v3),
];

/// Reads the body of a submission.
pub(crate) fn read(body: &[u8]) -> Result<Submission, OrderError> {
    let body: Value = serde_json::from_slice(body).map_err(OrderError::NotJson)?;
    let (Some(action), Some(input)) = (body["action"].as_str(), body["input"].as_object()) else {
        return Err(OrderError::NotASubmission);
    };
    let (_, format) = ACTIONS
        .iter()
        .find(|known| known.0 == action)
        .ok_or(OrderError::UnknownAction)?;
    let input = Input(input);
    let camera = Camera::from_prompt(input.text("prompt")?);
    let (picture, inline) = picture_source(input.text("image")?)?;
    let (canvas, frame_rate) = format(&input)?;
    Ok(Submission {
        order: Order {
            picture,
            canvas,
            frame_rate,
            camera,
        },
        inline,
    })
}

/// Size by name, 24 frames a second. `size` is only for Pixel M; Pixel S has the default size.
fn image_to_video(input: &Input) -> Result<(Canvas, FrameRate), OrderError> {
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

/// The picture's aspect, frames a second as asked.
fn image_to_video_v3(input: &Input) -> Result<(Canvas, FrameRate), OrderError> {
    let frame_rate = match input.0.get("frame_rate") {
        None => FrameRate::V3_DEFAULT,
        Some(value) => whole(value)
            .and_then(FrameRate::new)
            .ok_or(wrong("frame_rate", "is not an integer from 1 to 30"))?,
    };
    Ok((Canvas::OfPicture, frame_rate))
}

/// The value of an integer as JSON Schema sees it: `20.0` is one.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let real = value.as_f64()?;
        (0..=u8::MAX)
            .find(|whole| (f64::from(*whole) - real).abs() < f64::EPSILON)
            .map(u64::from)
    })
}

fn wrong(field: &'static str, rule: &'static str) -> OrderError {
    OrderError::Field { field, rule }
}

/// The input of an action.
struct Input<'a>(&'a Map<String, Value>);

impl Input<'_> {
    fn text(&self, field: &'static str) -> Result<&str, OrderError> {
        self.optional_text(field)?.ok_or(wrong(field, "is missing"))
    }

    fn optional_text(&self, field: &'static str) -> Result<Option<&str>, OrderError> {
        self.0
            .get(field)
            .map(|value| value.as_str().ok_or(wrong(field, "is not a string")))
            .transpose()
    }
}

/// Reads `image`: a URL of ours, of somebody else, or one that holds the picture itself.
fn picture_source(image: &str) -> Result<(Source, Option<Vec<u8>>), OrderError> {
    // Not parsed as a URL: that would copy the picture several times.
    if image
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
    {
        let bytes = data_url(image)?;
        let name = FileName::of(&bytes).ok_or(wrong(
            "image",
            "holds neither a PNG, a JPEG nor a WebP picture",
        ))?;
        return Ok((Source::File(name), Some(bytes)));
    }
    let url = Url::parse(image).map_err(|_| wrong("image", "is not a URL"))?;
    if let Some(name) = FileName::in_own_url(&url) {
        return Ok((Source::File(name), None));
    }
    match url.scheme() {
        "http" | "https" => Ok((Source::Url(url), None)),
        _ => Err(wrong(
            "image",
            "is neither an http, an https nor a data URL",
        )),
    }
}

/// Base64 with or without its padding: senders differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn data_url(image: &str) -> Result<Vec<u8>, OrderError> {
    let (head, payload) = image
        .split_once(',')
        .ok_or(wrong("image", "is a broken data URL"))?;
    if !head.to_ascii_lowercase().ends_with(";base64") {
        return Err(wrong("image", "is a data URL without base64"));
    }
    if payload.len() / 4 > picture::MAX_BYTES / 3 {
        return Err(OrderError::TooLarge);
    }
    BASE64
        .decode(payload)
        .map_err(|_| wrong("image", "holds broken base64"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(action: &str, input: &Value) -> Result<Order, String> {
        let body = json!({"action": action, "input": input}).to_string();
        read(body.as_bytes())
            .map(|read| read.order)
            .map_err(|error| error.to_string())
    }

    fn format(action: &str, more: &Value) -> Result<(Canvas, u64), String> {
        let mut input = json!({"prompt": "", "image": "https://example.com/a.png"});
        for (key, value) in more.as_object().expect("an object") {
            input[key] = value.clone();
        }
        order(action, &input).map(|order| (order.canvas, order.frame_rate.into()))
    }

    #[test]
    fn the_format_follows_the_action() {
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
    fn what_is_no_submission_is_refused() {
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
        assert!(matches!(read(deep.as_bytes()), Err(OrderError::NotJson(_))));
        let unknown = order("text_to_video", &json!({}));
        assert_eq!(
            unknown,
            Err("the action is none of image_to_video, image_to_video_v3".to_owned())
        );
        assert_eq!(
            order("image_to_video", &json!({})),
            Err("`prompt` is missing".to_owned())
        );
    }

    #[test]
    fn pictures_come_in_three_ways() {
        let source = |image: &str| {
            order("image_to_video", &json!({"prompt": "", "image": image}))
                .map(|order| order.picture)
        };
        let name = format!("{}.png", "0f".repeat(32));
        let own = source(&format!("http://127.0.0.1:4/v1/files/{name}"));
        assert_eq!(own, Ok(Source::File(name.parse().expect("a name"))));
        let url = "https://example.com/a?b=c";
        assert_eq!(
            source(url),
            Ok(Source::Url(Url::parse(url).expect("a URL")))
        );
        // The head of a PNG is enough: what follows is the decoder's business.
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
