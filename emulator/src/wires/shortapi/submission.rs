//! A submission to `ShortAPI`.
//!
//! `callback_url` is ignored.

use serde_json::Value;

use crate::aspect::Aspect;
use crate::camera::Camera;
use crate::format::{Canvas, FrameRate, Length};
use crate::input::{Input, inline_picture, is_data_url, picture_url};
use crate::render_request::{
    Clip, Origin, Product, RenderRequest, RenderRequestError, Source, Submission, wrong,
};

/// The only model.
const MODEL: &str = "shortapi/poppy-v1.0/image-to-video";

const ASPECTS: [&str; 6] = ["1:1", "3:2", "2:3", "16:9", "9:16", "4:3"];

/// Reads the body of a submission.
pub(crate) fn read(body: &[u8]) -> Result<Submission, RenderRequestError> {
    let body: Value = serde_json::from_slice(body).map_err(RenderRequestError::NotJson)?;
    let (Some(model), Some(args)) = (body["model"].as_str(), body["args"].as_object()) else {
        return Err(RenderRequestError::NotASubmission(
            "`model`, a string, and `args`, an object",
        ));
    };
    if model != MODEL {
        return Err(wrong("model", "is not shortapi/poppy-v1.0/image-to-video"));
    }
    let args = Input(args);
    let camera = Camera::from_prompt(args.text("prompt")?);
    let (picture, inline) = picture_source(args.text("image")?)?;
    let clip = Clip {
        canvas: Canvas::Aspect(aspect(&args)?),
        frame_rate: FrameRate::CINEMA,
        length_ms: Length::default(),
        camera,
    };
    Ok(Submission {
        render_request: RenderRequest {
            origin: Origin::ShortApi,
            picture,
            product: Product::Clip(clip),
        },
        inline,
    })
}

fn aspect(args: &Input) -> Result<Aspect, RenderRequestError> {
    let Some(text) = args.optional_text("aspect_ratio")? else {
        return Ok(Aspect::WIDE);
    };
    let known = ASPECTS.contains(&text).then(|| text.parse().ok());
    known.flatten().ok_or(wrong(
        "aspect_ratio",
        "is none of 1:1, 3:2, 2:3, 16:9, 9:16 and 4:3",
    ))
}

/// Reads `image`: a URL, or base64. Only a URL has a colon.
fn picture_source(image: &str) -> Result<(Source, Option<Vec<u8>>), RenderRequestError> {
    if is_data_url(image) {
        return Err(wrong(
            "image",
            "is base64 with a prefix; send it without the prefix",
        ));
    }
    if image.contains(':') {
        return Ok((picture_url("image", image)?, None));
    }
    let (source, bytes) = inline_picture("image", image)?;
    Ok((source, Some(bytes)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render_request(model: &str, args: &Value) -> Result<RenderRequest, String> {
        let body = json!({"model": model, "args": args, "callback_url": "CALLBACK_URL"});
        read(body.to_string().as_bytes())
            .map(|read| read.render_request)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn aspect_is_one_of_six() {
        let canvas = |aspect: Value| {
            let mut args = json!({"prompt": "", "image": "https://example.com/a.png"});
            if !aspect.is_null() {
                args["aspect_ratio"] = aspect;
            }
            render_request(MODEL, &args).map(|render_request| match render_request.product {
                Product::Clip(clip) => clip.canvas,
                Product::Picture(_) => panic!("a picture"),
            })
        };
        for aspect in ASPECTS {
            let expected = Canvas::Aspect(aspect.parse().expect("an aspect"));
            assert_eq!(canvas(json!(aspect)), Ok(expected));
        }
        assert_eq!(canvas(Value::Null), Ok(Canvas::Aspect(Aspect::WIDE)));
        for wrong in [json!("3:4"), json!("wide"), json!(1)] {
            assert!(canvas(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn picture_is_a_url_or_bare_base64() {
        let source = |image: &str| {
            render_request(MODEL, &json!({"prompt": "", "image": image}))
                .map(|render_request| render_request.picture)
        };
        assert!(matches!(source("http://example.com/a"), Ok(Source::Url(_))));
        assert!(matches!(source("iVBORw0KGgo="), Ok(Source::File(_))));
        for wrong in [
            "",
            "AA",
            "a.png",
            "ftp://example.com/a",
            "data:image/png;base64,iVBORw0KGgo=",
        ] {
            assert!(source(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn invalid_submission_is_refused() {
        for body in ["", "[]", "{}", r#"{"model": "a", "args": []}"#] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
        let args = json!({"prompt": "", "image": "https://example.com/a.png"});
        assert!(render_request("shortapi/poppy-v2.0/image-to-video", &args).is_err());
        let missing = render_request(MODEL, &json!({"image": "https://example.com/a.png"}));
        assert_eq!(missing, Err("`prompt` is missing".to_owned()));
    }
}
