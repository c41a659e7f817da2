//! A text with sections and labels.

use textwrap::{Options, WordSplitter};
use zoetrope_host::sanitize::line;

use crate::style::{Style, StyledText};

/// The width of the labels.
const LABEL: usize = 14;

/// A text with labels.
pub(super) struct Page {
    pub(super) text: StyledText,
    width: usize,
}

impl Page {
    /// An empty text, whose sentences are wrapped at this width.
    pub(super) fn new(width: usize) -> Self {
        Self {
            text: StyledText::default(),
            width,
        }
    }

    /// Begins a section.
    pub(super) fn section(&mut self, heading: &str) {
        self.text.plain("\n");
        self.text.push(Style::Strong, format!("{heading}\n"));
    }

    /// A field, if it has a value.
    pub(super) fn optional(&mut self, label: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.field(label, value);
        }
    }

    /// A label and a text, which is wrapped.
    pub(super) fn field(&mut self, label: &str, value: &str) {
        self.styled(label, Style::Plain, value);
    }

    /// The same with a style.
    pub(super) fn styled(&mut self, label: &str, style: Style, value: &str) {
        let room = self.width.saturating_sub(LABEL + 2).max(20);
        let value = line(value);
        let whole_words = Options::new(room).break_words(false);
        let whole_words = whole_words.word_splitter(WordSplitter::NoHyphenation);
        let lines = textwrap::wrap(&value, whole_words);
        for (number, part) in lines.iter().enumerate() {
            self.label(if number == 0 { label } else { "" });
            self.text.push(style, part.to_string()).plain("\n");
        }
    }

    /// A label and a value that stays on its line: it may be copied.
    pub(super) fn exact(&mut self, label: &str, value: &str) {
        self.label(label);
        self.text.plain(format!("{}\n", line(value)));
    }

    fn label(&mut self, label: &str) {
        self.text.push(Style::Faint, format!("  {label:LABEL$}"));
    }
}
