//! A submission to `PopiArt`.
//!
//! `priority`, `project_id`, `negative_prompt`, `motion_intensity`, `seed` and `notes` are not
//! read, nor are unknown fields.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::aspect::Aspect;
use crate::camera::Camera;
use crate::files::FileName;
use crate::filter::Filter;
use crate::format::{Canvas, FrameRate, Length};
use crate::input::{Input, picture_url, whole};
use crate::redraw::{Frame, Pixels, Redrawing, Strength};
use crate::render_request::{
    Clip, Origin, Product, RenderRequest, RenderRequestError, Source, Submission, wrong,
};

const IMAGE_TO_VIDEO: &str = "popiskill-video-image2video-basic-v1";
const IMAGE_TO_IMAGE: &str = "popiskill-image-img2img-basic-v1";

/// The seconds of the shortest clip.
const MIN_SECONDS: f64 = 5.0;

/// The most bytes of an idempotency key.
const MAX_KEY: usize = 255;

/// The JSON of a submission.
#[derive(Deserialize)]
struct Body<'a> {
    skill_id: String,
    #[serde(borrow)]
    input: &'a RawValue,
    idempotency_key: Option<String>,
}

/// Reads the body of a submission, and its idempotency key. `artifact` finds an artifact's picture.
pub(crate) fn read(
    body: &[u8],
    artifact: impl Fn(&str) -> Option<FileName>,
) -> Result<(Submission, Option<String>), RenderRequestError> {
    let not_read = |error: serde_json::Error| {
        if error.is_data() {
            RenderRequestError::NotASubmission("`skill_id`, a string, and `input`, an object")
        } else {
            RenderRequestError::NotJson(error)
        }
    };
    let body: Body = serde_json::from_slice(body).map_err(not_read)?;
    let input = serde_json::from_str(body.input.get()).map_err(not_read)?;
    let input = Input(&input);
    let key = body.idempotency_key;
    if key
        .as_ref()
        .is_some_and(|key| !(1..=MAX_KEY).contains(&key.len()))
    {
        return Err(wrong("idempotency_key", "does not have 1 to 255 bytes"));
    }
    let product = match body.skill_id.as_str() {
        IMAGE_TO_VIDEO => Product::Clip(clip(&input)?),
        IMAGE_TO_IMAGE => Product::Picture(redrawing(&input)?),
        _ => return Err(wrong("skill_id", "is no skill of this provider")),
    };
    let picture = source(&input, artifact)?;
    let origin = Origin::PopiArt {
        skill_id: body.skill_id,
        input: body.input.get().to_owned(),
    };
    let render_request = RenderRequest {
        origin,
        picture,
        product,
    };
    let inline = None;
    Ok((
        Submission {
            render_request,
            inline,
        },
        key,
    ))
}

/// The first source that is present.
fn source(
    input: &Input,
    artifact: impl Fn(&str) -> Option<FileName>,
) -> Result<Source, RenderRequestError> {
    let field = "source_artifact_id";
    if let Some(id) = input.optional_text(field)? {
        let name = artifact(id).ok_or(wrong(field, "names no picture"))?;
        return Ok(Source::File(name));
    }
    for field in ["image_url", "reference_image_url"] {
        if let Some(url) = input.optional_text(field)? {
            return picture_url(field, url);
        }
    }
    Err(wrong(
        field,
        "is missing, and so are `image_url` and `reference_image_url`",
    ))
}

fn clip(input: &Input) -> Result<Clip, RenderRequestError> {
    let words = [
        input.optional_text("camera_motion")?.unwrap_or_default(),
        input.optional_text("prompt")?.unwrap_or_default(),
    ];
    let canvas = aspect(input)?.map_or(Canvas::OfPicture, Canvas::Aspect);
    let frame_rate = match input.0.get("fps") {
        None => FrameRate::CINEMA,
        Some(value) => whole(value)
            .and_then(FrameRate::new)
            .ok_or(wrong("fps", "is not an integer from 1 to 30"))?,
    };
    Ok(Clip {
        canvas,
        frame_rate,
        length_ms: length(input)?,
        camera: Camera::from_prompt(&words.join(". ")),
    })
}

fn length(input: &Input) -> Result<Length, RenderRequestError> {
    for field in ["duration_s", "seconds"] {
        if let Some(seconds) = input.optional_number(field)? {
            return Some(seconds)
                .filter(|seconds| *seconds >= MIN_SECONDS)
                .and_then(Length::from_seconds)
                .ok_or(wrong(field, "is not from 5 to 30"));
        }
    }
    Ok(Length::FIVE_SECONDS)
}

fn aspect(input: &Input) -> Result<Option<Aspect>, RenderRequestError> {
    let field = "aspect_ratio";
    input
        .optional_text(field)?
        .map(|text| {
            text.parse()
                .map_err(|_| wrong(field, "is not an aspect such as 16:9"))
        })
        .transpose()
}

