use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::data_url::DataUrlError;
use super::*;

const LIMITS: Limits = Limits {
    first: 0,
    text: 1 << 20,
    clips: 1 << 20,
};

fn clip(length: usize) -> Vec<u8> {
    let mut clip = b"\0\0\0\x18ftypisom\0\0\0\0isommp42".to_vec();
    clip.extend((clip.len()..length).map(|at| u8::try_from(at * 7 % 256).expect("a byte")));
    clip
}

fn picture(length: usize) -> Vec<u8> {
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.resize(length, 0xfb);
    picture
}

/// Media type and bytes.
type Found = (Option<String>, Vec<u8>);

/// The text and its attachments.
fn separated(text: &str) -> (String, Vec<Found>) {
    let separated = separate(BytesMut::from(text), LIMITS).expect("within the limits");
    let text = String::from_utf8(separated.text.to_vec()).expect("text");
    let all = separated.attachments.into_iter();
    (
        text,
        all.map(|it| (it.media_type, it.bytes.to_vec())).collect(),
    )
}

#[test]
fn data_url_of_a_clip_is_taken_out() {
    let clip = clip(3_000);
    let base64 = STANDARD.encode(&clip);
    let percent: Vec<_> = clip.iter().map(|byte| format!("%{byte:02x}")).collect();
    let percent = percent.concat();
    let mp4 = Some("video/mp4".to_owned());
    for (url, media_type) in [
        (format!("data:video/mp4;base64,{base64}"), mp4.clone()),
        (format!("DATA:Video/MP4;x=y;Base64,{base64}"), mp4.clone()),
        (
            format!("  data:video/mp4; base64,{base64}#t=1"),
            mp4.clone(),
        ),
        (
            format!("data:video\\/mp4;base64,{}", base64.replace('/', "\\/")),
            mp4.clone(),
        ),
        (
            format!(
                "\\u0064ata:video/mp4;base64,{}",
                base64.replace('+', "\\u002b")
            ),
            mp4.clone(),
        ),
        (
            format!(
                "data:video/mp4;base64,{}",
                base64.replace('+', "%2B").replace('/', "%2f")
            ),
            mp4.clone(),
        ),
        (
            format!("data:video/mp4;base64,{}", URL_SAFE_NO_PAD.encode(&clip)),
            mp4.clone(),
        ),
        (format!("data:video/mp4,{percent}"), mp4.clone()),
        (
            format!("data:application/octet-stream;base64,{base64}"),
            Some("application/octet-stream".into()),
        ),
        (format!("data:;base64,{base64}"), None),
        (format!("data:,{percent}"), None),
    ] {
        let text = format!("{{\"a\": [1, \"{url}\"], \"data:b\": \"c\"}}");
        let (text, attachments) = separated(&text);
        assert_eq!(
            text, "{\"a\": [1, \"attached:0\"], \"data:b\": \"c\"}",
            "{url}"
        );
        assert_eq!(attachments, [(media_type, clip.clone())], "{url}");
    }
}

#[test]
fn base64_of_a_picture_or_clip_is_taken_out() {
    for bytes in [clip(3_000), clip(3_001), picture(3_002)] {
        let base64 = STANDARD.encode(&bytes);
        let lines = |end: &str| {
            let lines: Vec<_> = base64.as_bytes().chunks(76).collect();
            let lines = lines
                .iter()
                .map(|line| std::str::from_utf8(line).expect("ASCII"));
            lines.collect::<Vec<_>>().join(end)
        };
        for text in [
            base64.clone(),
            base64.trim_end_matches('=').to_owned(),
            URL_SAFE_NO_PAD.encode(&bytes),
            lines("\\n"),
            lines("\\r\\n") + "\\r\\n",
            lines(" "),
            lines("\\u000A"),
        ] {
            let reply = format!("[\"{text}\",\"{text}\"]");
            let (rest, attachments) = separated(&reply);
            assert_eq!(rest, "[\"attached:0\",\"attached:1\"]");
            assert_eq!(attachments, vec![(None, bytes.clone()); 2]);
        }
    }
}

