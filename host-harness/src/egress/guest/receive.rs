//! Reads and decodes a reply, and takes pictures and clips out of it.
//!
//! Each step reserves the memory that it takes before it takes it.

use std::sync::Arc;

use bytes::BytesMut;
use http::header::CONTENT_LENGTH;
use http::response;

use super::attachments::{Limits, Separated, memory_to_separate, separate};
use super::authorize::RequestHead;
use super::body::budget;
use super::call::Sends;
use super::memory::longest_reply;
use super::redact::Received;
use crate::egress::budget::Reserved;
use crate::egress::charset::{DECODED, is_decoded, to_utf8};
use crate::egress::client::Reply;
use crate::egress::error::ReplyLost;
use crate::egress::header::length_of;
use crate::egress::reply_capacity::ReplyCapacity;

/// Bodies of this length are read in a blocking thread: 32 MiB take a tenth of a second.
const BLOCKING: usize = 1 << 20;

/// The whole reply as UTF-8, without its pictures and clips, which the call keeps.
pub(super) async fn receive(head: &RequestHead<'_>, reply: Reply) -> Result<Received, ReplyLost> {
    let limits = &head.limits;
    if length_of(&reply.parts.headers) > limits.reply_header {
        let limit = limits.reply_header;
        return Err(ReplyLost::HeaderTooLong { limit });
    }
    // A call sends one request that may cost money.
    let is_claimed = head.call.sends != Sends::Reads && !head.parts.method.is_safe();
    let receives_clips = head.call.sends.receives_clips();
    let longest = if receives_clips {
        longest_reply(limits.reply_body, limits.clip_body)
    } else {
        limits.reply_body
    };
    let mut reply_capacity = ReplyCapacity {
        longest,
        reserved: if is_claimed {
            budget(head).reserved_at_once()
        } else {
            budget(head).reserved()
        },
    };
    let collected = reply.collect_in(limits.reply_body, limits.idle, &mut reply_capacity);
    let (mut parts, mut body) = collected.await.map_err(|lost| match lost {
        ReplyLost::BodyTooLong { limit } if limit == longest && longest > limits.reply_body => {
            ReplyLost::ClipTooLong {
                limit: limits.clip_body,
            }
        }
        lost => lost,
    })?;
    let mut reserved = reply_capacity.reserved;
    if is_decoded(&parts.headers, &body) {
        let decoded = DECODED * body.len() as u64;
        reserved.grow_reply_to(decoded).await;
    }
    body = to_utf8(&mut parts.headers, body);
    if !receives_clips {
        // Some charsets take more bytes in UTF-8.
        if body.len() as u64 > limits.reply_body {
            let limit = limits.reply_body;
            return Err(ReplyLost::BodyTooLong { limit });
        }
        reserved.shrink_to(body.len() as u64);
        return Ok((parts, body.freeze(), reserved));
    }
    without_attachments(head, (parts, body, reserved)).await
}

/// A reply as it was collected, and its memory.
type Collected = (response::Parts, BytesMut, Reserved);

/// The reply without its pictures and clips, which the call keeps.
async fn without_attachments(
    head: &RequestHead<'_>,
    (mut parts, body, mut reserved): Collected,
) -> Result<Received, ReplyLost> {
    let limits = &head.limits;
    let attachments = &head.call.attachments;
    let (first, kept) = attachments.totals();
    let left = Limits {
        first,
        text: limits.reply_body,
        clips: limits.clip_body.saturating_sub(kept),
    };
    let length = body.len();
    reserved.shrink_to(length as u64);
    let needed = memory_to_separate(length as u64, left.text);
    reserved.grow_reply_to(needed).await;
    let mut separated = separated(body, left).await.map_err(|lost| match lost {
        ReplyLost::ClipTooLong { .. } => ReplyLost::ClipTooLong {
            limit: limits.clip_body,
        },
        lost => lost,
    })?;
    if separated.text.len() != length {
        parts.headers.remove(CONTENT_LENGTH);
    }
    let taken = Arc::new(reserved.split(separated.taken));
    for attachment in &mut separated.attachments {
        let bytes = std::mem::take(&mut attachment.bytes);
        attachment.bytes = Arc::clone(&taken).holding(bytes);
    }
    reserved.shrink_to(separated.text.len() as u64);
    attachments.add(separated.attachments);
    Ok((parts, separated.text, reserved))
}

async fn separated(body: BytesMut, limits: Limits) -> Result<Separated, ReplyLost> {
    if body.len() < BLOCKING {
        return separate(body, limits);
    }
    let read = tokio::task::spawn_blocking(move || separate(body, limits));
    read.await.unwrap_or(Err(ReplyLost::Unread))
}
