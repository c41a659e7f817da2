//! An error of a job, and its text in the ledger.
//!
//! The column `error_message` holds the message and, below it, a line for each further detail:
//!
//! ```text
//! the deadline passed; the job continues at the provider
//! Problem: unavailable: HTTP status 503
//! Failures: 7 since 2026-11-28T14:57:03.25Z
//! ```
//!
//! A message is one line, so that no provider can write such details. A program without them
//! shows the column as the message.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::stage::Millis;
use crate::contract::NextStep;
use crate::error::ErrorKind;

/// An error of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// Its kind; see `docs/reference/exit-codes.md`.
    pub kind: ErrorKind,
    /// One sentence, without secrets, queries of URLs and prompts.
    pub message: String,
    /// The next step that the component advises, if its call failed.
    pub advice: Option<NextStep>,
    /// The failures in a row of which this is the last one, if it is the error of an attempt
    /// that can be repeated.
    pub failures: Option<Failures>,
    /// The failure that was not overcome when the deadline ended the wait for the job.
    pub last_problem: Option<Box<JobError>>,
}

/// Failures in a row: submits, polls or downloads without a success between them. They may be
/// of several kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// Their number.
    pub times: u32,
    /// The time of the first one.
    pub since: Millis,
}

impl Failures {
    /// One more failure after these.
    #[must_use]
    pub fn and_one(earlier: Option<Self>, now: Millis) -> Self {
        let earlier = earlier.unwrap_or(Self {
            times: 0,
            since: now,
        });
        Self {
            times: earlier.times.saturating_add(1),
            since: earlier.since,
        }
    }
}

const NEXT: &str = "Next: ";
const FAILURES: &str = "Failures: ";
const PROBLEM: &str = "Problem: ";

impl JobError {
    /// An error of this kind.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: one_line(message.into()),
            advice: None,
            failures: None,
            last_problem: None,
        }
    }

    /// With the next step that the component advises.
    #[must_use]
    pub fn advised(self, advice: NextStep) -> Self {
        Self {
            advice: Some(advice),
            ..self
        }
    }

    /// The end of a wait in which `problem` was not overcome.
    #[must_use]
    pub fn after(self, problem: Option<Self>) -> Self {
        let problem = problem.map(|problem| match problem.last_problem {
            Some(earlier) => earlier,
            None => Box::new(problem),
        });
        Self {
            last_problem: problem,
            ..self
        }
    }

    /// The error in a sentence. The last problem comes first, with its number and its time:
    /// `HTTP status 503, 7 times in a row since 2026-11-28T14:57:03Z; then the deadline passed`.
    #[must_use]
    pub fn described(&self) -> String {
        let Some(problem) = &self.last_problem else {
            return self.message.clone();
        };
        let failures = match problem.failures {
            None => String::new(),
            Some(Failures { times: 1, since }) => format!(", once, at {}", to_second(since)),
            Some(Failures { times, since }) => {
                format!(", {times} times in a row since {}", to_second(since))
            }
        };
        format!("{}{failures}; then {}", problem.message, self.message)
    }

    /// Whether `other` differs at most in the number of failures and their time.
    pub(super) fn differs_in_failures_only(&self, other: &Self) -> bool {
        let Self {
            kind,
            message,
            advice,
            failures: _,
            last_problem,
        } = self;
        *kind == other.kind
            && *message == other.message
            && *advice == other.advice
            && *last_problem == other.last_problem
    }

    /// The text of the column `error_message`.
    pub(super) fn to_column(&self) -> String {
        let mut text = one_line(self.message.clone());
        self.write_details(&mut text);
        if let Some(problem) = &self.last_problem {
            let message = one_line(problem.message.clone());
            let _ = write!(text, "\n{PROBLEM}{}: {message}", problem.kind);
            problem.write_details(&mut text);
        }
        text
    }

    fn write_details(&self, text: &mut String) {
        if let Some(advice) = self.advice {
            let _ = write!(text, "\n{NEXT}{}", advice.as_str());
        }
        if let Some(Failures { times, since }) = self.failures {
            let _ = write!(text, "\n{FAILURES}{times} since {}", written(since));
        }
    }

    /// The error of a row. A text with a line of another form is a message without details.
    pub(super) fn of_column(kind: ErrorKind, text: &str) -> Self {
        Self::with_details(kind, text).unwrap_or_else(|| Self {
            message: text.to_owned(),
            ..Self::new(kind, "")
        })
    }

    fn with_details(kind: ErrorKind, text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let mut error = Self::new(kind, lines.next()?);
        for line in lines {
            if let Some(problem) = line.strip_prefix(PROBLEM) {
                let (kind, message) = problem.split_once(": ")?;
                let problem = Self::new(kind.parse().ok()?, message);
                if error.last_problem.replace(Box::new(problem)).is_some() {
                    return None;
                }
                continue;
            }
            let of = error.last_problem.as_deref_mut();
            let (advice, failures) = match of {
                Some(problem) => (&mut problem.advice, &mut problem.failures),
                None => (&mut error.advice, &mut error.failures),
            };
            if let Some(word) = line.strip_prefix(NEXT) {
                *advice = Some(step(word)?);
            } else {
                let (times, since) = line.strip_prefix(FAILURES)?.split_once(" since ")?;
                *failures = Some(Failures {
                    times: times.parse().ok()?,
                    since: read(since)?,
                });
            }
        }
        Some(error)
    }
}

