//! Classifies the result of a component's call, a value or a failure, as an event.

use crate::account_refusal::{is_of_a_rate, is_of_account};
use crate::component::{CallError, TrapKind};
use crate::contract::{
    Cancellation, Charge, ErrorCause, Failure, JobState, NodeError, Price, ProviderFault,
    ResultMedia, Stage, Started, Success,
};
use crate::driver::event::{Event, PollFailure, SubmitFailure};
use crate::error::{ErrorKind, chain};
use crate::ledger::{Cost, JobError, Media, Millis};

/// The code of a fault that says: the provider reports success, and there is no result yet.
const NO_RESULT: &str = "no_result";

/// Most further places of a file that are tried, and most files of a result.
const MAX_ALTERNATIVES: usize = 20;
const MAX_FILES: usize = 20;

/// The event of a `start`'s outcome, as
/// [`StartReport::judged`](crate::component::StartReport::judged) returns it.
#[must_use]
pub fn of_start(outcome: Result<Started, CallError>) -> Event {
    match outcome {
        Ok(Started::Accepted(acceptance)) => Event::Accepted {
            ticket: acceptance.ticket,
            provider_job_id: acceptance.provider_job_id,
            hint: hint(acceptance.poll_after_ms),
            cost: acceptance.cost.map(cost),
        },
        Ok(Started::Finished(completion)) => succeeded(
            completion.success,
            Some(completion.ticket),
            completion.provider_job_id,
        ),
        Err(error) if is_account_refused(&error) => Event::SubmitFailed {
            failure: SubmitFailure::Permanent,
            error: JobError {
                kind: ErrorKind::AccountRefused,
                ..job_error(&error)
            },
        },
        Err(CallError::Node(error)) if error.charge == Charge::No && is_of_a_rate(&error.cause) => {
            Event::SubmitFailed {
                failure: SubmitFailure::Retryable {
                    after: after(&error),
                },
                error: JobError::new(ErrorKind::Throttled, error.cause.message()),
            }
        }
        Err(error) => Event::SubmitFailed {
            failure: of_submit(&error),
            error: job_error(&error),
        },
    }
}

/// Whether the provider refuses every submit of the account, and charged nothing. A refusal whose
/// charge is unknown ends the job.
pub(super) fn is_account_refused(error: &CallError) -> bool {
    let CallError::Node(error) = error else {
        return false;
    };
    error.charge == Charge::No && is_of_account(&error.cause, error.retry_after_ms)
}

/// The event of a poll's outcome.
#[must_use]
pub fn of_poll(outcome: Result<JobState, CallError>) -> Event {
    match outcome {
        Ok(JobState::Waiting(progress)) => Event::Waiting {
            ticket: progress.replacement_ticket,
            hint: hint(progress.poll_after_ms),
            unrecognized: (progress.stage == Stage::Unrecognized).then(|| {
                let message = progress.message;
                message.unwrap_or_else(|| "the provider reports an unknown state".into())
            }),
        },
        Ok(JobState::Succeeded(success)) => succeeded(success, None, None),
        Ok(JobState::Failed(failure)) if failure.fault.code.as_deref() == Some(NO_RESULT) => {
            no_result(failure)
        }
        Ok(JobState::Failed(failure)) => Event::Ended {
            cancelled: false,
            error: JobError::new(
                ErrorKind::Failed,
                format!("the job failed: {}", failure.fault.described()),
            ),
            charge: failure.settlement.charge,
            reported: None,
            cost: failure.settlement.cost.map(cost),
        },
        Ok(JobState::Cancelled(settlement)) => cancelled(settlement.charge, settlement.cost),
        Err(error) => read_failed(&error),
    }
}

/// The event of a cancellation's outcome.
#[must_use]
pub fn of_cancel(outcome: Result<Cancellation, CallError>) -> Event {
    match outcome {
        Ok(Cancellation::Cancelled(settlement)) => cancelled(settlement.charge, settlement.cost),
        Ok(Cancellation::Unsupported) => Event::NoCancellation,
        Ok(Cancellation::Requested | Cancellation::TooLate) => Event::CancelAnswered,
        Err(error) => read_failed(&error),
    }
}

fn of_submit(error: &CallError) -> SubmitFailure {
    let error = match error {
        CallError::Node(error) => error,
        CallError::Trap(_) => return SubmitFailure::Permanent,
        // Nothing was sent: this machine has too little memory at the moment.
        CallError::Host(_) => return SubmitFailure::Retryable { after: None },
    };
    match error.cause {
        ErrorCause::NotSent(_) | ErrorCause::Throttled(_) => SubmitFailure::Retryable {
            after: after(error),
        },
        ErrorCause::OutcomeUnknown(_) => SubmitFailure::Unknown,
        ErrorCause::Rejected(_)
        | ErrorCause::InvalidInput(_)
        | ErrorCause::Unsupported(_)
        | ErrorCause::UnknownNodeType(_) => SubmitFailure::Refused {
            charge: error.charge,
        },
        _ => SubmitFailure::Permanent,
    }
}

