//! What holds for `check` of any input, through the real component.

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use zoetrope_fuzzing::{Target, parts};
use zoetrope_host::call::{CallContext, CallError};
use zoetrope_host::contract::{Adjustment, CheckOptions, ErrorCause, Plan, Profile, Violation};
use zoetrope_host::session::Session;

use crate::support::{pack, schema};

const NODES: [&str; 2] = ["image_to_video", "image_to_video_v3"];
const STRICT: CheckOptions = CheckOptions {
    profile: Profile::Strict,
    preview_request: false,
};

/// Stands in the corpus wherever a value is, which no violation may repeat.
const CANARY: &str = "canary";

/// Keywords of the published schemas, and the one for texts that are no document.
const KEYWORDS: [&str; 7] = [
    "enum",
    "json",
    "maxLength",
    "maximum",
    "minimum",
    "required",
    "type",
];

/// One session for all inputs of a test.
struct Checker {
    runtime: Runtime,
    session: RefCell<Session>,
}

impl Checker {
    fn new() -> Self {
        let session = Session::new(pack(), CallContext::offline());
        Self {
            runtime: Runtime::new().expect("a runtime"),
            session: RefCell::new(session),
        }
    }

    /// The plan, or the violations; anything else is a failure.
    fn check(
        &self,
        node: &str,
        input: &str,
    ) -> Result<Result<Plan, Vec<Violation>>, TestCaseError> {
        let mut session = self.session.borrow_mut();
        match self.runtime.block_on(session.check(node, input, STRICT)) {
            Ok(plan) => Ok(Ok(plan)),
            Err(CallError::Node(error)) => match error.cause {
                ErrorCause::InvalidInput(violations) => Ok(Err(violations)),
                other => Err(TestCaseError::fail(format!("{other:?}"))),
            },
            Err(other) => Err(TestCaseError::fail(format!("{other:?}"))),
        }
    }
}

fn holds<S: Strategy>(
    cases: u32,
    strategy: &S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    // Failures are told in full; a file of them in the source tree helps nobody else.
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    if let Err(error) = TestRunner::new(config).run(strategy, test) {
        panic!("{error}");
    }
}

/// Whether a place named by a violation is one, and tells nothing of the value.
fn is_told(violation: &Violation, document: Option<&Value>) -> Result<(), TestCaseError> {
    prop_assert!(
        KEYWORDS.contains(&violation.keyword.as_str()),
        "{violation:?}"
    );
    prop_assert!(
        !violation.message.is_empty() && !violation.message.contains('\n'),
        "{violation:?}"
    );
    if let Some(document) = document {
        prop_assert!(
            document.pointer(&violation.instance_path).is_some(),
            "{violation:?} in {document}"
        );
    }
    Ok(())
}

fn node() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&NODES[..])
}

/// A value for a field of this name: mostly one that may be right, now and then any.
fn value(field: &'static str) -> BoxedStrategy<Value> {
    let fitting = match field {
        "model" => proptest::sample::select(vec!["Pixel M", "Pixel S", "Pixel L", ""])
            .prop_map(Value::from)
            .boxed(),
        "size" => proptest::sample::select(vec![
            "Square HD (1:1)",
            "Landscape FullHD (16:9)",
            "square hd (1:1)",
        ])
        .prop_map(Value::from)
        .boxed(),
        "prompt_optimizer" => {
            prop_oneof![any::<bool>().prop_map(Value::from), Just(Value::Null)].boxed()
        }
        "steps" | "guidance_scale" | "frame_rate" => prop_oneof![
            (-1_i64..60).prop_map(Value::from),
            (-1_i8..60).prop_map(|whole| Value::from(f64::from(whole))),
            (0.0..60.0).prop_map(|number: f64| Value::from(number)),
        ]
        .boxed(),
        "negative_prompt" => prop_oneof![text().prop_map(Value::from), Just(Value::Null)].boxed(),
        _ => text().prop_map(Value::from).boxed(),
    };
    prop_oneof![6 => fitting, 1 => anything()].boxed()
}

/// Texts around the longest that a prompt may be, in characters of one to four bytes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,30}",
        (
            900_usize..910,
            proptest::sample::select(vec!["a", "\u{e9}", "\u{4e2d}", "\u{1f3a5}"])
        )
            .prop_map(|(count, character)| character.repeat(count)),
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(".{0,8}", inner, 0..6)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// An object with most of the nodes' fields, and some others.
fn input() -> impl Strategy<Value = Value> {
    const FIELDS: [&str; 10] = [
        "prompt",
        "image",
        "negative_prompt",
        "model",
        "size",
        "prompt_optimizer",
        "steps",
        "guidance_scale",
        "frame_rate",
        "stepz",
    ];
    let field = |name| {
        proptest::option::weighted(
            0.85,
            value(name).prop_map(move |value| (name.to_owned(), value)),
        )
    };
    let known = FIELDS.map(field).to_vec();
    let others = proptest::collection::btree_map(".{0,12}", anything(), 0..2);
    (known, others).prop_map(|(known, others)| {
        let object: serde_json::Map<_, _> = others
            .into_iter()
            .chain(known.into_iter().flatten())
            .collect();
        Value::Object(object)
    })
}

