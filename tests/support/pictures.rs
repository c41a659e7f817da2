//! Input pictures.

use std::io::Cursor;
use std::path::PathBuf;

use image::{ImageFormat, Rgb, RgbImage};

use super::root;

/// The picture in the repository.
pub(crate) fn lighthouse() -> PathBuf {
    root().join("examples/lighthouse.jpg")
}

/// A small picture with varying pixels.
pub(crate) fn picture(format: ImageFormat) -> Vec<u8> {
    let shade = |part: u32, whole: u32| u8::try_from(part * 255 / whole).unwrap_or(u8::MAX);
    let picture = RgbImage::from_fn(96, 64, |x, y| {
        Rgb([
            shade(x, 96),
            shade(y, 64),
            if (x / 8 + y / 8) % 2 == 0 { 40 } else { 200 },
        ])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}

/// A PNG that is truncated in its pixels.
pub(crate) fn truncated_png() -> Vec<u8> {
    let mut bytes = picture(ImageFormat::Png);
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// A PNG whose header claims 60,000 by 60,000 pixels.
pub(crate) fn enormous_png() -> Vec<u8> {
    let mut bytes = picture(ImageFormat::Png);
    // The header's chunk: length, name, width, height, five more bytes, checksum.
    let header = 8..8 + 8 + 13 + 4;
    let side = 60_000_u32.to_be_bytes();
    bytes[header.start + 8..][..4].copy_from_slice(&side);
    bytes[header.start + 12..][..4].copy_from_slice(&side);
    let checksum = crc(&bytes[header.start + 4..header.end - 4]).to_be_bytes();
    bytes[header.end - 4..header.end].copy_from_slice(&checksum);
    bytes
}

/// The checksum of a PNG's chunk (ISO 3309).
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| {
        if crc & 1 == 1 {
            0xedb8_8320 ^ (crc >> 1)
        } else {
            crc >> 1
        }
    };
    let sum = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), step);
    !bytes.iter().fold(u32::MAX, sum)
}
