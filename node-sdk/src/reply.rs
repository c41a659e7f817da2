//! Reads replies of providers: the HTTP status, and values at JSON Pointers.
//!
//! Submits and reads differ: a submit without a clear answer may have been accepted and
//! charged; a read that fails has changed nothing.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::bindings::{
    Acceptance, Charge, Connection, NextStep, NodeError, Progress, ProviderFault, Stage,
};
use crate::http::{Reply, presentable};
use crate::json;
use crate::node::Node;
use crate::reason;
use crate::ticket::Ticket;

/// The JSON Pointers to code and message in a provider's error documents. A reply that has
/// nothing there is read as [`reason`] describes.
pub struct FaultPointers<'a> {
    /// The provider's own code.
    pub code: &'a str,
    /// The provider's message.
    pub message: &'a str,
}

impl FaultPointers<'_> {
    /// The provider's error in the reply.
    #[must_use]
    pub fn fault(&self, reply: &Reply) -> ProviderFault {
        let document = reply.json().unwrap_or(Value::Null);
        let message = text_at(&document, self.message)
            .or_else(|| reason::of_reply(reply))
            .or_else(|| reason::of_anything(&document))
            .unwrap_or_else(|| format!("HTTP status {}", reply.status));
        ProviderFault {
            status: Some(reply.status),
            code: text_at(&document, self.code).or_else(|| reason::code(&document)),
            message,
        }
    }

    /// The error of a submit's reply; `None` for 2xx.
    #[must_use]
    pub fn submit_error(&self, reply: &Reply) -> Option<NodeError> {
        let after = reply.retry_after_ms();
        let error = match reply.status {
            200..=299 => return None,
            401 | 403 => NodeError::unauthorized(self.fault(reply), Charge::No),
            429 => NodeError::throttled(self.fault(reply), Charge::No, NextStep::Retry),
            // Only a 503 with a delay means that the request was not processed at all.
            503 if after.is_some() => {
                NodeError::throttled(self.fault(reply), Charge::No, NextStep::Retry)
            }
            // 303 follows a request that was carried out; 408 one that arrived in part.
            300..=302 | 304..=399 => {
                NodeError::rejected(redirected(reply), Charge::No, NextStep::FixConnection)
            }
            400..=407 | 409..=499 => {
                NodeError::rejected(self.fault(reply), Charge::No, after_refusal(reply.status))
            }
            _ => NodeError::outcome_unknown(self.fault(reply)),
        };
        Some(error.after(after))
    }

    /// The error of a read's reply; `None` for 2xx.
    #[must_use]
    pub fn read_error(&self, reply: &Reply) -> Option<NodeError> {
        let error = match reply.status {
            200..=299 => return None,
            300..=399 => {
                NodeError::rejected(redirected(reply), Charge::Unknown, NextStep::FixConnection)
            }
            401 | 403 => NodeError::unauthorized(self.fault(reply), Charge::Unknown),
            404 | 410 => NodeError::job_lost(self.fault(reply)),
            429 => NodeError::throttled(self.fault(reply), Charge::Unknown, NextStep::PollAgain),
            408 | 500..=599 => NodeError::unavailable(self.fault(reply)),
            _ => NodeError::rejected(self.fault(reply), Charge::Unknown, NextStep::AskProvider),
        };
        Some(error.after(reply.retry_after_ms()))
    }
}

/// The next step after a refused submit.
fn after_refusal(status: u16) -> NextStep {
    match status {
        400 | 413..=415 | 422 => NextStep::FixInput,
        404 | 405 => NextStep::FixConnection,
        _ => NextStep::Stop,
    }
}

fn redirected(reply: &Reply) -> ProviderFault {
    let message = "the provider redirects, and redirects are never followed: check the base URL";
    ProviderFault::new(Some(reply.status), message)
}

/// Where a submit's reply has the job's id: at the first of the pointers that holds one, else in
/// the header, if its name is not empty.
pub struct IdPlaces<'a> {
    /// JSON Pointers into the document.
    pub pointers: &'a [&'a str],
    /// A header: its value, or the last segment of the URL or path that it holds.
    pub header: &'a str,
}

