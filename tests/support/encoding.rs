//! Encoded bodies of replies: character encodings with and without a byte-order mark, and content
//! codings. The encoders store the bytes without compressing them; the bombs compress well.

use serde::Deserialize;

/// The largest stored block of DEFLATE, in bytes.
const DEFLATE_BLOCK: usize = 0xffff;

/// The largest block of zstd, and the bytes that an RLE block stands for.
const ZSTD_BLOCK: usize = 128 << 10;

/// The largest metablock of Brotli whose length has four nibbles.
const BROTLI_BLOCK: usize = 1 << 16;

/// A character encoding of a JSON or text body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Characters {
    /// UTF-8 with a byte-order mark.
    Utf8Mark,
    /// UTF-16 with a byte-order mark.
    Utf16leMark,
    Utf16beMark,
    /// UTF-16 without one.
    Utf16le,
    Utf16be,
}

impl Characters {
    pub(crate) fn encode(self, text: &str) -> Vec<u8> {
        let little = || text.encode_utf16().flat_map(u16::to_le_bytes);
        let big = || text.encode_utf16().flat_map(u16::to_be_bytes);
        match self {
            Self::Utf8Mark => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            Self::Utf16leMark => [0xff, 0xfe].into_iter().chain(little()).collect(),
            Self::Utf16beMark => [0xfe, 0xff].into_iter().chain(big()).collect(),
            Self::Utf16le => little().collect(),
            Self::Utf16be => big().collect(),
        }
    }
}

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Coding {
    Gzip,
    /// DEFLATE in the format of zlib, as HTTP defines `deflate`.
    Deflate,
    /// DEFLATE alone, which some servers send as `deflate`.
    RawDeflate,
    Br,
    Zstd,
    /// The bytes unchanged, under a name that no registry has.
    Unknown,
}

impl Coding {
    /// The value of `content-encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate | Self::RawDeflate => "deflate",
            Self::Br => "br",
            Self::Zstd => "zstd",
            Self::Unknown => "x-unheard-of",
        }
    }

    pub(crate) fn encode(self, bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).expect("a short body");
        match self {
            Self::Gzip => [
                &b"\x1f\x8b\x08\0\0\0\0\0\0\xff"[..],
                &deflate(bytes),
                &crc32(bytes).to_le_bytes(),
                &length.to_le_bytes(),
            ]
            .concat(),
            Self::Deflate => [
                &b"\x78\x01"[..],
                &deflate(bytes),
                &adler32(bytes).to_be_bytes(),
            ]
            .concat(),
            Self::RawDeflate => deflate(bytes),
            Self::Br => brotli(bytes),
            Self::Zstd => zstd(bytes),
            Self::Unknown => bytes.to_owned(),
        }
    }
}

/// The beginning of a body that decodes to `bytes` and then to zeros without end, and the part that
/// repeats. `None` for a coding without such a body here.
pub(crate) fn bomb(coding: Coding, bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    match coding {
        Coding::Gzip => {
            let header = b"\x1f\x8b\x08\0\0\0\0\0\0\xff";
            Some(deflate_bomb(header, bytes))
        }
        Coding::Deflate => Some(deflate_bomb(b"\x78\x01", bytes)),
        Coding::Zstd => {
            let mut first = ZSTD_HEADER.to_vec();
            for block in bytes.chunks(ZSTD_BLOCK) {
                first.extend(zstd_block(0, block.len(), false));
                first.extend_from_slice(block);
            }
            let zeros = zstd_block(1, ZSTD_BLOCK, false);
            Some((first, [&zeros[..], b"\0"].concat()))
        }
        _ => None,
    }
}

/// DEFLATE in stored blocks.
fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = stored(bytes);
    encoded.extend_from_slice(b"\x01\0\0\xff\xff");
    encoded
}

/// Stored blocks, none of which is the last one.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for block in bytes.chunks(DEFLATE_BLOCK) {
        let length = u16::try_from(block.len()).expect("a short block");
        encoded.push(0);
        encoded.extend(length.to_le_bytes());
        encoded.extend((!length).to_le_bytes());
        encoded.extend_from_slice(block);
    }
    encoded
}

/// A block of fixed codes: one zero, then copies of 258 zeros at the distance 1. Eight copies are 13
/// bytes.
fn deflate_bomb(header: &[u8], bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    // In the order in which they are sent: the last block, of fixed codes; the code of the literal
    // 0; then the code of the length 258, and that of the distance 1.
    const BEGIN: &str = "11000110000";
    const COPY: &str = "1100010100000";
    let bits = BEGIN.to_owned() + &COPY.repeat(16);
    let packed: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|byte| {
            let bits = byte.iter().rev();
            bits.fold(0, |byte, bit| byte << 1 | u8::from(*bit == b'1'))
        })
        .collect();
    let (first, again) = packed.split_at(packed.len() - 13);
    let first = [header, &stored(bytes), first].concat();
    (first, again.to_owned())
}

/// A frame without a checksum and without the length of its content, with a window of 128 KiB.
const ZSTD_HEADER: [u8; 6] = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];

/// The header of a block: 0 is raw, 1 one byte repeated.
fn zstd_block(kind: u32, length: usize, last: bool) -> [u8; 3] {
    let length = u32::try_from(length).expect("a short block");
    let [one, two, three, _] = (u32::from(last) | kind << 1 | length << 3).to_le_bytes();
    [one, two, three]
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = ZSTD_HEADER.to_vec();
    for block in bytes.chunks(ZSTD_BLOCK) {
        encoded.extend(zstd_block(0, block.len(), false));
        encoded.extend_from_slice(block);
    }
    encoded.extend(zstd_block(0, 0, true));
    encoded
}

/// Uncompressed metablocks, with a window of 64 KiB.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for (index, block) in bytes.chunks(BROTLI_BLOCK).enumerate() {
        let length = u32::try_from(block.len() - 1).expect("a short block");
        // The first metablock follows the window's one bit.
        let header = (length << 3 | 1 << 19) << u32::from(index == 0);
        encoded.extend_from_slice(&header.to_le_bytes()[..3]);
        encoded.extend_from_slice(block);
    }
    // The last metablock is empty.
    encoded.push(if bytes.is_empty() { 0b110 } else { 0b11 });
    encoded
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65521;
        (low, (high + low) % 65521)
    });
    high << 16 | low
}