#[test]
fn other_text_stays_as_it_is() {
    let base64 = STANDARD.encode(clip(3_000));
    let short = STANDARD.encode(clip(700));
    let other = STANDARD.encode(vec![0x41; 3_000]);
    let mut broken = base64.clone();
    broken.insert(2_000, '!');
    for text in [
        // Keys.
        format!("{{\"{base64}\": 1}}"),
        format!("{{\"data:video/mp4;base64,{base64}\" : 1}}"),
        "{\"attached:0\": 1}".into(),
        // Too short, another kind, not valid.
        format!("[\"{short}\", \"{other}\", \"{broken}\"]"),
        format!("[\"data:video/mp4;base64,{broken}\"]"),
        format!("[\"{base64}A\", \"{}\"]", base64.replacen('A', "=", 1)),
        "[\"data:text/plain,short\", \"data:\", \"data:video/mp4\", \"\\\\\", \"data\"]".into(),
        // No JSON.
        format!("<img src=\"data:image/png;base64,{base64}\">"),
        format!("{{\"a\": \"{base64}\""),
        format!("{{\"a\": \"{base64}"),
        format!("[\"{base64}\"] \"attached:0\""),
        "attached:0".into(),
        format!("\\\"{base64}\\\""),
        String::new(),
    ] {
        let (rest, attachments) = separated(&text);
        assert_eq!(rest, text);
        assert_eq!(attachments, [], "{text}");
    }
}

#[test]
fn other_bytes_in_a_long_data_url_are_taken_out() {
    let page = "<p>".repeat(400);
    let (rest, attachments) = separated(&format!("\"data:text/html;charset=utf-8,{page}%20ö\""));
    assert_eq!(rest, "\"attached:0\"");
    let bytes = format!("{page} ö").into_bytes();
    assert_eq!(attachments, [(Some("text/html".into()), bytes)]);
    let (rest, attachments) = separated("[\"data:image/png,x\", \"data:,%89PNG%0d%0a%1a%0a\"]");
    assert_eq!(rest, "[\"attached:0\", \"attached:1\"]");
    assert_eq!(attachments.len(), 2);
}

#[test]
fn provider_cannot_name_an_attachment() {
    let base64 = STANDARD.encode(clip(3_000));
    for mark in [
        "attached:0",
        "Attached:7",
        " attached:x",
        "\\u0061ttached:0",
        "att\\tach\\ned:0",
        "attached:",
    ] {
        let text = format!("[\"{mark}\", \"{base64}\", \"{mark}\", \"is attached:0\"]");
        let (rest, attachments) = separated(&text);
        let expected =
            format!("[\"not-{mark}\", \"attached:0\", \"not-{mark}\", \"is attached:0\"]");
        assert_eq!(rest, expected);
        assert_eq!(attachments.len(), 1);
    }
    assert_eq!(separated("\"attached:0\"").0, "\"not-attached:0\"");
}

#[test]
fn clips_beyond_the_limit_and_text_beyond_its_own_are_errors() {
    let base64 = STANDARD.encode(clip(3_000));
    let text = format!("[\"{base64}\", \"{base64}\", \"0123456789\"]");
    let with = |text_limit, clips| {
        let limits = Limits {
            first: 3,
            text: text_limit,
            clips,
        };
        separate(BytesMut::from(&*text), limits).map(|it| it.text)
    };
    let rest = "[\"attached:3\", \"attached:4\", \"0123456789\"]";
    let length = rest.len() as u64;
    assert_eq!(with(length, 6_000).expect("within"), rest);
    let beyond = with(length, 5_999);
    assert!(matches!(
        beyond,
        Err(ReplyLost::ClipTooLong { limit: 5_999 })
    ));
    let beyond = with(length - 1, 6_000);
    assert!(matches!(beyond, Err(ReplyLost::BodyTooLong { limit }) if limit == length - 1));
    let plain = separate(BytesMut::from("12345"), Limits { text: 4, ..LIMITS }).map(drop);
    assert!(matches!(plain, Err(ReplyLost::BodyTooLong { limit: 4 })));
}

#[test]
fn attachments_share_the_memory_of_a_reply_that_is_mostly_theirs() {
    let base64 = STANDARD.encode(clip(30_000));
    let body = BytesMut::from(&*format!("[\"{base64}\"]"));
    let memory = body.as_ptr() as usize..body.as_ptr() as usize + body.len();
    let all = separate(body, LIMITS).expect("within").attachments;
    assert!(memory.contains(&(all[0].bytes.as_ptr() as usize)));
    let body = BytesMut::from(&*format!("[\"{base64}\", \"{}\"]", "x".repeat(100_000)));
    let memory = body.as_ptr() as usize..body.as_ptr() as usize + body.len();
    let all = separate(body, LIMITS).expect("within").attachments;
    assert!(!memory.contains(&(all[0].bytes.as_ptr() as usize)));
    assert_eq!(all[0].bytes, clip(30_000));
}

