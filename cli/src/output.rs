//! A stream of this process, which a thread of its own writes. A reader that does not read holds
//! up no job: texts wait in a bounded queue, and what it has no room for is dropped and counted.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::dispositions::is_output_closed;

/// Bytes that are written at once.
const PIECE: usize = 1 << 16;

/// The time after which a stream that would block, because another process set it so, is tried
/// again.
const RETRY: Duration = Duration::from_millis(10);

/// What a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A redrawn line of progress. The next one replaces it, so a dropped one is not counted.
    Redraw,
    Log,
    Message,
    /// An event of `--events`.
    Event,
    /// What the command was run for. Never dropped.
    Answer,
}

impl Purpose {
    /// The bytes that may wait, this text included. Logs leave room for messages.
    fn limit(self) -> usize {
        match self {
            Self::Redraw => 4 << 10,
            Self::Log => 1 << 20,
            Self::Message => 2 << 20,
            Self::Event => 8 << 20,
            Self::Answer => usize::MAX,
        }
    }
}

/// A stream and its writer.
#[derive(Clone)]
pub(crate) struct Output(Arc<Shared>);

struct Shared {
    name: &'static str,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    texts: VecDeque<(Vec<u8>, Purpose)>,
    /// The bytes of `texts` and of the text that is being written.
    bytes: usize,
    is_writing: bool,
    /// Whether the last write succeeded.
    is_failing: bool,
    /// The error of an answer.
    error: Option<io::Error>,
    /// The reader has closed the pipe: nothing is written any more.
    is_closed: bool,
    /// The lines that were dropped since the last note on them.
    dropped: usize,
    /// The form of the note on them.
    note: Note,
    /// What removes the progress bar that is drawn on the last line of the terminal.
    bar: Option<String>,
}

/// The form of a note on dropped lines.
#[derive(Default, PartialEq, Eq)]
enum Note {
    #[default]
    Text,
    /// The stream has events, each a JSON document.
    Event,
}

/// A stream that the process was started without.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::other("it is closed"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A text to write.
struct Piece {
    bytes: Vec<u8>,
    /// Its lines, without those of redrawn progress.
    lines: usize,
    has_answer: bool,
}

impl Output {
    /// Starts the writer of standard output.
    pub(crate) fn standard_output() -> Self {
        if is_output_closed() {
            return Self::start("standard output", Closed);
        }
        #[cfg(unix)]
        if let Some(file) = duplicate(&io::stdout()) {
            return Self::start("standard output", file);
        }
        Self::start("standard output", io::stdout())
    }

    /// Starts the writer of standard error.
    pub(crate) fn standard_error() -> Self {
        #[cfg(unix)]
        if let Some(file) = duplicate(&io::stderr()) {
            return Self::start("standard error", file);
        }
        Self::start("standard error", io::stderr())
    }

