//! Standard output and standard error. Everything is written to them through this module's
//! [`Output`]s, but clap's help.

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value};
use zoetrope_host::driver::now;
use zoetrope_host::sanitize::{self, escaped_json, sanitize};

use super::args::Color;
use super::output::{Output, Purpose};
use super::style::{StyledText, is_colored};

/// The longest wait, in sum, of a command with jobs for readers of its output.
const PATIENCE: Duration = Duration::from_secs(1);

/// The longest wait for messages that precede an answer, and what an answer leaves for those that
/// follow it.
const MESSAGES_PATIENCE: Duration = Duration::from_millis(200);

/// The bytes of a file that are written at once.
const FILE_PIECE: usize = 256 << 10;

/// Writes data to standard output and messages for people to standard error.
#[derive(Clone)]
pub(crate) struct Printer {
    json: bool,
    /// Whether answers and failures are events, after others.
    has_events: bool,
    /// Whether only errors, warnings about money and results are printed.
    is_quiet: bool,
    data: Output,
    messages: Output,
    /// Whether standard output and standard error get colours.
    colors: [bool; 2],
    waits: Arc<Mutex<Waits>>,
}

/// What is left of the time to wait for readers.
struct Waits {
    left: Duration,
    /// Whether data waits as well: the command has jobs, which others may wait for.
    has_jobs: bool,
    /// Whether messages are not read.
    is_stuck: bool,
}

impl Printer {
    /// Prints to the streams of this process. `json`: prints answers and failures as JSON.
    pub(crate) fn new(json: bool) -> Self {
        Self::to(json, Output::standard_output(), Output::standard_error())
    }

    fn to(json: bool, data: Output, messages: Output) -> Self {
        Self {
            json,
            has_events: false,
            is_quiet: false,
            data,
            messages,
            colors: [false; 2],
            waits: Arc::new(Mutex::new(Waits {
                left: PATIENCE,
                has_jobs: false,
                is_stuck: false,
            })),
        }
    }

    /// Prints events too, the last of which has the answer or the failure.
    pub(crate) fn with_events(self, has_events: bool) -> Self {
        Self { has_events, ..self }
    }

    /// Prints only errors, warnings about money and results.
    pub(crate) fn quiet(self, is_quiet: bool) -> Self {
        Self { is_quiet, ..self }
    }

    /// Whether events are printed.
    pub(crate) fn has_events(&self) -> bool {
        self.has_events
    }

    /// Whether only errors, warnings about money and results are printed.
    pub(crate) fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// The same with colours, where `--color` and the streams permit them: never in JSON.
    pub(crate) fn colored(mut self, color: Color) -> Self {
        if !self.json {
            self.colors = [
                is_colored(color, &io::stdout()),
                is_colored(color, &io::stderr()),
            ];
        }
        self
    }

    /// Whether answers and failures are printed as JSON.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// The writer of standard error.
    pub(crate) fn messages(&self) -> &Output {
        &self.messages
    }

    /// From now on, a reader of standard output that does not read is not waited for either: the
    /// command has jobs. Other commands wait for their reader, such as a pager.
    pub(crate) fn has_jobs(&self) {
        self.waits(|waits| waits.has_jobs = true);
    }

    /// Prints an answer as JSON or as text.
    pub(crate) fn answer(&self, document: &Value, text: &str) -> Result<(), PrintError> {
        if self.json {
            self.line(document)
        } else {
            self.text(&format!("{text}\n"))
        }
    }

    /// Writes one JSON document on a line of its own.
    pub(crate) fn line(&self, document: &Value) -> Result<(), PrintError> {
        if self.has_events {
            let fields = Map::from_iter([("answer".to_owned(), document.clone())]);
            return self.documents(&event_line("answer", fields));
        }
        self.documents(&format!("{document}\n"))
    }

    /// Hands an event to the writer of standard output, if events are printed. Does not wait: the
    /// jobs go on while the output is not read.
    pub(crate) fn event(&self, name: &str, fields: Map<String, Value>) {
        if self.has_events {
            let line = event_line(name, fields);
            let line = escaped_json(&line).into_owned();
            self.data.push(line.into_bytes(), Purpose::Event);
        }
    }

    /// Writes JSON documents, each ended by a line end. Harmful characters in them are escaped,
    /// so that their values stay the same.
    pub(crate) fn documents(&self, json: &str) -> Result<(), PrintError> {
        self.data(&escaped_json(json))
    }

    /// Writes text for people, without harmful characters.
    pub(crate) fn text(&self, text: &str) -> Result<(), PrintError> {
        self.data(&sanitize(text))
    }

