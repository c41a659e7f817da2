//! Texts, amounts and lists of an answer within their limits.

use std::borrow::Cow;

use crate::contract::{Charge, ErrorCause, NextStep, NodeError, Price, ProviderFault, Settlement};
use crate::private_texts::PrivateTexts;
use crate::sanitize::{excerpt, sentence};

/// Longest message of a provider, in characters.
pub(super) const REASON: usize = 500;

/// Longest note or message of a violation, in characters.
pub(super) const NOTE: usize = 2000;

/// Longest id of a provider's job, in characters.
pub(super) const ID: usize = 4096;

/// Longest code of a provider, in characters.
pub(super) const CODE: usize = 100;

/// Longest amount or unit of money, in characters.
pub(super) const AMOUNT: usize = 40;

/// Most notes, violations or media of one answer.
pub(super) const MANY: usize = 1000;

/// Shortens a list, whose last item then is `more` of the number of items left out.
pub(super) fn truncate<T>(list: &mut Vec<T>, more: impl Fn(usize) -> T) {
    if list.len() > MANY {
        let left_out = list.len() - (MANY - 1);
        list.truncate(MANY - 1);
        list.push(more(left_out));
    }
}

pub(super) fn within(what: &str, text: &str, most: usize) -> Result<(), NodeError> {
    if text.len() > most {
        return Err(too_much(&format!("a {what} of more than {most} bytes")));
    }
    Ok(())
}

pub(super) fn too_much(what: &str) -> NodeError {
    NodeError {
        cause: ErrorCause::ProtocolViolation(format!("the component answered with {what}")),
        charge: Charge::Unknown,
        next: NextStep::Stop,
        retry_after_ms: None,
    }
}

pub(super) fn clean(words: &mut String) {
    if let Cow::Owned(sanitized) = sentence(words) {
        *words = sanitized;
    }
}

pub(super) fn clean_up_to(longest: usize, words: &mut String) {
    clean(words);
    if let Cow::Owned(beginning) = excerpt(words, longest) {
        *words = beginning;
    }
}

/// The reason of an error without one.
const NO_REASON: &str = "the component gives no reason";

/// Redacts a reason. [`clean`] has cut a long one before: the beginning of a private text is found
/// before the ellipsis of such a cut. The cut to [`REASON`] comes after.
pub(super) fn clean_reason(words: &mut String, private: &PrivateTexts) {
    clean_redacted(REASON, words, private);
    if words.trim().is_empty() {
        NO_REASON.clone_into(words);
    }
}

fn clean_redacted(longest: usize, words: &mut String, private: &PrivateTexts) {
    clean(words);
    if let Cow::Owned(redacted) = private.redact(words) {
        *words = redacted;
    }
    if let Cow::Owned(beginning) = excerpt(words, longest) {
        *words = beginning;
    }
}

pub(super) fn clean_fault(fault: &mut ProviderFault, private: &PrivateTexts) {
    clean_reason(&mut fault.message, private);
    if let Some(code) = &mut fault.code {
        clean_redacted(CODE, code, private);
    }
}

pub(super) fn clean_bill(settlement: &mut Settlement) {
    clean_cost(&mut settlement.cost);
}

/// Drops a cost whose amount is not a decimal number.
pub(super) fn clean_cost(cost: &mut Option<Price>) {
    cost.take_if(|price| !is_decimal(&price.amount));
    if let Some(price) = cost {
        clean_up_to(AMOUNT, &mut price.unit);
    }
}

/// Digits with an optional fraction: `0.048`. No sign, no exponent.
pub(super) fn is_decimal(amount: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
    amount.len() <= AMOUNT && is_digits(whole) && is_digits(fraction)
}
