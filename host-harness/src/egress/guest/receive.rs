//! Reads and decodes a reply, and takes pictures and clips out of it.

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::response;

use super::attachments::{Limits, Separated, separate};
use super::authorize::RequestHead;
use crate::egress::charset::to_utf8;
use crate::egress::client::Reply;
use crate::egress::error::ReplyLost;
use crate::egress::header::length_of;

/// Bodies of this length are read in a blocking thread: 32 MiB take a tenth of a second.
const BLOCKING: usize = 1 << 20;

/// The whole reply as UTF-8, without its pictures and clips, which the call keeps.
pub(super) async fn receive(
    head: &RequestHead<'_>,
    reply: Reply,
) -> Result<(response::Parts, Bytes), ReplyLost> {
    let limits = &head.limits;
    if length_of(&reply.parts.headers) > limits.reply_header {
        let limit = limits.reply_header;
        return Err(ReplyLost::HeaderTooLong { limit });
    }
    if !head.call.sends.receives_clips() {
        let collected = reply.collect(limits.reply_body, limits.idle).await?;
        let (mut parts, body) = collected;
        let body = to_utf8(&mut parts.headers, body);
        // Some charsets take more bytes in UTF-8.
        if body.len() as u64 > limits.reply_body {
            let limit = limits.reply_body;
            return Err(ReplyLost::BodyTooLong { limit });
        }
        return Ok((parts, body.freeze()));
    }
    let attachments = &head.call.attachments;
    let most = with_clips(limits.reply_body, limits.clip_body);
    let long = head.egress.long_reply(most);
    let mut long = long.permitted(attachments.has_permit());
    let collected = reply.collect_long(limits.reply_body, limits.idle, &mut long);
    let (mut parts, body) = collected.await.map_err(|lost| match lost {
        ReplyLost::BodyTooLong { limit } if limit == most && most > limits.reply_body => {
            ReplyLost::ClipTooLong {
                limit: limits.clip_body,
            }
        }
        lost => lost,
    })?;
    let body = to_utf8(&mut parts.headers, body);
    let (first, kept) = attachments.totals();
    let left = Limits {
        first,
        text: limits.reply_body,
        clips: limits.clip_body.saturating_sub(kept),
    };
    let length = body.len();
    let separated = separated(body, left).await.map_err(|lost| match lost {
        ReplyLost::ClipTooLong { .. } => ReplyLost::ClipTooLong {
            limit: limits.clip_body,
        },
        lost => lost,
    })?;
    if separated.text.len() != length {
        parts.headers.remove(CONTENT_LENGTH);
    }
    attachments.add(separated.attachments, long.into_permit());
    Ok((parts, separated.text))
}

async fn separated(body: BytesMut, limits: Limits) -> Result<Separated, ReplyLost> {
    if body.len() < BLOCKING {
        return separate(body, limits);
    }
    let read = tokio::task::spawn_blocking(move || separate(body, limits));
    match read.await {
        Ok(separated) => separated,
        // The runtime ends.
        Err(_) => Err(ReplyLost::BodyTooLong { limit: limits.text }),
    }
}

/// The longest reply whose text and clips are within the limits: base64 with line breaks and
/// their escapes takes less than half as much again as the bytes.
fn with_clips(text: u64, clips: u64) -> u64 {
    text.saturating_add(clips).saturating_add(clips / 2)
}