    pub(crate) fn start(name: &'static str, stream: impl Write + Send + 'static) -> Self {
        let shared = Arc::new(Shared {
            name,
            queue: Mutex::default(),
            changed: Condvar::new(),
        });
        let writer = Arc::clone(&shared);
        let started = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || writer.write_all_texts(stream));
        if started.is_err() {
            // Without a thread there is no runtime and no job either.
            shared.lock().is_closed = true;
        }
        Self(shared)
    }

    /// Hands a text to the writer. Does not wait.
    pub(crate) fn push(&self, text: Vec<u8>, purpose: Purpose) {
        let mut queue = self.0.lock();
        if queue.is_closed || text.is_empty() {
            return;
        }
        if purpose == Purpose::Event {
            queue.note = Note::Event;
        }
        // What follows begins on the line of the bar, which is drawn again below it.
        let text = match (&queue.bar, purpose) {
            (Some(clear), Purpose::Log | Purpose::Message) => [clear.as_bytes(), &text].concat(),
            _ => text,
        };
        // The only text may be longer than the limit.
        if queue.bytes > 0 && queue.bytes.saturating_add(text.len()) > purpose.limit() {
            queue.dropped += lines(&text, purpose);
            return;
        }
        queue.bytes += text.len();
        queue.texts.push_back((text, purpose));
        drop(queue);
        self.0.changed.notify_all();
    }

    /// Notes that a progress bar is drawn, which `bar` removes, or that none is.
    pub(crate) fn set_bar(&self, bar: Option<String>) {
        self.0.lock().bar = bar;
    }

    /// Waits until everything is written, at most as long as `patience` lasts. Whether it is.
    pub(crate) fn drain(&self, patience: Option<Duration>) -> bool {
        let end = patience.map(|patience| Instant::now() + patience);
        let mut queue = self.0.lock();
        while !queue.is_idle() {
            let Some(end) = end else {
                queue = wait(&self.0.changed, queue);
                continue;
            };
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.0.changed.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// The error of an answer, once.
    pub(crate) fn take_error(&self) -> Option<io::Error> {
        self.0.lock().error.take()
    }

    /// Whether the reader has closed the pipe.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.lock().is_closed
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all_texts(&self, mut stream: impl Write) {
        loop {
            let piece = self.next_piece();
            let written = write_all(&mut stream, &piece.bytes);
            let mut queue = self.lock();
            queue.is_writing = false;
            queue.bytes = queue.bytes.saturating_sub(piece.bytes.len());
            queue.is_failing = written.is_err();
            let Err(error) = written else { continue };
            if error.kind() == ErrorKind::BrokenPipe {
                *queue = Queue {
                    is_closed: true,
                    ..Queue::default()
                };
                drop(queue);
                self.changed.notify_all();
                return;
            }
            queue.dropped += piece.lines;
            if piece.has_answer {
                queue.error = Some(error);
            }
        }
    }

    /// Waits for the next text. The note on dropped lines follows the last one.
    fn next_piece(&self) -> Piece {
        let mut queue = self.lock();
        loop {
            if let Some(piece) = queue.take().or_else(|| queue.take_note(self.name)) {
                queue.is_writing = true;
                return piece;
            }
            self.changed.notify_all();
            queue = wait(&self.changed, queue);
        }
    }
}

impl Queue {
    fn is_idle(&self) -> bool {
        self.is_closed || self.texts.is_empty() && !self.is_writing
    }

    fn take(&mut self) -> Option<Piece> {
        let (bytes, purpose) = self.texts.pop_front()?;
        let mut piece = Piece {
            lines: lines(&bytes, purpose),
            has_answer: purpose == Purpose::Answer,
            bytes,
        };
        while let Some((text, purpose)) = self.texts.pop_front_if(|(text, purpose)| {
            *purpose != Purpose::Answer && piece.bytes.len() + text.len() <= PIECE
        }) {
            piece.lines += lines(&text, purpose);
            piece.bytes.extend_from_slice(&text);
        }
        Some(piece)
    }

    /// The note on dropped lines, if there are any and the stream can be written.
    fn take_note(&mut self, name: &str) -> Option<Piece> {
        if self.dropped == 0 || self.is_failing {
            return None;
        }
        let lines = std::mem::take(&mut self.dropped);
        let note = if self.note == Note::Event {
            let at = jiff::Timestamp::now();
            format!(
                "{}\n",
                json!({"event": "dropped", "at": at, "lines": lines})
            )
        } else {
            format!("note: {lines} lines were dropped: {name} was full or not read\n")
        };
        self.bytes += note.len();
        Some(Piece {
            bytes: note.into_bytes(),
            lines,
            has_answer: false,
        })
    }
}

fn wait<'a>(changed: &Condvar, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
    changed.wait(queue).unwrap_or_else(PoisonError::into_inner)
}

/// The lines that count when a text is dropped.
fn lines(text: &[u8], purpose: Purpose) -> usize {
    if purpose == Purpose::Redraw {
        return 0;
    }
    text.split_inclusive(|byte| *byte == b'\n').count()
}

fn write_all(stream: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY),
            Err(error) => return Err(error),
        }
    }
    stream.flush()
}

/// The stream without the lock and the buffer of the standard library, which a blocked write
/// would keep.
#[cfg(unix)]
fn duplicate(stream: &impl std::os::fd::AsFd) -> Option<std::fs::File> {
    let descriptor = stream.as_fd().try_clone_to_owned();
    descriptor.ok().map(Into::into)
}

#[cfg(test)]
mod tests;
