//! The encodings, each as a decoder that takes any number of bytes at a time.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::Decompress;
use zstd::stream::raw::{DParameter, Decoder, Operation as _};

use super::coder::{Coder, Damaged, Done, inflated};
use super::gzip::Gzip;

/// The largest zstd window, as a power of two: 8 MiB, which RFC 9659 requires of a client.
const ZSTD_WINDOW: u32 = 23;

/// The encoding of this name, in lower case; `None` if it is not known.
pub(super) fn coder(name: &str) -> Option<(&'static str, Box<dyn Coder>)> {
    Some(match name {
        "gzip" | "x-gzip" => ("gzip", Box::new(Gzip::new())),
        "deflate" => ("deflate", Box::new(Deflate::default())),
        "br" => ("br", Box::new(Brotli::new())),
        "zstd" => ("zstd", Box::new(Zstd::default())),
        _ => return None,
    })
}

/// `deflate`: a zlib stream by the standard, and a bare deflate stream from some servers.
#[derive(Default)]
struct Deflate {
    /// The first two bytes, which show which of the two it is.
    first: [u8; 2],
    collected: usize,
    /// How many of them were decoded.
    replayed: usize,
    inflate: Option<Decompress>,
    has_ended: bool,
}

impl Deflate {
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<Done, Damaged> {
        let first = self.first;
        // A bare stream never begins like this: its first block would be a stored one whose
        // padding is not zero.
        let is_zlib = first[0] & 0x0f == 8
            && first[0] >> 4 <= 7
            && u16::from_be_bytes(first).is_multiple_of(31);
        let inflate = self.inflate.get_or_insert_with(|| Decompress::new(is_zlib));
        let (done, has_ended) = inflated(inflate, input, output)?;
        self.has_ended = has_ended;
        Ok(done)
    }
}

impl Coder for Deflate {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Done, Damaged> {
        let missing = self.first.len() - self.collected;
        let collected = missing.min(input.len());
        self.first[self.collected..][..collected].copy_from_slice(&input[..collected]);
        self.collected += collected;
        let mut done = Done {
            read: collected,
            written: 0,
        };
        while self.collected == self.first.len() && self.replayed < self.first.len() {
            let first = self.first;
            let replayed = self.run(&first[self.replayed..], output)?;
            self.replayed += replayed.read;
            if replayed.written > 0 {
                done.written = replayed.written;
                return Ok(done);
            }
            if replayed.read == 0 {
                return Err(Damaged);
            }
        }
        if self.replayed == self.first.len() && !self.has_ended {
            let more = self.run(&input[done.read..], output)?;
            done.read += more.read;
            done.written = more.written;
        }
        Ok(done)
    }

    fn is_complete(&self) -> bool {
        self.has_ended
    }
}

/// `br` (RFC 7932), without the extension for larger windows.
struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    total: usize,
    has_ended: bool,
}

impl Brotli {
    fn new() -> Self {
        Self {
            state: BrotliState::new_strict(
                StandardAlloc::default(),
                StandardAlloc::default(),
                StandardAlloc::default(),
            ),
            total: 0,
            has_ended: false,
        }
    }
}

impl Coder for Brotli {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Done, Damaged> {
        let mut done = Done::default();
        if self.has_ended {
            return Ok(done);
        }
        let (mut available_in, mut available_out) = (input.len(), output.len());
        let result = BrotliDecompressStream(
            &mut available_in,
            &mut done.read,
            input,
            &mut available_out,
            &mut done.written,
            output,
            &mut self.total,
            &mut self.state,
        );
        match result {
            BrotliResult::ResultFailure => return Err(Damaged),
            BrotliResult::ResultSuccess => self.has_ended = true,
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
        }
        Ok(done)
    }

    fn is_complete(&self) -> bool {
        self.has_ended
    }
}

/// `zstd` (RFC 8878): one frame or several.
#[derive(Default)]
struct Zstd {
    decoder: Option<Decoder<'static>>,
    /// Whether the last frame ended.
    is_complete: bool,
    /// Whether the last step filled its output, so that more may follow without input.
    was_full: bool,
}

impl Coder for Zstd {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Done, Damaged> {
        // The library takes repeated steps without progress for an error.
        if input.is_empty() && !self.was_full {
            return Ok(Done::default());
        }
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            none => none.insert(zstd_decoder().map_err(|_| Damaged)?),
        };
        let status = decoder.run_on_buffers(input, output).map_err(|_| Damaged)?;
        let done = Done {
            read: status.bytes_read,
            written: status.bytes_written,
        };
        self.was_full = done.written == output.len();
        if done != Done::default() {
            self.is_complete = status.remaining == 0;
        }
        Ok(done)
    }

    fn is_complete(&self) -> bool {
        self.is_complete
    }
}

fn zstd_decoder() -> std::io::Result<Decoder<'static>> {
    let mut decoder = Decoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW))?;
    Ok(decoder)
}
