use std::collections::HashMap;
use std::convert::Infallible;

use proptest::prelude::*;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::digest::Sha256Digest;

/// Every text is a picture, so that all of them can be detached. Returns the texts by digest, too.
fn detached(document: &Value, fields: &[&str]) -> (Value, HashMap<String, String>) {
    let (mut detached, mut kept) = (document.clone(), HashMap::new());
    let mut keep = |text: &str| -> Result<String, Infallible> {
        let digest = Sha256Digest::from(Sha256::digest(text)).to_string();
        kept.insert(digest.clone(), text.to_owned());
        Ok(digest)
    };
    let Ok(()) = detach(&mut detached, fields, |_| true, &mut keep);
    (detached, kept)
}

/// A document after both steps, and how many pictures were stored.
fn round_trip(document: &Value, fields: &[&str]) -> (Value, Value, usize) {
    let (detached, kept) = detached(document, fields);
    let mut back = detached.clone();
    attach(&mut back, &mut |digest| {
        kept.get(digest).cloned().ok_or_else(|| digest.to_owned())
    })
    .expect("every placeholder has its picture");
    (detached, back, kept.len())
}

#[test]
fn pictures_at_nested_pointers_and_in_arrays_are_detached_and_attached_again() {
    let document = json!({
        "a": {"b": "one", "c/d": {"~": "two"}},
        "images": ["three", {"url": "four"}, "not a field"],
        "prompt": "p",
    });
    let fields = ["/a/b", "/a/c~1d/~0", "/images/0", "/images/1/url"];
    let (detached, back, kept) = round_trip(&document, &fields);
    assert_eq!((&back, kept), (&document, 4));
    for field in fields {
        let placeholder = detached.pointer(field).expect("a value");
        assert!(digest_of(placeholder).is_some(), "{field}: {placeholder}");
    }
    assert_eq!(detached["images"][2], "not a field");
    let mut named = 0;
    digests(&detached, &mut |_| named += 1);
    assert_eq!(named, 4);
}

#[test]
fn pointers_that_overlap_or_repeat_are_those_of_the_given_document() {
    let document = json!({"a": "picture", "b": [["x"]]});
    let fields = ["/a", "/a/$picture", "/a", "/b", "/b/0", "/b/00/0", "/b/0/0"];
    let (detached, back, kept) = round_trip(&document, &fields);
    assert_eq!((back, kept), (document, 2));
    assert!(digest_of(&detached["a"]).is_some());
}

#[test]
fn object_of_the_placeholders_form_in_an_input_stays_what_it_is() {
    let digest = "0".repeat(64);
    let forged = json!({"$picture": digest});
    for document in [
        forged.clone(),
        json!({"image": forged, "prompt": {"$picture": "no digest"}}),
        json!({"deep": [{"$$picture": digest}, {"$picture": forged}, {"$picture": digest, "more": 1}]}),
    ] {
        let (detached, back, kept) = round_trip(&document, &["/image", "/image/$none"]);
        assert_eq!((&back, kept), (&document, 0));
        let mut loaded = Vec::new();
        let attached = attach(&mut detached.clone(), &mut |digest| {
            loaded.push(digest.to_owned());
            Ok::<_, Infallible>(String::new())
        });
        assert!(attached.is_ok() && loaded.is_empty(), "{detached}");
    }
    // The text of a field that is named below such an object is a picture as any other.
    let document = json!({"x": {"$picture": "data"}});
    let (detached, back, kept) = round_trip(&document, &["/x/$picture"]);
    assert_eq!((back, kept), (document, 1), "{detached}");
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("$picture".to_owned()),
        Just("$$picture".to_owned()),
        Just("0".repeat(64)),
        "[a-c0-2/~$]{0,3}",
    ]
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i32>().prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((texts(), inner.clone()), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            (texts(), inner).prop_map(|field| Value::Object([field].into_iter().collect())),
        ]
    })
}

/// The pointers of all texts of a document.
fn pointers(value: &Value, here: &str, all: &mut Vec<String>) {
    match value {
        Value::String(_) => all.push(here.to_owned()),
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                pointers(value, &format!("{here}/{index}"), all);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(value, &format!("{here}/{key}"), all);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn attach_returns_what_detach_was_given(
        document in documents(),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        other in "(/[a-c0-2~$]{0,3}){0,3}",
    ) {
        let mut all = Vec::new();
        pointers(&document, "", &mut all);
        let mut fields = vec![other.as_str()];
        if !all.is_empty() {
            fields.extend(chosen.iter().map(|index| index.get(&all).as_str()));
        }
        let (detached, back, _) = round_trip(&document, &fields);
        prop_assert_eq!(&back, &document, "{}", detached);
        for field in fields {
            if document.pointer(field).is_some_and(Value::is_string) {
                let mut found = 0;
                digests(&detached, &mut |_| found += 1);
                prop_assert!(found > 0, "{} in {}", field, detached);
            }
        }
    }
}
