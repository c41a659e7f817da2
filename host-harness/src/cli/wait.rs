//! Waiting for an accepted job. Nothing here can cost money.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use zoetrope_host::call::{CallContext, CallError};
use zoetrope_host::contract::{ErrorCause, JobState, NodeError, Stage, Success};
use zoetrope_host::pack::Pack;

use super::failure::{Failure, Phase};
use super::progress::Progress;
use super::ticket_file::Job;

/// The first wait between two polls where the provider gives no hint; each is half as
/// long again, up to the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);

/// No hint of a provider makes a poll come sooner or later than this.
const HINTS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_mins(1);

/// How long a job that the provider does not find, or a reply that cannot be read, is
/// asked for again.
const GRACE: Duration = Duration::from_secs(20);

/// How long a state that nobody knows is waited for.
const UNRECOGNIZED: Duration = Duration::from_mins(10);

/// What a poll taught.
enum Lesson {
    Goes {
        hint: Option<Duration>,
    },
    Puzzles {
        failure: Failure,
        patience: Duration,
    },
}

/// Polls until the job has ended or the deadline is there.
pub(super) async fn wait(
    pack: &Pack,
    mut context: CallContext,
    reconnect: impl AsyncFn() -> Result<CallContext, Failure>,
    job: &mut Job,
    mut hint: Option<Duration>,
    deadline: Instant,
    progress: &mut Progress,
) -> Result<Success, Failure> {
    let mut pause = FIRST;
    let mut puzzled_since = None;
    loop {
        let next =
            Instant::now() + hint.map_or(pause, |hint| hint.clamp(*HINTS.start(), *HINTS.end()));
        let asked = timeout_at(deadline, async {
            sleep_until(next).await;
            pack.poll(&context, &job.ticket()).await
        });
        let Ok(polled) = asked.await else {
            let message =
                "the deadline passed before the job had ended; it goes on at the provider";
            return Err(Failure::new("deadline", Phase::Poll, message));
        };
        pause = (pause * 3 / 2).min(LONGEST);
        let lesson = match polled {
            Ok(JobState::Succeeded(success)) => return Ok(success),
            Ok(JobState::Failed(failure)) => {
                return Err(Failure::new(
                    "failed",
                    Phase::Poll,
                    format!("the job failed: {}", failure.fault.message),
                )
                .charged(failure.settlement.charge));
            }
            Ok(JobState::Cancelled(settlement)) => {
                return Err(Failure::new(
                    "cancelled",
                    Phase::Poll,
                    "the job was cancelled at the provider",
                )
                .charged(settlement.charge));
            }
            Ok(JobState::Waiting(state)) => {
                if let Some(ticket) = &state.replacement_ticket {
                    job.set_ticket(ticket);
                }
                progress.at(
                    state.stage.as_str(),
                    state.fraction,
                    state.message.as_deref(),
                );
                let hint = self::hint(state.poll_after_ms);
                if state.stage == Stage::Unrecognized {
                    let message = state
                        .message
                        .unwrap_or_else(|| "the provider reports an unknown state".into());
                    let failure = Failure::new("unavailable", Phase::Poll, message);
                    Lesson::Puzzles {
                        failure,
                        patience: UNRECOGNIZED,
                    }
                } else {
                    Lesson::Goes { hint }
                }
            }
            Err(CallError::Node(error)) => of_error(&error)?,
            Err(error) => return Err(Failure::of_call(error, Phase::Poll)),
        };
        hint = None;
        match lesson {
            Lesson::Goes { hint: given } => {
                puzzled_since = None;
                hint = given;
            }
            Lesson::Puzzles { failure, patience } => {
                let since = *puzzled_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= patience {
                    return Err(failure);
                }
                // The practice provider may have moved to another port.
                context = reconnect().await?;
            }
        }
    }
}

/// Whether it is worth asking again.
fn of_error(error: &NodeError) -> Result<Lesson, Failure> {
    let failure = Failure::of_node(error, Phase::Poll);
    match &error.cause {
        ErrorCause::Throttled(_) => Ok(Lesson::Goes {
            hint: error.retry_after_ms.map(Duration::from_millis),
        }),
        ErrorCause::Unavailable(_) => Ok(Lesson::Puzzles {
            failure,
            patience: Duration::MAX,
        }),
        ErrorCause::JobLost(_) | ErrorCause::ProtocolViolation(_) => Ok(Lesson::Puzzles {
            failure,
            patience: GRACE,
        }),
        _ => Err(failure),
    }
}

/// The provider's own delay, if it gave one.
pub(super) fn hint(poll_after_ms: u64) -> Option<Duration> {
    (poll_after_ms > 0).then(|| Duration::from_millis(poll_after_ms))
}

/// A pause before the `attempt`-th repetition.
pub(super) async fn pause(attempt: u32) {
    sleep(FIRST * 2_u32.saturating_pow(attempt)).await;
}
