//! The fuzz target for text files; see `docs/reference/fuzzing.md`.

use std::io::Read;

use zoetrope_fuzzing::Target;

use super::{Encoding, NotText, TextReader, decoded, text_of};

/// Reads a few bytes at a time.
struct Slowly<'a>(&'a [u8]);

impl Read for Slowly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(1 + self.0.len() % 3);
        self.0.read(&mut buffer[..length])
    }
}

#[test]
fn text_is_decoded_or_refused_at_a_place_in_the_file() {
    Target::new("text-files", 4000).run(|input| {
        let at_once = decoded(input);
        let mut reader = TextReader::new(Slowly(input));
        let mut bytes = Vec::new();
        let read = reader.read_to_end(&mut bytes);
        // The first bytes may arrive alone, and then UTF-32 without a mark is not found.
        if at_once != Err(NotText::Utf32) && !input.starts_with(b"\n\0") {
            read.expect("a slice");
            let slowly = text_of(bytes, reader.encoding(), reader.mark_length());
            assert_eq!(slowly, at_once);
        }
        match at_once {
            Ok(text) => {
                assert!(text.len() <= input.len() * 3 / 2 + 1);
                match reader.encoding() {
                    Encoding::Utf8 => "UTF-8",
                    _ => "UTF-16",
                }
            }
            Err(error) => {
                assert!(error.offset().is_none_or(|offset| offset < input.len()));
                "no text"
            }
        }
    });
}
