//! Bounds a component's answers: lengths, printable text, decimal amounts.

use std::borrow::Cow;

use crate::contract::{
    Artifact, Cancellation, Charge, ErrorCause, JobState, NextStep, NodeError, Plan, Price,
    ProviderFault, Settlement, Started, Step, Success, Upload,
};
use crate::private_texts::PrivateTexts;
use crate::sanitize::{excerpt, sentence};

/// Longest input in bytes: fits a picture of 32 MiB in base64.
const INPUT: usize = 48 << 20;

/// Longest ticket, output or text of a medium, in bytes; the ledger stores them per job.
const DOCUMENT: usize = 1 << 20;

/// Longest message of a provider, in characters.
const REASON: usize = 500;

/// Longest amount of money, in characters.
const AMOUNT: usize = 40;

/// Most notes, violations or media of one answer.
const MANY: usize = 1000;

/// A successful answer of a function that can also fail.
pub(crate) trait Answer: Sized {
    /// The answer with its texts sanitized. A provider's messages in it are redacted and
    /// truncated.
    ///
    /// Called once for every successful answer, before any other code of the host reads it.
    /// Must not change the meaning of the answer.
    ///
    /// # Errors
    ///
    /// When the answer exceeds a limit. The call then fails with this error in place of the
    /// component's answer.
    fn bounded(self, private: &PrivateTexts) -> Result<Self, NodeError>;
}

/// Sanitizes, redacts and truncates the error's texts, and truncates its list of violations.
pub(super) fn bounded_error(error: &mut NodeError, private: &PrivateTexts) {
    match &mut error.cause {
        ErrorCause::InvalidInput(violations) => {
            violations.truncate(MANY);
            for violation in violations {
                clean(&mut violation.instance_path);
                clean(&mut violation.keyword);
                clean(&mut violation.message);
            }
        }
        ErrorCause::UnknownNodeType(words)
        | ErrorCause::Unsupported(words)
        | ErrorCause::ConnectionUnavailable(words)
        | ErrorCause::ConnectionChanged(words)
        | ErrorCause::BadTicket(words)
        | ErrorCause::Denied(words)
        | ErrorCause::NotSent(words)
        | ErrorCause::ProtocolViolation(words) => clean_reason(words, private),
        ErrorCause::Throttled(fault)
        | ErrorCause::Rejected(fault)
        | ErrorCause::Unauthorized(fault)
        | ErrorCause::OutcomeUnknown(fault)
        | ErrorCause::Unavailable(fault)
        | ErrorCause::JobLost(fault) => clean_fault(fault, private),
    }
}

impl Answer for Plan {
    fn bounded(mut self, _: &PrivateTexts) -> Result<Self, NodeError> {
        within("input", &self.input, INPUT)?;
        within(
            "request",
            self.request.as_deref().unwrap_or_default(),
            INPUT,
        )?;
        self.notes.truncate(MANY);
        for note in &mut self.notes {
            clean(&mut note.instance_path);
            clean(&mut note.message);
        }
        self.estimate
            .take_if(|estimate| !is_decimal(&estimate.price.amount));
        if let Some(estimate) = &mut self.estimate {
            clean(&mut estimate.price.unit);
            clean(&mut estimate.source);
            estimate.seconds.take_if(|seconds| !is_decimal(seconds));
        }
        Ok(self)
    }
}

impl Answer for Started {
    fn bounded(mut self, _: &PrivateTexts) -> Result<Self, NodeError> {
        match &mut self {
            Self::Accepted(acceptance) => {
                within("ticket", &acceptance.ticket, DOCUMENT)?;
                clean(&mut acceptance.provider_job_id);
                clean_cost(&mut acceptance.cost);
            }
            Self::Finished(completion) => {
                within("ticket", &completion.ticket, DOCUMENT)?;
                completion.provider_job_id.iter_mut().for_each(clean);
                bound_success(&mut completion.success)?;
            }
        }
        Ok(self)
    }
}

impl Answer for JobState {
    fn bounded(mut self, private: &PrivateTexts) -> Result<Self, NodeError> {
        match &mut self {
            Self::Waiting(progress) => {
                let ticket = progress.replacement_ticket.as_deref();
                within("ticket", ticket.unwrap_or_default(), DOCUMENT)?;
                if let Some(message) = &mut progress.message {
                    clean_reason(message, private);
                }
                let fraction = progress.fraction.filter(|fraction| fraction.is_finite());
                progress.fraction = fraction.map(|fraction| fraction.clamp(0.0, 1.0));
            }
            Self::Succeeded(success) => bound_success(success)?,
            Self::Failed(failure) => {
                clean_fault(&mut failure.fault, private);
                clean_bill(&mut failure.settlement);
            }
            Self::Cancelled(settlement) => clean_bill(settlement),
        }
        Ok(self)
    }
}

impl Answer for Cancellation {
    fn bounded(mut self, _: &PrivateTexts) -> Result<Self, NodeError> {
        if let Self::Cancelled(settlement) = &mut self {
            clean_bill(settlement);
        }
        Ok(self)
    }
}

/// A ticket.
impl Answer for String {
    fn bounded(self, _: &PrivateTexts) -> Result<Self, NodeError> {
        within("ticket", &self, DOCUMENT)?;
        Ok(self)
    }
}

