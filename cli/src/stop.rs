//! What signals make of a wait for jobs.

use super::signals::Interrupt;

/// The effect of the signals so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    None,
    /// No job is submitted any more. For a while, Ctrl-C cancels.
    NoNewSubmits,
    /// The provider is asked to cancel, and its answer is awaited for a while.
    Cancel,
    /// The submits in flight are awaited, nothing else.
    Drain,
    /// Nothing is awaited.
    AtOnce,
}

impl Stop {
    /// The effect of one more signal. Only Ctrl-C cancels, and ends a wait for a submit.
    pub(super) fn after(self, interrupt: Interrupt) -> Self {
        match (self, interrupt) {
            (Self::AtOnce, _) | (Self::Drain, Interrupt::CtrlC) => Self::AtOnce,
            (_, Interrupt::End) | (Self::Cancel, Interrupt::CtrlC) => Self::Drain,
            (Self::None, Interrupt::CtrlC) => Self::NoNewSubmits,
            (Self::NoNewSubmits, Interrupt::CtrlC) => Self::Cancel,
        }
    }

    /// Whether the submits in flight alone are awaited after some time.
    pub(super) fn has_deadline(self) -> bool {
        matches!(self, Self::NoNewSubmits | Self::Cancel)
    }

    /// What the user is told, who waits for so many jobs.
    pub(super) fn message(self, jobs: usize) -> Option<&'static str> {
        match self {
            Self::NoNewSubmits if jobs > 1 => Some(
                "Stopping in 3 s. Jobs at the provider keep running and may be charged. Press Ctrl-C again to cancel them.",
            ),
            Self::NoNewSubmits => Some(
                "Stopping in 3 s. The job keeps running and may be charged. Press Ctrl-C again to cancel it.",
            ),
            Self::Cancel => Some(
                "Cancelling at the provider, for at most 20 s. Press Ctrl-C again to end without its answer.",
            ),
            Self::Drain => Some(
                "Ending: submits in flight are waited for; jobs at the provider continue. Ctrl-C ends at once, and leaves such a submit with an unknown outcome.",
            ),
            Self::None | Self::AtOnce => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Interrupt::{CtrlC, End};
    use super::*;

    fn after(signals: &[Interrupt]) -> Stop {
        let signals = signals.iter();
        signals.fold(Stop::None, |stop, signal| stop.after(*signal))
    }

    #[test]
    fn second_ctrl_c_cancels_the_third_drains_and_the_fourth_ends() {
        assert_eq!(after(&[CtrlC]), Stop::NoNewSubmits);
        assert_eq!(after(&[CtrlC; 2]), Stop::Cancel);
        assert_eq!(after(&[CtrlC; 3]), Stop::Drain);
        assert_eq!(after(&[CtrlC; 4]), Stop::AtOnce);
    }

    #[test]
    fn repeated_request_to_end_neither_cancels_nor_leaves_a_submit() {
        for count in 1..5 {
            assert_eq!(after(&vec![End; count]), Stop::Drain, "{count}");
        }
        assert_eq!(after(&[CtrlC, End, End]), Stop::Drain);
        assert_eq!(after(&[CtrlC, CtrlC, End]), Stop::Drain);
        assert_eq!(after(&[End, End, CtrlC]), Stop::AtOnce);
    }
}
