//! Bounds a component's answers: lengths, printable text, decimal amounts, delays.

mod bounds;

use self::bounds::{
    AMOUNT, CODE, ID, MANY, NOTE, REASON, clean, clean_bill, clean_cost, clean_fault, clean_reason,
    clean_up_to, is_decimal, too_much, truncate, within,
};
use crate::contract::{
    Acceptance, Adjustment, Artifact, Cancellation, Charge, ErrorCause, JobState, NextStep,
    NodeError, Note, Plan, ProviderFault, Started, Step, Success, Upload, Violation,
};
use crate::private_texts::PrivateTexts;

/// Longest input in bytes: fits a picture of 32 MiB in base64.
const INPUT: usize = 48 << 20;

/// Longest output or text of a medium, in bytes; the ledger stores them per job.
const DOCUMENT: usize = 1 << 20;

/// Longest ticket, in bytes. A replacement is written to the ledger at each poll that has one.
const TICKET: usize = 64 << 10;

/// Longest delay that is passed on, in milliseconds: a day. The driver waits less.
const DELAY: u64 = 86_400_000;

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

/// Sanitizes, redacts and truncates the error's texts, truncates its list of violations, and
/// bounds its delay.
pub(super) fn bounded_error(error: &mut NodeError, private: &PrivateTexts) {
    error.retry_after_ms = error.retry_after_ms.map(|delay| delay.min(DELAY));
    match &mut error.cause {
        ErrorCause::InvalidInput(violations) => {
            let more = |count| Violation {
                instance_path: String::new(),
                keyword: "more".into(),
                message: format!("{count} more violations."),
            };
            truncate(violations, more);
            for violation in violations {
                clean(&mut violation.instance_path);
                clean_up_to(CODE, &mut violation.keyword);
                clean_up_to(NOTE, &mut violation.message);
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
        let more = |count| Note {
            instance_path: String::new(),
            adjustment: Adjustment::Advice,
            message: format!("{count} more notes are not shown."),
        };
        truncate(&mut self.notes, more);
        for note in &mut self.notes {
            clean(&mut note.instance_path);
            clean_up_to(NOTE, &mut note.message);
        }
        self.estimate
            .take_if(|estimate| !is_decimal(&estimate.price.amount));
        if let Some(estimate) = &mut self.estimate {
            clean_up_to(AMOUNT, &mut estimate.price.unit);
            clean_up_to(REASON, &mut estimate.source);
            estimate.seconds.take_if(|seconds| !is_decimal(seconds));
        }
        Ok(self)
    }
}

/// A ticket within its limit is always kept: without it, a job that may be charged is lost. A
/// result that exceeds a limit leaves an accepted job, whose polls have the error.
impl Answer for Started {
    fn bounded(self, _: &PrivateTexts) -> Result<Self, NodeError> {
        match self {
            Self::Accepted(mut acceptance) => {
                clean_up_to(ID, &mut acceptance.provider_job_id);
                kept_ticket(&acceptance.ticket, &acceptance.provider_job_id)?;
                acceptance.poll_after_ms = acceptance.poll_after_ms.min(DELAY);
                clean_cost(&mut acceptance.cost);
                Ok(Self::Accepted(acceptance))
            }
            Self::Finished(mut completion) => {
                if let Some(id) = &mut completion.provider_job_id {
                    clean_up_to(ID, id);
                }
                let id = completion.provider_job_id.as_deref().unwrap_or_default();
                kept_ticket(&completion.ticket, id)?;
                if bound_success(&mut completion.success).is_ok() {
                    return Ok(Self::Finished(completion));
                }
                Ok(Self::Accepted(Acceptance {
                    ticket: completion.ticket,
                    provider_job_id: completion.provider_job_id.unwrap_or_default(),
                    poll_after_ms: 0,
                    cost: None,
                }))
            }
        }
    }
}

impl Answer for JobState {
    fn bounded(mut self, private: &PrivateTexts) -> Result<Self, NodeError> {
        match &mut self {
            Self::Waiting(progress) => {
                // The present ticket stays, and the poll counts as unreadable.
                let ticket = progress.replacement_ticket.as_deref();
                within("ticket", ticket.unwrap_or_default(), TICKET)?;
                progress.poll_after_ms = progress.poll_after_ms.min(DELAY);
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
        within("ticket", &self, TICKET)?;
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

/// Refuses a ticket that is too long. The job may have been accepted, so the outcome is unknown.
fn kept_ticket(ticket: &str, id: &str) -> Result<(), NodeError> {
    if ticket.len() <= TICKET {
        return Ok(());
    }
    let length = ticket.len();
    let message = format!(
        "the component returned a ticket of {length} bytes for the job `{id}`; the limit is \
         {TICKET} bytes"
    );
    Err(NodeError {
        cause: ErrorCause::OutcomeUnknown(ProviderFault {
            status: None,
            code: None,
            message,
        }),
        charge: Charge::Unknown,
        next: NextStep::AskProvider,
        retry_after_ms: None,
    })
}

#[cfg(test)]
mod tests;
