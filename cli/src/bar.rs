//! The progress bar: one line at the end of a terminal, drawn again several times a second, each time
//! for the width that the terminal has then. It is drawn through the writer of standard error, so
//! that a terminal that is stopped or gone holds up no job.

use std::io::{IsTerminal as _, stderr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use terminal_size::{Width, terminal_size_of};
use textwrap::core::display_width;

use super::output::{Output, Purpose};
use super::progress_text::{Content, compose};

/// The time between two drawings.
const INTERVAL: Duration = Duration::from_millis(100);

/// The width of a terminal that does not tell its own.
const COLUMNS: usize = 80;

/// The turning figure, in characters that every terminal has.
const FIGURE: [char; 4] = ['|', '/', '-', '\\'];

/// A bar, until it is dropped.
pub(super) struct Bar(Arc<Shared>);

struct Shared {
    output: Output,
    started: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    content: Content,
    /// The drawings so far.
    drawn: usize,
    /// The columns of the line that is drawn.
    width: usize,
    is_ended: bool,
}

impl Bar {
    /// Whether standard error can show a bar.
    pub(super) fn is_possible() -> bool {
        let is_dumb = std::env::var_os("TERM").is_some_and(|kind| kind == "dumb");
        stderr().is_terminal() && !is_dumb
    }

    /// Draws a bar from now on. `None` if there is no thread for it.
    pub(super) fn start(output: Output, started: Instant, content: Content) -> Option<Self> {
        let shared = Arc::new(Shared {
            output,
            started,
            state: Mutex::new(State {
                content,
                drawn: 0,
                width: 0,
                is_ended: false,
            }),
            changed: Condvar::new(),
        });
        let drawing = Arc::clone(&shared);
        let drawing = thread::Builder::new()
            .name("progress".into())
            .spawn(move || drawing.draw_until_ended());
        drawing.is_ok().then_some(Self(shared))
    }

    /// Shows this from the next drawing on.
    pub(super) fn set(&self, content: Content) {
        self.0.state().content = content;
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_ended = true;
        let clear = clear(state.width);
        self.0.output.set_bar(None);
        self.0.output.push(clear.into_bytes(), Purpose::Message);
        drop(state);
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw_until_ended(&self) {
        let mut state = self.state();
        while !state.is_ended {
            self.draw(&mut state);
            let waited = self.changed.wait_timeout(state, INTERVAL);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn draw(&self, state: &mut State) {
        // The last column stays free: some terminals begin a new line once it is written.
        let columns = columns().saturating_sub(1);
        let figure = FIGURE[state.drawn % FIGURE.len()];
        let text = compose(&state.content, self.started.elapsed(), columns);
        let line = format!("{figure} {text}");
        // Without room for the figure, the line is the figure.
        let line = if columns < 4 { String::new() } else { line };
        let width = display_width(&line);
        let frame = frame(&line, width, state.width.min(columns));
        state.drawn = state.drawn.wrapping_add(1);
        state.width = width;
        self.output.push(frame.into_bytes(), Purpose::Redraw);
        self.output.set_bar(Some(clear(width)));
    }
}

/// The width of the terminal.
fn columns() -> usize {
    let size = terminal_size_of(stderr());
    size.map_or(COLUMNS, |(Width(columns), _)| columns.into())
}

/// A line over the one before, of which it removes the rest. On Windows by blanks: an old console
/// needs a mode of its own for escape sequences.
fn frame(line: &str, width: usize, before: usize) -> String {
    if cfg!(windows) {
        format!("\r{line}{:rest$}", "", rest = before.saturating_sub(width))
    } else {
        format!("\r{line}\u{1b}[K")
    }
}

/// What removes a line of this width.
fn clear(width: usize) -> String {
    if cfg!(windows) {
        format!("\r{:width$}\r", "")
    } else {
        "\r\u{1b}[K".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_drawn_over_the_one_before_and_removed_as_a_whole() {
        let drawn = frame("| 1 of 2 done", 13, 20);
        assert!(drawn.starts_with("\r| 1 of 2 done"), "{drawn:?}");
        assert!(!drawn.contains('\n'), "{drawn:?}");
        let removed = clear(13);
        assert!(removed.starts_with('\r'), "{removed:?}");
        assert!(!removed.contains('\n'), "{removed:?}");
    }
}
