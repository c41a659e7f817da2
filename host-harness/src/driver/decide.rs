//! What happens next to a job, as a pure function: row, event, time → row, action.
//!
//! The driver commits the row, then carries out the action, then comes back with what
//! came of it as the next event. An event that does not fit the row any more (its job
//! was resolved or cancelled meanwhile) changes nothing.

mod submits;

use crate::contract::Charge;
use crate::download::DownloadVerdict;
use crate::driver::event::{Action, Event, ReadVerdict};
use crate::driver::pace;
use crate::ledger::{Cost, Job, Media, Millis, State, Trouble};

pub use submits::may_submit;

/// Downloads that fail in a row before somebody must look. A URL that is no good counts
/// for more than a connection that breaks.
const DOWNLOADS: u32 = 8;
const STALE: u32 = 2;

/// Cancellations that fail in a row before the job is simply waited for.
const CANCELLATIONS: u32 = 3;

/// How long a job that the provider does not find, or a reply that cannot be read, is
/// asked for again.
pub const GRACE: Millis = 20_000;

/// How long a state that nobody knows is waited for.
pub const UNRECOGNIZED: Millis = 600_000;

/// The next row and action.
#[must_use]
pub fn decide(job: &Job, event: Event, now: Millis) -> (Job, Action) {
    let mut next = job.clone();
    let action = Step {
        job: &mut next,
        now,
    }
    .take(event);
    (next, action)
}

struct Step<'a> {
    job: &'a mut Job,
    now: Millis,
}

