//! The terminal on which the progress bar is drawn: through the writer of standard error, so that
//! a terminal that is stopped or gone holds up no job.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;

use super::output::{Output, Purpose};

/// The width of a terminal that does not tell its own.
const WIDTH: u16 = 80;

/// Collects what is drawn until it is flushed.
#[derive(Debug)]
pub(super) struct BarTarget {
    output: Output,
    frame: Mutex<String>,
}

impl BarTarget {
    pub(super) fn new(output: Output) -> Self {
        Self {
            output,
            frame: Mutex::default(),
        }
    }

    fn frame(&self) -> MutexGuard<'_, String> {
        self.frame.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, text: &str) {
        self.frame().push_str(text);
    }

    /// Moves the cursor.
    fn go(&self, count: usize, direction: char) {
        if count > 0 {
            self.add(&format!("\u{1b}[{count}{direction}"));
        }
    }
}

impl TermLike for BarTarget {
    fn width(&self) -> u16 {
        #[cfg(unix)]
        if let Ok(size) = rustix::termios::tcgetwinsize(io::stderr())
            && size.ws_col > 0
        {
            return size.ws_col;
        }
        WIDTH
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.go(n, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.go(n, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.go(n, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.go(n, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.add(text);
        self.add("\n");
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.add(text);
        Ok(())
    }

    /// On Windows by blanks: its console needs a mode of its own for escape sequences.
    fn clear_line(&self) -> io::Result<()> {
        if cfg!(windows) {
            let width = usize::from(self.width().saturating_sub(1));
            self.add(&format!("\r{:width$}\r", ""));
        } else {
            self.add("\r\u{1b}[2K");
        }
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let frame = std::mem::take(&mut *self.frame());
        self.output.push(frame.into_bytes(), Purpose::Redraw);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_is_handed_over_as_a_whole() {
        let target = BarTarget::new(Output::start("none", io::sink()));
        target.clear_line().expect("collected");
        target.move_cursor_up(0).expect("collected");
        target.write_str("bar").expect("collected");
        let frame = target.frame().clone();
        assert!(
            frame.starts_with('\r') && frame.ends_with("bar"),
            "{frame:?}"
        );
        assert!(!frame.contains("\u{1b}[0"), "{frame:?}");
        target.flush().expect("handed over");
        assert_eq!(*target.frame(), "");
    }
}
