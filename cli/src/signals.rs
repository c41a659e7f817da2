//! The handlers of signals: Ctrl-C, and what asks a process to end: `SIGTERM`, a closed terminal
//! (`SIGHUP`), and on Windows Ctrl-Break, a closed console, the log-off and the shutdown.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close,
    ctrl_logoff, ctrl_shutdown,
};

#[cfg(unix)]
use super::dispositions::is_hangup_ignored;

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
    terminate: Signal,
    /// `None` if the parent ignores it, as `nohup` does.
    hangup: Option<Signal>,
}

#[cfg(unix)]
impl Handlers {
    fn install() -> io::Result<Self> {
        let hangup = (!is_hangup_ignored()).then(|| signal(SignalKind::hangup()));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: hangup.transpose()?,
        })
    }

    async fn next(&mut self) -> Interrupt {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Interrupt::CtrlC,
            _ = self.terminate.recv() => Interrupt::End,
            _ = hangup => Interrupt::End,
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
