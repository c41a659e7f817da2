//! The JSON of a rule, and the fault that it describes.

mod disconnect;

use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::clips::{ClipForm, InlineClip, RelativeUrl};
use super::distortion::{Distortion, IdInHeader, SlowBody};
use super::edits::{Edits, PlaceEdit};
use super::encoding::{Charset, Encoding};
use super::fault::{Canned, Fault, UrlFault};
use super::schedule::{CountBy, Matching, Schedule};
use super::values::{
    Moment, Moved, OneOrMany, header, media_type, method, moment_or_true, path, pointer,
};

/// The bytes of a slow body's pieces when the rule has no `drip_bytes`.
pub(super) const DRIP_BYTES: usize = 16;

/// The most URLs of `several_clips`.
const MAX_CLIPS: usize = 100;

/// The JSON of a rule.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Written {
    method: Option<String>,
    path: OneOrMany<String>,
    from: Option<NonZeroU64>,
    every: Option<NonZeroU64>,
    times: Option<NonZeroU64>,
    count_by: CountBy,
    after: bool,
    delay_ms: u64,
    status: Option<u16>,
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    body_base64: Option<String>,
    content_type: Option<String>,
    id_in_header: Option<WrittenId>,
    unwrap: Option<String>,
    relative_urls: Option<RelativeUrl>,
    inline_clip: Option<InlineClip>,
    several_clips: Option<NonZeroUsize>,
    status_word: Option<String>,
    status_words: BTreeMap<String, String>,
    patch: Option<Map<String, Value>>,
    #[serde(rename = "move")]
    moves: BTreeMap<String, String>,
    copy: BTreeMap<String, String>,
    remove: Vec<String>,
    set: BTreeMap<String, Value>,
    pad_bytes: Option<usize>,
    nest: Option<usize>,
    charset: Option<Charset>,
    gzip: bool,
    encode: OneOrMany<Encoding>,
    truncate: Option<usize>,
    drip_ms: Option<u64>,
    drip_bytes: Option<NonZeroUsize>,
    close: Option<Moment>,
    #[serde(deserialize_with = "moment_or_true")]
    reset: Option<Moment>,
    expired: bool,
    moved: Option<Moved>,
}

/// The value of `id_in_header`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenId {
    header: String,
    value: String,
    #[serde(default = "created")]
    status: u16,
}

fn created() -> u16 {
    StatusCode::CREATED.as_u16()
}

impl Written {
    /// The requests that the rule matches.
    pub(super) fn matching(&self) -> Result<Matching, String> {
        Ok(Matching {
            method: self.method.as_deref().map(method).transpose()?,
            paths: self
                .path
                .0
                .iter()
                .map(|text| path(text))
                .collect::<Result<_, _>>()?,
        })
    }

    /// At which of them it is due.
    pub(super) fn schedule(&self) -> Schedule {
        Schedule::new(self.from, self.every, self.times, self.count_by)
    }

    /// Its fault.
    pub(super) fn into_fault(self) -> Result<Fault, String> {
        let (disconnect, cut) = self.disconnect()?;
        if self.drip_bytes.is_some() && self.drip_ms.is_none() {
            return Err("`drip_bytes` needs `drip_ms`".to_owned());
        }
        Ok(Fault {
            is_after: self.after || [self.close, self.reset].contains(&Some(Moment::After)),
            delay: Duration::from_millis(self.delay_ms),
            disconnect,
            url: self.url()?,
            canned: self.canned()?,
            distortion: Distortion {
                id_in_header: self.id_in_header()?,
                charset: self.charset,
                encodings: self.encodings()?,
                media_type: self.content_type.as_deref().map(media_type).transpose()?,
                headers: self.headers()?,
                cut,
                drip: self.drip_ms.map(|pause| SlowBody {
                    pause: Duration::from_millis(pause),
                    bytes: self.drip_bytes.map_or(DRIP_BYTES, NonZeroUsize::get),
                }),
                edits: self.into_edits()?,
            },
        })
    }

    fn has_own_reply(&self) -> bool {
        self.status.is_some() || self.body.is_some() || self.body_base64.is_some()
    }

    fn edits_json(&self) -> bool {
        self.unwrap.is_some()
            || self.relative_urls.is_some()
            || self.inline_clip.is_some()
            || self.several_clips.is_some()
            || self.status_word.is_some()
            || !self.status_words.is_empty()
            || self.patch.is_some()
            || !self.moves.is_empty()
            || !self.copy.is_empty()
            || !self.remove.is_empty()
            || !self.set.is_empty()
            || self.pad_bytes.is_some()
            || self.nest.is_some()
    }

    fn canned(&self) -> Result<Option<Canned>, String> {
        if !self.has_own_reply() {
            return Ok(None);
        }
        let (body, kind): (Bytes, _) = match (&self.body, &self.body_base64) {
            (Some(_), Some(_)) => {
                return Err("a rule has `body` or `body_base64`, not both".to_owned());
            }
            (None, None) => (Bytes::new(), None),
            (Some(Value::String(text)), None) => {
                (text.clone().into(), Some("text/plain; charset=utf-8"))
            }
            (Some(json), None) => (json.to_string().into(), Some("application/json")),
            (None, Some(base64)) => {
                let bytes = STANDARD.decode(base64);
                let bytes = bytes.map_err(|_| "`body_base64` is not base64 with padding");
                (bytes?.into(), Some("application/octet-stream"))
            }
        };
        Ok(Some(Canned {
            status: self.status()?.unwrap_or(StatusCode::OK),
            body,
            media_type: kind.map(HeaderValue::from_static),
        }))
    }

