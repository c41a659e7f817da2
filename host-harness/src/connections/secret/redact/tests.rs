use proptest::prelude::*;

use super::*;

/// `text` with what was found in it blotted out.
fn blotted(secret: &str, text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in SecretMatcher::of(secret).find_in(text.as_bytes()) {
        bytes[range].fill(b'*');
    }
    String::from_utf8(bytes).expect("whole characters")
}

#[test]
fn the_same_in_other_words() {
    let secret = "sk-hunter/2";
    for (said, expected) in [
        ("key sk-hunter/2.", "key ***********."),
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
        assert_eq!(blotted(secret, said), expected, "{said}");
    }
}

#[test]
fn what_is_too_short_is_not_looked_for() {
    assert_eq!(blotted("sk-1234", "sk-1234"), "sk-1234");
    assert_eq!(blotted("sk-12345", "sk-12345"), "********");
    assert!(!SecretMatcher::of("sk-1234").is_in_name("sk-1234"));
    assert!(SecretMatcher::of("SK-12345").is_in_name("x-sk-12345"));
}

/// What a credential may be made of.
fn a_secret() -> impl Strategy<Value = String> {
    "[!-~][ -~]{6,60}[!-~]"
}

/// Some characters of `text` in another form.
fn partly(text: &str, which: u64, form: impl Fn(char) -> String) -> String {
    let mut turns = (0_u32..).map(|turn| which.rotate_right(turn) & 1 == 1);
    text.chars()
        .map(|c| match turns.next() {
            Some(true) => form(c),
            _ => c.to_string(),
        })
        .collect()
}

/// A character that stands for another where it is left alone.
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
    fn it_is_found_wherever_it_stands(
        secret in a_secret(),
        before in "[ -~é]{0,40}",
        after in "[ -~é]{0,40}",
    ) {
        let said = format!("{before}{secret}{after}");
        prop_assert!(!blotted(&secret, &said).contains(&secret));
    }

    #[test]
    fn escapes_and_percent_signs_do_not_hide_it(
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
    fn base64_does_not_hide_it(
        secret in a_secret(),
        before in "[ -~]{0,20}",
        after in "[ -~]{0,20}",
    ) {
        let text = format!("{before}{secret}{after}");
        for encoded in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            let rest = blotted(&secret, &format!("\"{encoded}\""));
            // Of a credential no run of three bytes is left.
            let known = rest.matches('*').count();
            prop_assert!(known * 6 >= secret.len() * 8, "{} {}", encoded, rest);
        }
    }

    #[test]
    fn what_holds_none_stays_as_it_is(text in "[a-z %\\\\\"{}:+0-9]{0,200}") {
        prop_assert_eq!(blotted("SK-HUNTER-2", &text), text);
    }
}
