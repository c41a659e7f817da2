//! Paths as text, without loss. Most paths are UTF-8 and stay as they are. Another one is written in
//! hexadecimal after a prefix, with which no absolute path begins:
//!
//! | system | text |
//! | ------ | ---- |
//! | Unix | `bytes:` and two digits for each byte |
//! | Windows | `wide:` and four digits for each UTF-16 code unit |

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::hex;

/// The beginning of a path that is not UTF-8.
const PREFIX: &str = if cfg!(windows) { "wide:" } else { "bytes:" };

/// The text of a path, as the ledger has it.
#[must_use]
pub fn of(path: &Path) -> Cow<'_, str> {
    match path.to_str() {
        Some(text) if !text.starts_with(PREFIX) => Cow::Borrowed(text),
        _ => Cow::Owned(format!("{PREFIX}{}", hexadecimal(path.as_os_str()))),
    }
}

/// The path of a text that [`of`] has written. Every other text is a path as it is.
#[must_use]
pub fn path(text: &str) -> PathBuf {
    let exact = text.strip_prefix(PREFIX).and_then(decoded);
    exact.map_or_else(|| text.into(), PathBuf::from)
}

/// The exact name in hexadecimal of a path that is not UTF-8, for an answer whose text is lossy:
/// two digits for each byte; on Windows, four for each UTF-16 code unit.
#[must_use]
pub fn exact(path: &Path) -> Option<String> {
    let is_text = path.to_str().is_some();
    (!is_text).then(|| hexadecimal(path.as_os_str()))
}

#[cfg(unix)]
fn hexadecimal(name: &OsStr) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    hex::encoded(name.as_bytes()).to_string()
}

#[cfg(windows)]
fn hexadecimal(name: &OsStr) -> String {
    use std::os::windows::ffi::OsStrExt as _;
    let bytes: Vec<u8> = name.encode_wide().flat_map(u16::to_be_bytes).collect();
    hex::encoded(&bytes).to_string()
}

#[cfg(not(any(unix, windows)))]
fn hexadecimal(name: &OsStr) -> String {
    hex::encoded(name.to_string_lossy().as_bytes()).to_string()
}

#[cfg(unix)]
fn decoded(digits: &str) -> Option<OsString> {
    use std::os::unix::ffi::OsStringExt as _;
    hex::decoded_bytes(digits).map(OsString::from_vec)
}

#[cfg(windows)]
fn decoded(digits: &str) -> Option<OsString> {
    use std::os::windows::ffi::OsStringExt as _;
    let bytes = hex::decoded_bytes(digits)?;
    let (units, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
    rest.is_empty().then(|| OsString::from_wide(&units))
}

#[cfg(not(any(unix, windows)))]
fn decoded(digits: &str) -> Option<OsString> {
    let bytes = hex::decoded_bytes(digits)?;
    String::from_utf8(bytes).ok().map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_that_is_text_stays_as_it_is() {
        for text in [
            "/clips/ä b.mp4",
            r"C:\clips\a.mp4",
            "/bytes:ff",
            "bytes:xyz",
            "",
        ] {
            let path = PathBuf::from(text);
            assert_eq!(super::path(&of(&path)), path, "{text}");
        }
        assert_eq!(of(Path::new("/clips/ä b.mp4")), "/clips/ä b.mp4");
        // A damaged text is no reason to lose the row.
        assert_eq!(path("bytes:f"), Path::new("bytes:f"));
        assert_eq!(exact(Path::new("/clips/ä b.mp4")), None);
    }

    #[test]
    fn text_that_begins_as_an_encoded_path_is_encoded_itself() {
        let path = PathBuf::from(format!("{PREFIX}2f"));
        assert_eq!(super::path(&of(&path)), path);
    }

    #[cfg(unix)]
    #[test]
    fn paths_that_differ_in_a_byte_that_is_no_text_stay_apart() {
        use std::os::unix::ffi::OsStrExt as _;
        let of_bytes = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
        let (one, other) = (of_bytes(b"/clips/\xff.mp4"), of_bytes(b"/clips/\xfe.mp4"));
        assert_eq!(one.to_string_lossy(), other.to_string_lossy());
        assert_ne!(of(&one), of(&other));
        assert_eq!(of(&one), "bytes:2f636c6970732fff2e6d7034");
        for path in [one, other] {
            assert_eq!(super::path(&of(&path)), path);
            assert_eq!(exact(&path).as_deref(), of(&path).strip_prefix(PREFIX));
        }
    }

    #[cfg(windows)]
    #[test]
    fn unpaired_surrogate_survives() {
        use std::os::windows::ffi::OsStringExt as _;
        let name = OsString::from_wide(&[0x43, 0x3a, 0x5c, 0xd800]);
        let path = PathBuf::from(name);
        assert_eq!(of(&path), "wide:0043003a005cd800");
        assert_eq!(super::path(&of(&path)), path);
    }
}
