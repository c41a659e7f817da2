use proptest::prelude::*;

use super::*;

mod oracle;

/// `text` with every match replaced by asterisks.
fn redacted(secret: &str, text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let matcher = SecretMatcher::of(secret);
    let is_found = matcher.redact(&mut bytes);
    assert_eq!(is_found, matcher.is_in(text.as_bytes()), "{text}");
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
        // HTML entities: decimal, hexadecimal, padded and named, alone and in another escape.
        ("sk-hunter&#47;2", "***************"),
        ("sk-hunter&#x2F;2", "****************"),
        ("&#115;&#0107;&#45;hunter/2.", "**************************."),
        ("sk-hunter&sol;2", "***************"),
        ("sk-hunter&#47 2", "************* 2"),
        ("sk-hunter&amp;#47;2", "*******************"),
        (r"sk-hunter\u0026sol;2", "********************"),
        ("sk-hunter%26%2347%3B2", "*********************"),
        (r"\x73k-hunter/2", "**************"),
    ] {
        assert_eq!(redacted(secret, said), expected, "{said}");
    }
}

#[test]
fn credential_shorter_than_8_bytes_is_not_redacted() {
    assert_eq!(redacted("sk-1234", "sk-1234"), "sk-1234");
    assert_eq!(redacted("sk-12345", "sk-12345"), "********");
    assert!(!SecretMatcher::of("sk-1234").is_in(b"sk-1234"));
    assert!(SecretMatcher::of("SK-12345").is_in(b"x-sk-12345"));
}

#[test]
fn beginning_of_8_characters_or_more_is_redacted() {
    let secret = "sk-hunter/2-and-more";
    for (said, expected) in [
        ("bad key sk-hunter\u{2026}", "bad key *********\u{2026}"),
        ("sk-hunte…", "********…"),
        ("sk-hunt…", "sk-hunt…"),
        ("SK-HUNTER%2F2...", "*************..."),
        ("sk-hunter 2", "********* 2"),
        ("unter/2-and-more", "unter/2-and-more"),
        // A beginning inside of another one.
        ("sk-huntesk-hunter/2", "*******************"),
        // `sk-hunter/` in base64.
        ("c2staHVudGVyLw==", "**************=="),
    ] {
        assert_eq!(redacted(secret, said), expected, "{said}");
    }
    // An overlap: the match that continues is the one that begins later.
    let secret = "abababab-XYZ";
    assert_eq!(redacted(secret, "abababababab-XYZ!"), "****************!");
}

#[test]
fn common_prefix_of_a_header_is_not_redacted() {
    let said = "use `Authorization: Bearer sk-live_...`";
    assert_eq!(redacted("hunter2-hunter2", said), said);
}

/// The texts that decoders of several layers, or automata, are slow with.
#[test]
fn work_is_in_proportion_to_the_length_of_any_text() {
    let secrets = [
        "sk-live-0123456789abcdefABCDEFghij",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
    ];
    for secret in secrets {
        let matcher = SecretMatcher::of(secret);
        let steps = |piece: &str, length: usize| {
            let text: Vec<u8> = piece.bytes().cycle().take(length).collect();
            let mut scan = Scan::of(&matcher.patterns);
            let mut at = scan.skip(&text, 0);
            while at < text.len() {
                scan.step(&text, at);
                at = scan.skip(&text, at + 1);
            }
            scan.steps()
        };
        let pieces = [
            "%",
            "\\",
            "&",
            "+",
            "a",
            "s",
            "%25",
            "\\u00",
            "\\u005c",
            "\\u005cu\\u0030\\u0030",
            "&amp;",
            "&#38;",
            "&#",
            "&%61%6d%70",
            "%26%61%6d%70%3b",
            &secret[..7],
            &secret[..secret.len() - 1],
            "{\"id\": \"task\"}",
        ];
        for piece in pieces {
            let (short, long) = (steps(piece, 10_000), steps(piece, 100_000));
            assert!(long < 11 * short, "{piece}: {short} and {long}");
            assert!(long < 20 * 100_000, "{piece}: {long}");
        }
    }
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
            prop_assert!(SecretMatcher::of(&secret).is_in(said.as_bytes()), "{}", said);
        }
        if !secret.contains('\\') {
            prop_assert!(SecretMatcher::of(&secret).is_in(escaped.as_bytes()), "{}", escaped);
        }
        let twice = serde_json::to_string(&json).expect("JSON");
        prop_assert!(SecretMatcher::of(&secret).is_in(twice.as_bytes()), "{}", twice);
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

    /// The oracle decodes the whole text, in every order of two layers, and looks at each place.
    #[test]
    fn whatever_whole_decoding_finds_is_redacted(
        secret in "[a-c%&+/-]{8,14}",
        pieces in prop::collection::vec(any::<(u8, u8)>(), 0..60),
    ) {
        let mut text = Vec::new();
        for (kind, at) in pieces {
            let byte = secret.as_bytes()[usize::from(at) % secret.len()];
            match kind % 8 {
                0 => text.extend_from_slice(&secret.as_bytes()[..secret.len() - usize::from(at % 4)]),
                1 => text.extend_from_slice(format!("%{byte:02x}").as_bytes()),
                2 => text.extend_from_slice(format!("\\u{byte:04X}").as_bytes()),
                3 => text.extend_from_slice(format!("&#{byte};").as_bytes()),
                4 => text.extend_from_slice(format!("%25{byte:02x}").as_bytes()),
                _ => text.push(byte),
            }
        }
        let mut redacted = text.clone();
        SecretMatcher::of(&secret).redact(&mut redacted);
        for place in oracle::places(secret.as_bytes(), &text) {
            prop_assert!(
                redacted[place.clone()].iter().all(|byte| *byte == b'*'),
                "{:?} of {} became {}",
                place,
                String::from_utf8_lossy(&text),
                String::from_utf8_lossy(&redacted),
            );
        }
    }

    #[test]
    fn text_without_the_credential_stays_unchanged(text in "[a-z %\\\\\"{}:+0-9]{0,200}") {
        prop_assert_eq!(redacted("SK-HUNTER-2", &text), text);
    }
}