    /// Writes text for people with its styles.
    pub(crate) fn styled(&self, text: &StyledText) -> Result<(), PrintError> {
        let [colored, _] = self.colors;
        self.bytes(text.rendered(colored).into_bytes())
    }

    /// Writes the paths of files, one a line. A path that is not UTF-8 is written byte for byte for a
    /// program that reads them, and as text for a terminal.
    pub(crate) fn paths(&self, paths: &[PathBuf]) -> Result<(), PrintError> {
        let for_people = io::stdout().is_terminal();
        let mut lines = Vec::new();
        for path in paths {
            lines.extend_from_slice(&path_line(path, for_people));
            lines.push(b'\n');
        }
        self.bytes(lines)
    }

    /// Writes the content of a file, byte for byte and in pieces. Waits for a reader, however slow
    /// it is: the file is what the command was run for. A reader that ends early is an error.
    pub(crate) fn file(&self, path: &Path) -> io::Result<()> {
        let mut file = File::open(path)?;
        let mut piece = vec![0; FILE_PIECE];
        loop {
            let read = match file.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 {
                return Ok(());
            }
            self.data.push(piece[..read].to_vec(), Purpose::Answer);
            self.data.drain(None);
            if let Some(error) = self.data.take_error() {
                let text = format!("cannot write to standard output: {error}");
                return Err(io::Error::new(error.kind(), text));
            }
            if self.data.is_closed() {
                let text = "the reader of standard output ended before all was written";
                return Err(io::Error::new(io::ErrorKind::BrokenPipe, text));
            }
        }
    }

    /// Whether the reader of standard output has closed the pipe. That is no error of a command
    /// without jobs.
    pub(crate) fn is_closed(&self) -> bool {
        self.data.is_closed()
    }

    fn data(&self, text: &str) -> Result<(), PrintError> {
        self.bytes(text.as_bytes().to_vec())
    }

    /// The messages so far are written before, so that both stay in order on a terminal.
    fn bytes(&self, bytes: Vec<u8>) -> Result<(), PrintError> {
        if !self.waits(|waits| waits.is_stuck) && !self.drain_messages(MESSAGES_PATIENCE) {
            self.waits(|waits| waits.is_stuck = true);
        }
        self.data.push(bytes, Purpose::Answer);
        // The rest of the time is for the message that says so.
        let patience = self.waits(|waits| {
            waits
                .has_jobs
                .then(|| waits.left.saturating_sub(MESSAGES_PATIENCE))
        });
        let is_written = self.spend(|| self.data.drain(patience));
        match self.data.take_error() {
            Some(error) => Err(PrintError(error)),
            // The answer is about jobs: it is not lost with its reader.
            None if patience.is_some() && self.is_closed() => {
                Err(PrintError(io::ErrorKind::BrokenPipe.into()))
            }
            None if is_written => Ok(()),
            None => Err(PrintError(io::ErrorKind::TimedOut.into())),
        }
    }

    /// Hands a message without harmful characters, on a line of its own, to the writer of
    /// standard error. The word before it, such as `error:`, has a colour. A write error is ignored: the command may have jobs in flight, and
    /// continues.
    pub(crate) fn message(&self, message: &str) {
        let [_, colored] = self.colors;
        let line = format!("{}\n", StyledText::message(message).rendered(colored));
        self.messages.push(line.into_bytes(), Purpose::Message);
    }

    /// The same for a message about the course of a command, which `--quiet` leaves out.
    pub(crate) fn info(&self, message: &str) {
        if !self.is_quiet {
            self.message(message);
        }
    }

    /// Hands a question to the writer of standard error. Its answer follows on the same line.
    pub(crate) fn question(&self, question: &str) {
        let text = sanitize(question).into_owned();
        self.messages.push(text.into_bytes(), Purpose::Message);
    }

    /// Waits until the messages are written, as long as there is time left for it. The last call
    /// of a command.
    pub(crate) fn end(&self) {
        self.drain_messages(PATIENCE);
    }

    fn drain_messages(&self, longest: Duration) -> bool {
        let patience = self.waits(|waits| waits.left.min(longest));
        self.spend(|| self.messages.drain(Some(patience)))
    }

    /// Takes the time of a wait from what is left.
    fn spend(&self, wait: impl FnOnce() -> bool) -> bool {
        let begun = Instant::now();
        let is_written = wait();
        self.waits(|waits| {
            if waits.has_jobs {
                waits.left = waits.left.saturating_sub(begun.elapsed());
            }
        });
        is_written
    }

