//! Standard output and standard error. This module writes everything to them but logs, the
//! progress bar and clap's help.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use zoetrope_host::sanitize::{escaped_json, sanitize};

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

    /// If the reader has closed the pipe, the process exits with code 0: all jobs are in the
    /// ledger.
    fn data(&self, text: &str) -> Result<(), PrintError> {
        match write(&self.data, text) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => Err(PrintError(error)),
        }
    }

    /// Writes a message without harmful characters, on a line of its own, to standard error. A
    /// write error is ignored: the command may have jobs in flight, and continues.
    pub(crate) fn message(&self, message: &str) {
        let _ = write(&self.messages, &format!("{}\n", sanitize(message)));
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

fn write(stream: &Stream, text: &str) -> io::Result<()> {
    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    stream.write_all(text.as_bytes())?;
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
