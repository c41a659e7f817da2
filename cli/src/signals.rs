//! The handlers of signals: Ctrl-C, and what asks a process to end: `SIGTERM`, a closed terminal
//! (`SIGHUP`), the [others](OTHER_ENDS) that would kill it, and on Windows Ctrl-Break, a closed console, the log-off and the shutdown.

use std::io;
#[cfg(unix)]
use std::{future::poll_fn, task::Poll};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close,
    ctrl_logoff, ctrl_shutdown,
};

#[cfg(unix)]
use super::dispositions::{OTHER_ENDS, is_ignored};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// Ctrl-C: the user is there and may press it again.
    CtrlC,
    /// The process is asked to end. The terminal and the shell may both ask, so a repetition has
    /// no further meaning.
    End,
}

/// The signals since [`Signals::listen`]. Without handlers, the default of the system holds.
pub(super) struct Signals(Option<Handlers>);

impl Signals {
    /// Starts to collect signals.
    pub(super) fn listen() -> Self {
        Self(Handlers::install().ok())
    }

    /// Waits for the next signal.
    pub(super) async fn next(&mut self) -> Interrupt {
        match &mut self.0 {
            Some(handlers) => handlers.next().await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
struct Handlers {
    interrupt: Signal,
    /// Without those that the parent ignores: `SIGHUP` under `nohup`.
    ends: Vec<Signal>,
}

#[cfg(unix)]
impl Handlers {
    fn install() -> io::Result<Self> {
        let mut ends = vec![signal(SignalKind::terminate())?];
        let hangup = SignalKind::hangup().as_raw_value();
        if !is_ignored(hangup) {
            ends.push(signal(SignalKind::hangup())?);
        }
        for number in OTHER_ENDS.iter().filter(|number| !is_ignored(**number)) {
            // A system without the signal needs no handler.
            ends.extend(signal(SignalKind::from_raw(*number)));
        }
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            ends,
        })
    }

    async fn next(&mut self) -> Interrupt {
        let end = poll_fn(|context| {
            let mut ends = self.ends.iter_mut();
            if ends.any(|signal| signal.poll_recv(context).is_ready()) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        tokio::select! {
            _ = self.interrupt.recv() => Interrupt::CtrlC,
            () = end => Interrupt::End,
        }
    }
}

/// After the last three, Windows ends the process within seconds.
#[cfg(windows)]
struct Handlers {
    interrupt: CtrlC,
    ctrl_break: CtrlBreak,
    close: CtrlClose,
    logoff: CtrlLogoff,
    shutdown: CtrlShutdown,
}

#[cfg(windows)]
impl Handlers {
    fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: ctrl_c()?,
            ctrl_break: ctrl_break()?,
            close: ctrl_close()?,
            logoff: ctrl_logoff()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupt::CtrlC,
            _ = self.ctrl_break.recv() => Interrupt::End,
            _ = self.close.recv() => Interrupt::End,
            _ = self.logoff.recv() => Interrupt::End,
            _ = self.shutdown.recv() => Interrupt::End,
        }
    }
}
