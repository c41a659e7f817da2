//! URLs of components: only those in normal form are sent, so that what is judged is what is
//! sent.

use http::Uri;

use super::urls::Origin;

/// Whether a URI at `origin` is in normal form: parsing and writing it changes nothing but the case
/// of the host, a trailing dot and the scheme's default port, which are compared, and never sent.
///
/// - The path begins with one `/` and consists of the characters of RFC 3986. A `%` is followed by
///   two hexadecimal digits.
/// - The query consists of printable ASCII without `"`, `<`, `>` and `\`.
/// - The host is a name or an address in its usual notation.
///
/// Dot segments are not judged here: [`may_climb`](super::may_climb) finds their encodings too.
pub(crate) fn is_normal(uri: &Uri, origin: &Origin) -> bool {
    let Some(target) = uri.path_and_query() else {
        return false;
    };
    let (path, query) = match target.as_str().split_once('?') {
        Some((path, query)) => (path, query),
        None => (target.as_str(), ""),
    };
    is_normal_path(path)
        && query.bytes().all(is_in_query)
        && uri
            .authority()
            .is_some_and(|written| is_normal_authority(written.as_str(), origin))
}

fn is_normal_path(path: &str) -> bool {
    let bytes = path.as_bytes();
    let is_encoded = |at: usize| {
        let digits = bytes.get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    path.starts_with('/')
        && !path.starts_with("//")
        && bytes.iter().enumerate().all(|(at, byte)| match byte {
            b'%' => is_encoded(at),
            byte => byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(byte),
        })
}

fn is_in_query(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"#<>\\".contains(&byte)
}

fn is_normal_authority(written: &str, origin: &Origin) -> bool {
    let (host, port) = match written.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (written, None),
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    let default = if origin.is_secure() { 443 } else { 80 };
    let port_is_normal = match port {
        Some(port) => port == origin.port().to_string(),
        None => origin.port() == default,
    };
    port_is_normal && host.eq_ignore_ascii_case(&origin.host().to_string())
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn verdict(text: &str) -> Option<bool> {
        let uri: Uri = text.parse().ok()?;
        let origin = Origin::of(&Url::parse(text).ok()?)?;
        Some(is_normal(&uri, &origin))
    }

    #[test]
    fn url_that_parsing_leaves_as_it_is_is_normal() {
        for text in [
            "https://a.example/",
            "https://a.example",
            "https://A.Example.:443/x",
            "https://a.example:8443/a/b.c-d_e~f/!$&'()*+,;=:@",
            "https://a.example/a//b/?x=%2e%2e&y='{}|^`[]/?:@",
            "http://[::1]:9/%C3%A9%2F%25",
            "http://127.0.0.1/",
        ] {
            assert_eq!(verdict(text), Some(true), "{text}");
        }
    }

    #[test]
    fn url_that_some_parser_rewrites_is_not_normal() {
        for text in [
            "https://a.example?x",
            "https://a.example//b.example/x",
            "https://a.example/a\\b",
            "https://a.example/a?b\\c",
            "https://a.example/a\"b",
            "https://a.example/{a}",
            "https://a.example/a|b",
            "https://a.example/a^b",
            "https://a.example/[a]",
            "https://a.example/\u{e9}",
            "https://a.example/?\u{e9}",
            "https://a.example/%",
            "https://a.example/%z0/x",
            "https://a.example/%2",
            "https://a.example:/x",
            "https://a.example:0443/x",
            "https://a%2eexample/x",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://[0:0::1]/",
        ] {
            assert_ne!(verdict(text), Some(true), "{text}");
        }
    }
}
