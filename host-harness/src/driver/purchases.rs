//! A property of the pure functions together: whatever a component sends and answers, whatever the
//! provider replies, and whenever a process is killed or a user cancels and resumes, a job is
//! bought once at most, and no ticket of an accepted submit is dropped. If the user asks for further
//! attempts, a job is bought once at most for each attempt, and without the consent to a further
//! charge, once at most for all of them.

use std::collections::HashMap;

use proptest::prelude::*;

use super::classify;
use super::decide::{UPLOADS_LAST, decide};
use super::event::{Action, Event};
use crate::component::{CallError, Refusals, Trap, TrapKind, judge};
use crate::contract::{
    Acceptance, Charge, ErrorCause, NextStep, NodeError, ProviderFault, Started,
};
use crate::egress::{Sent, SubmitReply, Transmission};
use crate::ledger::testing::{local_pictures, queued};
use crate::ledger::{FieldValue, Job, Millis, State};

/// How long the provider honours a key, if it does.
const WINDOW: Millis = 600_000;

/// What becomes of a submit that the component sends.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// No connection could be opened.
    NothingLeft,
    /// No reply came.
    Lost { accepted: bool },
    /// The reply has this status.
    Answered {
        status: u16,
        retry_after: bool,
        /// Whether a reply that says nothing about it follows an acceptance.
        accepted: bool,
    },
}

impl Fate {
    /// Whether the provider has the job afterwards. A 4xx, and a 503 with a delay, say that it has
    /// not.
    fn is_accepted(self) -> bool {
        match self {
            Self::NothingLeft => false,
            Self::Lost { accepted } => accepted,
            Self::Answered {
                status,
                retry_after,
                accepted,
            } => match status {
                200..=299 => true,
                503 if retry_after => false,
                408 => accepted,
                400..=499 => false,
                _ => accepted,
            },
        }
    }
}

/// What happens next.
#[derive(Clone, Debug)]
enum Happening {
    /// The driver calls `start`, if the job is due for a submit.
    Start {
        /// The submits of the component, with the bytes of each and whether it has the key.
        sends: Vec<(Fate, &'static str, bool)>,
        /// The component's answer.
        answer: Answer,
        /// The process is killed after this many of the submits.
        killed_after: Option<usize>,
        /// Whether a refusal says that an upload is gone.
        is_gone: bool,
    },
    /// `jobs cancel`.
    Cancel,
    /// `jobs resume`.
    Resume,
    /// `jobs retry`, with or without `--again`.
    Retry { again: bool },
    /// Time passes, in milliseconds.
    Pause(Millis),
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Accept,
    Error(usize, Charge),
    Trap,
}

impl Answer {
    fn outcome(self) -> Result<Started, CallError> {
        let fault = || ProviderFault {
            status: None,
            code: None,
            message: "a claim".into(),
        };
        let no_credit = || ProviderFault {
            status: Some(402),
            ..fault()
        };
        let (index, charge) = match self {
            Self::Accept => {
                return Ok(Started::Accepted(Acceptance {
                    ticket: "ticket".into(),
                    provider_job_id: "1".into(),
                    poll_after_ms: 0,
                    cost: None,
                }));
            }
            Self::Trap => {
                return Err(CallError::Trap(Trap {
                    kind: TrapKind::Trapped,
                    message: "unreachable".into(),
                }));
            }
            Self::Error(index, charge) => (index, charge),
        };
        let causes = [
            ErrorCause::NotSent("a claim".into()),
            ErrorCause::Denied("a claim".into()),
            ErrorCause::InvalidInput(Vec::new()),
            ErrorCause::Unsupported("a claim".into()),
            ErrorCause::UnknownNodeType("a claim".into()),
            ErrorCause::ConnectionUnavailable("a claim".into()),
            ErrorCause::Throttled(fault()),
            ErrorCause::Rejected(fault()),
            ErrorCause::Unauthorized(fault()),
            ErrorCause::Unavailable(fault()),
            ErrorCause::OutcomeUnknown(fault()),
            ErrorCause::JobLost(fault()),
            ErrorCause::ProtocolViolation("a claim".into()),
            ErrorCause::Throttled(no_credit()),
            ErrorCause::Rejected(no_credit()),
            ErrorCause::Unauthorized(no_credit()),
        ];
        Err(CallError::Node(NodeError {
            cause: causes[index % causes.len()].clone(),
            charge,
            next: NextStep::Retry,
            retry_after_ms: None,
        }))
    }
}

/// The ledger's row, and the provider.
struct World {
    job: Job,
    now: Millis,
    refusals: Refusals,
    honours_keys: bool,
    purchases: u32,
    /// The attempts that the user consented to after a charge or a possible one.
    consents: u32,
    /// When the provider saw each key first.
    keys_seen_at: HashMap<String, Millis>,
    /// How often the pictures were handed over after a refusal, although they were not too old.
    handed_over_again: u32,
}

impl World {
    fn apply(&mut self, event: Event) -> Action {
        let (job, action) = decide(&self.job, event, self.now);
        self.job = job;
        action
    }