    fn status(&self) -> Result<Option<StatusCode>, String> {
        let Some(status) = self.status else {
            return Ok(None);
        };
        // Interim statuses are not final replies, and HTTP libraries accept no others.
        if !(200..=599).contains(&status) {
            return Err("`status` is a number from 200 to 599".to_owned());
        }
        StatusCode::from_u16(status)
            .map(Some)
            .map_err(|error| error.to_string())
    }

    fn url(&self) -> Result<Option<UrlFault>, String> {
        let status = self.status()?;
        match (self.expired, self.moved) {
            (false, None) => Ok(None),
            (true, Some(_)) => Err("a clip is `expired` or `moved`, not both".to_owned()),
            _ if self.body.is_some() || self.body_base64.is_some() => {
                Err("`expired` and `moved` have their own body; remove `body`".to_owned())
            }
            (true, None) => Ok(Some(UrlFault::Expired(
                status.unwrap_or(StatusCode::FORBIDDEN),
            ))),
            (false, Some(Moved::Gone)) => Ok(Some(UrlFault::Expired(
                status.unwrap_or(StatusCode::NOT_FOUND),
            ))),
            (false, Some(Moved::Redirect)) => Ok(Some(UrlFault::Redirect(
                status.unwrap_or(StatusCode::FOUND),
            ))),
        }
    }

    fn headers(&self) -> Result<HeaderMap, String> {
        let headers = self.headers.iter();
        headers.map(|(name, value)| header(name, value)).collect()
    }

    fn id_in_header(&self) -> Result<Option<IdInHeader>, String> {
        let Some(written) = &self.id_in_header else {
            return Ok(None);
        };
        if self.has_own_reply() || self.edits_json() {
            return Err(
                "`id_in_header` takes the id from the real reply and sends no body; \
                        it is combined with no key that sets or changes a body"
                    .to_owned(),
            );
        }
        if !written.value.contains("{id}") {
            return Err("`id_in_header` needs `{id}` in its `value`".to_owned());
        }
        let (header, _) = header(&written.header, &written.value)?;
        let status = StatusCode::from_u16(written.status).ok();
        let status = status.filter(StatusCode::is_success);
        Ok(Some(IdInHeader {
            header,
            value: written.value.clone(),
            status: status
                .ok_or_else(|| "`id_in_header` has a `status` from 200 to 299".to_owned())?,
        }))
    }

    fn encodings(&self) -> Result<Vec<Encoding>, String> {
        match (self.gzip, self.encode.0.is_empty()) {
            (true, false) => Err("a rule has `gzip` or `encode`, not both".to_owned()),
            (true, true) => Ok(vec![Encoding::Gzip]),
            (false, _) => Ok(self.encode.0.clone()),
        }
    }

    fn into_edits(self) -> Result<Edits, String> {
        let clip = match (self.relative_urls, self.inline_clip, self.several_clips) {
            (None, None, None) => None,
            (Some(form), None, None) => Some(ClipForm::Relative(form)),
            (None, Some(form), None) => Some(ClipForm::Inline(form)),
            (None, None, Some(count)) if count.get() <= MAX_CLIPS => {
                Some(ClipForm::Several(count.get()))
            }
            (None, None, Some(_)) => {
                return Err(format!("`several_clips` is a number from 1 to {MAX_CLIPS}"));
            }
            _ => {
                return Err(
                    "a rule has one of `relative_urls`, `inline_clip` and `several_clips`"
                        .to_owned(),
                );
            }
        };
        if self.status_word.is_some() && !self.status_words.is_empty() {
            return Err("a rule has `status_word` or `status_words`, not both".to_owned());
        }
        let mut patch = self.patch;
        if let Some(word) = self.status_word {
            patch
                .get_or_insert_default()
                .insert("status".to_owned(), word.into());
        }
        let mut places = Vec::new();
        for (from, to) in self.moves {
            let (from, to) = (pointer("move", from)?, pointer("move", to)?);
            places.push(PlaceEdit::Move { from, to });
        }
        for (from, to) in self.copy {
            let (from, to) = (pointer("copy", from)?, pointer("copy", to)?);
            places.push(PlaceEdit::Copy { from, to });
        }
        for place in self.remove {
            places.push(PlaceEdit::Remove(pointer("remove", place)?));
        }
        for (place, value) in self.set {
            places.push(PlaceEdit::Set(pointer("set", place)?, value));
        }
        let unwrap = self.unwrap.map(|place| pointer("unwrap", place));
        Ok(Edits {
            unwrap: unwrap.transpose()?,
            clip,
            status_words: self.status_words,
            patch: patch.map(Value::Object),
            places,
            pad_bytes: self.pad_bytes,
            nest: self.nest,
        })
    }
}
