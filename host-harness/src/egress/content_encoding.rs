//! Decodes a body with a `content-encoding` (RFC 9110, section 8.4) piece by piece.
//!
//! The host asks for `identity`, but some servers, and caches before them, encode anyway.
//!
//! # Bounds
//!
//! [`ContentDecoder::next`] returns at most [`PIECE`] bytes at a time, so a small body that
//! decodes to an enormous one stops at the limit and is never in memory as a whole. The limit
//! holds for the body, for what it decodes to, and for every step between. A decoder needs at
//! most 8 MiB for zstd (RFC 9659), 16 MiB for brotli, and 32 KiB for the others.

mod coder;
mod coders;
mod gzip;

use std::ops::Range;

use http::header::{CONTENT_ENCODING, HeaderMap};

use self::coder::{Coder, Damaged};
use self::coders::coder;
use super::error::ReplyLost;
use crate::sanitize::sentence;

/// Most encodings of one body. Servers use one; two come from a cache that encodes once more.
const MAX_ENCODINGS: usize = 3;

/// Most bytes that one step decodes.
const PIECE: usize = 64 << 10;

/// Longest name of an unknown encoding in an error, in characters.
const LONGEST_NAME: usize = 64;

/// Words that servers send for a body that is not encoded. Only the first is registered.
const NO_ENCODING: [&str; 5] = ["identity", "none", "binary", "utf-8", "aws-chunked"];

/// The decoder of one body.
pub(crate) struct ContentDecoder {
    /// In the order of decoding: the last encoding that the header names comes first.
    layers: Vec<Layer>,
    limit: u64,
    /// The limit of the encoded body, and of what the layers decode in between.
    input_limit: u64,
    /// Bytes of the encoded body so far.
    taken: u64,
}

/// One encoding, and its decoded bytes that the next layer has not read yet.
struct Layer {
    name: &'static str,
    coder: Box<dyn Coder>,
    output: Box<[u8]>,
    ready: Range<usize>,
    total: u64,
}

impl ContentDecoder {
    /// The decoder for a body with this header, up to `limit` decoded bytes. `None` if the body
    /// is not encoded.
    ///
    /// # Errors
    ///
    /// [`ReplyLost::Encoded`] with the name of an encoding that is not known, or with all names
    /// if there are more than three.
    pub(crate) fn of(headers: &HeaderMap, limit: u64) -> Result<Option<Self>, ReplyLost> {
        let lines = headers.get_all(CONTENT_ENCODING).iter();
        let list: Vec<_> = lines
            .map(|line| String::from_utf8_lossy(line.as_bytes()).to_ascii_lowercase())
            .collect();
        let list = list.join(",");
        let names = list.split(',').map(str::trim);
        let names = names.filter(|name| !name.is_empty() && !NO_ENCODING.contains(name));
        let mut layers = Vec::new();
        for name in names {
            if layers.len() == MAX_ENCODINGS {
                return Err(unknown(&list));
            }
            let (name, coder) = coder(name).ok_or_else(|| unknown(name))?;
            layers.push(Layer {
                name,
                coder,
                output: vec![0; PIECE].into(),
                ready: 0..0,
                total: 0,
            });
        }
        layers.reverse();
        Ok((!layers.is_empty()).then_some(Self {
            layers,
            limit,
            input_limit: limit,
            taken: 0,
        }))
    }

    /// Sets the limit of the encoded body to that of a body that decodes to `limit` bytes. It is
    /// not lower than the limit of the decoded bytes unless this is called.
    pub(super) fn limit_input(&mut self, limit: u64) {
        self.input_limit = limit;
    }

    /// The memory that it takes.
    pub(super) fn memory(&self) -> u64 {
        let window = |layer: &Layer| match layer.name {
            "zstd" => 8 << 20,
            "br" => 16 << 20,
            _ => 32 << 10,
        };
        let layers = self.layers.iter();
        layers.map(|layer| window(layer) + PIECE as u64).sum()
    }

    /// Decodes the next piece, and removes from `body` the bytes that it took. `None` when all
    /// of `body` is taken and no decoded byte is left.
    ///
    /// # Errors
    ///
    /// [`ReplyLost::BodyTooLong`] at the limit, [`ReplyLost::Damaged`] if the body is not in its
    /// encoding.
    pub(crate) fn next(&mut self, body: &mut &[u8]) -> Result<Option<&[u8]>, ReplyLost> {
        let Some(last) = self.layers.len().checked_sub(1) else {
            return Ok(None);
        };
        let mut at = last;
        loop {
            let written = match self.step(at, body)? {
                Stepped::Wrote(written) => written,
                Stepped::Read => continue,
                Stepped::NeedsMore if at == 0 => return Ok(None),
                Stepped::NeedsMore => {
                    at -= 1;
                    continue;
                }
            };
            if at == last {
                return Ok(Some(&self.layers[last].output[..written]));
            }
            at += 1;
        }
    }

    /// Checks that the encoded body was complete, once [`ContentDecoder::next`] has taken all
    /// of it. An empty body is complete: replies without a body may have the header.
    ///
    /// # Errors
    ///
    /// [`ReplyLost::Truncated`].
    pub(crate) fn finish(&self) -> Result<(), ReplyLost> {
        let unfinished = self.layers.iter().find(|layer| !layer.coder.is_complete());
        match unfinished {
            Some(layer) if self.taken > 0 => Err(ReplyLost::Truncated {
                encoding: layer.name,
            }),
            _ => Ok(()),
        }
    }

    /// One step of the layer `at`. Its decoded bytes must have been read before.
    fn step(&mut self, at: usize, body: &mut &[u8]) -> Result<Stepped, ReplyLost> {
        // An encoded body is at most this much longer than what it decodes to.
        let permitted = self
            .input_limit
            .saturating_add(self.input_limit / 64 + 1024);
        let last = self.layers.len() - 1;
        let (before, rest) = self.layers.split_at_mut(at);
        let layer = &mut rest[0];
        let input = match before.last() {
            Some(source) => &source.output[source.ready.clone()],
            None => *body,
        };
        let damaged = |Damaged| ReplyLost::Damaged {
            encoding: layer.name,
        };
        let done = layer
            .coder
            .step(input, &mut layer.output)
            .map_err(damaged)?;
        let left = input.len() - done.read;
        match before.last_mut() {
            Some(source) => source.ready.start += done.read,
            None => {
                *body = &body[done.read..];
                self.taken += done.read as u64;
            }
        }
        layer.ready = 0..done.written;
        layer.total += done.written as u64;
        if at == last && layer.total > self.limit {
            return Err(ReplyLost::BodyTooLong { limit: self.limit });
        }
        if at < last && layer.total > permitted || self.taken > permitted {
            let limit = self.input_limit;
            return Err(ReplyLost::BodyTooLong { limit });
        }
        match (done.written, done.read, left) {
            (0, _, 0) => Ok(Stepped::NeedsMore),
            // Neither read nor written: bytes after the end.
            (0, 0, _) => Err(ReplyLost::Damaged {
                encoding: layer.name,
            }),
            (0, _, _) => Ok(Stepped::Read),
            (written, _, _) => Ok(Stepped::Wrote(written)),
        }
    }
}

/// The result of one step.
enum Stepped {
    /// It decoded this many bytes, at least one.
    Wrote(usize),
    /// It took bytes and decoded none; there are more to take.
    Read,
    /// It took everything and decoded nothing.
    NeedsMore,
}

fn unknown(name: &str) -> ReplyLost {
    let short: String = name.chars().take(LONGEST_NAME).collect();
    ReplyLost::Encoded {
        encoding: sentence(&short).into_owned(),
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