fn redrawing(input: &Input) -> Result<Redrawing, RenderRequestError> {
    let prompt = input.text("prompt")?;
    let style = input.optional_text("style")?.unwrap_or_default();
    let filter = Filter::named(style).or_else(|| Filter::named(prompt));
    let strength = match input.optional_number("strength")? {
        Some(share) => Strength::of_share(share).ok_or(wrong("strength", "is not from 0 to 1"))?,
        None => Strength::DEFAULT,
    };
    let frame = match input.optional_text("size")? {
        Some(text) => Frame::Size(Pixels::parse(text).ok_or(wrong(
            "size",
            "is not a size from 16x16 to 2048x2048, such as 1024x768",
        ))?),
        None => aspect(input)?.map_or(Frame::OfPicture, Frame::Aspect),
    };
    Ok(Redrawing {
        filter: filter.unwrap_or_default(),
        strength,
        frame,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn render_request(skill: &str, more: &Value) -> Result<RenderRequest, String> {
        let mut input = json!({"prompt": "", "image_url": "https://example.com/a.png"});
        for (key, value) in more.as_object().expect("an object") {
            input[key] = value.clone();
        }
        let body = json!({"skill_id": skill, "input": input}).to_string();
        read(body.as_bytes(), |id| {
            (id == "art_1").then(|| FileName::of(b"\x89PNG\r\n\x1a\n").expect("a PNG"))
        })
        .map(|(submission, _)| submission.render_request)
        .map_err(|error| error.to_string())
    }

    #[test]
    fn clip_has_the_requested_length_and_frame_rate() {
        let frames = |more: Value| {
            render_request(IMAGE_TO_VIDEO, &more).map(|render_request| render_request.frames())
        };
        assert_eq!(frames(json!({})), Ok(120));
        assert_eq!(frames(json!({"seconds": 6})), Ok(144));
        assert_eq!(frames(json!({"duration_s": 7.5, "seconds": 6})), Ok(180));
        assert_eq!(frames(json!({"fps": 10.0})), Ok(50));
        for wrong in [
            json!({"duration_s": 4.999, "seconds": 6}),
            json!({"seconds": 31}),
            json!({"seconds": "6"}),
            json!({"fps": 0}),
            json!({"fps": 23.5}),
            json!({"aspect_ratio": "wide"}),
            json!({"camera_motion": 1}),
        ] {
            assert!(frames(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn camera_motion_comes_before_the_prompt() {
        let more = json!({"camera_motion": "slow push-in", "prompt": "pull out, pan left"});
        let render_request = render_request(IMAGE_TO_VIDEO, &more).expect("a request");
        let Product::Clip(clip) = render_request.product else {
            panic!("no clip");
        };
        assert_eq!(clip.camera, Camera::from_prompt("push in and pan left"));
    }

    #[test]
    fn first_source_is_used() {
        let source = |more: Value| {
            render_request(IMAGE_TO_VIDEO, &more).map(|render_request| render_request.picture)
        };
        let both = json!({"source_artifact_id": "art_1", "image_url": "nothing"});
        assert!(matches!(source(both), Ok(Source::File(_))));
        assert!(source(json!({"source_artifact_id": "art_2"})).is_err());
        let both = json!({"reference_image_url": "nothing"});
        assert!(matches!(source(both), Ok(Source::Url(_))));
        let body = json!({"skill_id": IMAGE_TO_VIDEO, "input": {"prompt": "pan left"}});
        assert!(read(body.to_string().as_bytes(), |_| None).is_err());
    }

    #[test]
    fn style_comes_before_the_prompt() {
        let redrawing = |more: Value| match render_request(IMAGE_TO_IMAGE, &more)?.product {
            Product::Picture(redrawing) => Ok(redrawing),
            Product::Clip(_) => Err("a clip".to_owned()),
        };
        let filter = |more: Value| redrawing(more).map(|redrawing| redrawing.filter);
        let both = json!({"style": "soft pastel", "prompt": "a watercolor"});
        assert_eq!(filter(both), Ok(Filter::Pastel));
        let unknown = json!({"style": "unheard of", "prompt": "a watercolor"});
        assert_eq!(filter(unknown), Ok(Filter::Watercolor));
        assert_eq!(filter(json!({})), Ok(Filter::default()));
        let both = redrawing(json!({"size": "64x32", "aspect_ratio": "1:1"}));
        assert!(matches!(both.map(|both| both.frame), Ok(Frame::Size(_))));
        for wrong in [
            json!({"strength": 1.5}),
            json!({"strength": "0.5"}),
            json!({"size": "huge"}),
            json!({"aspect_ratio": "0:1"}),
            json!({"prompt": null}),
        ] {
            assert!(filter(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn invalid_submission_is_refused() {
        for body in ["", "[]", "{}", "{", r#"{"skill_id": "a", "input": []}"#] {
            assert!(read(body.as_bytes(), |_| None).is_err(), "{body}");
        }
        assert!(render_request("popiskill-image-text2image-basic-v1", &json!({})).is_err());
    }
}
