//! Content codings (RFC 9110) and character encodings of a body.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The most bytes of an uncompressed meta-block of Brotli whose length has four nibbles.
const BROTLI_BLOCK: usize = 1 << 16;

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Encoding {
    Gzip,
    /// With the zlib wrapper, as RFC 9110 has it.
    Deflate,
    /// Without the wrapper, as some servers send `deflate`.
    RawDeflate,
    /// In uncompressed meta-blocks.
    Br,
    Zstd,
}

impl Encoding {
    /// Its name in `content-encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate | Self::RawDeflate => "deflate",
            Self::Br => "br",
            Self::Zstd => "zstd",
        }
    }

    /// The encoded bytes. Writing to memory does not fail.
    pub(crate) fn encode(self, bytes: &[u8]) -> Vec<u8> {
        let level = Compression::fast();
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), level);
                drop(encoder.write_all(bytes));
                encoder.finish().unwrap_or_default()
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), level);
                drop(encoder.write_all(bytes));
                encoder.finish().unwrap_or_default()
            }
            Self::RawDeflate => {
                let mut encoder = DeflateEncoder::new(Vec::new(), level);
                drop(encoder.write_all(bytes));
                encoder.finish().unwrap_or_default()
            }
            Self::Br => brotli(bytes),
            Self::Zstd => zstd::encode_all(bytes, 1).unwrap_or_default(),
        }
    }
}

/// A Brotli stream (RFC 7932) of uncompressed meta-blocks and a window of 16 bits.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut stream = Vec::with_capacity(bytes.len() + 8);
    // The bits of the window's size, before the first meta-block.
    let mut bits_before: u32 = 1;
    for block in bytes.chunks(BROTLI_BLOCK) {
        // ISLAST 0, MNIBBLES 0 for four, MLEN - 1, ISUNCOMPRESSED 1; the first bit is the lowest.
        let length = u32::try_from(block.len() - 1).unwrap_or_default();
        let header = ((length << 3) | (1 << 19)) << bits_before;
        stream.extend_from_slice(&header.to_le_bytes()[..3]);
        stream.extend_from_slice(block);
        bits_before = 0;
    }
    // ISLAST 1 and ISLASTEMPTY 1.
    stream.push(0b11 << bits_before);
    stream
}

/// The character encoding of a JSON reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Charset {
    #[serde(rename = "utf-8-bom")]
    Utf8Bom,
    /// The media type says so.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// Only the byte-order mark says so.
    #[serde(rename = "utf-16le-bom")]
    Utf16LeBom,
    #[serde(rename = "utf-16be")]
    Utf16Be,
    #[serde(rename = "utf-16be-bom")]
    Utf16BeBom,
}

impl Charset {
    /// The media type of a reply whose encoding no byte-order mark says.
    pub(crate) fn media_type(self) -> Option<&'static str> {
        match self {
            Self::Utf16Le => Some("application/json; charset=utf-16le"),
            Self::Utf16Be => Some("application/json; charset=utf-16be"),
            Self::Utf8Bom | Self::Utf16LeBom | Self::Utf16BeBom => None,
        }
    }

    /// The encoded JSON; `None` for a body that is not JSON.
    pub(crate) fn encode(self, body: &[u8]) -> Option<Vec<u8>> {
        serde_json::from_slice::<IgnoredAny>(body).ok()?;
        let text = std::str::from_utf8(body).ok()?;
        let mark = match self {
            Self::Utf16Le | Self::Utf16Be => "",
            Self::Utf8Bom | Self::Utf16LeBom | Self::Utf16BeBom => "\u{feff}",
        };
        let units = mark.encode_utf16().chain(text.encode_utf16());
        Some(match self {
            Self::Utf8Bom => [mark, text].concat().into_bytes(),
            Self::Utf16Le | Self::Utf16LeBom => units.flat_map(u16::to_le_bytes).collect(),
            Self::Utf16Be | Self::Utf16BeBom => units.flat_map(u16::to_be_bytes).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};

    use super::*;

    #[test]
    fn encoded_bytes_are_decoded_to_the_same() {
        let bytes: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut decoded = Vec::new();
        let encoded = Encoding::Gzip.encode(&bytes);
        let read = GzDecoder::new(&encoded[..]).read_to_end(&mut decoded);
        assert_eq!((read.expect("gzip"), &decoded), (bytes.len(), &bytes));
        decoded.clear();
        let encoded = Encoding::Deflate.encode(&bytes);
        let read = ZlibDecoder::new(&encoded[..]).read_to_end(&mut decoded);
        assert_eq!((read.expect("zlib"), &decoded), (bytes.len(), &bytes));
        decoded.clear();
        let encoded = Encoding::RawDeflate.encode(&bytes);
        let read = DeflateDecoder::new(&encoded[..]).read_to_end(&mut decoded);
        assert_eq!((read.expect("deflate"), &decoded), (bytes.len(), &bytes));
        let encoded = Encoding::Zstd.encode(&bytes);
        assert_eq!(zstd::decode_all(&encoded[..]).expect("zstd"), bytes);
    }

    #[test]
    fn brotli_stream_has_uncompressed_blocks() {
        assert_eq!(brotli(b""), [0b110]);
        assert_eq!(brotli(b"a"), [0x00, 0x00, 0x10, b'a', 0x03]);
        let long = vec![b'x'; BROTLI_BLOCK + 2];
        let stream = brotli(&long);
        assert_eq!(stream[..4], [0xf0, 0xff, 0x1f, b'x']);
        assert_eq!(
            stream[BROTLI_BLOCK + 3..],
            [0x08, 0x00, 0x08, b'x', b'x', 0x03]
        );
    }

    #[test]
    fn charset_changes_json_only() {
        assert_eq!(Charset::Utf8Bom.encode(b"a clip"), None);
        assert_eq!(Charset::Utf16Le.encode(b"\xff\xfe"), None);
        for (charset, expected) in [
            (Charset::Utf8Bom, &b"\xef\xbb\xbf\"\xc3\xa9\""[..]),
            (Charset::Utf16Le, b"\"\0\xe9\0\"\0"),
            (Charset::Utf16LeBom, b"\xff\xfe\"\0\xe9\0\"\0"),
            (Charset::Utf16Be, b"\0\"\0\xe9\0\""),
            (Charset::Utf16BeBom, b"\xfe\xff\0\"\0\xe9\0\""),
        ] {
            let encoded = charset.encode("\"\u{e9}\"".as_bytes());
            assert_eq!(encoded.as_deref(), Some(expected), "{charset:?}");
        }
    }
}
