use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const PROMPT: &str = "A red balloon, over \"São Paulo\" at night: 2 birds";

fn redacted(message: &str) -> String {
    let input = json!({
        "prompt": format!(" {PROMPT}\n"),
        "nested": [{"negative": "blurry faces and hands"}],
        "model": "Pixel M",
        "steps": 20,
    });
    let texts = PrivateTexts::of(&[&input.to_string(), "no JSON"]);
    texts.redact(message).into_owned()
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded.push(byte.into());
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[test]
fn quoted_text_is_redacted_in_every_form() {
    let json = serde_json::to_string(PROMPT).expect("JSON");
    let twice = serde_json::to_string(&json).expect("JSON");
    let ascii: String = json.replace('ã', "\\u00e3");
    let html = PROMPT.replace('"', "&quot;").replace('ã', "&#227;");
    for said in [
        PROMPT.to_owned(),
        PROMPT.to_uppercase(),
        PROMPT.replace(' ', "\n  "),
        json,
        twice,
        ascii,
        html,
        percent_encoded(PROMPT),
        percent_encoded(&percent_encoded(PROMPT)),
        "a_red_balloon_over_são_paulo_at_night_2_birds".into(),
    ] {
        let shown = redacted(&format!("Pixel M cannot draw <{said}> in 20 steps"));
        assert!(shown.starts_with("Pixel M cannot draw <"), "{shown}");
        assert!(shown.ends_with("> in 20 steps"), "{shown}");
        for word in ["balloon", "Paulo", "PAULO", "birds", "night"] {
            assert!(!shown.contains(word), "{said}: {shown}");
        }
    }
    assert_eq!(
        redacted("no Blurry faces AND hands, please"),
        "no […], please"
    );
}

#[test]
fn pieces_of_a_text_are_redacted() {
    assert_eq!(
        redacted("token 3: red balloon, over São, token 9: night: 2 birds"),
        "token 3: […], token 9: night: 2 birds"
    );
    assert_eq!(
        redacted("`a red balloon, over São` and `Paulo at night: 2 birds` are refused"),
        "`[…]` and `[…]` are refused"
    );
}

#[test]
fn text_that_is_cut_off_is_redacted() {
    for (said, shown) in [
        ("we do not draw A red b…", "we do not draw […]…"),
        ("we do not draw \"A red b...\"", "we do not draw \"[…]...\""),
        ("we do not draw A red…", "we do not draw […]…"),
        ("we do not draw it, at…", "we do not draw it, at…"),
    ] {
        assert_eq!(redacted(said), shown);
    }
}

#[test]
fn text_of_another_script_is_redacted_in_pieces() {
    let input = json!({"prompt": "灯塔上空的红色气球在夜晚飞翔"});
    let texts = PrivateTexts::of(&[&input.to_string()]);
    assert_eq!(texts.redact("不支持“红色气球在夜晚”"), "不支持“[…]”");
}

#[test]
fn message_without_the_text_is_not_changed() {
    for said in [
        "nothing",
        "the picture at https://a.example/x.png is too dark (HTTP status 422)",
        "Pixel M has no balloon mode at night",
        "",
    ] {
        assert_eq!(redacted(said), said);
    }
    let none = PrivateTexts::default();
    assert!(matches!(none.redact("nothing"), Cow::Borrowed(_)));
}

proptest! {
    #[test]
    fn text_is_redacted_at_any_place(
        prompt in "[a-zA-Z0-9 ,.é\"\\\\]{20,80}",
        before in "[ -~é…]{0,40}",
        after in "[ -~é…]{0,40}",
    ) {
        prop_assume!(prompt.trim().len() >= MIN_LENGTH);
        let texts = PrivateTexts::of(&[&json!({ "prompt": prompt }).to_string()]);
        let said = format!("{before}{prompt}{after}");
        prop_assert!(!texts.redact(&said).contains(prompt.trim()));
    }

    #[test]
    fn any_message_is_redacted_without_a_panic(prompt in "\\PC{0,60}", said in "\\PC{0,200}") {
        let texts = PrivateTexts::of(&[&json!({ "prompt": prompt }).to_string()]);
        let _ = texts.redact(&said);
        let _ = texts.redact(&format!("{}{prompt}…", percent_encoded(&said)));
    }
}
