//! Decodes untrusted bytes to an RGB picture.

use std::io::Cursor;

use fast_image_resize::{ResizeOptions, Resizer};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

/// The most bytes a picture may have, uploaded, inline or fetched.
pub(crate) const MAX_BYTES: usize = 32 << 20;

/// The longest side that is decoded: enough for cameras, and below decompression bombs.
const MAX_SIDE: u32 = 16_384;

/// The most pixels that are decoded.
const MAX_PIXELS: u64 = 100_000_000;

/// The most memory of one decoder: 100 megapixels of RGBA, and a margin.
const MAX_DECODER_BYTES: u64 = 512 << 20;

/// A supported kind of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Png,
    Jpeg,
    WebP,
}

impl Kind {
    /// Detects the kind by the first bytes. Names and headers are ignored.
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

    /// The kind with this file extension, as [`Kind::extension`] returns it.
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

/// The name of a format that is not supported.
pub(crate) fn other(bytes: &[u8]) -> &'static str {
    const STARTS: [(&[u8], &str); 7] = [
        (b"GIF8", "a GIF"),
        (b"BM", "a BMP"),
        (b"II*\0", "a TIFF"),
        (b"MM\0*", "a TIFF"),
        (b"%PDF-", "a PDF"),
        (b"<svg", "an SVG"),
        (b"<?xml", "an SVG"),
    ];
    let brand = bytes
        .get(4..12)
        .and_then(|brand| brand.strip_prefix(b"ftyp"));
    match brand {
        Some(b"avif" | b"avis") => "an AVIF",
        Some(b"heic" | b"heix" | b"mif1" | b"msf1") => "a HEIC",
        Some(_) => "a video",
        None => {
            let mut known = STARTS.iter();
            let known = known.find(|(start, _)| bytes.starts_with(start));
            known.map_or("of another format", |(_, name)| name)
        }
    }
}

/// Why a picture cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    #[error("the provider accepts PNG, JPEG and WebP; this picture is {0}")]
    UnknownKind(&'static str),
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
            Self::UnknownKind(_) => "picture_unsupported",
            Self::TooLarge { .. } | Self::TooMuchMemory => "picture_too_large",
            Self::Broken(_) | Self::Resize(_) => "picture_broken",
        }
    }
}