impl Step<'_> {
    #[expect(
        clippy::too_many_lines,
        reason = "a table: one arm for each event that fits a state"
    )]
    fn take(&mut self, event: Event) -> Action {
        use State::{OutcomeUnknown, Queued, Started, Submitting, Succeeded};
        let state = self.job.state;
        match (event, state) {
            (Event::Due, _) => return self.due(),
            (Event::Leaving { sha256, keyed }, Queued | OutcomeUnknown) => {
                return self.leave(sha256, keyed);
            }
            (Event::Leaving { .. }, _) => return Action::HoldBack,
            (
                Event::Accepted {
                    ticket,
                    provider_job_id,
                    hint,
                    cost,
                },
                // A component may know of an acceptance without a request that the host
                // takes for a submit.
                Submitting | Queued | OutcomeUnknown,
            ) => {
                self.start(ticket, provider_job_id);
                self.job.cost = cost;
                self.wait(hint);
            }
            (Event::SubmitFailed { trouble, verdict }, Queued | OutcomeUnknown | Submitting) => {
                self.submit_failed(trouble, verdict);
            }
            (Event::Orphaned, Submitting) => {
                self.job.state = OutcomeUnknown;
                self.job.doubtful = true;
                let message = "the process that was submitting ended before the provider's answer";
                self.halt(trouble("outcome_unknown", message));
                if may_submit(self.job, self.now) {
                    self.job.next_at = Some(self.now);
                }
            }
            (
                Event::Waiting {
                    ticket,
                    hint,
                    unrecognized,
                },
                Started,
            ) => {
                self.keep(ticket, None);
                self.job.trouble = None;
                match unrecognized {
                    None => {
                        self.job.puzzled_since = None;
                        self.wait(hint);
                    }
                    Some(words) => self.puzzle(trouble("unavailable", &words), UNRECOGNIZED),
                }
            }
            (
                Event::Succeeded {
                    ticket,
                    provider_job_id,
                    output,
                    media,
                    charge,
                    cost,
                },
                Submitting | Queued | OutcomeUnknown | Started | Succeeded,
            ) => {
                self.keep(ticket, provider_job_id);
                self.succeed(output, media, charge, cost);
            }
            (
                Event::Ended {
                    cancelled,
                    trouble,
                    charge,
                    cost,
                },
                Started,
            ) => {
                self.job.cost = cost.or(self.job.cost.take());
                self.end(
                    if cancelled {
                        State::Cancelled
                    } else {
                        State::Failed
                    },
                    trouble,
                    charge,
                );
            }
            (Event::ReadFailed { trouble, verdict }, Started | Succeeded) => {
                self.read_failed(trouble, verdict);
            }
            // The provider had made the clip; whatever it says now, its ticket may still
            // give the URL again.
            (Event::Waiting { .. } | Event::Ended { .. }, Succeeded) => {
                self.puzzle(
                    trouble(
                        "download_failed",
                        "the provider no longer offers the result",
                    ),
                    GRACE,
                );
            }
            (Event::CancelWanted, _) => self.want_cancel(),
            (Event::CancelAnswered, Started) => {
                self.job.cancel_wanted = false;
                self.job.tries = 0;
                self.wait(Some(0));
            }
            // Whoever wanted it is told, and may wait for it or not.
            (Event::NoCancellation, Started) => {
                self.job.cancel_wanted = false;
                self.job.tries = 0;
                let message = "this provider has no cancellation: the job goes on there and \
                               will be paid for; its result can still be had";
                self.halt(trouble("unsupported", message));
            }
            (Event::Fetched { file }, Succeeded) if !self.job.placed => {
                self.job.file = Some(file);
                return Action::Place;
            }
            (Event::Placed, Succeeded) => {
                self.job.placed = true;
                self.job.trouble = None;
                self.job.next_at = None;
            }
            (Event::DownloadFailed { trouble, verdict }, Succeeded) if !self.job.placed => {
                self.download_failed(trouble, verdict);
            }
            (Event::Resumed { deadline_at, asker }, _) => self.resume(deadline_at, asker),
            (Event::Abandoned { asker }, Queued | OutcomeUnknown) if asker == self.job.asker => {
                let message = "nobody waits for it any more, so nothing is submitted";
                self.halt(trouble("interrupted", message));
            }
            (Event::Held { until }, _) if self.job.next_at.is_some() => self.sleep(until),
            (Event::Unreachable { trouble }, _) if !self.job.is_done() => self.halt(trouble),
            (Event::Moved { target, force }, Queued | OutcomeUnknown | Started | Succeeded) => {
                let job = &mut *self.job;
                job.target = target;
                job.force = force;
                job.file = None;
                job.placed = false;
                if state == Succeeded {
                    job.media = None;
                    job.tries = 0;
                    job.next_at = Some(self.now);
                }
            }
            (
                Event::Adopted {
                    ticket,
                    provider_job_id,
                },
                OutcomeUnknown,
            ) => {
                self.start(ticket, provider_job_id);
                self.wait(Some(0));
            }
            (Event::NeverStarted, OutcomeUnknown) => {
                let message = "the provider never had it, as somebody found out";
                self.end(State::Failed, trouble("never_started", message), Charge::No);
            }
            _ => {}
        }
        Action::Wait
    }

    fn due(&mut self) -> Action {
        let job = &mut *self.job;
        if job.is_done() || job.state == State::Submitting {
            job.next_at = job.next_at.filter(|_| job.state == State::Submitting);
            return Action::Wait;
        }
        let is_late = self.now >= job.deadline_at && !job.cancel_wanted;
        if is_late && job.state != State::Succeeded {
            let message = "the deadline passed; what the provider does goes on";
            self.halt(trouble("deadline", message));
            return Action::Wait;
        }
        // What is paid for is tried once at least.
        if is_late && let Some(known) = job.trouble.take() {
            self.halt(known);
            return Action::Wait;
        }
        match job.state {
            State::Queued | State::OutcomeUnknown if may_submit(job, self.now) => Action::Submit,
            State::Started if job.cancel_wanted => Action::Cancel,
            State::Succeeded if job.media.is_some() => Action::Download,
            State::Started | State::Succeeded => Action::Poll,
            _ => {
                job.next_at = None;
                Action::Wait
            }
        }
    }

    fn keep(&mut self, ticket: Option<String>, provider_job_id: Option<String>) {
        if ticket.is_some() {
            self.job.ticket = ticket;
        }
        if provider_job_id.is_some() {
            self.job.provider_job_id = provider_job_id;
        }
    }

    fn succeed(
        &mut self,
        output: String,
        media: Option<Media>,
        charge: Charge,
        cost: Option<Cost>,
    ) {
        let job = &mut *self.job;
        if job.state != State::Succeeded {
            job.tries = 0;
            job.pause_ms = 0;
            job.charge = charge;
        }
        job.state = State::Succeeded;
        job.doubtful = false;
        job.trouble = None;
        job.output = Some(output);
        job.cost = cost
            .or(job.cost.take())
            .filter(|_| job.charge != Charge::No);
        job.puzzled_since = None;
        job.cancel_wanted = false;
        if media.is_none() {
            self.halt(trouble(
                "download_failed",
                "the output names nothing that can be downloaded",
            ));
        } else if !job.placed {
            job.media = media;
            job.next_at = Some(self.now);
        }
    }

    fn end(&mut self, state: State, trouble: Trouble, charge: Charge) {
        let job = &mut *self.job;
        job.state = state;
        job.doubtful = false;
        job.charge = charge;
        // What was announced at the acceptance is not paid.
        job.cost.take_if(|_| charge == Charge::No);
        job.trouble = Some(trouble);
        job.cancel_wanted = false;
        job.next_at = None;
    }

    fn read_failed(&mut self, trouble: Trouble, verdict: ReadVerdict) {
        if self.job.cancel_wanted {
            self.job.tries += 1;
            if self.job.tries >= CANCELLATIONS {
                self.job.cancel_wanted = false;
                self.job.tries = 0;
            }
        }
        match verdict {
            ReadVerdict::Passing { after } => self.retry(trouble, after),
            ReadVerdict::Puzzling => self.puzzle(trouble, GRACE),
            ReadVerdict::Stopped => self.halt(trouble),
        }
    }

    fn want_cancel(&mut self) {
        match self.job.state {
            State::Queued => self.cancel_unsent(),
            State::Submitting => self.job.cancel_wanted = true,
            State::Started => {
                self.job.cancel_wanted = true;
                self.job.tries = 0;
                self.job.next_at = Some(self.now);
            }
            _ => {}
        }
    }

    fn download_failed(&mut self, trouble: Trouble, verdict: DownloadVerdict) {
        self.job.tries += match verdict {
            DownloadVerdict::Stale => STALE,
            _ => 1,
        };
        if self.job.tries >= DOWNLOADS || verdict == DownloadVerdict::Stopped {
            return self.halt(trouble);
        }
        if verdict == DownloadVerdict::Stale {
            self.job.media = None;
        }
        self.retry(trouble, None);
    }

    fn resume(&mut self, deadline_at: Millis, asker: String) {
        let job = &mut *self.job;
        if job.is_done() {
            return;
        }
        job.asker = asker;
        job.deadline_at = deadline_at;
        if job.state == State::Submitting {
            return;
        }
        job.tries = 0;
        job.pause_ms = 0;
        job.puzzled_since = None;
        // A URL from before may have expired.
        job.media = None;
        if job.state != State::OutcomeUnknown || may_submit(job, self.now) {
            job.next_at = Some(self.now);
            job.trouble = None;
        }
    }

    /// Until the provider's own time, else a growing pause.
    fn wait(&mut self, hint: Option<Millis>) {
        let job = &mut *self.job;
        let pause = if let Some(hint) = hint {
            pace::bounded(hint)
        } else {
            job.pause_ms = pace::longer(job.pause_ms);
            pace::jittered(job.pause_ms, &job.order.id, self.now)
        };
        self.sleep(self.now + if self.job.cancel_wanted { 0 } else { pause });
    }

    /// Until then, but not beyond the deadline.
    fn sleep(&mut self, until: Millis) {
        let job = &mut *self.job;
        job.next_at = Some(until.min(job.deadline_at.max(self.now)));
    }

    fn retry(&mut self, trouble: Trouble, after: Option<Millis>) {
        self.job.trouble = Some(trouble);
        self.job.pause_ms = pace::longer(self.job.pause_ms);
        let own = pace::jittered(self.job.pause_ms, &self.job.order.id, self.now);
        let pause = after.map_or(own, |after| pace::bounded(after).max(own));
        self.sleep(self.now + pause);
    }

    fn puzzle(&mut self, trouble: Trouble, patience: Millis) {
        let since = *self.job.puzzled_since.get_or_insert(self.now);
        if self.now - since >= patience {
            self.halt(trouble);
        } else {
            self.retry(trouble, None);
        }
    }

    /// Nothing more until somebody resumes it.
    fn halt(&mut self, trouble: Trouble) {
        self.job.trouble = Some(trouble);
        self.job.next_at = None;
    }
}

fn trouble(kind: &str, message: &str) -> Trouble {
    Trouble::new(kind, message)
}

#[cfg(test)]
mod tests;
