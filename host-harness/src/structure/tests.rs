use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

use super::*;

mod files;

fn picture(format: ImageFormat) -> Vec<u8> {
    let shade = |part: u32| u8::try_from(part * 7 % 256).unwrap_or_default();
    let picture = RgbImage::from_fn(48, 32, |x, y| Rgb([shade(x), shade(y), shade(x * y)]));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}

const FORMATS: [(ImageFormat, &str); 3] = [
    (ImageFormat::Png, "image/png"),
    (ImageFormat::Jpeg, "image/jpeg"),
    (ImageFormat::WebP, "image/webp"),
];

/// The damage, read in pieces of this length.
fn damage_by(length: usize, media_type: &str, bytes: &[u8]) -> Option<Damage> {
    let mut structure = Structure::of(media_type).expect("a known format");
    bytes.chunks(length).for_each(|piece| structure.take(piece));
    structure.end()
}

/// The damage, which does not depend on the length of the pieces.
#[track_caller]
fn damage(media_type: &str, bytes: &[u8]) -> Option<Damage> {
    let at_once = damage_by(usize::MAX, media_type, bytes);
    for length in [1, 2, 7, 64] {
        assert_eq!(damage_by(length, media_type, bytes), at_once, "{length}");
    }
    at_once
}

fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(&name);
    crc.update(data);
    let length = u32::try_from(data.len()).expect("short").to_be_bytes();
    [&length[..], &name, data, &crc.sum().to_be_bytes()].concat()
}

/// The header of a PNG with this size and colour type.
fn ihdr(width: u32, height: u32, colour: u8) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    chunk(*b"IHDR", &[&size[..], &[8, colour, 0, 0, 0]].concat())
}

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A PNG of these chunks.
fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
    [SIGNATURE, &chunks.concat()].concat()
}

fn webp(chunks: &[u8]) -> Vec<u8> {
    let length = u32::try_from(chunks.len() + 4).expect("short");
    [b"RIFF", &length.to_le_bytes()[..], b"WEBP", chunks].concat()
}

#[test]
fn whole_picture_has_no_damage() {
    for (format, media_type) in FORMATS {
        let bytes = picture(format);
        assert_eq!(damage(media_type, &bytes), None, "{media_type}");
    }
    for (format, media_type) in &FORMATS[..2] {
        let mut bytes = picture(*format);
        bytes.extend_from_slice(b"anything at all \xff\xd9");
        assert_eq!(damage(media_type, &bytes), None, "{media_type} and more");
    }
    assert!(Structure::of("image/gif").is_none());
}

#[test]
fn picture_cut_anywhere_is_damaged() {
    for (format, media_type) in FORMATS {
        let bytes = picture(format);
        for length in 0..bytes.len() {
            let found = damage_by(usize::MAX, media_type, &bytes[..length]);
            assert!(found.is_some(), "{media_type} cut at {length}");
        }
    }
}

#[test]
fn png_with_missing_or_wrong_chunks_is_damaged() {
    let header = || ihdr(1, 1, 2);
    let (data, end) = (|| chunk(*b"IDAT", b"data"), || chunk(*b"IEND", b""));
    assert_eq!(damage("image/png", &png(&[header(), data(), end()])), None);
    let mut wrong_sum = data();
    *wrong_sum.last_mut().expect("a byte") ^= 1;
    let mut wrong_text = chunk(*b"tEXt", b"words");
    *wrong_text.last_mut().expect("a byte") ^= 1;
    let huge = [&u32::MAX.to_be_bytes()[..], b"IDAT", b"data"].concat();
    let longer = [&(1_u32 << 30).to_be_bytes()[..], b"IDAT", b"data"].concat();
    for (chunks, expected) in [
        (
            vec![header(), data()],
            Some("is truncated: it has no IEND chunk"),
        ),
        (
            vec![header(), end()],
            Some("is damaged: it has no IDAT chunk"),
        ),
        (
            vec![data(), end()],
            Some("is damaged: its first chunk is not IHDR"),
        ),
        (
            vec![header(), header()],
            Some("is damaged: it has two IHDR chunks"),
        ),
        (
            vec![chunk(*b"IHDR", b"")],
            Some("is damaged: its IHDR chunk has a wrong length"),
        ),
        (
            vec![header(), wrong_sum, end()],
            Some("is damaged: the checksum of a chunk is wrong"),
        ),
        (vec![header(), wrong_text, data(), end()], None),
        (
            vec![header(), huge],
            Some("is damaged: a chunk has an impossible length"),
        ),
        (
            vec![header(), longer],
            Some("is truncated: it ends inside a chunk"),
        ),
        (
            vec![header(), vec![0; 1000]],
            Some("is damaged: a chunk has no valid name"),
        ),
    ] {
        let found = damage("image/png", &png(&chunks)).map(|damage| damage.to_string());
        assert_eq!(found.as_deref(), expected);
    }
}

#[test]
fn jpeg_with_many_segments_is_read_and_one_without_end_is_damaged() {
    let mut many = b"\xff\xd8".to_vec();
    for number in 0..1000_u16 {
        let data = vec![0xff; usize::from(number % 50)];
        many.extend_from_slice(&[0xff, 0xe1]);
        many.extend_from_slice(&(number % 50 + 2).to_be_bytes());
        many.extend_from_slice(&data);
    }
    // A scan with a stuffed byte, a restart marker and bytes that fill up.
    let scan = b"\xff\xc2\0\x02\xff\xda\0\x03\x01data\xff\0data\xff\xd0data\xff\xff\xd9";
    let whole = [&many[..], scan].concat();
    assert_eq!(damage("image/jpeg", &whole), None);
    let found = |bytes: &[u8]| damage("image/jpeg", bytes).map(|damage| damage.to_string());
    let no_end = found(&whole[..whole.len() - 1]);
    assert_eq!(
        no_end.as_deref(),
        Some("is truncated: it has no end marker")
    );
    let no_scan = found(&[&many[..], b"\xff\xd9"].concat());
    assert_eq!(
        no_scan.as_deref(),
        Some("is damaged: it has no picture data")
    );
    let short = found(b"\xff\xd8\xff\xe0\0\x01");
    assert_eq!(
        short.as_deref(),
        Some("is damaged: a segment has an impossible length")
    );
    let inside = found(b"\xff\xd8\xff\xe0\xff\xffdata");
    assert_eq!(
        inside.as_deref(),
        Some("is truncated: it ends inside a segment")
    );
}

