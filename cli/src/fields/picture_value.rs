//! Values of picture fields in `--set` that are no URLs of pictures.

use std::path::Path;

/// Extensions by which a text is taken for the path of a picture.
const EXTENSIONS: [&str; 14] = [
    "avif", "bmp", "gif", "heic", "heif", "jfif", "jpeg", "jpg", "jxl", "png", "svg", "tif",
    "tiff", "webp",
];

/// Longest text that is taken for a path.
const LONGEST_PATH: usize = 4096;

/// What a value of a picture field is that is no URL of a picture.
#[derive(Debug, PartialEq)]
pub(super) enum Given<'a> {
    /// The path of a local file.
    Path(&'a str),
    /// `www.example.com/a.png`
    WithoutScheme,
    Other,
}

impl<'a> Given<'a> {
    /// `None`: it may be one. A reference of a workflow, a `data:` URL, base64, and an id where the
    /// field takes one are left alone.
    pub(super) fn of(key: &str, value: &'a str) -> Option<Self> {
        if value.contains("{{") || value.contains("${") {
            return None;
        }
        let quotes: &[char] = &['"', '\''];
        let text = value.trim();
        let text = text.trim_matches(quotes).trim();
        if lacks_scheme(value) {
            return Some(Self::WithoutScheme);
        }
        if is_path(value) {
            return Some(Self::Path(value));
        }
        if is_path(text) {
            return Some(Self::Path(text));
        }
        let is_other = ["data:", "file:"]
            .iter()
            .any(|scheme| has_scheme(value, scheme));
        if is_other || is_web_url(value) || is_base64(value) || key.ends_with("_id") {
            return None;
        }
        Some(Self::Other)
    }
}

fn has_scheme(text: &str, scheme: &str) -> bool {
    let start = text.get(..scheme.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// As the component reads it: with a host, and without blanks.
fn is_web_url(text: &str) -> bool {
    let schemes = ["https://", "http://"];
    let mut schemes = schemes.iter().filter(|scheme| has_scheme(text, scheme));
    schemes.next().is_some_and(|scheme| {
        let rest = &text[scheme.len()..];
        !rest.is_empty() && !rest.starts_with(['/', '?', '#'])
    }) && !text.bytes().any(|byte| byte <= b' ')
}

/// Whether a text may be a URL without its scheme: a host with a dot, and something after it.
fn lacks_scheme(text: &str) -> bool {
    let (host, rest) = text.split_once('/').unwrap_or((text, ""));
    let mut labels = host.split('.');
    let is_label = |label: &str| {
        let mut bytes = label.bytes();
        !label.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_host = host.contains('.')
        && labels.all(is_label)
        && last.len() > 1
        && last.bytes().all(|byte| byte.is_ascii_alphabetic())
        && !EXTENSIONS.contains(&&*last.to_ascii_lowercase());
    is_host
        && (!rest.is_empty() || has_scheme(host, "www."))
        && !text.contains(char::is_whitespace)
        && !Path::new(host).exists()
}

/// Whether a text is a picture in base64, by its beginning or its length.
fn is_base64(text: &str) -> bool {
    const BEGINNINGS: [&str; 6] = ["iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR", "Qk0", "SUkq"];
    const SHORTEST: usize = 100;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_\r\n".contains(&byte);
    text.bytes().all(is_letter)
        && (text.len() >= SHORTEST || BEGINNINGS.iter().any(|begin| text.starts_with(begin)))
}

/// Whether a text is the path of a local file, not a URL, an id or base64. A file on another
/// machine is not looked for.
fn is_path(text: &str) -> bool {
    if !may_be_path(text) {
        return false;
    }
    let path = Path::new(text);
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase());
    let is_picture = extension.is_some_and(|extension| EXTENSIONS.contains(&&*extension));
    let begins = ["./", "../", "~/", ".\\", "..\\", "\\\\"];
    is_picture || begins.iter().any(|begin| text.starts_with(begin)) || is_file(text)
}

/// Whether a text is the path of a file that exists on this machine.
pub(super) fn is_file(text: &str) -> bool {
    let is_remote = text.starts_with("\\\\") || text.starts_with("//");
    may_be_path(text) && !is_remote && Path::new(text).is_file()
}

/// Whether a text is short enough for a path, and has no scheme.
fn may_be_path(text: &str) -> bool {
    if text.is_empty() || text.len() > LONGEST_PATH || text.contains(['\n', '\r', '\0']) {
        return false;
    }
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    // One letter is a drive.
    let has_scheme = scheme.is_some_and(|scheme| {
        scheme.len() > 1
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    !has_scheme
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drive_is_no_scheme_and_a_folder_with_a_dot_may_be_a_host() {
        assert!(is_path(r"C:\a.png"), "a drive is no scheme");
        assert!(!is_path("art:1.png"), "a scheme");
        let of = |value| Given::of("image", value);
        assert_eq!(of("p.example/a.png"), Some(Given::WithoutScheme));
        assert_eq!(
            of("./p.example/a.png"),
            Some(Given::Path("./p.example/a.png"))
        );
        assert_eq!(of("a.b.png"), Some(Given::Path("a.b.png")));
    }
}
