use serde_json::json;

use super::*;

#[test]
fn words_name_type_range_choices_length_pattern_and_format() {
    for (schema, expected) in [
        (
            json!({"type": "integer", "minimum": 1, "maximum": 50}),
            "a whole number from 1 to 50",
        ),
        (
            json!({"type": "number", "minimum": 5}),
            "a number of at least 5",
        ),
        (
            json!({"type": "number", "maximum": 0.5}),
            "a number of at most 0.5",
        ),
        (
            json!({"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
            "a number of at most 1 and above 0",
        ),
        (
            json!({"type": "integer", "multipleOf": 8}),
            "a whole number in steps of 8",
        ),
        (
            json!({"type": "integer", "minimum": 1, "allOf": [{"minimum": 5}]}),
            "a whole number of at least 5",
        ),
        (
            json!({"anyOf": [{"type": "boolean"}, {"type": "null"}]}),
            "true, false or null",
        ),
        (
            json!({"type": ["string", "null"], "maxLength": 904}),
            "text of at most 904 characters or null",
        ),
        (
            json!({"type": "string", "minLength": 2, "maxLength": 4}),
            "text of 2 to 4 characters",
        ),
        (
            json!({"type": "string", "pattern": "^a+$"}),
            "text that matches `^a+$`",
        ),
        (json!({"type": "string", "format": "uri"}), "a URL"),
        (
            json!({"enum": ["S", "L", null]}),
            "one of \"S\", \"L\", null",
        ),
        (json!({"const": "S"}), "\"S\""),
        (
            json!({"type": "array", "minItems": 1, "maxItems": 3}),
            "an array of 1 to 3 items",
        ),
        (json!({"type": "object"}), "an object"),
    ] {
        assert_eq!(
            Schema::new(&schema).words().as_deref(),
            Some(expected),
            "{schema}"
        );
    }
    assert_eq!(Schema::new(&json!({})).words(), None);
}

#[test]
fn references_items_and_branches_are_followed_and_a_cycle_ends() {
    let root = json!({
        "$defs": {
            "Size": {"type": "object", "properties": {"width": {"type": "integer"}}},
            "Loop": {"$ref": "#/$defs/Loop"},
        },
        "properties": {
            "sizes": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Size"}}, {"type": "null"}]},
            "loop": {"$ref": "#/$defs/Loop"},
        },
    });
    let at = |path: &[&str]| {
        let path: Vec<_> = path.iter().map(|key| (*key).to_owned()).collect();
        Schema::new(&root).at(&path).and_then(Schema::words)
    };
    assert_eq!(
        at(&["sizes", "0", "width"]).as_deref(),
        Some("a whole number")
    );
    assert_eq!(at(&["sizes"]).as_deref(), Some("an array or null"));
    assert_eq!((at(&["loop"]), at(&["other"])), (None, None));
    assert_eq!(Schema::new(&root).names(), ["loop", "sizes"]);
}
