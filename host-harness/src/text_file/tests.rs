use super::*;

const TEXT: &str = "{\"prompt\": \"Wellen – \u{1f30a}\"}\r\n";

/// The text in UTF-16.
fn units(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

fn with(mark: &[u8], mut rest: Vec<u8>) -> Vec<u8> {
    rest.splice(..0, mark.iter().copied());
    rest
}

/// The text in every encoding that is read.
fn all() -> Vec<Vec<u8>> {
    let (low, high) = (u16::to_le_bytes, u16::to_be_bytes);
    vec![
        TEXT.into(),
        with(b"\xef\xbb\xbf", TEXT.into()),
        with(b"\xff\xfe", units(TEXT, low)),
        with(b"\xfe\xff", units(TEXT, high)),
        units(TEXT, low),
        units(TEXT, high),
    ]
}

/// Returns one byte a time.
struct Slowly<'a>(&'a [u8]);

impl Read for Slowly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(&mut buffer[..1])
    }
}

#[test]
fn text_is_read_in_every_encoding_at_once_and_byte_by_byte() {
    for bytes in all() {
        assert_eq!(decoded(&bytes).as_deref(), Ok(TEXT), "{bytes:x?}");
        let mut reader = TextReader::new(Slowly(&bytes));
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("text");
        assert_eq!(text, TEXT, "{bytes:x?}");
    }
    for (bytes, expected) in [
        (&b""[..], ""),
        (b"\n", "\n"),
        (b"\xef\xbb\xbf", ""),
        (b"\xff\xfe", ""),
        (b"\xff\xfe\n\0", "\n"),
        (b"5", "5"),
    ] {
        assert_eq!(decoded(bytes).as_deref(), Ok(expected), "{bytes:x?}");
    }
}

#[test]
fn invalid_text_is_reported_with_its_offset_in_the_file() {
    for (bytes, expected) in [
        (&b"ab\xffc"[..], NotText::Utf8 { offset: 2 }),
        (b"\xef\xbb\xbfab\xff", NotText::Utf8 { offset: 5 }),
        (b"\xef\xbb", NotText::Utf8 { offset: 0 }),
        (b"a\xc3", NotText::Utf8 { offset: 1 }),
        // Half a pair before a letter, at the end, and the second half alone.
        (b"\xff\xfea\0\x3c\xd8b\0", NotText::Utf16 { offset: 4 }),
        (b"\xff\xfea\0\x3c\xd8", NotText::Utf16 { offset: 4 }),
        (b"\xfe\xff\0a\xdf\x0a", NotText::Utf16 { offset: 4 }),
        // Half a unit.
        (b"\xff\xfea\0b", NotText::Utf16 { offset: 4 }),
        (b"\xff\xfe\0\0a\0\0\0", NotText::Utf32),
        (b"\0\0\xfe\xff\0\0\0a", NotText::Utf32),
        (b"a\0\0\0b\0\0\0", NotText::Utf32),
    ] {
        assert_eq!(decoded(bytes), Err(expected), "{bytes:x?}");
    }
}

#[test]
fn text_file_that_is_not_text_is_an_error_of_reading() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.toml");
    std::fs::write(&path, b"a = \xff").expect("write");
    let error = read(&path).expect_err("an error");
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    let expected = "it is not UTF-8 text: the byte at offset 4 is invalid";
    assert_eq!(error.to_string(), expected);
    let missing = read(&folder.path().join("b.toml")).expect_err("an error");
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
}

/// Has these bytes, and then fails instead of waiting for more.
struct Waiting<'a>(&'a [u8]);

impl Read for Waiting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

#[test]
fn line_is_available_before_the_source_has_more() {
    for line in [
        &b"\n"[..],
        b"{}\n",
        b"\xef\xbb\xbf{}\n",
        b"5\n",
        b"\xff\xfe\n\0",
    ] {
        let mut reader = TextReader::new(Waiting(line));
        let mut buffer = [0; 64];
        let mut text = Vec::new();
        while !text.ends_with(b"\n") {
            let count = reader.read(&mut buffer).expect("the line");
            text.extend_from_slice(&buffer[..count]);
        }
    }
}