/// The acceptance of a submit, whose reply has the job's id at one of the places. The delay
/// before the first poll is `Retry-After`'s; the cost is not known.
///
/// # Errors
///
/// `outcome-unknown` when no place holds an id: the job may have been accepted. The message names
/// the first place and what the reply has instead, or the length of an id that is too long.
pub fn acceptance(
    node: &Node,
    connection: &Connection,
    wire: &str,
    reply: &Reply,
    document: &Value,
    places: &IdPlaces<'_>,
) -> Result<Acceptance, NodeError> {
    let mut pointers = places.pointers.iter();
    let id = pointers.find_map(|pointer| id_at(document, pointer));
    let Some(job) = id.or_else(|| id_in_header(reply, places.header)) else {
        let pointer = places.pointers.first().copied().unwrap_or_default();
        let place = match places.header {
            "" => pointer.into(),
            header => format!("{pointer} or in the header {header}"),
        };
        let too_long = places.pointers.iter().find_map(|pointer| {
            let length = id_length(document, pointer).filter(|length| *length > ID_LIMIT)?;
            Some(format!(
                "the job's id at {pointer} has {length} bytes; the limit is {ID_LIMIT} bytes"
            ))
        });
        let message = too_long.unwrap_or_else(|| expected("id", &place, reply));
        let fault = ProviderFault::new(Some(reply.status), message);
        return Err(NodeError::outcome_unknown(fault));
    };
    Ok(Acceptance {
        ticket: Ticket::new(node.name, &connection.id, wire, job.clone()).encode(),
        provider_job_id: job,
        poll_after_ms: reply.retry_after_ms().unwrap_or(0),
        cost: None,
    })
}

/// The progress of a job at this stage. The delay before the next poll is `Retry-After`'s;
/// fraction and message are not known.
#[must_use]
pub fn progress(stage: Stage, reply: &Reply) -> Progress {
    Progress {
        stage,
        fraction: None,
        message: None,
        poll_after_ms: reply.retry_after_ms().unwrap_or(0),
        replacement_ticket: None,
    }
}

/// The document of a reply to a poll, and the name of the job's state in it.
///
/// # Errors
///
/// `protocol-violation` when it is not a JSON document with a text at the pointer.
pub fn document_and_status(reply: &Reply, pointer: &str) -> Result<(Value, String), NodeError> {
    let read = || {
        let document = reply.json()?;
        let word = document.pointer(pointer)?.as_str()?.into();
        Some((document, word))
    };
    read().ok_or_else(|| NodeError::protocol_violation(expected("status, a word,", pointer, reply)))
}

/// What a reply should have, and what it says instead.
#[must_use]
pub fn expected(what: &str, pointer: &str, reply: &Reply) -> String {
    let expected = format!("expected a JSON document with the job's {what} at {pointer}");
    instead(&expected, reply)
}

/// An expectation of a reply, and the reason that the reply gives instead.
#[must_use]
pub fn instead(expected: &str, reply: &Reply) -> String {
    match reason::of_reply(reply) {
        Some(reason) => presentable(&format!("{expected}; the provider answered: {reason}")),
        None => expected.into(),
    }
}

