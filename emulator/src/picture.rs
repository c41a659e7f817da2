//! Pictures: from untrusted bytes to the plain RGB picture the camera looks at.

use std::io::Cursor;

use fast_image_resize::{ResizeOptions, Resizer};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

/// The most bytes a picture may have, uploaded, inline or fetched.
pub(crate) const MAX_BYTES: usize = 32 << 20;

/// The longest side that is decoded: what cameras make, less than what attacks claim.
const MAX_SIDE: u32 = 16_384;

/// The most pixels that are decoded.
const MAX_PIXELS: u64 = 100_000_000;

/// The most memory one decoder may take: 100 megapixels of RGBA, and some working room.
const MAX_DECODER_BYTES: u64 = 512 << 20;

/// A kind of picture that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Png,
    Jpeg,
    WebP,
}

impl Kind {
    /// Tells the kind by the first bytes, not by what a name or header claims.
    pub(crate) fn sniff(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(Self::WebP)
        } else {
            None
        }
    }

    /// The kind with this file extension, of those that [`Kind::extension`] gives.
    pub(crate) fn from_extension(extension: &str) -> Option<Self> {
        [Self::Png, Self::Jpeg, Self::WebP]
            .into_iter()
            .find(|kind| kind.extension() == extension)
    }

    /// The file extension without its dot.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
        }
    }

    /// The media type.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
        }
    }

    fn format(self) -> ImageFormat {
        match self {
            Self::Png => ImageFormat::Png,
            Self::Jpeg => ImageFormat::Jpeg,
            Self::WebP => ImageFormat::WebP,
        }
    }
}

/// Why a picture cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    #[error("the picture is neither PNG, JPEG nor WebP")]
    UnknownKind,
    #[error(
        "the picture is {width} by {height} pixels; at most {MAX_SIDE} a side and {MAX_PIXELS} in \
         all are read"
    )]
    TooLarge { width: u32, height: u32 },
    #[error("the picture takes more memory than is allowed")]
    TooMuchMemory,
    #[error("the picture cannot be decoded")]
    Broken(#[source] image::ImageError),
    #[error("the picture cannot be resized")]
    Resize(#[source] fast_image_resize::ResizeError),
}

impl PictureError {
    /// The failed job's error code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::UnknownKind => "picture_unsupported",
            Self::TooLarge { .. } | Self::TooMuchMemory => "picture_too_large",
            Self::Broken(_) | Self::Resize(_) => "picture_broken",
        }
    }
}

/// Decodes a picture upright and opaque: EXIF orientation applied, alpha flattened over white.
pub(crate) fn decode(bytes: &[u8]) -> Result<RgbImage, PictureError> {
    let kind = Kind::sniff(bytes).ok_or(PictureError::UnknownKind)?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), kind.format());
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(decoding)?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(PictureError::TooLarge { width, height });
    }
    if decoder.total_bytes() > MAX_DECODER_BYTES {
        return Err(PictureError::TooMuchMemory);
    }
    let orientation = decoder.orientation().map_err(decoding)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(decoding)?;
    picture.apply_orientation(orientation);
    Ok(flatten(picture))
}

fn decoding(error: image::ImageError) -> PictureError {
    match error {
        image::ImageError::Limits(_) => PictureError::TooMuchMemory,
        error => PictureError::Broken(error),
    }
}

fn flatten(picture: DynamicImage) -> RgbImage {
    if !picture.has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0;
        Rgb([red, green, blue].map(|part| over_white(part, alpha)))
    })
}

fn over_white(part: u8, alpha: u8) -> u8 {
    let (part, alpha) = (u16::from(part), u16::from(alpha));
    let mixed = (part * alpha + 255 * (255 - alpha) + 127) / 255;
    u8::try_from(mixed).unwrap_or(u8::MAX)
}

/// Scales a picture so that it covers the size, and cuts off what hangs over on both sides.
pub(crate) fn cover(picture: &RgbImage, width: u32, height: u32) -> Result<RgbImage, PictureError> {
    let mut target = RgbImage::new(width, height);
    let options = ResizeOptions::new().fit_into_destination(None);
    Resizer::new()
        .resize(picture, &mut target, &options)
        .map_err(PictureError::Resize)?;
    Ok(target)
}
