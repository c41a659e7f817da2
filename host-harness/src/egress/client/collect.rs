//! Collects and decodes a reply's whole body.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::response;
use tokio::time::Instant;

use super::Reply;
use crate::egress::content_encoding::ContentDecoder;
use crate::egress::error::ReplyLost;
use crate::egress::reply_capacity::ReplyCapacity;
use crate::egress::spans;

/// The memory that a body begins with; it doubles up to the limit.
const FIRST: usize = 16 << 10;

impl Reply {
    /// The whole body, decoded, up to `limit` bytes.
    pub(crate) async fn collect(
        self,
        limit: u64,
        time_limit: Duration,
    ) -> Result<(response::Parts, BytesMut), ReplyLost> {
        self.collect_up_to(limit, time_limit, None).await
    }

    /// The same in the memory of `reply_capacity`, and a body that holds a clip may exceed `limit`.
    /// Waits for memory; meanwhile nothing is read.
    pub(in crate::egress) async fn collect_in(
        self,
        limit: u64,
        time_limit: Duration,
        reply_capacity: &mut ReplyCapacity,
    ) -> Result<(response::Parts, BytesMut), ReplyLost> {
        self.collect_up_to(limit, time_limit, Some(reply_capacity))
            .await
    }

    /// Adds time in which nothing is read.
    fn add_time(&mut self, time: Duration) {
        self.grace += time;
        self.deadline.extend(time);
    }

    async fn collect_up_to(
        mut self,
        limit: u64,
        time_limit: Duration,
        reply_capacity: Option<&mut ReplyCapacity>,
    ) -> Result<(response::Parts, BytesMut), ReplyLost> {
        let most = reply_capacity
            .as_ref()
            .map_or(limit, |reply_capacity| reply_capacity.longest.max(limit));
        let announced = self.announced();
        let mut decoder = ContentDecoder::of(&self.parts.headers, most)?;
        if decoder.is_none() && announced.is_some_and(|announced| announced > most) {
            return Err(ReplyLost::BodyTooLong { limit: most });
        }
        if let Some(decoder) = &mut decoder {
            decoder.limit_input(limit);
        }
        let mut body = Collected {
            bytes: Vec::new(),
            announced: announced.filter(|_| decoder.is_none()),
            limit,
            most,
            decoder: decoder.as_ref().map_or(0, ContentDecoder::memory),
            reply_capacity,
        };
        if let Some(reply_capacity) = &mut body.reply_capacity {
            reply_capacity.reserved.allow_decoder(body.decoder);
        }
        while let Some(bytes) = self.chunk(time_limit).await? {
            let begun = Instant::now();
            let Some(decoder) = &mut decoder else {
                body.add(&bytes).await?;
                // The server does not answer for the time in which nothing is read.
                self.add_time(begun.elapsed());
                continue;
            };
            let mut bytes = &bytes[..];
            while let Some(decoded) = decoder.next(&mut bytes)? {
                body.add(decoded).await?;
                if body.bytes.len() as u64 > limit {
                    decoder.limit_input(most);
                }
            }
            self.add_time(begun.elapsed());
        }
        if let Some(announced) = announced
            && announced != self.read
        {
            return Err(ReplyLost::Length {
                announced,
                actual: self.read,
            });
        }
        if let Some(decoder) = decoder {
            decoder.finish()?;
            self.parts.headers.remove(CONTENT_ENCODING);
            self.parts.headers.remove(CONTENT_LENGTH);
        }
        spans::received(body.bytes.len());
        Ok((self.parts, body.end()))
    }
}

/// A body that is being collected.
struct Collected<'a> {
    bytes: Vec<u8>,
    /// The announced length.
    announced: Option<u64>,
    limit: u64,
    most: u64,
    /// The memory of the decoder.
    decoder: u64,
    reply_capacity: Option<&'a mut ReplyCapacity>,
}

impl Collected<'_> {
    async fn add(&mut self, bytes: &[u8]) -> Result<(), ReplyLost> {
        let after = self.bytes.len() + bytes.len();
        if after as u64 > self.limit {
            let begin = if self.bytes.is_empty() {
                bytes
            } else {
                &self.bytes
            };
            let limit = if begins_as_json(begin) {
                self.most
            } else {
                self.limit
            };
            if after as u64 > limit {
                return Err(ReplyLost::BodyTooLong { limit });
            }
        }
        if after > self.bytes.capacity() {
            let capacity = self.capacity_for(after);
            if let Some(reply_capacity) = &mut self.reply_capacity {
                let whole = self.decoder.saturating_add(capacity as u64);
                reply_capacity.reserved.grow_reply_to(whole).await;
            }
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Twice as much as before, but no more than the body can need.
    fn capacity_for(&self, length: usize) -> usize {
        let limit = if length as u64 > self.limit {
            self.most
        } else {
            self.limit
        };
        let most = self
            .announced
            .map_or(limit, |announced| announced.min(limit));
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let doubled = self.bytes.capacity().saturating_mul(2).max(FIRST);
        doubled.min(most).max(length)
    }

    /// The body, whose memory alone stays reserved.
    fn end(self) -> BytesMut {
        if let Some(reply_capacity) = self.reply_capacity {
            reply_capacity.reserved.shrink_to(self.bytes.len() as u64);
        }
        BytesMut::from(Bytes::from(self.bytes))
    }
}

fn begins_as_json(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    matches!(text.trim_ascii_start(), [b'{' | b'[' | b'"', ..])
}
