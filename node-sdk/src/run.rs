//! A whole run in one call, for hosts that have no job driver.
//!
//! Blocks, and keeps the instance alive, until the job ends. The submit is sent once; an error
//! after acceptance has the ticket.

use serde_json::Value;

use crate::bindings::{
    ErrorCause, JobState, NextStep, NodeError, Progress, ProviderFault, RunError, RunOptions,
    Stage, Started, Success,
};
use crate::host::Host;
use crate::job;
use crate::json;
use crate::no_result;
use crate::node::Pack;

/// The first wait between two polls; each is half as long again, up to the longest.
const FIRST_WAIT_MS: u64 = 1_000;
const LONGEST_WAIT_MS: u64 = 15_000;

/// How long an unrecognized state, a job that is not found, or one that has succeeded without a
/// result, is polled.
const UNRECOGNIZED_LIMIT_MS: u64 = 60_000;

/// Runs `node` to its end and returns the output document.
///
/// # Errors
///
/// The node's error, with the ticket once the job was accepted.
pub fn run(
    pack: &Pack,
    host: &impl Host,
    node: &str,
    input: &Value,
    options: &RunOptions,
) -> Result<Value, RunError> {
    let begun = host.now_ms();
    let key = &options.idempotency_key;
    let started =
        job::start(pack, host, node, &json::text(input), key).map_err(|error| RunError {
            error,
            ticket: None,
        })?;
    match started {
        Started::Finished(completion) => output(&completion.success).map_err(|error| RunError {
            error,
            ticket: Some(completion.ticket),
        }),
        Started::Accepted(acceptance) => {
            let mut wait = Wait {
                begun,
                deadline_ms: options.deadline_ms,
                ticket: acceptance.ticket,
                hint: acceptance.poll_after_ms,
                pause: FIRST_WAIT_MS,
                unrecognized_since: None,
            };
            wait.poll_to_end(pack, host).map_err(|error| RunError {
                error,
                ticket: Some(wait.ticket),
            })
        }
    }
}

/// An accepted job that is polled.
struct Wait {
    begun: u64,
    deadline_ms: u64,
    ticket: String,
    /// The delay that the provider returned; 0 if none.
    hint: u64,
    /// The delay that is used otherwise.
    pause: u64,
    unrecognized_since: Option<u64>,
}

/// The result of one poll.
enum Seen {
    Output(Value),
    Waiting,
    /// An unrecognized state, a job that is not found, or a success without a result.
    Puzzle(NodeError),
}

impl Wait {
    fn poll_to_end(&mut self, pack: &Pack, host: &impl Host) -> Result<Value, NodeError> {
        loop {
            self.sleep(host)?;
            match self.poll(pack, host)? {
                Seen::Output(output) => return Ok(output),
                Seen::Waiting => self.unrecognized_since = None,
                Seen::Puzzle(error) => {
                    let since = *self.unrecognized_since.get_or_insert_with(|| host.now_ms());
                    if host.now_ms() - since >= UNRECOGNIZED_LIMIT_MS {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn sleep(&mut self, host: &impl Host) -> Result<(), NodeError> {
        let elapsed = host.now_ms() - self.begun;
        let pause = if self.hint > 0 { self.hint } else { self.pause };
        // A provider may return any delay.
        if elapsed.saturating_add(pause) > self.deadline_ms {
            return Err(NodeError::unavailable(ProviderFault::new(
                None,
                "the deadline passed; the job goes on at the provider",
            )));
        }
        host.sleep_ms(pause);
        self.pause = (self.pause + self.pause / 2).min(LONGEST_WAIT_MS);
        self.hint = 0;
        Ok(())
    }

    fn poll(&mut self, pack: &Pack, host: &impl Host) -> Result<Seen, NodeError> {
        match job::poll(pack, host, &self.ticket) {
            Ok(JobState::Waiting(progress)) => Ok(self.goes_on(progress)),
            Ok(JobState::Succeeded(success)) => output(&success).map(Seen::Output),
            Ok(JobState::Failed(failure)) => {
                let charge = failure.settlement.charge;
                let may_follow = failure.fault.code.as_deref() == Some(no_result::CODE);
                let error = NodeError::rejected(failure.fault, charge, NextStep::Stop);
                if may_follow {
                    Ok(Seen::Puzzle(error))
                } else {
                    Err(error)
                }
            }
            Ok(JobState::Cancelled(settlement)) => {
                let fault = ProviderFault::new(None, "the job was cancelled at the provider");
                Err(NodeError::rejected(
                    fault,
                    settlement.charge,
                    NextStep::Stop,
                ))
            }
            Err(error) => match &error.cause {
                ErrorCause::Unavailable(_) | ErrorCause::Throttled(_) => {
                    self.hint = error.retry_after_ms.unwrap_or(0);
                    Ok(Seen::Waiting)
                }
                ErrorCause::JobLost(_) | ErrorCause::ProtocolViolation(_) => {
                    Ok(Seen::Puzzle(error))
                }
                _ => Err(error),
            },
        }
    }

    fn goes_on(&mut self, progress: Progress) -> Seen {
        self.hint = progress.poll_after_ms;
        if let Some(ticket) = progress.replacement_ticket {
            self.ticket = ticket;
        }
        if progress.stage == Stage::Unrecognized {
            Seen::Puzzle(NodeError::protocol_violation(
                progress
                    .message
                    .unwrap_or_else(|| "a state unknown here".into()),
            ))
        } else {
            Seen::Waiting
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
