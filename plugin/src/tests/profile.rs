use serde_json::{Value, json};
use zoetrope_node_sdk::bindings::{Adjustment, ErrorCause, Profile};
use zoetrope_node_sdk::testing::Scripted;
use zoetrope_node_sdk::{input, job};

use crate::nodes::PACK;
use crate::nodes::image_to_video_v3::NODE;

#[test]
fn lax_plan_is_a_valid_strict_input() {
    let given = r#"{"frame_rate": "8.0", "steps": true, "image": "https://a.b/i", "prompt": "20"}"#;
    let lax = input::read(&NODE, given, Profile::Lax, None).unwrap();
    let completed = json!({
        "prompt": "20", "image": "https://a.b/i", "negative_prompt": null,
        "steps": 1, "guidance_scale": 3, "frame_rate": 8,
    });
    assert_eq!(Value::Object(lax.fields), completed);
    let notes: Vec<_> = lax
        .notes
        .iter()
        .map(|note| (note.instance_path.as_str(), note.adjustment))
        .collect();
    assert_eq!(
        notes,
        [
            ("/negative_prompt", Adjustment::Defaulted),
            ("/steps", Adjustment::Coerced),
            ("/guidance_scale", Adjustment::Defaulted),
            ("/frame_rate", Adjustment::Coerced),
        ]
    );
    let strict = input::read(&NODE, &completed.to_string(), Profile::Strict, None).unwrap();
    assert_eq!(Value::Object(strict.fields), completed);
    assert_eq!(strict.notes, []);
}

#[test]
fn start_uses_the_strict_profile() {
    let given = r#"{"prompt": "p", "image": "https://a.b/i", "steps": "20"}"#;
    let refused = job::start(&PACK, &Scripted::new([]), NODE.name, given, "key").unwrap_err();
    assert!(
        matches!(&refused.cause, ErrorCause::InvalidInput(violations)
            if violations[0].instance_path == "/steps"),
        "{refused:?}"
    );
}
