//! The fuzz target of pictures and clips inside replies; see `docs/reference/fuzzing.md`.

use serde_json::Value;
use zoetrope_fuzzing::Target;

use super::*;

const LIMITS: Limits = Limits {
    first: 3,
    text: 1 << 20,
    clips: 1 << 20,
};

/// Checks that only strings were replaced, and that no other string names an attachment.
fn compare(before: &Value, after: &Value, attachments: usize) {
    match (before, after) {
        (Value::String(before), Value::String(after)) if before != after => {
            let is_marked = after.strip_prefix("not-") == Some(before);
            let number = Attachments::number(after);
            let is_taken = number.is_some_and(|number| (3..3 + attachments).contains(&number));
            assert!(is_marked || is_taken, "{before} became {after}");
        }
        (Value::String(text), Value::String(_)) => {
            assert_eq!(Attachments::number(text), None, "it names an attachment");
        }
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len());
            for (before, after) in before.iter().zip(after) {
                compare(before, after, attachments);
            }
        }
        (Value::Object(before), Value::Object(after)) => {
            assert_eq!(before.len(), after.len());
            for (name, before) in before {
                compare(before, &after[name], attachments);
            }
        }
        (before, after) => assert_eq!(before, after),
    }
}

#[test]
fn reply_of_any_text_keeps_all_but_its_pictures_and_clips() {
    Target::new("attachments", 2000).run(|input| {
        let Ok(separated) = separate(BytesMut::from(input), LIMITS) else {
            return "too long";
        };
        let (text, count) = (separated.text, separated.attachments.len());
        let Ok(before) = serde_json::from_slice::<Value>(input) else {
            let is_json = serde_json::from_slice::<IgnoredAny>(input).is_ok();
            assert!(is_json || text == input && count == 0);
            return "no document";
        };
        let after = serde_json::from_slice(&text).expect("a document");
        compare(&before, &after, count);
        if text == input {
            assert_eq!(count, 0);
            return "unchanged";
        }
        if count > 0 { "taken out" } else { "marked" }
    });
}
