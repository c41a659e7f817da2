//! Recognizes a provider's refusal of the account: no credit, a used quota, an open bill, a
//! suspended account. Every further submit of the account would be refused as well.
//!
//! Pure functions of the provider's status, code and words. A pack says it by status 402, or by a
//! code: the provider's own, or `account_refused`. Other statuses and codes are read by their
//! words, which must name both the thing and its lack: a message about a picture of a credit card
//! is no such refusal, and a limited rate is none either. Of a status that refuses one input, such as
//! 422, only words count that no input is refused with.
//!
//! - `words`: the words of a text; `clause`: the patterns in a clause; `lists`: their words

mod clause;
#[rustfmt::skip]
mod lists;
mod wording;

use crate::contract::{ErrorCause, ProviderFault};
use lists::PERIODS;
use wording::Words;

/// Payment Required.
const PAYMENT_REQUIRED: u16 = 402;

/// Statuses that mostly refuse what one request holds.
const INPUT_STATUSES: [u16; 10] = [400, 404, 405, 406, 409, 411, 413, 414, 415, 422];

/// The shortest delay after which a used quota is no limited rate.
const LONG_DELAY_MS: u64 = 3_600_000;

/// Codes without words that say it. `charge_failed` is `AgenticFlow`'s.
const CODES: [&str; 3] = ["402", "account refused", "charge failed"];

/// Words of a limited rate.
const RATE: [&str; 12] = [
    "minute",
    "minutes",
    "second",
    "seconds",
    "concurrent",
    "concurrency",
    "simultaneous",
    "rpm",
    "rps",
    "qps",
    "rate",
    "requests",
];

/// Whether the error of a submit refuses the account, and with it every further submit. A limited
/// rate, which ends by itself, does not.
pub(crate) fn is_of_account(cause: &ErrorCause, retry_after_ms: Option<u64>) -> bool {
    match cause {
        ErrorCause::Rejected(fault) | ErrorCause::Unauthorized(fault) => is_of_fault(fault),
        ErrorCause::Throttled(fault) => {
            fault.status == Some(PAYMENT_REQUIRED)
                || is_more_than_a_rate(&words_of(fault), retry_after_ms)
        }
        _ => false,
    }
}

/// Whether a refusal with another status than 429 is that of a limited rate, which ends by itself.
pub(crate) fn is_of_a_rate(cause: &ErrorCause) -> bool {
    match cause {
        ErrorCause::Rejected(fault) | ErrorCause::Unauthorized(fault) => {
            let words = words_of(fault);
            fault.status != Some(PAYMENT_REQUIRED)
                && !has_code(fault)
                && words.refuse()
                && is_rate(&words)
        }
        _ => false,
    }
}

/// Whether an error's text says that the account is refused: its words, or the status and code at
/// its end.
pub(crate) fn is_in_text(text: &str) -> bool {
    let words = Words::of(text);
    if words.has_phrase("http status 402") || CODES[1..].iter().any(|code| words.has_phrase(code)) {
        return true;
    }
    let is_of_input = INPUT_STATUSES
        .iter()
        .any(|status| words.has_phrase(&format!("http status {status}")));
    let code = text.rsplit_once("code ").map_or("", |(_, code)| code);
    refuse(&words, &Words::of(code), is_of_input) && !is_rate(&words)
}

fn is_of_fault(fault: &ProviderFault) -> bool {
    if fault.status == Some(PAYMENT_REQUIRED) || has_code(fault) {
        return true;
    }
    let code = Words::of(fault.code.as_deref().unwrap_or_default());
    let is_of_input = fault
        .status
        .is_some_and(|status| INPUT_STATUSES.contains(&status));
    refuse(&Words::of(&fault.message), &code, is_of_input) && !is_rate(&words_of(fault))
}

/// Whether message or code refuse the account. A code is no sentence about an input.
fn refuse(message: &Words, code: &Words, is_of_input: bool) -> bool {
    code.refuse() || message.refuse_surely() || !is_of_input && message.refuse()
}

fn has_code(fault: &ProviderFault) -> bool {
    let code = Words::of(fault.code.as_deref().unwrap_or_default()).joined();
    CODES.contains(&code.strip_suffix(".0").unwrap_or(&code))
}

/// The words of a provider's code and message.
fn words_of(fault: &ProviderFault) -> Words {
    let code = fault.code.as_deref().unwrap_or_default();
    // A full stop in between keeps their words apart.
    Words::of(&format!("{code}. {}", fault.message))
}

/// Whether nothing but a quota of a minute or less is used.
fn is_rate(words: &Words) -> bool {
    let is_quota = !words.are_of_money() && !words.are_of_a_holder();
    is_quota
        && words.has_any(&RATE[..RATE.len() - 1])
        && !words.has_any(&PERIODS)
        && !words.has_phrase("insufficient quota")
}

/// Whether a request that the provider put off is refused for longer than a rate is limited.
fn is_more_than_a_rate(words: &Words, retry_after_ms: Option<u64>) -> bool {
    if words.are_of_money() || words.are_of_a_holder() {
        return true;
    }
    if !words.refuse() {
        return false;
    }
    if words.has_any(&PERIODS) || words.has_phrase("insufficient quota") {
        return true;
    }
    let is_short = retry_after_ms.is_some_and(|delay| delay < LONG_DELAY_MS);
    !is_short && !words.has_any(&RATE)
}

#[cfg(test)]
mod tests;