/// Decodes a picture upright and opaque: EXIF orientation applied, alpha flattened over white.
pub(crate) fn decode(bytes: &[u8]) -> Result<RgbImage, PictureError> {
    let kind = Kind::sniff(bytes).ok_or_else(|| PictureError::UnknownKind(other(bytes)))?;
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

/// Scales a picture so that it covers the size, and crops both sides evenly.
pub(crate) fn cover(picture: &RgbImage, width: u32, height: u32) -> Result<RgbImage, PictureError> {
    let mut target = RgbImage::new(width, height);
    let options = ResizeOptions::new().fit_into_destination(None);
    Resizer::new()
        .resize(picture, &mut target, &options)
        .map_err(PictureError::Resize)?;
    Ok(target)
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::codecs::png::PngEncoder;
    use image::{ImageEncoder, Rgba, RgbaImage};

    use super::*;

    fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture
            .into()
            .write_to(&mut bytes, ImageFormat::Png)
            .expect("a PNG");
        bytes.into_inner()
    }

    /// A PNG whose header claims this size; it has one pixel.
    fn claiming(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = png(RgbImage::new(1, 1));
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let checksum = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
                (sum >> 1) ^ (0xEDB8_8320 * (sum & 1))
            })
        })
    }

    #[test]
    fn every_kind_is_read() {
        let picture = DynamicImage::from(RgbImage::from_pixel(8, 6, Rgb([9, 99, 199])));
        for (format, kind) in [
            (ImageFormat::Png, Kind::Png),
            (ImageFormat::Jpeg, Kind::Jpeg),
            (ImageFormat::WebP, Kind::WebP),
        ] {
            let mut bytes = Cursor::new(Vec::new());
            picture.write_to(&mut bytes, format).expect("a picture");
            let bytes = bytes.into_inner();
            assert_eq!(Kind::sniff(&bytes), Some(kind));
            assert_eq!(Kind::from_extension(kind.extension()), Some(kind));
            let read = decode(&bytes).expect("a picture");
            assert_eq!(read.dimensions(), (8, 6));
            let near = read.get_pixel(4, 3).0;
            assert!(
                near.iter()
                    .zip([9, 99, 199])
                    .all(|(one, other)| one.abs_diff(other) < 4)
            );
        }
    }

    #[test]
    fn picture_with_too_large_claimed_size_is_refused() {
        for (width, height) in [
            (60_000, 60_000),
            (20_000, 10),
            (10, 20_000),
            (12_000, 12_000),
        ] {
            let error = decode(&claiming(width, height)).expect_err("too large");
            assert!(matches!(error, PictureError::TooLarge { .. }), "{error:?}");
            assert_eq!(error.code(), "picture_too_large");
        }
    }

    #[test]
    fn broken_pictures_are_refused() {
        let whole = png(checker(64, 64));
        let half = &whole[..whole.len() / 2];
        let error = decode(half).expect_err("half a picture");
        assert_eq!(error.code(), "picture_broken");
        for (bytes, name) in [
            (b"".as_slice(), "of another format"),
            (b"GIF89a", "a GIF"),
            (b"<svg/>", "an SVG"),
            (b"MM\0*\0\0\0\x08", "a TIFF"),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC"),
        ] {
            let error = decode(bytes).expect_err("no picture");
            assert_eq!(error.code(), "picture_unsupported");
            assert!(error.to_string().ends_with(name), "{error}");
        }
    }

    fn checker(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(
            width,
            height,
            |x, y| if (x + y) % 2 == 0 { WHITE } else { RED },
        )
    }

    const WHITE: Rgb<u8> = Rgb([255, 255, 255]);
    const RED: Rgb<u8> = Rgb([200, 0, 0]);

    #[test]
    fn alpha_is_flattened_over_white() {
        let mut picture = RgbaImage::from_pixel(3, 1, Rgba([200, 0, 0, 0]));
        picture.put_pixel(1, 0, Rgba([200, 0, 0, 255]));
        picture.put_pixel(2, 0, Rgba([255, 55, 0, 51]));
        let read = decode(&png(picture)).expect("a picture");
        let pixels: Vec<_> = read.pixels().copied().collect();
        assert_eq!(pixels, [WHITE, RED, Rgb([255, 215, 204])]);
    }

    #[test]
    fn orientation_of_cameras_is_applied() {
        // A TIFF head and one entry: orientation, one short, rotate by 90 degrees clockwise.
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
        let mut stored = RgbImage::from_pixel(16, 8, WHITE);
        stored.put_pixel(0, 0, RED);
        let mut bytes = Vec::new();
        let mut encoder = PngEncoder::new(&mut bytes);
        encoder
            .set_exif_metadata(exif.clone())
            .expect("PNG holds EXIF");
        let colour = image::ExtendedColorType::Rgb8;
        encoder.write_image(&stored, 16, 8, colour).expect("a PNG");
        let shown = decode(&bytes).expect("a picture");
        assert_eq!(shown.dimensions(), (8, 16));
        assert_eq!(*shown.get_pixel(7, 0), RED);

        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new(&mut bytes);
        encoder.set_exif_metadata(exif).expect("JPEG holds EXIF");
        encoder.write_image(&stored, 16, 8, colour).expect("a JPEG");
        assert_eq!(decode(&bytes).expect("a picture").dimensions(), (8, 16));
    }

    #[test]
    fn cover_crops_both_sides_evenly() {
        let mut picture = RgbImage::from_pixel(300, 100, RED);
        for y in 0..100 {
            for x in 100..200 {
                picture.put_pixel(x, y, WHITE);
            }
        }
        let square = cover(&picture, 50, 50).expect("a picture");
        assert_eq!(square.dimensions(), (50, 50));
        assert!((3..47).all(|x| *square.get_pixel(x, 25) == WHITE));
    }
}
