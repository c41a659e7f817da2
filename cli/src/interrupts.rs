//! The reaction of a command to signals.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::NextStep;

use super::printer::Printer;
use super::report::{Failure, Phase, next_step};
use super::signals::{Interrupt, Signals};

/// The signals since [`Interrupts::listen`].
pub(super) struct Interrupts(Signals);

impl Interrupts {
    /// Starts to collect signals, which are the caller's from now on.
    pub(super) fn listen() -> Self {
        let signals = Signals::listen();
        let mut reaction = reaction();
        while matches!(*reaction, Reaction::Ending) {
            drop(reaction);
            thread::park();
            reaction = self::reaction();
        }
        *reaction = Reaction::OfCommand;
        Self(signals)
    }

    /// Waits for the next signal.
    pub(super) async fn next(&mut self) -> Interrupt {
        self.0.next().await
    }
}

/// The reaction to a signal.
enum Reaction {
    /// That of the command, or the default of the system.
    OfCommand,
    /// The process ends with this message.
    End(String),
    /// The process is about to end.
    Ending,
}

impl Reaction {
    /// The message with which the process ends now, unless the command reacts.
    fn end(&mut self) -> Option<String> {
        match std::mem::replace(self, Self::Ending) {
            Self::End(message) => Some(message),
            other => {
                *self = other;
                None
            }
        }
    }
}

static REACTION: Mutex<Reaction> = Mutex::new(Reaction::OfCommand);

fn reaction() -> MutexGuard<'static, Reaction> {
    REACTION.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Until a command listens, a signal ends the process with a report. On a thread of the runtime:
/// the command may wait for its input meanwhile.
pub(super) fn end_at_signal(printer: &Printer) {
    let mut signals = Signals::listen();
    let message = "interrupted before anything was submitted or changed";
    *reaction() = Reaction::End(message.into());
    let printer = printer.clone();
    tokio::spawn(async move {
        signals.next().await;
        let Some(message) = reaction().end() else {
            return;
        };
        let failure = Failure::new(ErrorKind::Interrupted, Phase::Setup, message)
            .then(next_step::text(&NextStep::RepeatUnsubmitted, ""));
        let code = failure.code();
        failure.report(&printer);
        printer.end();
        std::process::exit(code.into());
    });
}

/// Changes the message that is reported at a signal.
pub(super) fn report_at_signal(changed: String) {
    if let Reaction::End(message) = &mut *reaction() {
        *message = changed;
    }
}