#[test]
fn any_text_gets_an_answer() {
    let checker = Checker::new();
    Target::new("check", 400).run(|input| {
        let missing = [NODES[1].as_bytes(), b""];
        let [node, text] = parts(input, missing).map(String::from_utf8_lossy);
        let node = NODES.into_iter().find(|known| *known == node);
        let answer = checker.check(node.unwrap_or(NODES[1]), &text);
        let Err(violations) = answer.expect("an answer") else {
            return "accepted";
        };
        assert!(!violations.is_empty());
        let is_about_text = violations
            .iter()
            .any(|violation| violation.keyword == "json");
        assert!(!is_about_text || violations.len() == 1, "{violations:?}");
        let document = serde_json::from_str(&text).ok();
        for violation in &violations {
            let document = document.as_ref().filter(|_| !is_about_text);
            is_told(violation, document).expect("a violation");
            assert!(!violation.message.contains(CANARY), "{violation:?}");
        }
        if is_about_text {
            "no document"
        } else {
            "refused"
        }
    });
}

#[test]
fn an_input_is_accepted_as_the_published_schema_says() {
    let checker = Checker::new();
    let validators = NODES.map(|node| {
        let published: Value = serde_json::from_str(&schema(node, "input")).expect("JSON");
        jsonschema::draft202012::new(&published).expect("a schema")
    });
    holds(500, &(0..2_usize, input()), |(index, input)| {
        let expected: Vec<_> = validators[index].iter_errors(&input).collect();
        match checker.check(NODES[index], &input.to_string())? {
            Ok(_) => prop_assert!(expected.is_empty(), "{:?} {}", expected, input),
            Err(violations) => {
                prop_assert!(!expected.is_empty(), "{:?} {}", violations, input);
                for violation in &violations {
                    is_told(violation, Some(&input))?;
                }
                let places = |one: &str| {
                    violations
                        .iter()
                        .any(|violation| violation.instance_path == one)
                };
                for error in &expected {
                    prop_assert!(
                        places(error.instance_path().as_str()),
                        "{:?} {:?}",
                        error,
                        violations
                    );
                }
            }
        }
        Ok(())
    });
}

#[test]
fn a_plan_is_complete_and_checking_it_changes_nothing() {
    let checker = Checker::new();
    let validators = NODES.map(|node| {
        let published: Value = serde_json::from_str(&schema(node, "input")).expect("JSON");
        (
            jsonschema::draft202012::new(&published).expect("a schema"),
            published,
        )
    });
    let inputs = (0..2_usize, input(), text(), any::<bool>());
    holds(400, &inputs, |(index, mut input, negative, is_null)| {
        let Some(object) = input.as_object_mut() else {
            return Ok(());
        };
        // Most of what is generated is valid then.
        object.retain(|key, value| !(key == "model" && value == "Pixel L"));
        object.insert("prompt".into(), "p".into());
        object.insert(
            "negative_prompt".into(),
            if is_null {
                Value::Null
            } else {
                negative.into()
            },
        );
        let node = NODES[index];
        let Ok(plan) = checker.check(node, &input.to_string())? else {
            return Ok(());
        };
        let complete: Value = serde_json::from_str(&plan.input).expect("JSON");
        let (validator, published) = &validators[index];
        prop_assert!(validator.is_valid(&complete), "{}", complete);
        let properties = published["properties"].as_object().expect("an object");
        for (name, property) in properties {
            let given = input.get(name);
            let expected = given.or(property.get("default"));
            let same = |kept: &Value, expected: &Value| {
                kept == expected || kept.as_f64() == expected.as_f64() && kept.is_number()
            };
            match (complete.get(name), expected) {
                (None, None) => {}
                (Some(kept), Some(expected)) if same(kept, expected) => {}
                other => prop_assert!(false, "{} {:?}", name, other),
            }
        }
        prop_assert!(
            complete
                .as_object()
                .is_some_and(|fields| fields.keys().all(|key| properties.contains_key(key)))
        );

        let Ok(again) = checker.check(node, &plan.input)? else {
            return Err(TestCaseError::fail(format!(
                "the plan is refused: {}",
                plan.input
            )));
        };
        prop_assert_eq!(&again.input, &plan.input);
        prop_assert!(
            again
                .notes
                .iter()
                .all(|note| note.adjustment == Adjustment::NotForwarded),
            "{:?}",
            again.notes
        );
        Ok(())
    });
}

#[test]
fn a_used_instance_answers_as_a_fresh_one() {
    let checker = Checker::new();
    let pack = pack();
    holds(100, &(node(), input()), |(node, input)| {
        let text = input.to_string();
        let used = checker.check(node, &text)?;
        let fresh =
            checker
                .runtime
                .block_on(pack.check(&CallContext::offline(), node, &text, STRICT));
        match (used, fresh) {
            (Ok(used), Ok(fresh)) => prop_assert_eq!(used, fresh),
            (Err(used), Err(CallError::Node(fresh))) => {
                prop_assert_eq!(&used[..], fresh.cause.violations());
            }
            (used, fresh) => prop_assert!(false, "{:?} {:?}", used, fresh.map(|_| ())),
        }
        Ok(())
    });
}

#[test]
fn the_same_input_is_the_same_plan() {
    let checker = Checker::new();
    let input =
        json!({"prompt": "p", "image": "i", "zoom": 1, "steps": 2.0, "alpha": [1]}).to_string();
    let first = checker
        .check("image_to_video_v3", &input)
        .expect("an answer")
        .expect("a plan");
    let second = checker
        .check("image_to_video_v3", &input)
        .expect("an answer")
        .expect("a plan");
    assert_eq!(first, second);
}