    /// Whether the submit of a `start` is passed to the provider.
    fn send(&mut self, transmission: &Transmission, send: (Fate, &str, bool)) -> bool {
        let (fate, bytes, keyed) = send;
        if transmission.claim().is_err() {
            return false;
        }
        let ready = Event::SubmitReady {
            sha256: bytes.into(),
            keyed,
            account: None,
            path: "/v1/jobs".into(),
        };
        if self.apply(ready) != Action::AllowSubmit {
            return false;
        }
        if matches!(fate, Fate::NothingLeft) || transmission.leave().is_err() {
            return false;
        }
        if fate.is_accepted() {
            let key = self.job.provider_key().into_owned();
            let seen_at = self.keys_seen_at.get(&key);
            let is_known =
                self.honours_keys && keyed && seen_at.is_some_and(|seen| self.now - seen < WINDOW);
            if !is_known {
                self.purchases += 1;
            }
            if keyed {
                self.keys_seen_at.entry(key).or_insert(self.now);
            }
        }
        if let Fate::Answered {
            status,
            retry_after,
            ..
        } = fate
        {
            transmission.note_reply(SubmitReply {
                status,
                retry_after,
            });
        }
        true
    }

    /// Returns whether an accepted ticket must be in the row now.
    fn start(&mut self, happening: Happening) -> bool {
        let Happening::Start {
            sends,
            answer,
            killed_after,
            is_gone,
        } = happening
        else {
            return false;
        };
        let transmission = Transmission::default();
        for (index, send) in sends.into_iter().enumerate() {
            if killed_after == Some(index) {
                self.apply(Event::Orphaned);
                return false;
            }
            self.send(&transmission, send);
        }
        let sent = transmission.close();
        let is_accepted = matches!(answer, Answer::Accept)
            && matches!(
                sent,
                Sent::Answered(SubmitReply {
                    status: 200..=299,
                    ..
                })
            );
        let judged = judge(answer.outcome(), sent, self.refusals);
        let is_refused = matches!(
            &judged,
            Err(CallError::Node(NodeError {
                cause: ErrorCause::Rejected(_),
                charge: Charge::No,
                ..
            }))
        );
        self.apply(match classify::of_start(judged) {
            Event::SubmitFailed { error, .. } if is_gone && is_refused => {
                Event::UploadGone { error }
            }
            event => event,
        });
        is_accepted
    }