#[test]
fn no_more_than_256_attachments_are_taken_out() {
    let url = "\"data:image/png,x\"";
    let (rest, attachments) = separated(&format!("[{}]", vec![url; 300].join(",")));
    assert_eq!(attachments.len(), 256);
    assert_eq!(rest.matches("data:image/png,x").count(), 44);
    assert!(rest.contains("\"attached:255\","));
}

#[test]
fn attachment_is_handed_out_once_by_its_number() {
    let attachments = Attachments::default();
    let of = |byte| Attachment {
        media_type: None,
        bytes: Bytes::from(vec![byte; 10]),
    };
    attachments.add(vec![of(1), of(2)]);
    attachments.add(vec![of(3)]);
    assert_eq!(attachments.totals(), (3, 30));
    assert_eq!(attachments.take(2), Some(of(3)));
    assert_eq!(attachments.take(2), None);
    assert_eq!(attachments.take(3), None);
    assert_eq!(attachments.take(usize::MAX), None);
    for (url, number) in [
        ("attached:0", Some(0)),
        ("attached:12", Some(12)),
        ("attached:", None),
        ("attached:+1", None),
        ("attached:99999999999999999999999", None),
        ("not-attached:0", None),
        ("Attached:0", None),
    ] {
        assert_eq!(Attachments::number(url), number, "{url}");
    }
}

#[test]
fn data_url_of_a_component_is_read_up_to_the_limit() {
    let of = Attachments::of_data_url;
    let base64 = STANDARD.encode(clip(3_000));
    let url = format!("data:video/mp4;base64,{base64}");
    let attachment = of(&url, 3_000).expect("a clip");
    assert_eq!(attachment.media_type.as_deref(), Some("video/mp4"));
    assert_eq!(attachment.bytes, clip(3_000));
    assert_eq!(of(&url, 2_999), Err(DataUrlError::TooLong { limit: 2_999 }));
    assert_eq!(
        of("data:,a\\u0062%63", 99).expect("text").bytes,
        "a\\u0062c"
    );
    for url in [
        "https://cdn.example/a",
        "data:video/mp4",
        "data:x;base64,!",
        "data:;base64,A",
        "",
    ] {
        assert_eq!(of(url, 99), Err(DataUrlError::Invalid), "{url}");
    }
}

/// JSON documents without the strings that are replaced.
fn documents() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[A-Za-z0-9+/]{0,2000}".prop_map(Value::from),
        "data:text/plain,[ -~]{0,50}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn reply_without_such_strings_stays_as_it_is(document in documents(), is_wide in any::<bool>()) {
        let text = if is_wide {
            serde_json::to_string_pretty(&document).expect("text")
        } else {
            document.to_string()
        };
        let (rest, attachments) = separated(&text);
        prop_assert_eq!(rest, text);
        prop_assert_eq!(attachments, []);
    }

    #[test]
    fn any_bytes_are_separated_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3_000)) {
        let separated = separate(BytesMut::from(&bytes[..]), LIMITS).expect("within the limits");
        prop_assert!(separated.attachments.is_empty() || serde_json::from_slice::<IgnoredAny>(&bytes).is_ok());
    }

    #[test]
    fn clip_is_taken_out_of_any_document(
        document in documents(),
        length in 1_000..3_000_usize,
        is_url in any::<bool>(),
    ) {
        let bytes = clip(length);
        let base64 = STANDARD.encode(&bytes);
        let value = if is_url { format!("data:video/mp4;base64,{base64}") } else { base64 };
        let (rest, attachments) = separated(&format!("[{document},\"{value}\"]"));
        prop_assert_eq!(rest, format!("[{document},\"attached:0\"]"));
        prop_assert_eq!(&attachments[0].1, &bytes);
    }

    #[test]
    fn base64_is_decoded_with_any_blanks_in_either_alphabet(
        length in 1_000..20_000_usize,
        changes in proptest::collection::vec((0..27_000_usize, 0..6_usize), 0..40),
        every in 1..200_usize,
    ) {
        let bytes = clip(length);
        let mut symbols: Vec<String> = STANDARD.encode(&bytes).chars().map(String::from).collect();
        for at in (0..symbols.len()).step_by(every) {
            symbols[at] = symbols[at].replace('+', "-").replace('/', "_");
        }
        for (at, change) in changes {
            let blank = ["\\n", "\\r\\n", " ", "\\t", "\\u0020", ""][change];
            let at = at % symbols.len();
            symbols[at] = format!("{blank}{}", symbols[at]);
        }
        let (rest, attachments) = separated(&format!("[\"{}\"]", symbols.concat()));
        prop_assert_eq!(rest, "[\"attached:0\"]");
        prop_assert_eq!(&attachments[0].1, &bytes);
    }
}
