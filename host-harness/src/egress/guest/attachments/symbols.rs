//! Base64 in both alphabets, with or without padding, with blanks and line ends anywhere.

use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode::RequireNone;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeError, DecodeSliceError, Engine as _};

const WITHOUT_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(RequireNone);

/// The decoders of whole blocks: of the standard alphabet, and of the one for URLs.
const ENGINES: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&STANDARD, WITHOUT_PADDING),
    GeneralPurpose::new(&URL_SAFE, WITHOUT_PADDING),
];

/// Most bytes that one step decodes.
pub(super) const BLOCK: usize = 3 << 10;

/// Symbols that encode [`BLOCK`] bytes.
const SYMBOLS: usize = BLOCK / 3 * 4;

/// A decoder that takes one symbol at a time, or a block of them.
#[derive(Default)]
pub(super) struct Base64 {
    bits: u32,
    /// How many of `bits` are not returned yet.
    pending: u32,
    is_padded: bool,
    /// Index of the engine that fits the last block.
    engine: usize,
}

/// Not a symbol of base64.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotBase64;

impl Base64 {
    /// Takes one symbol. Returns the byte that it completes, if any.
    pub(super) fn take(&mut self, symbol: u8) -> Result<Option<u8>, NotBase64> {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b' ' | b'\t' | b'\n' | b'\r' => return Ok(None),
            b'=' => {
                self.is_padded = true;
                return Ok(None);
            }
            _ => return Err(NotBase64),
        };
        if self.is_padded {
            return Err(NotBase64);
        }
        self.bits = self.bits << 6 | u32::from(value);
        self.pending += 6;
        if self.pending < 8 {
            return Ok(None);
        }
        self.pending -= 8;
        let [.., byte] = (self.bits >> self.pending).to_be_bytes();
        Ok(Some(byte))
    }

    /// Decodes symbols at the start of `text` into `block`, as far as they are symbols only.
    /// Returns how many it took and how many bytes it decoded; both are 0 if
    /// [`Base64::take`] must go on.
    pub(super) fn take_block(&mut self, text: &[u8], block: &mut [u8; BLOCK]) -> (usize, usize) {
        let whole = text.len().min(SYMBOLS) / 4 * 4;
        if self.pending != 0 || self.is_padded {
            return (0, 0);
        }
        let mut symbols = &text[..whole];
        // Each attempt takes the other engine, or less of the text: an engine reports the last
        // character that it does not know before the first one.
        for _ in 0..8 {
            if symbols.is_empty() {
                break;
            }
            match ENGINES[self.engine].decode_slice(symbols, block) {
                Ok(written) => return (symbols.len(), written),
                Err(DecodeSliceError::DecodeError(DecodeError::InvalidByte(at, byte))) => {
                    let fitting = match byte {
                        b'+' | b'/' => 0,
                        b'-' | b'_' => 1,
                        _ => self.engine,
                    };
                    if fitting == self.engine || at >= 4 {
                        symbols = &symbols[..at / 4 * 4];
                    }
                    if at < 4 {
                        self.engine = fitting;
                    }
                }
                Err(_) => break,
            }
        }
        (0, 0)
    }

    /// Whether the symbols make whole bytes: one symbol alone makes none.
    pub(super) fn is_complete(&self) -> bool {
        self.pending != 6
    }
}
