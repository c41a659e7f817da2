use proptest::prelude::*;

use super::*;

/// `text` with every match replaced by asterisks.
fn redacted(secret: &str, text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in SecretMatcher::of(secret).find_in(text.as_bytes()) {
        bytes[range].fill(b'*');
    }
    String::from_utf8(bytes).expect("whole characters")
}

#[test]
fn credential_is_redacted_in_every_encoding() {
    let secret = "sk-hunter/2";
    for (said, expected) in [
        ("key sk-hunter/2.", "key ***********."),
        ("key SK-Hunter/2.", "key ***********."),
        ("?key=SK%2DHUNTER%2F2", "?key=***************"),
        (r#""sk-hunter\/2""#, r#""************""#),
        (r#""\u0073k\u002Dhunter/2""#, r#""*********************""#),
        ("?key=sk-hunter%2f2&x=1", "?key=*************&x=1"),
        ("?key=%73k%2Dhunter%2F2", "?key=*****************"),
        // A percent-encoded text in a percent-encoded text, and in JSON.
        ("key%3Dsk-hunter%252F2", "key%3D***************"),
        (r"sk\u002dhunter%2F2", "******************"),
        (
            r#""{\"key\": \"sk-hunter\\/2\"}""#,
            r#""{\"key\": \"*************\"}""#,
        ),
        // `:sk-hunter/2` in base64, whose first character is the colon's alone.
        ("OnNrLWh1bnRlci8y", "O***************"),
        ("sk-hunter 2", "sk-hunter 2"),
    ] {
        assert_eq!(redacted(secret, said), expected, "{said}");
    }
}

#[test]
fn credential_shorter_than_8_bytes_is_not_redacted() {
    assert_eq!(redacted("sk-1234", "sk-1234"), "sk-1234");
    assert_eq!(redacted("sk-12345", "sk-12345"), "********");
    assert!(!SecretMatcher::of("sk-1234").is_in_name("sk-1234"));
    assert!(SecretMatcher::of("SK-12345").is_in_name("x-sk-12345"));
}

/// Any valid credential.
fn a_secret() -> impl Strategy<Value = String> {
    "[!-~][ -~]{6,60}[!-~]"
}

/// `text` with `form` applied to some characters, chosen by the bits of `which`.
fn partly(text: &str, which: u64, form: impl Fn(char) -> String) -> String {
    let mut turns = (0_u32..).map(|turn| which.rotate_right(turn) & 1 == 1);
    text.chars()
        .map(|c| match turns.next() {
            Some(true) => form(c),
            _ => c.to_string(),
        })
        .collect()
}

/// `text` with `form` applied to the characters that must be escaped.
fn must(text: &str, escape: &str, form: impl Fn(char) -> String) -> String {
    text.chars()
        .map(|c| {
            if escape.contains(c) {
                form(c)
            } else {
                c.to_string()
            }
        })
        .collect()
}

proptest! {
    #[test]
    fn credential_is_found_at_any_position(
        secret in a_secret(),
        before in "[ -~é]{0,40}",
        after in "[ -~é]{0,40}",
    ) {
        let said = format!("{before}{secret}{after}");
        prop_assert!(!redacted(&secret, &said).contains(&secret));
    }

    #[test]
    fn escaped_or_percent_encoded_credential_is_found(
        secret in a_secret(),
        which in any::<u64>(),
        upper in any::<bool>(),
    ) {
        let digits = |c: char| {
            let code = u32::from(c);
            if upper { format!("{code:02X}") } else { format!("{code:02x}") }
        };
        let json = serde_json::to_string(&secret).expect("JSON");
        let escaped = partly(&secret, which, |c| format!("\\u00{}", digits(c)));
        let escaped_in_json = {
            let quoted = |c: char| format!("\\u00{}", digits(c));
            must(&secret, "\\\"", quoted)
        };
        let percent = must(&secret, "%+", |c| format!("%{}", digits(c)));
        let all_percent = secret.chars().fold(String::new(), |text, c| text + "%" + &digits(c));
        let form = percent.replace(' ', "+");
        for said in [&json, &escaped_in_json, &percent, &all_percent, &form] {
            prop_assert!(!SecretMatcher::of(&secret).find_in(said.as_bytes()).is_empty(), "{}", said);
        }
        if !secret.contains('\\') {
            prop_assert!(!SecretMatcher::of(&secret).find_in(escaped.as_bytes()).is_empty(), "{}", escaped);
        }
        let twice = serde_json::to_string(&json).expect("JSON");
        prop_assert!(!SecretMatcher::of(&secret).find_in(twice.as_bytes()).is_empty(), "{}", twice);
    }

    #[test]
    fn base64_encoded_credential_is_redacted(
        secret in a_secret(),
        before in "[ -~]{0,20}",
        after in "[ -~]{0,20}",
    ) {
        let text = format!("{before}{secret}{after}");
        for encoded in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            let rest = redacted(&secret, &format!("\"{encoded}\""));
            // No three consecutive bytes of the credential are left.
            let known = rest.matches('*').count();
            prop_assert!(known * 6 >= secret.len() * 8, "{} {}", encoded, rest);
        }
    }

    #[test]
    fn text_without_the_credential_stays_unchanged(text in "[a-z %\\\\\"{}:+0-9]{0,200}") {
        prop_assert_eq!(redacted("SK-HUNTER-2", &text), text);
    }
}
