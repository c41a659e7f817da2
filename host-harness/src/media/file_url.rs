//! `file:` URLs (RFC 8089) of files on this machine: `file:///a/b.png`, and `file:b.png`
//! for one below the working directory.

use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

const SCHEME: &str = "file:";

/// The bytes of a path that are percent-encoded: all but letters, digits and these.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~');

/// Whether a text begins with the scheme `file:`.
#[must_use]
pub fn is_one(text: &str) -> bool {
    text.get(..SCHEME.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
}

/// The URL of a path, relative where the path is.
#[must_use]
pub fn of(path: &Path) -> String {
    let encoded = percent_encode(path.as_os_str().as_encoded_bytes(), ENCODED);
    let authority = if path.is_absolute() { "//" } else { "" };
    format!("{SCHEME}{authority}{encoded}")
}

/// The path that a `file:` URL names.
///
/// # Errors
///
/// When it names no path. The text continues "a `file:` URL …".
pub fn path(url: &str) -> Result<PathBuf, &'static str> {
    let rest = url.get(SCHEME.len()..).unwrap_or_default();
    if rest.contains(['?', '#']) {
        return Err("has no query and no fragment: `?` and `#` in a name are %3F and %23");
    }
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            if !host.is_empty() && !host.eq_ignore_ascii_case("localhost") {
                return Err("names a file on this machine, and this one is of another host");
            }
            path
        }
        None => rest,
    };
    decoded(percent_decode_str(path).collect()).ok_or("is UTF-8 on this system")
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "not every system takes any bytes")]
fn decoded(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    Some(std::ffi::OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn decoded(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_url_of_this_machine_is_read_as_a_path() {
        for (url, expected) in [
            ("file:a.png", "a.png"),
            ("file:a/b%20c.png", "a/b c.png"),
            ("FILE:a%2Bb+c.png", "a+b+c.png"),
            ("file:/a/b.png", "/a/b.png"),
            ("file:///a/b.png", "/a/b.png"),
            ("file://localhost/a.png", "/a.png"),
            ("file:", ""),
        ] {
            assert!(is_one(url));
            assert_eq!(path(url).as_deref(), Ok(Path::new(expected)), "{url}");
        }
        for url in [
            "file://host.example/a.png",
            "file://host.example",
            "file:////host/a.png?x",
            "file:a.png?size=2",
            "file:a.png#top",
        ] {
            assert!(path(url).is_err(), "{url}");
        }
        for text in [
            "files:a.png",
            "fil",
            "a.png",
            "https://a.example/file:a.png",
        ] {
            assert!(!is_one(text), "{text}");
        }
    }

    #[test]
    fn path_survives_conversion_to_a_url_and_back() {
        for name in ["a.png", "/a/ä b.png", "a?b#c%20.png", "//a.png", "-"] {
            let url = of(Path::new(name));
            assert!(url.is_ascii() && is_one(&url), "{url}");
            assert_eq!(path(&url).as_deref(), Ok(Path::new(name)), "{url}");
        }
    }
}
