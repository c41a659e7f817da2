//! The writer of logs: one event a line on standard error, without harmful characters.

use std::borrow::Cow;
use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;
use zoetrope_host::sanitize::{escaped_json, is_harmful};

use super::output::{Output, Purpose};

/// Makes a writer for each event.
#[derive(Clone)]
pub(super) struct LogWriter {
    pub(super) output: Output,
    /// Whether events are JSON documents, whose values stay the same.
    pub(super) is_json: bool,
    /// Whether events have the colours of the subscriber. It escapes those of a field's value.
    pub(super) is_coloured: bool,
}

impl MakeWriter<'_> for LogWriter {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Write for LogWriter {
    /// The subscriber writes a whole event at once.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let cleaned = self.cleaned(event).into_bytes();
        self.output.push(cleaned, Purpose::Log);
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LogWriter {
    fn cleaned(&self, event: &[u8]) -> String {
        let event = String::from_utf8_lossy(event);
        let (event, end) = match event.strip_suffix('\n') {
            Some(event) => (event, "\n"),
            None => (&*event, ""),
        };
        let cleaned = if self.is_json {
            escaped_json(event)
        } else {
            Cow::Owned(self.line(event))
        };
        format!("{cleaned}{end}")
    }

    /// An event in text on one line.
    fn line(&self, event: &str) -> String {
        let mut line = String::with_capacity(event.len());
        for (at, letter) in event.char_indices() {
            let is_colour = self.is_coloured && is_colour(&event[at..]);
            if is_colour || !is_harmful(letter) {
                line.push(letter);
            } else {
                line.extend(letter.escape_unicode());
            }
        }
        line
    }
}

/// Whether a text begins with the escape sequence of a colour or a typeface: `ESC [ 3 2 m`.
fn is_colour(text: &str) -> bool {
    let numbers = text.strip_prefix("\u{1b}[");
    numbers.is_some_and(|text| {
        let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != ';');
        end.is_some_and(|end| text[end..].starts_with('m'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(is_json: bool, is_coloured: bool, event: &str) -> String {
        let writer = LogWriter {
            output: Output::start("none", io::sink()),
            is_json,
            is_coloured,
        };
        writer.cleaned(event.as_bytes())
    }

    #[test]
    fn event_in_text_is_one_line_without_harmful_characters() {
        let event = "a\n\u{1b}[2J\u{202e}\u{9b}b\u{200b}\n";
        let expected = "a\\u{a}\\u{1b}[2J\\u{202e}\\u{9b}b\\u{200b}\n";
        for is_coloured in [false, true] {
            assert_eq!(cleaned(false, is_coloured, event), expected);
        }
    }

    #[test]
    fn colours_are_kept_on_a_terminal_only() {
        let event = "\u{1b}[32m INFO\u{1b}[0m\u{1b}[1;31m\u{1b}]0;x\n";
        let kept = "\u{1b}[32m INFO\u{1b}[0m\u{1b}[1;31m\\u{1b}]0;x\n";
        assert_eq!(cleaned(false, true, event), kept);
        assert!(!cleaned(false, false, event).contains('\u{1b}'));
    }

    #[test]
    fn event_in_json_keeps_its_value() {
        let event = "{\"a\":\"\u{9b}\u{202e}\u{2028}\"}\n";
        let shown = "{\"a\":\"\\u009b\\u202e\\u2028\"}\n";
        assert_eq!(cleaned(true, false, event), shown);
    }
}
