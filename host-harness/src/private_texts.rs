//! Redacts the texts of a job's input in messages. A provider's message may quote the prompt, and
//! messages are shown, logged and stored.
//!
//! A text is found
//!
//! - in another case, and with other blanks and punctuation
//! - escaped as in a JSON string or in HTML, percent-encoded, or two of these after another
//! - in pieces of at least [`PIECE`] letters
//! - cut off, before an ellipsis

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use serde_json::Value;

mod readings;

use readings::{Reading, readings};

/// Shorter texts are kept, in bytes: names of models and sizes, which a message may need.
const MIN_LENGTH: usize = 12;

/// Shortest piece of a text that is redacted, in letters and digits. Shorter ones are words that
/// a message has by chance.
const PIECE: usize = 16;

/// The same for a text whose letters are not Latin: a word has few of them.
const PIECE_OF_OTHER_SCRIPTS: usize = 6;

/// The same for a credential, whose pieces are no words.
const PIECE_OF_A_SECRET: usize = 10;

/// Shortest beginning of a text that is redacted before an ellipsis.
const BEGINNING: usize = 4;

/// A text with more letters is searched as a whole only.
const LONGEST: usize = 100_000;

/// Replaces a text of the input.
const REDACTED: &str = "[…]";

/// Texts that no message may quote.
#[derive(Clone, Default)]
pub(crate) struct PrivateTexts(Vec<Private>);

#[derive(Clone, PartialEq)]
struct Private {
    text: String,
    letters: Vec<char>,
    /// The length of the pieces that are searched for; `None` for a single word.
    piece: Option<usize>,
}

impl PrivateTexts {
    /// The texts of these JSON documents.
    pub(crate) fn of(documents: &[&str]) -> Self {
        let mut texts = Vec::new();
        for document in documents {
            if let Ok(document) = serde_json::from_str(document) {
                collect(&document, &mut texts);
            }
        }
        Self(texts)
    }

    /// These texts, and a credential, which is also found in pieces.
    pub(crate) fn with_secret(mut self, secret: &str) -> Self {
        if let Some(mut private) = Private::of(secret) {
            private.piece = Some(PIECE_OF_A_SECRET);
            self.0.push(private);
        }
        self
    }

    /// `message` without these texts.
    pub(crate) fn redact<'a>(&self, message: &'a str) -> Cow<'a, str> {
        let mut message = Cow::from(message);
        for Private { text, .. } in &self.0 {
            if message.contains(text) {
                message = message.replace(text, REDACTED).into();
            }
        }
        if self.0.is_empty() {
            return message;
        }
        let readings = readings(&message);
        let mut found = Vec::new();
        for private in &self.0 {
            for reading in &readings {
                private.find(reading, &mut found);
            }
        }
        if found.is_empty() {
            return message;
        }
        replaced(&message, found).into()
    }
}

/// The texts of a document that are long enough.
fn collect(document: &Value, texts: &mut Vec<Private>) {
    match document {
        Value::String(text) => {
            if let Some(private) = Private::of(text)
                && !texts.contains(&private)
            {
                texts.push(private);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

impl Private {
    fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() < MIN_LENGTH {
            return None;
        }
        let letters: Vec<char> = text.chars().flat_map(readings::letters_of).collect();
        let others = letters
            .iter()
            .filter(|letter| is_of_another_script(**letter));
        let is_foreign = others.count() * 2 > letters.len();
        let is_sentence = is_foreign || text.contains(char::is_whitespace);
        let piece = if is_foreign {
            PIECE_OF_OTHER_SCRIPTS
        } else {
            PIECE
        };
        Some(Self {
            text: text.to_owned(),
            piece: Some(piece).filter(|_| is_sentence && letters.len() <= LONGEST),
            letters,
        })
    }

    /// Adds the ranges of the message that quote this text.
    fn find(&self, reading: &Reading, found: &mut Vec<Range<usize>>) {
        let letters = &reading.letters;
        let whole = self.letters.len();
        if whole >= PIECE_OF_OTHER_SCRIPTS && whole <= letters.len() {
            let windows = letters.windows(whole).enumerate();
            let places = windows.filter(|(_, window)| *window == self.letters);
            found.extend(places.map(|(at, _)| reading.place(at..at + whole)));
        }
        let beginning = match self.piece {
            Some(_) => BEGINNING,
            None => MIN_LENGTH,
        };
        for cut in &reading.cuts {
            let before = &letters[..*cut];
            let longest = whole.min(before.len());
            let quoted = (beginning..=longest)
                .rev()
                .find(|length| before.ends_with(&self.letters[..*length]));
            if let Some(length) = quoted {
                found.push(reading.place(cut - length..*cut));
            }
        }
        let Some(piece) = self.piece else { return };
        if letters.len() >= piece && whole >= piece {
            let pieces: HashSet<&[char]> = letters.windows(piece).collect();
            let known = self.letters.windows(piece);
            let shared: HashSet<_> = known.filter(|known| pieces.contains(known)).collect();
            if !shared.is_empty() {
                let windows = letters.windows(piece).enumerate();
                let places = windows.filter(|(_, window)| shared.contains(window));
                found.extend(places.map(|(at, _)| reading.place(at..at + piece)));
            }
        }
    }
}

/// Whether it is a letter beyond the Latin ones.
fn is_of_another_script(letter: char) -> bool {
    letter > '\u{24f}'
}

/// `message` with these ranges replaced. Ranges with no letter between them become one.
fn replaced(message: &str, mut found: Vec<Range<usize>>) -> String {
    found.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in found {
        match merged.last_mut() {
            Some(last)
                if range.start <= last.end
                    || !message[last.end..range.start].contains(char::is_alphanumeric) =>
            {
                last.end = last.end.max(range.end);
            }
            _ => merged.push(range),
        }
    }
    let mut text = String::with_capacity(message.len());
    let mut from = 0;
    for range in merged {
        text.push_str(&message[from..range.start]);
        text.push_str(REDACTED);
        from = range.end;
    }
    text.push_str(&message[from..]);
    text
}

#[cfg(test)]
mod tests;