#[test]
fn png_with_palette_size_or_data_missing_is_damaged() {
    let header = || ihdr(48, 32, 2);
    let (data, end) = (|| chunk(*b"IDAT", b"data"), || chunk(*b"IEND", b""));
    let (empty, text) = (|| chunk(*b"IDAT", b""), || chunk(*b"tEXt", b"words"));
    let palette = || chunk(*b"PLTE", b"rgb");
    let no_palette = Some("is damaged: it has no PLTE chunk before its IDAT chunk");
    for (chunks, expected) in [
        (vec![ihdr(1, 1, 3), palette(), data(), end()], None),
        (vec![ihdr(1, 1, 3), data(), end()], no_palette),
        (vec![ihdr(1, 1, 3), data(), palette(), end()], no_palette),
        (
            vec![header(), text(), data(), empty(), data(), text(), end()],
            None,
        ),
        (
            vec![header(), data(), text(), data(), end()],
            Some("is damaged: another chunk is between its IDAT chunks"),
        ),
        (
            vec![header(), empty(), empty(), end()],
            Some("is damaged: its IDAT chunks are empty"),
        ),
        (
            vec![ihdr(0, 1, 2), data(), end()],
            Some("is damaged: its width or height is 0"),
        ),
        (
            vec![ihdr(1, 0, 2), data(), end()],
            Some("is damaged: its width or height is 0"),
        ),
    ] {
        let found = damage("image/png", &png(&chunks)).map(|damage| damage.to_string());
        assert_eq!(found.as_deref(), expected);
    }
}

#[test]
fn jpeg_without_frame_header_or_data_or_with_a_second_start_is_damaged() {
    for (bytes, expected) in [
        (&b"\xff\xc0\0\x02\xff\xda\0\x02data\xff\xd9"[..], None),
        (b"\xff\xc0\0\x02\xff\xda\0\x02\xff\0\xff\xd9", None),
        // A table, which has a code between those of frame headers.
        (
            b"\xff\xc4\0\x02\xff\xda\0\x02data\xff\xd9",
            Some("is damaged: it has no frame header before its picture data"),
        ),
        (
            b"\xff\xc0\0\x02\xff\xda\0\x02\xff\xd9",
            Some("is damaged: its last scan is empty"),
        ),
        (
            b"\xff\xc2\0\x02\xff\xda\0\x02data\xff\xda\0\x02\xff\xd0\xff\xd9",
            Some("is damaged: its last scan is empty"),
        ),
        (
            b"\xff\xc0\0\x02\xff\xda\0\x02data\xff\xd8\xff\xe0\0\x02data\xff\xd9",
            Some("is damaged: another picture begins inside it"),
        ),
        // A preview inside a segment.
        (
            b"\xff\xe1\0\x04\xff\xd8\xff\xc0\0\x02\xff\xda\0\x02data\xff\xd9\xff\xd8",
            None,
        ),
    ] {
        let whole = [b"\xff\xd8", bytes].concat();
        let found = damage("image/jpeg", &whole).map(|damage| damage.to_string());
        assert_eq!(found.as_deref(), expected, "{bytes:x?}");
    }
}

#[test]
fn webp_with_a_wrong_length_or_chunk_is_damaged() {
    let found = |bytes: &[u8]| damage("image/webp", bytes).map(|damage| damage.to_string());
    let whole = webp(b"VP8L\x04\0\0\0data");
    assert_eq!(found(&whole), None);
    assert_eq!(found(&webp(b"VP8L\x03\0\0\0dat\0")), None, "with padding");
    assert_eq!(found(&webp(b"VP8L\x03\0\0\0dat")), None, "without padding");
    let animated = webp(b"VP8X\x02\0\0\0xxANMF\x02\0\0\0yy");
    assert_eq!(found(&animated), None);
    for size in [0, 1, 0xffff_ffff_u32] {
        let mut wrong = whole.clone();
        wrong[4..8].copy_from_slice(&size.to_le_bytes());
        let text = found(&wrong).expect("damage");
        assert!(text.contains("its RIFF header says"), "{text}");
    }
    for (chunks, expected) in [
        (
            &b"VP8L\xff\xff\xff\xffdata"[..],
            "is damaged: a chunk is longer than the file",
        ),
        (
            b"EXIF\x04\0\0\0data",
            "is damaged: its first chunk is not VP8, VP8L or VP8X",
        ),
        (b"VP8X\x04\0\0\0data", "is damaged: it has no picture data"),
        (b"", "is damaged: it has no picture data"),
        (
            b"VP8L\x04\0\0\0dataEXI",
            "is damaged: it ends inside a chunk",
        ),
    ] {
        assert_eq!(found(&webp(chunks)).as_deref(), Some(expected));
    }
    let more = [&whole[..], b"more"].concat();
    assert!(
        found(&more)
            .expect("damage")
            .contains("its RIFF header says 24 bytes")
    );
}