impl Answer for Step {
    fn bounded(self, _: &PrivateTexts) -> Result<Self, NodeError> {
        if let Self::Value(value) = &self {
            within("value", value, INPUT)?;
        }
        Ok(self)
    }
}

impl Answer for Upload {
    fn bounded(self, _: &PrivateTexts) -> Result<Self, NodeError> {
        within("path", &self.path, DOCUMENT)?;
        Ok(self)
    }
}

impl Answer for Artifact {
    fn bounded(mut self, _: &PrivateTexts) -> Result<Self, NodeError> {
        if self.alternatives.len() > MANY {
            return Err(too_much(&format!("more than {MANY} places of an artifact")));
        }
        let optional = [
            &self.media_type,
            &self.sha256,
            &self.file_name,
            &self.media_id,
        ];
        let places = self.alternatives.iter().map(|place| &place.url);
        let texts = optional.into_iter().flatten().chain(places);
        for text in texts.chain([&self.id, &self.url]) {
            within("artifact", text, DOCUMENT)?;
        }
        for text in [&mut self.file_name, &mut self.media_id]
            .into_iter()
            .flatten()
        {
            clean(text);
        }
        Ok(self)
    }
}

fn bound_success(success: &mut Success) -> Result<(), NodeError> {
    within("output", &success.output, DOCUMENT)?;
    if success.media.len() > MANY {
        return Err(too_much(&format!("more than {MANY} media")));
    }
    for medium in &success.media {
        let optional = [&medium.media_type, &medium.sha256, &medium.expires_at];
        let optional = optional.into_iter().flatten();
        for text in optional.chain([&medium.pointer, &medium.url]) {
            within("medium", text, DOCUMENT)?;
        }
    }
    clean_bill(&mut success.settlement);
    Ok(())
}

fn within(what: &str, text: &str, most: usize) -> Result<(), NodeError> {
    if text.len() > most {
        return Err(too_much(&format!("a {what} of more than {most} bytes")));
    }
    Ok(())
}

fn too_much(what: &str) -> NodeError {
    NodeError {
        cause: ErrorCause::ProtocolViolation(format!("the component answered with {what}")),
        charge: Charge::Unknown,
        next: NextStep::Stop,
        retry_after_ms: None,
    }
}

fn clean(words: &mut String) {
    if let Cow::Owned(sanitized) = sentence(words) {
        *words = sanitized;
    }
}

/// Redacts before it truncates: a private text that is cut off would not be found.
fn clean_reason(words: &mut String, private: &PrivateTexts) {
    clean(words);
    if let Cow::Owned(redacted) = private.redact(words) {
        *words = redacted;
    }
    if let Cow::Owned(beginning) = excerpt(words, REASON) {
        *words = beginning;
    }
}

fn clean_fault(fault: &mut ProviderFault, private: &PrivateTexts) {
    clean_reason(&mut fault.message, private);
    if let Some(code) = &mut fault.code {
        clean_reason(code, private);
    }
}

fn clean_bill(settlement: &mut Settlement) {
    clean_cost(&mut settlement.cost);
}

/// Drops a cost whose amount is not a decimal number.
fn clean_cost(cost: &mut Option<Price>) {
    cost.take_if(|price| !is_decimal(&price.amount));
    if let Some(price) = cost {
        clean(&mut price.unit);
    }
}

/// Digits with an optional fraction: `0.048`. No sign, no exponent.
fn is_decimal(amount: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
    amount.len() <= AMOUNT && is_digits(whole) && is_digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_text_is_redacted_before_a_message_is_truncated() {
        let private = PrivateTexts::of(&[r#"{"prompt": "a red balloon over the lighthouse"}"#]);
        let said = format!(
            "{}a red balloon over the lighthouse, {}",
            "no ".repeat(160),
            "x".repeat(100)
        );
        let mut fault = ProviderFault {
            status: Some(422),
            code: Some("A_RED_BALLOON_OVER_THE_LIGHTHOUSE".into()),
            message: said,
        };
        clean_fault(&mut fault, &private);
        assert_eq!(fault.message.chars().count(), REASON);
        let shown = fault.message.trim_start_matches("no ");
        assert!(
            shown.starts_with("[…], xxx") && shown.ends_with("x…"),
            "{shown}"
        );
        assert_eq!(fault.code.as_deref(), Some("[…]"));
    }

    #[test]
    fn cost_with_an_amount_that_is_not_decimal_is_dropped() {
        for (amount, is_kept) in [
            ("0", true),
            ("0.048", true),
            ("12.50", true),
            ("", false),
            (".5", false),
            ("5.", false),
            ("-1", false),
            ("1e3", false),
            ("1,5", false),
            ("1.2.3", false),
            ("NaN", false),
            ("٣", false),
            (&"9".repeat(AMOUNT), true),
            (&"9".repeat(AMOUNT + 1), false),
        ] {
            let mut cost = Some(Price {
                amount: amount.into(),
                unit: "USD".into(),
            });
            clean_cost(&mut cost);
            let kept = cost.map(|price| price.amount);
            assert_eq!(kept.as_deref(), Some(amount).filter(|_| is_kept));
        }
    }
}
