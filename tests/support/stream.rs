//! The output of a running binary, line by line.

use std::io::Read;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use super::sandbox::TIMEOUT;

/// A pipe that a thread reads, so that the binary never blocks on a full pipe.
pub(crate) struct Stream {
    lines: Receiver<String>,
    /// The output so far.
    pub(crate) read: String,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    pub(crate) fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        let reader = std::thread::spawn(move || {
            let mut line = Vec::new();
            let mut piece = [0; 1 << 13];
            while let Ok(count @ 1..) = pipe.read(&mut piece) {
                for part in piece[..count].split_inclusive(|byte| *byte == b'\n') {
                    line.extend_from_slice(part);
                    if part.ends_with(b"\n") {
                        let whole = std::mem::take(&mut line);
                        let whole = String::from_utf8(whole).expect("the binary writes UTF-8");
                        drop(sender.send(whole));
                    }
                }
            }
            let rest = String::from_utf8(line).expect("the binary writes UTF-8");
            drop(sender.send(rest));
        });
        Self {
            lines,
            read: String::new(),
            reader: Some(reader),
        }
    }

    pub(crate) fn line(&mut self) -> String {
        let line = self.lines.recv_timeout(TIMEOUT).expect("another line");
        self.read.push_str(&line);
        line.trim_end().to_owned()
    }

    /// All output; `None` if the pipe stays open.
    pub(crate) fn rest(&mut self) -> Option<String> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        // The limit is on the whole wait: a binary that prints without end hangs as well.
        let end = Instant::now() + TIMEOUT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.read.push_str(&line),
                Err(Timeout) => return None,
                Err(Disconnected) => break,
            }
        }
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader");
        }
        Some(std::mem::take(&mut self.read))
    }
}