fn one_line(text: String) -> String {
    if text.contains(['\n', '\r']) {
        text.replace(['\n', '\r'], " ")
    } else {
        text
    }
}

fn step(word: &str) -> Option<NextStep> {
    let steps = [
        NextStep::FixInput,
        NextStep::FixConnection,
        NextStep::Retry,
        NextStep::RetrySameKey,
        NextStep::PollAgain,
        NextStep::AskProvider,
        NextStep::Stop,
    ];
    steps.into_iter().find(|step| step.as_str() == word)
}

/// RFC 3339, UTC; a time that this cannot express, in milliseconds.
fn written(time: Millis) -> String {
    Timestamp::from_millisecond(time).map_or_else(|_| time.to_string(), |time| time.to_string())
}

fn read(text: &str) -> Option<Millis> {
    let instant = || Some(text.parse::<Timestamp>().ok()?.as_millisecond());
    text.parse().ok().or_else(instant)
}

/// The time without fractions of a second.
fn to_second(time: Millis) -> String {
    written(time - time.rem_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-28T14:57:03.25Z.
    const SINCE: Millis = 1_795_877_823_250;

    fn problem() -> JobError {
        JobError {
            failures: Some(Failures {
                times: 7,
                since: SINCE,
            }),
            ..JobError::new(ErrorKind::Unavailable, "HTTP status 503")
        }
    }

    fn late() -> JobError {
        JobError::new(ErrorKind::Deadline, "the deadline passed")
    }

    #[test]
    fn error_round_trips_through_its_column() {
        for error in [
            late(),
            problem(),
            problem().advised(NextStep::PollAgain),
            late().after(Some(problem().advised(NextStep::PollAgain))),
            late()
                .advised(NextStep::Stop)
                .after(Some(JobError::new(ErrorKind::NotSent, "a: b"))),
            JobError::new(ErrorKind::Failed, ""),
        ] {
            let text = error.to_column();
            assert_eq!(JobError::of_column(error.kind, &text), error, "{text}");
        }
    }

    #[test]
    fn column_of_an_error_is_readable() {
        assert_eq!(
            late().after(Some(problem())).to_column(),
            "the deadline passed\nProblem: unavailable: HTTP status 503\n\
             Failures: 7 since 2026-11-28T14:57:03.25Z"
        );
    }

    #[test]
    fn message_of_a_provider_cannot_write_details() {
        let message = "no\nFailures: 99 since 2026-11-28T14:57:03Z\nNext: stop";
        let error = JobError {
            message: message.into(),
            ..problem()
        };
        let read = JobError::of_column(error.kind, &error.to_column());
        assert_eq!((read.failures, read.advice), (problem().failures, None));
        assert!(!read.message.contains('\n'));
    }

    #[test]
    fn text_of_another_form_is_a_message() {
        for text in [
            "an older program's message",
            "two\nlines",
            "no\nFailures: many since then",
            "no\nNext: dance",
            "no\nProblem: unknown_kind: no",
            "no\nProblem: failed: a\nProblem: failed: b",
        ] {
            let read = JobError::of_column(ErrorKind::Failed, text);
            assert_eq!(read.message, text);
            assert_eq!((read.failures, read.advice), (None, None));
            assert_eq!(read.last_problem, None);
        }
    }

    #[test]
    fn sentence_gives_the_last_problem_before_the_deadline() {
        assert_eq!(late().described(), "the deadline passed");
        assert_eq!(
            late().after(Some(problem())).described(),
            "HTTP status 503, 7 times in a row since 2026-11-28T14:57:03Z; then the deadline passed"
        );
        let once = JobError {
            failures: Some(Failures::and_one(None, SINCE)),
            ..problem()
        };
        assert_eq!(
            late().after(Some(once)).described(),
            "HTTP status 503, once, at 2026-11-28T14:57:03Z; then the deadline passed"
        );
        let twice = late().after(Some(late().after(Some(problem()))));
        assert_eq!(twice, late().after(Some(problem())));
    }
}