    fn waits<T>(&self, with: impl FnOnce(&mut Waits) -> T) -> T {
        with(&mut self.waits.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether standard output is a terminal.
pub(crate) fn writes_to_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Standard output cannot be written.
#[derive(Debug)]
pub(crate) struct PrintError(io::Error);

impl From<io::Error> for PrintError {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

impl PrintError {
    /// Whether the reader has closed the pipe, which changes no exit code.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }

    /// Whether the device or the quota of its file is full.
    pub(crate) fn lacks_space(&self) -> bool {
        matches!(
            self.0.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }
}

impl fmt::Display for PrintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.kind() {
            io::ErrorKind::TimedOut => {
                f.write_str("standard output is not read: not all of the answer was written")
            }
            io::ErrorKind::BrokenPipe => {
                f.write_str("standard output was closed before the answer was written")
            }
            _ => write!(f, "cannot write to standard output: {}", self.0),
        }
    }
}

/// An event as a line.
fn event_line(name: &str, mut fields: Map<String, Value>) -> String {
    let at = Timestamp::from_millisecond(now()).map(|at| at.to_string());
    fields.insert("event".into(), name.into());
    fields.insert("at".into(), at.unwrap_or_default().into());
    format!("{}\n", Value::Object(fields))
}

/// A path as a line. One with harmful characters is changed in every case: a program reads it from
/// the JSON of the answer.
fn path_line(path: &Path, for_people: bool) -> Vec<u8> {
    let text = path.to_string_lossy();
    let is_harmful = text.contains(sanitize::is_harmful);
    #[cfg(unix)]
    if !for_people && !is_harmful {
        use std::os::unix::ffi::OsStrExt as _;
        return path.as_os_str().as_bytes().to_vec();
    }
    let _ = (for_people, is_harmful);
    sanitize::line(&text).into_owned().into_bytes()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The standard output and the standard error of `print`.
    fn printed(json: bool, print: impl FnOnce(&Printer)) -> (String, String) {
        let streams = [Recorded::default(), Recorded::default()];
        let [data, messages] = streams
            .clone()
            .map(|stream| Output::start("recorded", stream));
        let printer = Printer::to(json, data, messages);
        print(&printer);
        assert!(printer.messages.drain(None));
        streams.map(|stream| stream.text()).into()
    }

    /// What was written to a stream.
    #[derive(Clone, Default)]
    struct Recorded(Arc<Mutex<Vec<u8>>>);

    impl Recorded {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("lock").clone()).expect("text")
        }
    }

    impl io::Write for Recorded {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("lock").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A stream whose reader has ended.
    struct Closed;

    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A stream that is never read.
    struct Unread;

    impl io::Write for Unread {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            loop {
                std::thread::park();
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn answer_is_written_although_messages_are_not_read() {
        let data = Recorded::default();
        let output = Output::start("recorded", data.clone());
        let printer = Printer::to(true, output, Output::start("unread", Unread));
        printer.has_jobs();
        printer.message("note: a");
        for _ in 0..20 {
            printer.line(&json!({"ok": true})).expect("written");
        }
        printer.end();
        assert_eq!(data.text(), "{\"ok\":true}\n".repeat(20));
    }

    #[test]
    fn unread_answer_of_a_command_with_jobs_is_an_error_and_not_waited_for_again() {
        let unread = || Output::start("unread", Unread);
        let printer = Printer::to(true, unread(), unread());
        printer.has_jobs();
        let error = printer.line(&json!({"ok": true})).expect_err("an error");
        assert!(error.to_string().contains("is not read"), "{error}");
        assert!(printer.waits(|waits| waits.left <= MESSAGES_PATIENCE));
        printer.message("error: a");
        printer.end();
    }

    #[test]
    fn closed_pipe_is_an_error_of_a_command_with_jobs_alone() {
        /// A stream whose reader is gone.
        struct Closed;

        impl io::Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        for has_jobs in [false, true] {
            let data = Output::start("closed", Closed);
            let messages = Output::start("recorded", Recorded::default());
            let printer = Printer::to(true, data, messages);
            if has_jobs {
                printer.has_jobs();
            }
            // The first one finds that the pipe is closed, the second one knows it.
            for _ in 0..2 {
                let written = printer.line(&json!({"ok": true}));
                let is_closed = written.as_ref().is_err_and(PrintError::is_closed);
                assert_eq!((written.is_err(), is_closed), (has_jobs, has_jobs));
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn path_that_is_not_utf_8_is_exact_for_programs_and_text_for_people() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        let path = Path::new(OsStr::from_bytes(b"/clips/\xff\xfe.mp4"));
        assert_eq!(path_line(path, false), b"/clips/\xff\xfe.mp4");
        let shown = "/clips/\u{fffd}\u{fffd}.mp4";
        assert_eq!(path_line(path, true), shown.as_bytes());
        let harmful = Path::new(OsStr::from_bytes(b"/\x1b[2J\xff.mp4"));
        for for_people in [true, false] {
            assert!(!path_line(harmful, for_people).contains(&0x1b));
            let two_lines = path_line(Path::new("/a\n/b\t\x1b.mp4"), for_people);
            assert!(!two_lines.contains(&b'\n'), "{two_lines:?}");
        }
    }

    #[test]
    fn file_is_written_byte_for_byte_and_a_closed_reader_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("clip.mp4");
        let clip: Vec<u8> = (0..3 * FILE_PIECE)
            .map(|at| u8::try_from(at % 251).expect("a byte"))
            .collect();
        std::fs::write(&path, &clip).expect("the clip");
        let data = Recorded::default();
        let output = Output::start("recorded", data.clone());
        let printer = Printer::to(false, output, Output::start("unread", Unread));
        printer.has_jobs();
        printer.file(&path).expect("written");
        assert_eq!(*data.0.lock().expect("lock"), clip);
        let closed = Printer::to(
            false,
            Output::start("closed", Closed),
            Output::start("unread", Unread),
        );
        let error = closed.file(&path).expect_err("no reader");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn answers_go_to_standard_output_as_json_or_text() {
        let answer = |printer: &Printer| {
            let answered = printer.answer(&json!({"ok": true}), "do\u{1b}ne");
            answered.expect("written");
        };
        let (data, messages) = printed(true, answer);
        assert_eq!((data.as_str(), messages.as_str()), ("{\"ok\":true}\n", ""));
        let (data, messages) = printed(false, answer);
        assert!(data.ends_with("ne\n") && !data.contains('\u{1b}'), "{data}");
        assert_eq!(messages, "");
    }

    #[test]
    fn nothing_harmful_is_printed_and_json_keeps_its_value() {
        for harmful in [
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{202e}',
            '\u{2028}',
            '\u{200b}',
            '\u{e0041}',
        ] {
            let document = json!({ format!("k{harmful}"): format!("v{harmful}") });
            for json in [true, false] {
                let (data, messages) = printed(json, |printer| {
                    printer
                        .answer(&document, &document.to_string())
                        .expect("written");
                    printer
                        .documents(&format!("{document}\n"))
                        .expect("written");
                    printer.message(&format!("note: {harmful}"));
                });
                assert!(
                    !data.contains(harmful) && !messages.contains(harmful),
                    "{harmful:?}"
                );
                let last = data.lines().last().expect("a line");
                assert_eq!(last.parse::<Value>().expect("JSON"), document);
            }
        }
    }

    #[test]
    fn events_are_lines_of_json_and_the_answer_is_the_last_one() {
        let streams = [Recorded::default(), Recorded::default()];
        let [data, messages] = streams
            .clone()
            .map(|stream| Output::start("recorded", stream));
        let printer = Printer::to(true, data, messages).with_events(true);
        let job = Map::from_iter([("job".to_owned(), "\u{9b}1".into())]);
        printer.event("state", job);
        printer.line(&json!({"ok": true})).expect("written");
        let text = streams[0].text();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| line.parse().expect("JSON"))
            .collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(
            (&lines[0]["event"], &lines[0]["job"]),
            (&json!("state"), &json!("\u{9b}1"))
        );
        assert!(!text.contains('\u{9b}'), "{text}");
        assert_eq!(lines[1]["event"], "answer");
        assert_eq!(lines[1]["answer"], json!({"ok": true}));
        assert!(lines.iter().all(|line| line["at"].is_string()), "{text}");
    }

    #[test]
    fn events_that_are_not_read_hold_up_nothing() {
        let unread = || Output::start("unread", Unread);
        let printer = Printer::to(true, unread(), unread()).with_events(true);
        for _ in 0..100_000 {
            printer.event("progress", Map::new());
        }
    }

    #[test]
    fn quiet_printer_prints_messages_and_no_information() {
        let (_, messages) = printed(false, |printer| {
            let printer = printer.clone().quiet(true);
            printer.info("note: a");
            printer.message("warning: b");
        });
        assert_eq!(messages, "warning: b\n");
    }

    #[test]
    fn messages_go_to_standard_error() {
        let (data, messages) = printed(true, |printer| printer.message("note: a"));
        assert_eq!((data.as_str(), messages.as_str()), ("", "note: a\n"));
    }
}
