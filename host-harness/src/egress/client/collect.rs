//! Collects and decodes a reply's whole body.

use std::time::Duration;

use bytes::BytesMut;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::response;

use super::Reply;
use crate::egress::content_encoding::ContentDecoder;
use crate::egress::error::ReplyLost;
use crate::egress::long_reply::LongReply;
use crate::egress::spans;

impl Reply {
    /// The whole body, decoded, up to `limit` bytes.
    pub(crate) async fn collect(
        self,
        limit: u64,
        time_limit: Duration,
    ) -> Result<(response::Parts, BytesMut), ReplyLost> {
        self.collect_up_to(limit, time_limit, None).await
    }

    /// The same, but a body that `long` permits may exceed `limit`.
    pub(in crate::egress) async fn collect_long(
        self,
        limit: u64,
        time_limit: Duration,
        long: &mut LongReply,
    ) -> Result<(response::Parts, BytesMut), ReplyLost> {
        self.collect_up_to(limit, time_limit, Some(long)).await
    }

    async fn collect_up_to(
        mut self,
        limit: u64,
        time_limit: Duration,
        long: Option<&mut LongReply>,
    ) -> Result<(response::Parts, BytesMut), ReplyLost> {
        let most = long.as_ref().map_or(limit, |long| long.limit().max(limit));
        let announced = self.announced();
        let mut decoder = ContentDecoder::of(&self.parts.headers, most)?;
        if decoder.is_none() && announced.is_some_and(|announced| announced > most) {
            return Err(ReplyLost::BodyTooLong { limit: most });
        }
        if let Some(decoder) = &mut decoder {
            decoder.limit_input(limit);
        }
        let mut body = Collected {
            bytes: BytesMut::new(),
            announced: announced.filter(|_| decoder.is_none()),
            limit,
            long,
        };
        while let Some(bytes) = self.chunk(time_limit).await? {
            let Some(decoder) = &mut decoder else {
                body.add(&bytes).await?;
                continue;
            };
            let mut bytes = &bytes[..];
            while let Some(decoded) = decoder.next(&mut bytes)? {
                body.add(decoded).await?;
                if body.bytes.len() as u64 > limit {
                    decoder.limit_input(most);
                }
            }
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
        Ok((self.parts, body.bytes))
    }
}

/// A body that is being collected.
struct Collected<'a> {
    bytes: BytesMut,
    /// The announced length.
    announced: Option<u64>,
    limit: u64,
    long: Option<&'a mut LongReply>,
}

impl Collected<'_> {
    async fn add(&mut self, bytes: &[u8]) -> Result<(), ReplyLost> {
        let after = (self.bytes.len() + bytes.len()) as u64;
        if after > self.limit {
            let limit = self.limit;
            let Some(long) = &mut self.long else {
                return Err(ReplyLost::BodyTooLong { limit });
            };
            if (self.bytes.len() as u64) <= limit {
                self.bytes.extend_from_slice(bytes);
                long.permit(&self.bytes, limit).await?;
                // Announced lengths are trusted only where few replies can be that long.
                let left = self.announced.unwrap_or(0).saturating_sub(after);
                self.bytes.reserve(usize::try_from(left).unwrap_or(0));
                return Ok(());
            }
            if after > long.limit() {
                let limit = long.limit();
                return Err(ReplyLost::BodyTooLong { limit });
            }
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}
