//! The violations of an input as text and as JSON.

use serde_json::{Value, json};
use zoetrope_host::contract::{ErrorCause, Violation};
use zoetrope_host::sanitize::line;

/// The message of a failure with these violations.
pub(super) fn message(violations: &[Violation]) -> String {
    match distinct(violations).as_slice() {
        [only]
            if violations
                .iter()
                .any(|violation| !violation.message.is_empty()) =>
        {
            only.clone()
        }
        _ => ErrorCause::InvalidInput(violations.to_vec()).message(),
    }
}

/// The lines below the message, if it does not say everything.
pub(super) fn lines(violations: &[Violation]) -> Vec<String> {
    let lines = distinct(violations);
    if lines.len() < 2 {
        return Vec::new();
    }
    let lines = lines.iter().map(|text| format!("  {}", line(text)));
    lines.collect()
}

/// A violation in the JSON of a failure.
pub(super) fn document(violation: &Violation) -> Value {
    json!({
        "instance_path": violation.instance_path,
        "keyword": violation.keyword,
        "message": violation.message,
    })
}

/// The name of the field at a JSON Pointer: `/sizes/0` is `sizes.0`.
pub(crate) fn field_name(pointer: &str) -> String {
    let parts = pointer.split('/').skip(1);
    let parts = parts.map(|part| part.replace("~1", "/").replace("~0", "~"));
    line(&parts.collect::<Vec<_>>().join(".")).into_owned()
}

/// The sentences, each once: a value of a wrong type may also be out of its range.
fn distinct(violations: &[Violation]) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for violation in violations {
        let sentence = sentence(violation);
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    sentences
}

/// One violation. A message that does not name its field gets the name before it.
pub(super) fn sentence(violation: &Violation) -> String {
    let Violation {
        instance_path,
        message,
        ..
    } = violation;
    let name = field_name(instance_path);
    let is_named = message.starts_with(&name) || message.starts_with(&format!("`{name}`"));
    if instance_path.is_empty() || is_named {
        message.clone()
    } else {
        format!("{name}: {message}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(instance_path: &str, keyword: &str, message: &str) -> Violation {
        Violation {
            instance_path: instance_path.into(),
            keyword: keyword.into(),
            message: message.into(),
        }
    }

    #[test]
    fn one_sentence_is_the_message_and_several_follow_it() {
        let range = "steps must be a whole number from 1 to 50; got 0.5";
        let twice = [
            violation("/steps", "type", range),
            violation("/steps", "minimum", range),
        ];
        assert_eq!(
            (message(&twice).as_str(), lines(&twice)),
            (range, Vec::new())
        );
        let own = violation("/a/0", "json", "This key is given more than once.");
        assert_eq!(
            message(std::slice::from_ref(&own)),
            "a.0: This key is given more than once."
        );
        let several = [twice[0].clone(), twice[1].clone(), own];
        assert_eq!(message(&several), "the input has 3 violations");
        let shown = [
            format!("  {range}"),
            "  a.0: This key is given more than once.".into(),
        ];
        assert_eq!(lines(&several), shown);
        assert_eq!(field_name("/a~1b/0"), "a/b.0");
        assert_eq!(
            message(&[violation("", "", "")]),
            "the component gives no reason"
        );
    }
}
