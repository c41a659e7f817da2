//! Standard output and standard error. This module writes everything to them but logs, the
//! progress bar and clap's help.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use zoetrope_host::sanitize::{self, escaped_json, sanitize};

type Stream = Arc<Mutex<dyn Write + Send>>;

/// Writes data to standard output and messages for people to standard error.
#[derive(Clone)]
pub(crate) struct Printer {
    json: bool,
    data: Stream,
    messages: Stream,
}

impl Printer {
    /// Prints to the streams of this process. `json`: prints answers and failures as JSON.
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            data: Arc::new(Mutex::new(io::stdout())),
            messages: Arc::new(Mutex::new(io::stderr())),
        }
    }

    /// Whether answers and failures are printed as JSON.
    pub(crate) fn json(&self) -> bool {
        self.json
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
        self.documents(&format!("{document}\n"))
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

    /// Writes the paths of files, one a line. A path that is not UTF-8 is written byte for byte for a
    /// program that reads them, and as text for a terminal.
    pub(crate) fn paths(&self, paths: &[PathBuf]) -> Result<(), PrintError> {
        let for_people = io::stdout().is_terminal();
        let mut lines = Vec::new();
        for path in paths {
            lines.extend_from_slice(&path_line(path, for_people));
            lines.push(b'\n');
        }
        self.bytes(&lines)
    }

    fn data(&self, text: &str) -> Result<(), PrintError> {
        self.bytes(text.as_bytes())
    }

    /// If the reader has closed the pipe, the process exits with code 0: all jobs are in the
    /// ledger.
    fn bytes(&self, bytes: &[u8]) -> Result<(), PrintError> {
        match write(&self.data, bytes) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => Err(PrintError(error)),
        }
    }

    /// Writes a message without harmful characters, on a line of its own, to standard error. A
    /// write error is ignored: the command may have jobs in flight, and continues.
    pub(crate) fn message(&self, message: &str) {
        let _ = write(
            &self.messages,
            format!("{}\n", sanitize(message)).as_bytes(),
        );
    }
}

/// Standard output cannot be written.
#[derive(Debug)]
pub(crate) struct PrintError(io::Error);

impl fmt::Display for PrintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write to standard output: {}", self.0)
    }
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
    sanitize::sanitize(&text).into_owned().into_bytes()
}

fn write(stream: &Stream, bytes: &[u8]) -> io::Result<()> {
    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    stream.write_all(bytes)?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The standard output and the standard error of `print`.
    fn printed(json: bool, print: impl FnOnce(&Printer)) -> (String, String) {
        let streams = [(); 2].map(|()| Arc::new(Mutex::new(Vec::new())));
        let [data, messages] = streams.clone();
        print(&Printer {
            json,
            data,
            messages,
        });
        let text = |stream: &Mutex<Vec<u8>>| {
            let bytes = stream.lock().expect("lock").clone();
            String::from_utf8(bytes).expect("text")
        };
        (text(&streams[0]), text(&streams[1]))
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
        assert!(!path_line(harmful, false).contains(&0x1b));
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
    fn messages_go_to_standard_error() {
        let (data, messages) = printed(true, |printer| printer.message("note: a"));
        assert_eq!((data.as_str(), messages.as_str()), ("", "note: a\n"));
    }
}
