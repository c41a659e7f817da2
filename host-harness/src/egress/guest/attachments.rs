//! Pictures and clips inside a reply. They do not enter the component: the host takes them out
//! and puts `attached:N` in their place, which the component returns as the URL of a medium.
//!
//! Taken out of the string values of a JSON text are
//!
//! - `data:` URLs, if their media type or their bytes are those of a picture or a clip, or if
//!   they are at least 1 KiB long
//! - base64 of at least 1 KiB whose bytes begin as a picture or a clip
//!
//! A provider's own text `attached:…` gets the prefix `not-`, so that it does not name one.

mod data_url;
mod encoded;
mod symbols;

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use serde::de::IgnoredAny;

use self::encoded::{Encoded, LONG, after_prefix};
use crate::egress::error::ReplyLost;

/// What the host puts in the place of a picture or clip, before its number.
const SCHEME: &str = "attached:";

/// The prefix of a text of the provider that begins with [`SCHEME`].
const NOT: &[u8] = b"not-";

/// Most pictures and clips of one call. Further ones stay in the text.
const MAX_ATTACHMENTS: usize = 256;

/// A picture or clip that a reply held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attachment {
    /// `video/mp4`, as the provider named it.
    pub(crate) media_type: Option<String>,
    /// The bytes. They keep the reply in memory that they are a part of.
    pub(crate) bytes: Bytes,
}

/// The pictures and clips of one call, numbered over all its replies.
#[derive(Default)]
pub(crate) struct Attachments(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    all: Vec<Option<Attachment>>,
    /// Length of all, also of those that were handed out.
    bytes: u64,
}

impl Attachments {
    /// Hands out the attachment of this number, once.
    pub(crate) fn take(&self, number: usize) -> Option<Attachment> {
        self.kept(|kept| kept.all.get_mut(number)?.take())
    }

    /// The URL of a file that was inside a reply and is not there any more.
    pub(crate) const GONE: &str = SCHEME;

