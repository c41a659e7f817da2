use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

const LONG: Duration = Duration::from_mins(1);

/// A stream whose writes each need a permission: the result of the write.
struct Gate {
    permissions: Receiver<io::Result<()>>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.permissions
            .recv()
            .unwrap_or_else(|_| Err(ErrorKind::BrokenPipe.into()))?;
        self.written.lock().expect("lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Gated {
    output: Output,
    permissions: Sender<io::Result<()>>,
    written: Arc<Mutex<Vec<u8>>>,
}

fn gated() -> Gated {
    let (permissions, receiver) = channel();
    let written = Arc::<Mutex<Vec<u8>>>::default();
    let gate = Gate {
        permissions: receiver,
        written: Arc::clone(&written),
    };
    Gated {
        output: Output::start("the stream", gate),
        permissions,
        written,
    }
}

impl Gated {
    fn permit(&self, results: impl IntoIterator<Item = io::Result<()>>) {
        for result in results {
            self.permissions.send(result).expect("a writer");
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.written.lock().expect("lock").clone()).expect("text")
    }

    /// Pushes a line and waits until the writer has it.
    fn block(&self) {
        self.output.push(b"first\n".to_vec(), Purpose::Message);
        while !self.output.0.lock().is_writing {
            thread::yield_now();
        }
    }
}

#[test]
fn stream_that_is_not_read_drops_and_counts_and_tells_the_count_when_it_is_read() {
    let gated = gated();
    gated.block();
    let line = [b'x'; 1 << 10];
    let pushed = 4 << 10;
    for _ in 0..pushed {
        gated.output.push([&line[..], b"\n"].concat(), Purpose::Log);
    }
    gated.output.push(b"message\n".to_vec(), Purpose::Message);
    gated.output.push(b"bar".to_vec(), Purpose::Redraw);
    assert!(!gated.output.drain(Some(Duration::ZERO)));
    assert!(gated.output.0.lock().bytes <= Purpose::Message.limit());
    gated.permit((0..pushed).map(|_| Ok(())));
    assert!(gated.output.drain(Some(LONG)));
    let text = gated.text();
    let kept = text.matches('x').count() / line.len();
    assert!(kept > 0 && kept < pushed, "{kept}");
    let note = format!(
        "message\nnote: {} lines were dropped: the stream was full or not read\n",
        pushed - kept
    );
    assert!(text.starts_with("first\nx") && text.ends_with(&note));
    // Each is told once.
    gated.output.push(b"last\n".to_vec(), Purpose::Log);
    assert!(gated.output.drain(Some(LONG)));
    assert!(gated.text().ends_with(&format!("{note}last\n")));
}

#[test]
fn full_device_counts_each_line_and_is_no_error_of_a_message() {
    let gated = gated();
    gated.block();
    let full = || Err(ErrorKind::StorageFull.into());
    gated.permit([full()]);
    assert!(gated.output.drain(Some(LONG)));
    gated.output.push(b"a\nb\n".to_vec(), Purpose::Message);
    gated.permit([full()]);
    assert!(gated.output.drain(Some(LONG)));
    assert!(gated.output.take_error().is_none());
    gated.output.push(b"c\n".to_vec(), Purpose::Message);
    gated.permit([Ok(()), Ok(())]);
    assert!(gated.output.drain(Some(LONG)));
    let note = "c\nnote: 3 lines were dropped: the stream was full or not read\n";
    assert_eq!(gated.text(), note);
}

#[test]
fn error_of_an_answer_is_kept_and_a_closed_pipe_is_none() {
    let gated = gated();
    gated.output.push(b"answer\n".to_vec(), Purpose::Answer);
    gated.permit([Err(ErrorKind::StorageFull.into())]);
    assert!(gated.output.drain(Some(LONG)));
    let error = gated.output.take_error().map(|error| error.kind());
    assert_eq!(error, Some(ErrorKind::StorageFull));
    gated.output.push(b"answer\n".to_vec(), Purpose::Answer);
    gated.permit([Err(ErrorKind::BrokenPipe.into())]);
    assert!(gated.output.drain(Some(LONG)) && gated.output.is_closed());
    gated.output.push(b"more\n".to_vec(), Purpose::Answer);
    assert!(gated.output.drain(Some(Duration::ZERO)));
    assert!(gated.output.take_error().is_none());
    assert_eq!(gated.text(), "");
}

#[test]
fn interrupted_and_blocking_writes_are_tried_again() {
    let gated = gated();
    gated.output.push(b"answer\n".to_vec(), Purpose::Answer);
    let [interrupted, blocking] = [ErrorKind::Interrupted, ErrorKind::WouldBlock];
    gated.permit([Err(blocking.into()), Err(interrupted.into()), Ok(())]);
    assert!(gated.output.drain(Some(LONG)));
    assert!(gated.output.take_error().is_none());
    assert_eq!(gated.text(), "answer\n");
}
