//! A whole run in one call, for hosts that have no job driver.
//!
//! Blocks, and keeps the instance alive, for as long as the provider takes. What may
//! cost money is done once; an error after acceptance carries the ticket.

use serde_json::Value;

use crate::bindings::{
    ErrorCause, JobState, NextStep, NodeError, ProviderFault, RunError, RunOptions, Stage, Started,
    Success,
};
use crate::host::Host;
use crate::job;
use crate::json;

/// The first wait between two polls; each is half as long again, up to the longest.
const FIRST_WAIT_MS: u64 = 1_000;
const LONGEST_WAIT_MS: u64 = 15_000;

/// How long a state that nobody knows, or a job that nobody finds, is waited for.
const PATIENCE_MS: u64 = 60_000;

/// Runs `node` to its end and gives the output document.
///
/// # Errors
///
/// The node's error, with the ticket once the job was accepted.
pub fn run(
    host: &impl Host,
    node: &str,
    input: &Value,
    options: &RunOptions,
) -> Result<Value, RunError> {
    let begun = host.now_ms();
    let started =
        job::start(host, node, &json::text(input), &options.idempotency_key).map_err(|error| {
            RunError {
                error,
                ticket: None,
            }
        })?;
    let (mut ticket, mut hint) = match started {
        Started::Finished(completion) => {
            return output(&completion.success).map_err(|error| RunError {
                error,
                ticket: Some(completion.ticket),
            });
        }
        Started::Accepted(acceptance) => (acceptance.ticket, acceptance.poll_after_ms),
    };
    let mut wait = FIRST_WAIT_MS;
    let mut puzzled_since = None;
    loop {
        let elapsed = host.now_ms() - begun;
        let pause = if hint > 0 { hint } else { wait };
        // A provider may ask for any pause.
        if elapsed.saturating_add(pause) > options.deadline_ms {
            let error = NodeError::unavailable(ProviderFault::new(
                None,
                "the deadline passed; the job goes on at the provider",
            ));
            return Err(RunError {
                error,
                ticket: Some(ticket),
            });
        }
        host.sleep_ms(pause);
        wait = (wait + wait / 2).min(LONGEST_WAIT_MS);
        hint = 0;

        let fail = |error| {
            Err(RunError {
                error,
                ticket: Some(ticket.clone()),
            })
        };
        let puzzle = match job::poll(host, &ticket) {
            Ok(JobState::Waiting(progress)) => {
                hint = progress.poll_after_ms;
                ticket = progress.replacement_ticket.unwrap_or(ticket);
                let unrecognized = progress.stage == Stage::Unrecognized;
                unrecognized.then(|| {
                    NodeError::protocol_violation(
                        progress
                            .message
                            .unwrap_or_else(|| "a state unknown here".into()),
                    )
                })
            }
            Ok(JobState::Succeeded(success)) => match output(&success) {
                Ok(output) => return Ok(output),
                Err(error) => return fail(error),
            },
            Ok(JobState::Failed(failure)) => {
                let charge = failure.settlement.charge;
                return fail(NodeError::rejected(failure.fault, charge, NextStep::Stop));
            }
            Ok(JobState::Cancelled(settlement)) => {
                let fault = ProviderFault::new(None, "the job was cancelled at the provider");
                return fail(NodeError::rejected(
                    fault,
                    settlement.charge,
                    NextStep::Stop,
                ));
            }
            Err(error) => match &error.cause {
                ErrorCause::Unavailable(_) | ErrorCause::Throttled(_) => {
                    hint = error.retry_after_ms.unwrap_or(0);
                    None
                }
                ErrorCause::JobLost(_) | ErrorCause::ProtocolViolation(_) => Some(error),
                _ => return fail(error),
            },
        };
        match puzzle {
            None => puzzled_since = None,
            Some(error) => {
                let since = *puzzled_since.get_or_insert_with(|| host.now_ms());
                if host.now_ms() - since >= PATIENCE_MS {
                    return Err(RunError {
                        error,
                        ticket: Some(ticket),
                    });
                }
            }
        }
    }
}

fn output(success: &Success) -> Result<Value, NodeError> {
    json::parse_leniently(&success.output)
        .ok_or_else(|| NodeError::protocol_violation("expected an output document"))
}

/// The text of a typed output's field.
#[must_use]
pub fn text(output: &Value, field: &str) -> String {
    output[field].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
