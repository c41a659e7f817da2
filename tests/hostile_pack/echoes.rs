//! The forms in which a provider echoes the credential.

use crate::support::sandbox::CANARY_KEY;

/// The length of the part of a credential that a provider quotes in [`echoes`].
const PART: usize = 17;

/// The forms in which the provider echoes the credential, by the name that stands for it in a reply.
pub(super) fn echoes() -> [(&'static str, String); 6] {
    let each = |form: fn(u8) -> String| CANARY_KEY.bytes().map(form).collect::<String>();
    [
        ("key", CANARY_KEY.to_owned()),
        ("key_upper", CANARY_KEY.to_uppercase()),
        ("key_percent", each(|byte| format!("%{byte:02x}"))),
        ("key_entities", each(|byte| format!("&#{byte};"))),
        ("key_json", each(|byte| format!("\\u{byte:04x}"))),
        ("key_start", CANARY_KEY[..PART].to_owned()),
    ]
}