/// How the driver handles a component's failure to hand a picture over, after which nothing was
/// submitted. `is_repeatable`: whether uploads of the pack cost nothing.
pub(super) fn of_upload(error: &CallError, is_repeatable: bool) -> SubmitFailure {
    if let CallError::Node(error) = error
        && let ErrorCause::Unavailable(_) | ErrorCause::OutcomeUnknown(_) = error.cause
        && is_repeatable
    {
        return SubmitFailure::Retryable {
            after: after(error),
        };
    }
    match of_submit(error) {
        SubmitFailure::Refused { .. } => SubmitFailure::Refused { charge: Charge::No },
        SubmitFailure::Retryable { .. } if !is_repeatable => SubmitFailure::Permanent,
        SubmitFailure::Unknown => SubmitFailure::Permanent,
        failure => failure,
    }
}

fn read_failed(error: &CallError) -> Event {
    let failure = match error {
        CallError::Node(error) => match error.cause {
            ErrorCause::NotSent(_) | ErrorCause::Throttled(_) | ErrorCause::Unavailable(_) => {
                PollFailure::Transient {
                    after: after(error),
                }
            }
            ErrorCause::JobLost(_) | ErrorCause::ProtocolViolation(_) => PollFailure::Unrecognized,
            _ => PollFailure::Permanent,
        },
        CallError::Trap(trap) => match trap.kind {
            TrapKind::TimedOut | TrapKind::OutOfTime => PollFailure::Unrecognized,
            // The same reply would trap again.
            _ => PollFailure::Permanent,
        },
        // This machine has too little memory at the moment.
        CallError::Host(_) => PollFailure::Transient { after: None },
    };
    Event::PollFailed {
        error: job_error(error),
        failure,
    }
}

/// The error of a call that failed, as a row keeps it.
#[must_use]
pub fn job_error(error: &CallError) -> JobError {
    match error {
        CallError::Node(error) => {
            JobError::new(error.cause.kind(), error.cause.message()).advised(error.next)
        }
        CallError::Trap(_) => JobError::new(ErrorKind::ComponentTrap, chain(error)),
        CallError::Host(_) => JobError::new(ErrorKind::Internal, chain(error)),
    }
}

fn succeeded(success: Success, ticket: Option<String>, provider_job_id: Option<String>) -> Event {
    Event::Succeeded {
        ticket,
        provider_job_id,
        output: success.output,
        media: media(success.media),
        charge: success.settlement.charge,
        reported: None,
        cost: success.settlement.cost.map(cost),
    }
}

/// The event of a success that has no result yet.
fn no_result(failure: Failure) -> Event {
    let fault = ProviderFault {
        code: None,
        ..failure.fault
    };
    Event::NoResult {
        ticket: None,
        provider_job_id: None,
        error: without_result(&fault.described()),
        charge: failure.settlement.charge,
        reported: None,
        cost: failure.settlement.cost.map(cost),
    }
}

/// The event of a success that names no file, of a node whose results are files; else the event.
pub(super) fn with_files(event: Event) -> Event {
    match event {
        Event::Succeeded {
            ticket,
            provider_job_id,
            media: None,
            charge,
            reported,
            cost,
            ..
        } => Event::NoResult {
            ticket,
            provider_job_id,
            error: without_result("the output names nothing that can be downloaded"),
            charge,
            reported,
            cost,
        },
        event => event,
    }
}

fn without_result(why: &str) -> JobError {
    let message = format!("the provider reports success without a result: {why}");
    JobError::new(ErrorKind::NoResult, message)
}

fn cancelled(charge: Charge, price: Option<Price>) -> Event {
    Event::Ended {
        cancelled: true,
        error: JobError::new(
            ErrorKind::Cancelled,
            "the job was cancelled at the provider",
        ),
        charge,
        reported: None,
        cost: price.map(cost),
    }
}

/// The first medium, with the places that the later entries with its pointer name, and the
/// media of the other pointers likewise.
fn media(listed: Vec<ResultMedia>) -> Option<Media> {
    let mut media: Vec<Media> = Vec::new();
    for place in listed.into_iter().map(place) {
        let known = media
            .iter()
            .position(|known| known.pointer == place.pointer);
        let count = media.len();
        match known.map(|index| &mut media[index]) {
            Some(known) if known.alternatives.len() < MAX_ALTERNATIVES => {
                known.alternatives.push(place);
            }
            None if count < MAX_FILES => media.push(place),
            _ => {}
        }
    }
    let mut media = media.into_iter();
    let mut first = media.next()?;
    first.others = media.collect();
    Some(first)
}

fn place(media: ResultMedia) -> Media {
    Media {
        pointer: media.pointer,
        url: media.url,
        media_type: media.media_type,
        sha256: media.sha256,
        needs_credential: media.needs_credential,
        alternatives: Vec::new(),
        others: Vec::new(),
    }
}

fn cost(price: Price) -> Cost {
    Cost {
        amount: price.amount,
        unit: price.unit,
    }
}

fn after(error: &NodeError) -> Option<Millis> {
    error.retry_after_ms.map(millis)
}

/// The provider's own delay, if it gave one.
fn hint(poll_after_ms: u64) -> Option<Millis> {
    (poll_after_ms > 0).then(|| millis(poll_after_ms))
}

fn millis(millis: u64) -> Millis {
    Millis::try_from(millis).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests;
