//! Reads the fields of a submission.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};
use url::Url;

use crate::files::FileName;
use crate::picture;
use crate::render_request::{RenderRequestError, Source, wrong};

/// The most bytes of a submission: a picture in base64, and 1 MiB for the other fields.
pub(crate) const MAX_SUBMISSION: usize = picture::MAX_BYTES / 3 * 4 + (1 << 20);

/// An object with fields.
pub(crate) struct Input<'a>(pub(crate) &'a Map<String, Value>);

impl Input<'_> {
    /// A required text.
    pub(crate) fn text(&self, field: &'static str) -> Result<&str, RenderRequestError> {
        self.optional_text(field)?.ok_or(wrong(field, "is missing"))
    }

    /// An optional text.
    pub(crate) fn optional_text(
        &self,
        field: &'static str,
    ) -> Result<Option<&str>, RenderRequestError> {
        self.0
            .get(field)
            .map(|value| value.as_str().ok_or(wrong(field, "is not a string")))
            .transpose()
    }

    /// An optional number.
    pub(crate) fn optional_number(
        &self,
        field: &'static str,
    ) -> Result<Option<f64>, RenderRequestError> {
        self.0
            .get(field)
            .map(|value| value.as_f64().ok_or(wrong(field, "is not a number")))
            .transpose()
    }
}

/// The value of an integer in the sense of JSON Schema, which includes `20.0`.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let real = value.as_f64()?;
        (0..=u8::MAX)
            .find(|whole| (f64::from(*whole) - real).abs() < f64::EPSILON)
            .map(u64::from)
    })
}

/// Reads the URL of a picture: a stored one or one of another server.
pub(crate) fn picture_url(field: &'static str, url: &str) -> Result<Source, RenderRequestError> {
    let url = Url::parse(url).map_err(|_| wrong(field, "is not a URL"))?;
    if let Some(name) = FileName::in_own_url(&url) {
        return Ok(Source::File(name));
    }
    match url.scheme() {
        "http" | "https" => Ok(Source::Url(url)),
        _ => Err(wrong(field, "is neither an http nor an https URL")),
    }
}

/// Whether a text is a `data:` URL. Parsing it as a URL would copy it several times.
pub(crate) fn is_data_url(text: &str) -> bool {
    text.get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// Base64 with or without padding, since clients send both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads a picture in base64: its name in the store, and its bytes.
pub(crate) fn inline_picture(
    field: &'static str,
    base64: &str,
) -> Result<(Source, Vec<u8>), RenderRequestError> {
    if base64.len() / 4 > picture::MAX_BYTES / 3 {
        return Err(RenderRequestError::TooLarge { field });
    }
    let bytes = BASE64
        .decode(base64)
        .map_err(|_| wrong(field, "holds broken base64"))?;
    let name = FileName::of(&bytes).ok_or(wrong(
        field,
        "holds neither a PNG, a JPEG nor a WebP picture",
    ))?;
    Ok((Source::File(name), bytes))
}
