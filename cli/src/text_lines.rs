//! Reads a file that has an input document on each line, one line at a time. Memory use does
//! not depend on the number of lines.

use std::io::{self, BufRead as _, BufReader, Read};

use zoetrope_host::text_file::{Encoding, TextReader};

use super::input::{INPUT_LIMIT, document};
use super::report::Failure;

/// Bytes that are read at once.
const BUFFER: usize = 1 << 18;

/// The lines of a source.
pub(super) struct TextLines<R> {
    source: BufReader<TextReader<R>>,
    read: usize,
}

/// A line without its line end. One over the length limit is cut one byte after it, so that
/// its check fails.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: usize,
    bytes: Vec<u8>,
    encoding: Encoding,
    /// Bytes of the file's byte-order mark before it.
    mark: usize,
}

impl<R: Read> TextLines<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source: BufReader::with_capacity(BUFFER, TextReader::new(source)),
            read: 0,
        }
    }

    /// The next line; `None` after the last.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let mut limited = self.source.by_ref().take(INPUT_LIMIT + 1);
        if limited.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        } else if bytes.len() as u64 > INPUT_LIMIT {
            self.source.skip_until(b'\n')?;
        }
        self.read += 1;
        let reader = self.source.get_ref();
        Ok(Some(Line {
            number: self.read,
            bytes,
            encoding: reader.encoding(),
            mark: if self.read == 1 {
                reader.mark_length()
            } else {
                0
            },
        }))
    }

    /// Whether a whole line is in memory, so that [`next_line`](Self::next_line) does not wait.
    pub(super) fn has_next(&self) -> bool {
        self.source.buffer().contains(&b'\n')
    }
}

impl Line {
    /// Its length in bytes of UTF-8.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Its document; `None` if it is blank.
    pub(super) fn document(self) -> Result<Option<String>, Failure> {
        let Self {
            number: _,
            bytes,
            encoding,
            mark,
        } = self;
        let read = document(
            bytes,
            encoding,
            mark,
            ", counted from the start of the line",
        );
        // Files with a mark of their own may have been joined.
        let text = read.map(|text| match text.strip_prefix('\u{feff}') {
            Some(text) => text.to_owned(),
            None => text,
        })?;
        Ok(Some(text).filter(|text| !text.trim().is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Line> {
        let mut lines = TextLines::new(bytes);
        std::iter::from_fn(|| lines.next_line().expect("read")).collect()
    }

    fn texts(bytes: &[u8]) -> Vec<String> {
        let text = |line: Line| line.document().expect("text");
        lines(bytes).into_iter().filter_map(text).collect()
    }

    #[test]
    fn lines_with_any_line_end_are_read_in_order() {
        assert_eq!(texts(b"a\n\nb\r\nc"), ["a", "b\r", "c"]);
        assert_eq!(texts(b""), [""; 0]);
        let numbers: Vec<_> = lines(b"a\n\nb").iter().map(|line| line.number).collect();
        assert_eq!(numbers, [1, 2, 3]);
    }

    #[test]
    fn blank_lines_have_no_document_and_keep_their_numbers() {
        let text = "\u{feff}\r\n{}\r\n \t\r\n\u{feff}\n[]";
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [text.as_bytes(), &wide] {
            let documents = lines(bytes).into_iter().filter_map(|line| {
                let number = line.number;
                Some((number, line.document().expect("text")?))
            });
            let found: Vec<_> = documents.collect();
            assert_eq!(found, [(2, "{}\r".to_owned()), (5, "[]".to_owned())]);
        }
    }

    #[test]
    fn line_over_limit_is_cut_and_next_line_is_whole() {
        let limit = usize::try_from(INPUT_LIMIT).expect("fits");
        let mut text = vec![b' '; limit + 10];
        text.extend_from_slice(b"\nnext\n");
        let lines = lines(&text);
        let lengths: Vec<_> = lines.iter().map(Line::length).collect();
        assert_eq!(lengths, [limit + 1, 4]);
    }

    #[test]
    fn lines_in_utf_16_and_with_marks_are_read() {
        let text = "\u{feff}{\"a\": \"\u{e9}\"}\r\n{}\n";
        let low: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(texts(&low), ["{\"a\": \"\u{e9}\"}\r", "{}"]);
        let joined = [text, text].concat();
        let again = "{\"a\": \"\u{e9}\"}\r";
        assert_eq!(texts(joined.as_bytes()), [again, "{}", again, "{}"]);
    }

    #[test]
    fn invalid_line_is_reported_with_its_number_and_offset() {
        let message = |bytes: &[u8]| {
            let last = lines(bytes).pop().expect("a line");
            let number = last.number;
            let failure = last.document().expect_err("a failure");
            failure.on_line(number).message().to_owned()
        };
        let found = message(b"{}\n{\"a\": \xff}");
        assert!(found.starts_with("line 2: "), "{found}");
        assert!(found.contains("offset 6"), "{found}");
        let marked = message(b"\xef\xbb\xbf{\xff}");
        assert!(marked.contains("offset 4"), "{marked}");
        let wide = message(b"\xff\xfe{\0\n\0{\0\0\xd8}\0");
        assert!(
            wide.contains("line 2: ") && wide.contains("offset 2"),
            "{wide}"
        );
    }
}