    /// Whether a URL stands for a file inside a reply: `attached:`, or `data:`.
    pub(crate) fn is_one(url: &str) -> bool {
        let begins = |scheme: &str| {
            let start = url.get(..scheme.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        begins("data:") || begins(SCHEME)
    }

    /// Drops the attachments that were not taken.
    pub(crate) fn clear(&self) {
        self.kept(|kept| {
            kept.all
                .iter_mut()
                .for_each(|attachment| *attachment = None);
        });
    }

    /// The number that a URL names: 3 for `attached:3`. `None` for any other URL.
    pub(crate) fn number(url: &str) -> Option<usize> {
        let digits = url.strip_prefix(SCHEME)?;
        let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        are_digits.then(|| digits.parse().ok())?
    }
}

impl Attachments {
    /// How many there are, and the sum of their lengths.
    pub(super) fn totals(&self) -> (usize, u64) {
        self.kept(|kept| (kept.all.len(), kept.bytes))
    }

    /// Adds the attachments of a reply.
    pub(super) fn add(&self, attachments: Vec<Attachment>) {
        self.kept(|kept| {
            let lengths = attachments.iter().map(|it| it.bytes.len() as u64);
            kept.bytes += lengths.sum::<u64>();
            kept.all.extend(attachments.into_iter().map(Some));
        });
    }

    fn kept<T>(&self, change: impl FnOnce(&mut Kept) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A reply without its pictures and clips.
pub(super) struct Separated {
    pub(super) text: Bytes,
    pub(super) attachments: Vec<Attachment>,
    /// The memory that the attachments take.
    pub(super) taken: u64,
}

/// The limits of one reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Number of the first attachment.
    pub(super) first: usize,
    /// Longest text in bytes.
    pub(super) text: u64,
    /// Most bytes of pictures and clips together.
    pub(super) clips: u64,
}

/// Takes pictures and clips out of the JSON text `body`. Any other text stays as it is.
///
/// The bytes are decoded in place and stay in the memory of `body`, so that at most `body` and
/// the text that remains are in memory at once. Attachments that are short compared with
/// `body` are copied, and `body` is freed. Takes time in proportion to the length of `body`.
///
/// # Errors
///
/// [`ReplyLost::ClipTooLong`] if the pictures and clips exceed `limits`, and
/// [`ReplyLost::BodyTooLong`] if the remaining text does.
pub(super) fn separate(mut body: BytesMut, limits: Limits) -> Result<Separated, ReplyLost> {
    let too_long = ReplyLost::BodyTooLong { limit: limits.text };
    if !is_affected(&body) || serde_json::from_slice::<IgnoredAny>(&body).is_err() {
        if body.len() as u64 > limits.text {
            return Err(too_long);
        }
        return Ok(Separated {
            text: body.freeze(),
            attachments: Vec::new(),
            taken: 0,
        });
    }
    let mut text = BytesMut::new();
    let mut found: Vec<(Option<String>, Range<usize>)> = Vec::new();
    let (mut clips, mut copied, mut at) = (0, 0, 0);
    while let Some(content) = next_value(&body, &mut at) {
        let is_full = limits.first + found.len() >= MAX_ATTACHMENTS;
        let replacement = match content_of(&body[content.clone()], is_full) {
            None => continue,
            Some(Content::Mark) => None,
            Some(Content::Bytes(encoded)) => Some(encoded),
        };
        // Checked before, so that a long text is not copied first.
        if (text.len() + content.start - copied) as u64 > limits.text {
            return Err(too_long);
        }
        text.extend_from_slice(&body[copied..content.start]);
        copied = content.start;
        match replacement {
            None => text.extend_from_slice(NOT),
            Some(encoded) => {
                clips += encoded.length as u64;
                if clips > limits.clips {
                    return Err(ReplyLost::ClipTooLong {
                        limit: limits.clips,
                    });
                }
                let decoded = encoded.decode(&mut body[content.clone()]);
                let mark = format!("{SCHEME}{}", limits.first + found.len());
                text.extend_from_slice(mark.as_bytes());
                let place = content.start + decoded.start..content.start + decoded.end;
                found.push((encoded.media_type, place));
                copied = content.end;
            }
        }
    }
    if (text.len() + body.len() - copied) as u64 > limits.text {
        return Err(too_long);
    }
    text.extend_from_slice(&body[copied..]);
    let taken = match found.len() {
        0 => 0,
        _ if is_mostly_clips(body.len(), clips) => body.len() as u64,
        _ => clips,
    };
    Ok(Separated {
        text: text.freeze(),
        attachments: attachments_in(&body.freeze(), found, clips),
        taken,
    })
}

/// The attachments at these places of `body`, `clips` bytes together.
fn attachments_in(
    body: &Bytes,
    found: Vec<(Option<String>, Range<usize>)>,
    clips: u64,
) -> Vec<Attachment> {
    let is_mostly_clips = is_mostly_clips(body.len(), clips);
    let attachment = |(media_type, place)| Attachment {
        media_type,
        bytes: if is_mostly_clips {
            body.slice(place)
        } else {
            Bytes::copy_from_slice(&body[place])
        },
    };
    found.into_iter().map(attachment).collect()
}

/// Whether the attachments stay in the memory of the reply. Else they are copied.
fn is_mostly_clips(length: usize, clips: u64) -> bool {
    clips > length as u64 / 2
}

/// The memory of a reply of this length while it is separated: itself, the text without its
/// attachments, and those that are copied. A reply that is longer than four times the longest
/// text holds mostly clips, which are not copied.
pub(super) fn memory_to_separate(length: u64, text: u64) -> u64 {
    let copied = if length / 4 <= text { length / 2 } else { 0 };
    length + length.min(text) + copied
}

/// What a string holds that is replaced.
enum Content {
    /// A text that begins with [`SCHEME`].
    Mark,
    /// A picture or a clip, or other bytes that are long.
    Bytes(Encoded),
}

/// `None` for a string that stays as it is. `is_full` if no further attachment is taken.
fn content_of(content: &[u8], is_full: bool) -> Option<Content> {
    if after_prefix(content, SCHEME.as_bytes(), true).is_some() {
        return Some(Content::Mark);
    }
    let is_long = content.len() >= LONG;
    let encoded = Encoded::in_url(content, true)
        .filter(|encoded| is_long || encoded.is_medium || encoded.names_a_medium())
        .or_else(|| is_long.then(|| Encoded::in_base64(content, true))?);
    encoded.filter(|_| !is_full).map(Content::Bytes)
}

/// Whether `body` looks like a JSON text with a string that is replaced.
fn is_affected(body: &[u8]) -> bool {
    let begins = matches!(body.trim_ascii_start(), [b'{' | b'[' | b'"', ..]);
    let mut at = 0;
    let mut values = std::iter::from_fn(|| next_value(body, &mut at));
    begins && values.any(|content| content_of(&body[content], false).is_some())
}

/// The content of the next string from `at` on that is a value and not a key. Moves `at`
/// behind it. Reads JSON only: outside of a string every quotation mark begins one.
fn next_value(text: &[u8], at: &mut usize) -> Option<Range<usize>> {
    loop {
        let begin = *at + text.get(*at..)?.iter().position(|&byte| byte == b'"')? + 1;
        let mut end = begin;
        loop {
            let special = |byte: &u8| matches!(byte, b'"' | b'\\');
            end += text.get(end..)?.iter().position(special)?;
            if text[end] == b'"' {
                break;
            }
            end += 2;
        }
        *at = end + 1;
        if !text[*at..].trim_ascii_start().starts_with(b":") {
            return Some(begin..end);
        }
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