    /// Hands the pictures over, if the job is due for that.
    fn hand_over(&mut self) {
        if self.apply(Event::Due) != Action::HandOver {
            return;
        }
        let is_first = self.job.submits() == 0;
        let handed_over_at = self.job.local_pictures.handed_over_at;
        let is_stale = handed_over_at.is_some_and(|at| self.now - at >= UPLOADS_LAST);
        self.handed_over_again += u32::from(!is_first && !is_stale);
        let url = format!("https://files.example/{}", self.now);
        self.apply(Event::HandedOver {
            values: vec![FieldValue::Json(url.into())],
            at: self.now,
            has_uploads: false,
        });
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    let statuses = vec![
        200, 201, 202, 204, 301, 303, 400, 401, 404, 408, 409, 429, 500, 502, 503,
    ];
    prop_oneof![
        1 => Just(Fate::NothingLeft),
        2 => any::<bool>().prop_map(|accepted| Fate::Lost { accepted }),
        6 => (prop::sample::select(statuses), any::<bool>(), any::<bool>()).prop_map(
            |(status, retry_after, accepted)| Fate::Answered { status, retry_after, accepted }
        ),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    let send = (
        fate(),
        prop::sample::select(vec!["a", "a", "a", "b"]),
        prop::bool::weighted(0.8),
    );
    let charge = prop::sample::select(vec![Charge::No, Charge::Yes, Charge::Unknown]);
    let answer = prop_oneof![
        2 => Just(Answer::Accept),
        6 => (0..16usize, charge).prop_map(|(index, charge)| Answer::Error(index, charge)),
        1 => Just(Answer::Trap),
    ];
    let killed_after = prop::option::weighted(0.2, 0..3usize);
    prop_oneof![
        6 => (prop::collection::vec(send, 0..4), answer, killed_after, any::<bool>()).prop_map(
            |(sends, answer, killed_after, is_gone)| {
                Happening::Start { sends, answer, killed_after, is_gone }
            }
        ),
        1 => Just(Happening::Cancel),
        3 => Just(Happening::Resume),
        2 => any::<bool>().prop_map(|again| Happening::Retry { again }),
        3 => (0..200_000i64).prop_map(Happening::Pause),
    ]
}

/// A job without a deadline.
fn job(idempotency_ms: Millis) -> Job {
    let mut job = queued(idempotency_ms);
    job.schedule.deadline_at = i64::MAX;
    job
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn job_is_bought_once_at_most_and_no_accepted_ticket_is_dropped(
        honours_keys in any::<bool>(),
        granted in any::<bool>(),
        has_picture in any::<bool>(),
        happenings in prop::collection::vec(happening(), 1..40),
    ) {
        let mut world = World {
            job: job(if honours_keys { WINDOW } else { 0 }),
            now: 1_000,
            refusals: if granted { Refusals::Granted } else { Refusals::NotBelieved },
            honours_keys,
            purchases: 0,
            consents: 0,
            keys_seen_at: HashMap::new(),
            handed_over_again: 0,
        };
        if has_picture {
            world.job.local_pictures = local_pictures();
        }
        for happening in happenings {
            world.now += 1;
            match happening {
                Happening::Start { .. } => {
                    let is_due = world.job.schedule.next_at.is_some_and(|next| next <= world.now);
                    let pictures = world.job.local_pictures.clone();
                    if is_due {
                        let is_uncertain = world.job.state() == State::OutcomeUnknown;
                        world.hand_over();
                        let is_same = world.job.local_pictures == pictures;
                        prop_assert!(!is_uncertain || is_same, "a repetition has other bytes");
                    }
                    let is_due = world.job.schedule.next_at.is_some_and(|next| next <= world.now);
                    if !is_due || world.apply(Event::Due) != Action::Submit {
                        continue;
                    }
                    let is_accepted = world.start(happening.clone());
                    prop_assert!(!is_accepted || world.job.ticket() == Some("ticket"), "{happening:?}");
                }
                Happening::Cancel => drop(world.apply(Event::CancelWanted)),
                Happening::Resume => {
                    let requester = "another".into();
                    world.apply(Event::Resumed { deadline_at: i64::MAX, requester });
                }
                Happening::Retry { again } => {
                    let is_charged = world.job.charge() != Charge::No;
                    let after = world.job.retries;
                    let requester = "another".into();
                    world.apply(Event::Retried { after, deadline_at: i64::MAX, requester, again });
                    if is_charged && world.job.retries > after {
                        prop_assert!(again, "charged, and not consented");
                        world.consents += 1;
                    }
                }
                Happening::Pause(pause) => world.now += pause,
            }
            let job = &world.job;
            prop_assert!(world.handed_over_again <= 1 + world.job.retries, "uploaded again and again: {job:?}");
            let most = 1 + world.consents;
            prop_assert!(world.purchases <= most, "bought {} times: {job:?}", world.purchases);
            prop_assert!(world.purchases == 0 || job.charge() != Charge::No, "paid for: {job:?}");
            prop_assert!(job.state() != State::Submitting, "no submit is running: {job:?}");
        }
    }
}
