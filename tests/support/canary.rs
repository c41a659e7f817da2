//! The encoded forms in which a secret text may reappear.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The forms in which a server may quote `text`: plain, escaped, percent-encoded, and in the base64
/// of a longer text.
pub(crate) fn forms(text: &str) -> Vec<String> {
    let each = |form: fn(u8) -> String| text.bytes().map(form).collect::<String>();
    let some = |form: fn(u8) -> String| {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
                _ => form(byte),
            })
            .collect::<String>()
    };
    let mut forms = vec![
        text.to_owned(),
        each(|byte| format!("%{byte:02x}")),
        each(|byte| format!("%{byte:02X}")),
        each(|byte| format!("\\u{byte:04x}")),
        each(|byte| format!("\\u{byte:04X}")),
        some(|byte| format!("%{byte:02X}")),
        some(|byte| format!("\\u{byte:04x}")),
    ];
    for before in 0..3 {
        let within = [&vec![b'.'; before], text.as_bytes()].concat();
        let whole = (8 * before).div_ceil(6)..8 * within.len() / 6;
        for encoded in [
            STANDARD_NO_PAD.encode(&within),
            URL_SAFE_NO_PAD.encode(&within),
        ] {
            forms.push(encoded[whole.clone()].to_owned());
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

#[test]
fn forms_include_escaped_percent_encoded_and_base64_text() {
    let forms = forms("a-b?");
    for form in [
        "a-b?",
        "a%2Db%3F",
        "%61%2d%62%3f",
        r"a\u002db\u003f",
        "YS1iP",
        "EtYj",
        "hLWI/",
    ] {
        assert!(forms.iter().any(|known| known == form), "{form}: {forms:?}");
    }
}
