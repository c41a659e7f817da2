//! Advice on inputs that nodes share, from the sentences of the documents.

use serde_json::Value;
use zoetrope_node_sdk::http::{has_scheme, is_absolute};
use zoetrope_node_sdk::schema::draft::Draft;

/// Whether a document recommends `https:` for the URL of a picture.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Scheme {
    Secure,
    Any,
}

/// Advice on the URL of a picture: it should be absolute, and `https:` if the document says so.
/// Local files, which the host replaces, and references of a workflow are left alone.
pub(super) fn picture_url(draft: &mut Draft, field: &str, scheme: Scheme) {
    let Some(url) = draft.get(field).and_then(Value::as_str) else {
        return;
    };
    let is_secure = has_scheme(url, "https://");
    let host = url.as_bytes().get(if is_secure { 8 } else { 7 });
    let has_host = host.is_some_and(|byte| !matches!(byte, b'/' | b'?' | b'#'));
    let is_readable = has_host && !url.bytes().any(|byte| byte <= b' ');
    if !is_absolute(url) || !is_readable {
        let is_reference = url.contains("{{") || url.contains("${");
        if !is_reference && !has_scheme(url, "file:") {
            let advice = "This is not a URL of a picture: give one that is publicly accessible, or \
                          a local file as a `file:` URL.";
            draft.advise(field, advice);
        }
    } else if !is_secure && scheme == Scheme::Secure {
        let advice = "The node's document recommends an https URL that is publicly accessible.";
        draft.advise(field, advice);
    }
}