/// The text or number at a pointer, made safe for logs.
#[must_use]
pub fn text_at(document: &Value, pointer: &str) -> Option<String> {
    match document.pointer(pointer)? {
        Value::String(text) if !text.is_empty() => Some(presentable(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Why a job failed, from the code and message at these pointers, else from the document as
/// [`reason`](mod@crate::reason) describes.
#[must_use]
pub fn reason_of(document: &Value, code: &str, message: &str, reply: &Reply) -> ProviderFault {
    ProviderFault {
        status: Some(reply.status),
        code: text_at(document, code).or_else(|| reason::code(document)),
        message: text_at(document, message)
            .or_else(|| reason::of_document(document))
            .unwrap_or_else(|| "the provider gives no reason".into()),
    }
}

/// The message for a state that this version does not support.
#[must_use]
pub fn unrecognized(word: &str) -> String {
    format!("the provider reports the state `{}`", presentable(word))
}

/// Longest job id, in bytes.
const ID_LIMIT: usize = 4096;

/// The identifier at a pointer, unchanged: a number in the digits in which it is written.
#[must_use]
pub fn id_at(document: &Value, pointer: &str) -> Option<String> {
    match document.pointer(pointer)? {
        Value::String(id) if !id.is_empty() && id.len() <= ID_LIMIT => Some(id.clone()),
        // The document's own text, of any size: an `f64` would hold other digits.
        Value::Number(number) if number.as_str().len() <= ID_LIMIT => Some(number.as_str().into()),
        _ => None,
    }
}

/// The length in bytes of what is at the place of an identifier.
fn id_length(document: &Value, pointer: &str) -> Option<usize> {
    match document.pointer(pointer)? {
        Value::String(id) => Some(id.len()),
        Value::Number(number) => Some(number.as_str().len()),
        _ => None,
    }
}

/// The identifier in a header: the last segment of a URL or a path, else the whole value. None
/// if it could climb out of a path.
fn id_in_header(reply: &Reply, name: &str) -> Option<String> {
    let value = reply.header(&name.to_ascii_lowercase())?.trim();
    let id = if value.contains('/') {
        let path = &value[..value.find(['?', '#']).unwrap_or(value.len())];
        let mut segments = path.trim_end_matches('/').rsplit('/');
        let segment = segments.next()?;
        if segments.any(|segment| segment == "..") {
            return None;
        }
        percent_decode_str(segment).decode_utf8().ok()?.into_owned()
    } else {
        percent_decode_str(value).decode_utf8().ok()?.into_owned()
    };
    let is_id = !id.is_empty() && id.len() <= ID_LIMIT && !id.chars().any(char::is_control);
    (is_id && !matches!(id.as_str(), "." | "..") && !id.contains(['/', '\\'])).then_some(id)
}

/// The amount of money at a pointer, as the provider writes it: a decimal number, in a text
/// or bare.
#[must_use]
pub fn amount_at(document: &Value, pointer: &str) -> Option<String> {
    json::decimal(document.pointer(pointer)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::ErrorCause;

    const POINTERS: FaultPointers<'_> = FaultPointers {
        code: "/error/code",
        message: "/error/message",
    };

    fn reply(status: u16, headers: &[(&str, &str)]) -> Reply {
        let headers = headers.iter().map(|&(n, v)| (n.into(), v.into())).collect();
        Reply {
            status,
            headers,
            ..Reply::default()
        }
    }

    #[test]
    fn id_that_is_a_number_keeps_its_digits() {
        for digits in [
            "7",
            "-7",
            "9007199254740993",
            "18446744073709551615",
            "18446744073709551617",
            "-9223372036854775809",
            "340282366920938463463374607431768211457",
            "12.50",
            "1e30",
            "1E+30",
            "0.1",
            "-0",
        ] {
            let text = format!("{{\"a\": [1e5, {{\"id\": {digits}}}]}}");
            let document = json::parse_leniently(&text).unwrap();
            let id = id_at(&document, "/a/1/id");
            assert_eq!(id.as_deref(), Some(digits));
            // So do codes.
            assert_eq!(text_at(&document, "/a/1/id").as_deref(), Some(digits));
        }
        let long = format!("[{}]", "9".repeat(ID_LIMIT + 1));
        let document = json::parse_leniently(&long).unwrap();
        assert_eq!(id_at(&document, "/0"), None);
    }

    #[test]
    fn submit_is_uncharged_only_after_a_clear_refusal() {
        for status in 100..=599 {
            let charge = POINTERS
                .submit_error(&reply(status, &[]))
                .map(|error| error.charge);
            let expected = match status {
                200..=299 => None,
                300..=302 | 304..=407 | 409..=499 => Some(Charge::No),
                _ => Some(Charge::Unknown),
            };
            assert_eq!(charge, expected, "{status}");
        }
    }

    #[test]
    fn submit_answered_503_is_refused_only_with_a_delay() {
        let error = POINTERS
            .submit_error(&reply(503, &[("retry-after", "7")]))
            .unwrap();
        assert!(matches!(error.cause, ErrorCause::Throttled(_)));
        assert_eq!(
            (error.charge, error.retry_after_ms),
            (Charge::No, Some(7000))
        );
        let error = POINTERS.submit_error(&reply(503, &[])).unwrap();
        assert!(matches!(error.cause, ErrorCause::OutcomeUnknown(_)));
    }

    #[test]
    fn error_of_a_read_has_an_unknown_charge() {
        for status in (100..200).chain(300..=599) {
            let error = POINTERS.read_error(&reply(status, &[])).unwrap();
            assert_eq!(error.charge, Charge::Unknown, "{status}");
            assert!(
                !matches!(error.next, NextStep::Retry | NextStep::RetrySameKey),
                "{status}"
            );
        }
    }

    #[test]
    fn provider_message_is_passed_on_without_url_queries() {
        let body =
            br#"{"error":{"code":4001,"message":"no picture at https://a.example/x.png?key=K"}}"#;
        let reply = Reply {
            status: 422,
            body: body.to_vec(),
            ..Reply::default()
        };
        assert_eq!(
            POINTERS.fault(&reply),
            ProviderFault {
                status: Some(422),
                code: Some("4001".into()),
                message: "no picture at https://a.example/x.png".into(),
            }
        );
    }

    #[test]
    fn amount_is_a_decimal_number_kept_as_written() {
        use serde_json::json;
        for (value, amount) in [
            (json!("0.020"), Some("0.020")),
            (json!(" 12 "), Some("12")),
            (json!(0.048), Some("0.048")),
            (json!(3), Some("3")),
            (json!("-1"), None),
            (json!("1e3"), None),
            (json!(1e300), None),
            (json!(".5"), None),
            (json!("1."), None),
            (json!("$0.02"), None),
            (json!("0".repeat(33)), None),
            (json!(null), None),
        ] {
            assert_eq!(amount_at(&value, "").as_deref(), amount, "{value}");
        }
    }
}
