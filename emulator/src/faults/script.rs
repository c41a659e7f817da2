//! The fault script. It is parsed into rules, which contain no contradictions.

use std::collections::BTreeMap;
use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::str::FromStr;
use std::time::Duration;

use axum::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::distortion::{Distortion, SlowBody};
use super::fault::{Canned, Fault, UrlFault};
use super::schedule::{CountBy, Matching, PathPattern, Schedule};
use crate::connection::Disconnect;

/// The bytes of a slow body's pieces when the rule has no `drip_bytes`.
const DRIP_BYTES: usize = 16;

/// The faults of a practice provider; none by default.
///
/// It is read from JSON, by [`FromStr`] or serde. Unknown keys are errors. A script is
/// `{"idempotency", "rules"}`, both optional. A rule gives the requests that it matches, at which
/// of them it is due, and the fault:
///
/// ```
/// # use zoetrope_emulator::FaultScript;
/// let script: FaultScript = r#"{
///     "idempotency": "ignored",
///     "rules": [
///         {"method": "POST", "path": "/v1/jobs", "times": 1, "close": "after"},
///         {"method": "GET", "path": "/v1/jobs/{id}", "every": 3, "status": 503}
///     ]
/// }"#
/// .parse()?;
/// # Ok::<_, zoetrope_emulator::FaultScriptError>(())
/// ```
///
/// `docs/reference/practice-faults.md` in the repository is the reference of every key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultScript {
    pub(crate) idempotency: KeyPolicy,
    pub(crate) rules: Vec<Rule>,
}

/// How idempotency keys are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyPolicy {
    /// The same key and body give the same job.
    #[default]
    Honoured,
    /// Every submission creates a job.
    Ignored,
}

impl FromStr for FaultScript {
    type Err = FaultScriptError;

    fn from_str(text: &str) -> Result<Self, FaultScriptError> {
        serde_json::from_str(text).map_err(FaultScriptError)
    }
}

/// The error of a text that is not a fault script.
#[derive(Debug)]
pub struct FaultScriptError(serde_json::Error);

impl FaultScriptError {
    /// The line of the error, counted from 1. For a contradictory rule it is the rule's last line.
    #[must_use]
    pub fn line(&self) -> usize {
        self.0.line()
    }

    /// The column of the error in bytes, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.0.column()
    }
}

/// The message has no position; see [`FaultScriptError::line`] and [`FaultScriptError::column`].
impl fmt::Display for FaultScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let place = format!(" at line {} column {}", self.line(), self.column());
        f.write_str(text.strip_suffix(&place).unwrap_or(&text))
    }
}

impl std::error::Error for FaultScriptError {}

/// One rule.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) matching: Matching,
    pub(crate) schedule: Schedule,
    pub(crate) fault: Fault,
}

/// Checks the rule inside its object, so that an error has the position of the rule's end.
/// `serde(try_from)` would check after the object and give the end of the list.
impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct RuleVisitor;

        impl<'de> Visitor<'de> for RuleVisitor {
            type Value = Rule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rule")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Rule, A::Error> {
                let written = Written::deserialize(MapAccessDeserializer::new(map))?;
                Rule::try_from(written).map_err(A::Error::custom)
            }
        }

        from.deserialize_map(RuleVisitor)
    }
}

/// The JSON of a rule.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    method: Option<String>,
    path: Option<String>,
    from: Option<NonZeroU64>,
    every: Option<NonZeroU64>,
    times: Option<NonZeroU64>,
    count_by: CountBy,
    after: bool,
    delay_ms: u64,
    status: Option<u16>,
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    content_type: Option<String>,
    unwrap: Option<String>,
    status_word: Option<String>,
    patch: Option<Map<String, Value>>,
    pad_bytes: Option<usize>,
    nest: Option<usize>,
    gzip: bool,
    truncate: Option<usize>,
    drip_ms: Option<u64>,
    drip_bytes: Option<NonZeroUsize>,
    close: Option<Moment>,
    #[serde(deserialize_with = "moment_or_true")]
    reset: Option<Moment>,
    expired: bool,
    moved: Option<Moved>,
}

/// When a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Moment {
    /// Before the handler runs.
    Before,
    /// After the handler has run.
    After,
}

/// How a clip's URL moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Moved {
    /// Without a redirect.
    Gone,
    /// With a redirect to the new URL.
    Redirect,
}

/// `true` means `before`.
fn moment_or_true<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Moment>, D::Error> {
    struct MomentOrTrue;

    impl Visitor<'_> for MomentOrTrue {
        type Value = Option<Moment>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("`true`, \"before\" or \"after\"")
        }

        fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Self::Value, E> {
            Ok(value.then_some(Moment::Before))
        }

        fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Self::Value, E> {
            match value {
                "before" => Ok(Some(Moment::Before)),
                "after" => Ok(Some(Moment::After)),
                _ => Err(E::unknown_variant(value, &["before", "after"])),
            }
        }
    }

    from.deserialize_any(MomentOrTrue)
}

