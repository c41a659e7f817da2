//! Errors inside of a 2xx reply, of the providers that wrap every reply in an envelope.

use zoetrope_node_sdk::bindings::{Charge, NextStep, NodeError, ProviderFault};
use zoetrope_node_sdk::http::{Reply, presentable, same_name};

/// The codes of a limited rate: that of HTTP, and the usual words.
const THROTTLED: [&str; 5] = [
    "429",
    "rate_limited",
    "rate_limit_exceeded",
    "too_many_requests",
    "throttled",
];

/// The codes of a refused credential: those of HTTP, and the usual words.
const UNAUTHORIZED: [&str; 6] = [
    "401",
    "403",
    "unauthorized",
    "unauthenticated",
    "forbidden",
    "invalid_api_key",
];

/// The codes of a job that the provider does not have.
const LOST: [&str; 7] = [
    "404",
    "410",
    "gone",
    "not_found",
    "job_not_found",
    "no_such_job",
    "unknown_job",
];

/// What messages say about such a job, in small letters.
const LOST_WORDS: [&str; 6] = [
    "not found",
    "no job",
    "no such",
    "unknown job",
    "does not exist",
    "doesn't exist",
];

/// The error of a submit that is answered by an envelope with an error. Nothing was charged,
/// unless the envelope also has the id of a job: then the outcome is unknown, and the message
/// begins with the id.
pub(super) fn submit_error(
    fault: ProviderFault,
    job: Option<&str>,
    next: NextStep,
    reply: &Reply,
) -> NodeError {
    let error = if let Some(job) = job {
        let (job, said) = (presentable(job), fault.message);
        let message = format!("job id `{job}` came with an error: {said}");
        NodeError::outcome_unknown(ProviderFault { message, ..fault })
    } else if has_code(&fault, &THROTTLED) {
        NodeError::throttled(fault, Charge::No, NextStep::Retry)
    } else if has_code(&fault, &UNAUTHORIZED) {
        NodeError::unauthorized(fault, Charge::No)
    } else {
        NodeError::rejected(fault, Charge::No, next)
    };
    error.after(reply.retry_after_ms())
}

/// The error of a read that is answered by an envelope with an error. It does not end the job:
/// a code and a message without a meaning here break the protocol, and the message begins with `expected`.
pub(super) fn read_error(fault: ProviderFault, expected: &str, reply: &Reply) -> NodeError {
    let error = if has_code(&fault, &THROTTLED) {
        NodeError::throttled(fault, Charge::Unknown, NextStep::PollAgain)
    } else if has_code(&fault, &UNAUTHORIZED) {
        NodeError::unauthorized(fault, Charge::Unknown)
    } else if has_code(&fault, &LOST) || says_lost(&fault.message) {
        NodeError::job_lost(fault)
    } else {
        NodeError::protocol_violation(format!("{expected}: {}", fault.message))
    };
    error.after(reply.retry_after_ms())
}

fn says_lost(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    LOST_WORDS.iter().any(|words| message.contains(words))
}

fn has_code(fault: &ProviderFault, codes: &[&str]) -> bool {
    let code = fault.code.as_deref().unwrap_or_default();
    let code = code.strip_suffix(".0").unwrap_or(code);
    codes.iter().any(|known| same_name(known, code))
}
