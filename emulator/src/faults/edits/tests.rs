use serde_json::json;

use super::*;

fn edited(edits: &Edits, body: &Value) -> Value {
    let text = edits.text(body.clone(), &HashMap::new());
    serde_json::from_str(&text).expect("JSON")
}

fn moved(from: &str, to: &str) -> PlaceEdit {
    PlaceEdit::Move {
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

fn copied(from: &str, to: &str) -> PlaceEdit {
    PlaceEdit::Copy {
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

#[test]
fn merge_patch_follows_rfc_7396() {
    let cases = [
        (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
        (
            json!({"a": "b"}),
            json!({"b": "c"}),
            json!({"a": "b", "b": "c"}),
        ),
        (
            json!({"a": "b", "b": "c"}),
            json!({"a": null}),
            json!({"b": "c"}),
        ),
        (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
        (
            json!({"a": {"b": "c"}}),
            json!({"a": {"b": "d", "c": null}}),
            json!({"a": {"b": "d"}}),
        ),
        (json!({"a": "foo"}), json!("bar"), json!("bar")),
        (
            json!({}),
            json!({"a": {"bb": {"ccc": null}}}),
            json!({"a": {"bb": {}}}),
        ),
        (
            json!(["a"]),
            json!({"a": "b", "c": null}),
            json!({"a": "b"}),
        ),
    ];
    for (mut target, patch, expected) in cases {
        merge(&mut target, &patch);
        assert_eq!(target, expected, "{patch}");
    }
}

#[test]
fn reply_is_unwrapped_before_it_is_patched() {
    let edits = Edits {
        unwrap: Some("/data/0".to_owned()),
        patch: Some(json!({"b": 2})),
        pad_bytes: Some(1),
        ..Edits::default()
    };
    let inner = json!({"a": 1, "b": 2, "padding": "x"});
    assert_eq!(edited(&edits, &json!({"data": [{"a": 1}]})), inner);
    assert_eq!(edited(&edits, &json!({"data": ["a"]})), "a");
    let same = edited(&edits, &json!({"a": 1}));
    assert_eq!(same, inner, "nothing at the pointer");
}

#[test]
fn padding_and_nesting_are_appended() {
    let edits = Edits {
        pad_bytes: Some(3),
        nest: Some(2),
        ..Edits::default()
    };
    let text = |body: Value| edits.text(body, &HashMap::new());
    assert_eq!(text(json!({})), r#"{"padding":"xxx","nesting":[[]]}"#);
    let expected = r#"{"a":1,"padding":"xxx","nesting":[[]]}"#;
    assert_eq!(text(json!({"a": 1})), expected);
}

#[test]
fn places_are_moved_copied_removed_and_set() {
    let video = json!({"output": {"video": "u", "a/b": 1}});
    for (places, expected) in [
        (
            vec![moved("/output/video", "/output/video/0")],
            json!({"output": {"video": ["u"], "a/b": 1}}),
        ),
        (
            vec![
                moved("/output/video", "/output/video/0/url"),
                copied("/output/video/0", "/output/video/1"),
            ],
            json!({"output": {"video": [{"url": "u"}, {"url": "u"}], "a/b": 1}}),
        ),
        (
            vec![moved("/output/video", "/output/video/href")],
            json!({"output": {"video": {"href": "u"}, "a/b": 1}}),
        ),
        (
            vec![moved("/output/video", "/output")],
            json!({"output": "u"}),
        ),
        (
            vec![
                PlaceEdit::Remove("/output/a~1b".to_owned()),
                PlaceEdit::Set("/output/video/x".to_owned(), json!(2)),
                PlaceEdit::Set("/output/list/1".to_owned(), json!(3)),
            ],
            json!({"output": {"video": {"x": 2}, "list": []}}),
        ),
        (
            vec![moved("/none", "/output/x"), copied("/none/0", "/y")],
            video.clone(),
        ),
    ] {
        let edits = Edits {
            places,
            ..Edits::default()
        };
        assert_eq!(edited(&edits, &video), expected, "{edits:?}");
    }
}

#[test]
fn status_words_replace_known_words_at_both_places() {
    let words = [("queued", "QUEUED"), ("done", "Done"), ("2", "SUCCEEDED")];
    let edits = Edits {
        status_words: words
            .map(|(word, other)| (word.to_owned(), other.to_owned()))
            .into(),
        ..Edits::default()
    };
    let status = edited(&edits, &json!({"status": "queued"}));
    assert_eq!(status, json!({"status": "QUEUED"}));
    let status = edited(&edits, &json!({"data": {"status": "done"}}));
    assert_eq!(status, json!({"data": {"status": "Done"}}));
    let status = edited(&edits, &json!({"data": {"status": 2}}));
    assert_eq!(status, json!({"data": {"status": "SUCCEEDED"}}));
    for other in [json!({"status": "running"}), json!({"status": 1})] {
        assert_eq!(edited(&edits, &other), other);
    }
}