impl TryFrom<Written> for Rule {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let (disconnect, cut) = written.disconnect()?;
        let canned = written.canned()?;
        let url = written.url()?;
        let headers = written.headers()?;
        let is_after =
            written.after || [written.close, written.reset].contains(&Some(Moment::After));
        let media_type = written
            .content_type
            .as_deref()
            .map(media_type)
            .transpose()?;
        if written.drip_bytes.is_some() && written.drip_ms.is_none() {
            return Err("`drip_bytes` needs `drip_ms`".to_owned());
        }
        let matching = Matching {
            method: written.method.as_deref().map(method).transpose()?,
            path: written.path.as_deref().map(path).transpose()?,
        };
        let schedule = Schedule::new(written.from, written.every, written.times, written.count_by);
        let mut patch = written.patch;
        if let Some(word) = written.status_word {
            patch
                .get_or_insert_default()
                .insert("status".to_owned(), word.into());
        }
        let distortion = Distortion {
            unwrap: written.unwrap.map(pointer).transpose()?,
            patch: patch.map(Value::Object),
            pad_bytes: written.pad_bytes,
            nest: written.nest,
            gzip: written.gzip,
            media_type,
            headers,
            cut,
            drip: written.drip_ms.map(|pause| SlowBody {
                pause: Duration::from_millis(pause),
                bytes: written.drip_bytes.map_or(DRIP_BYTES, NonZeroUsize::get),
            }),
        };
        let fault = Fault {
            is_after,
            delay: Duration::from_millis(written.delay_ms),
            disconnect,
            url,
            canned,
            distortion,
        };
        Ok(Self {
            matching,
            schedule,
            fault,
        })
    }
}

impl Written {
    /// How the connection ends: without an answer, or after a number of bytes of the body.
    #[expect(clippy::type_complexity, reason = "two optional plain values")]
    fn disconnect(&self) -> Result<(Option<Disconnect>, Option<(usize, Disconnect)>), String> {
        let (moment, how) = match (self.close, self.reset) {
            (Some(_), Some(_)) => return Err("a rule has `close` or `reset`, not both".to_owned()),
            (Some(moment), None) => (Some(moment), Disconnect::Close),
            (None, Some(moment)) => (Some(moment), Disconnect::Reset),
            (None, None) => (None, Disconnect::Close),
        };
        if self.after && moment == Some(Moment::Before) {
            return Err("`after` contradicts a connection that ends before the work".to_owned());
        }
        match (moment, self.truncate) {
            (Some(Moment::Before), Some(_)) => {
                Err("a connection that ends before the work has no reply to `truncate`".to_owned())
            }
            (_, Some(length)) => Ok((None, Some((length, how)))),
            (Some(_), None) if self.says_something() => {
                Err("a connection that ends without a reply cannot have one; \
                     `truncate` sends a part of it"
                    .to_owned())
            }
            (Some(_), None) => Ok((Some(how), None)),
            (None, None) => Ok((None, None)),
        }
    }

    /// Whether the rule sets or changes the reply.
    fn says_something(&self) -> bool {
        self.status.is_some()
            || !self.headers.is_empty()
            || self.body.is_some()
            || self.content_type.is_some()
            || self.unwrap.is_some()
            || self.status_word.is_some()
            || self.patch.is_some()
            || self.pad_bytes.is_some()
            || self.nest.is_some()
            || self.gzip
            || self.drip_ms.is_some()
            || self.expired
            || self.moved.is_some()
    }

    fn canned(&self) -> Result<Option<Canned>, String> {
        if self.status.is_none() && self.body.is_none() {
            return Ok(None);
        }
        let (body, kind) = match &self.body {
            None => (String::new(), None),
            Some(Value::String(text)) => (text.clone(), Some("text/plain; charset=utf-8")),
            Some(json) => (json.to_string(), Some("application/json")),
        };
        Ok(Some(Canned {
            status: self.status()?.unwrap_or(StatusCode::OK),
            body: body.into(),
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
            _ if self.body.is_some() => {
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
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let wrong = || format!("`{name}` is not a header with a value that can be sent");
            let header: HeaderName = name.parse().map_err(|_| wrong())?;
            if header == CONTENT_LENGTH || header == TRANSFER_ENCODING {
                return Err(format!("`{name}` is set by the server; see `truncate`"));
            }
            headers.insert(header, value.parse().map_err(|_| wrong())?);
        }
        Ok(headers)
    }
}

fn media_type(text: &str) -> Result<HeaderValue, String> {
    text.parse()
        .map_err(|_| "`content_type` is not a header value that can be sent".to_owned())
}

fn method(text: &str) -> Result<Method, String> {
    // Methods are case-sensitive, and clients send them in capital letters.
    text.parse()
        .ok()
        .filter(|_| !text.contains(|letter: char| letter.is_ascii_lowercase()))
        .ok_or_else(|| "`method` is a word in capital letters".to_owned())
}

fn path(text: &str) -> Result<PathPattern, String> {
    PathPattern::parse(text).ok_or_else(|| "`path` begins with `/` and has no query".to_owned())
}

fn pointer(text: String) -> Result<String, String> {
    Some(text)
        .filter(|text| text.starts_with('/'))
        .ok_or_else(|| "`unwrap` is a JSON Pointer and begins with `/`".to_owned())
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
