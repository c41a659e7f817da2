//! Properties of `check` for generated inputs, through the real component.

use std::cell::RefCell;
use std::iter::once;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use zoetrope_fuzzing::{Target, parts};
use zoetrope_host::component::{CallContext, CallError, CheckSession};
use zoetrope_host::contract::{
    Adjustment, CheckOptions, ErrorCause, Note, Plan, Profile, Violation,
};
use zoetrope_host::sanitize::sentence;

use crate::catalogue::NODES;
use crate::support::pack;

use self::inputs::{CANARY, Published, inputs};

mod inputs;

const STRICT: CheckOptions = CheckOptions {
    profile: Profile::Strict,
    preview_request: false,
};

/// Keywords of the published schemas and of the rules, and `json` for invalid documents.
const KEYWORDS: [&str; 9] = [
    "anyOf",
    "enum",
    "json",
    "maxLength",
    "maximum",
    "minimum",
    "pattern",
    "required",
    "type",
];

/// Rules beyond the published schemas: node, path, keyword.
const RULES: [(&str, &str, &str); 5] = [
    (POPPY, "/image", "pattern"),
    (IMAGE2VIDEO, "", "anyOf"),
    (IMAGE2VIDEO, "/duration_s", "minimum"),
    (IMAGE2VIDEO, "/seconds", "minimum"),
    (IMG2IMG, "", "anyOf"),
];

const POPPY: &str = "shortapi/poppy-v1.0/image-to-video";
const IMAGE2VIDEO: &str = "popiskill-video-image2video-basic-v1";
const IMG2IMG: &str = "popiskill-image-img2img-basic-v1";

/// Fields and their aliases.
const ALIASES: [(&str, &str); 2] = [
    ("image_url", "reference_image_url"),
    ("duration_s", "seconds"),
];

/// A check session for all inputs of a test.
struct Checker {
    runtime: Runtime,
    session: RefCell<CheckSession>,
}

impl Checker {
    fn new() -> Self {
        let session = CheckSession::new(pack(), CallContext::offline());
        Self {
            runtime: Runtime::new().expect("a runtime"),
            session: RefCell::new(session),
        }
    }

    /// The plan or the violations. Any other result fails the test case.
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
    // A failure prints its input, so no file of failures is needed in the source tree.
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    if let Err(error) = TestRunner::new(config).run(strategy, test) {
        panic!("{error}");
    }
}

/// Asserts that a message is one line and repeats no value of the input.
fn is_redacted(message: &str) -> Result<(), TestCaseError> {
    let is_one_line = !message.is_empty() && !message.contains('\n');
    prop_assert!(is_one_line && !message.contains(CANARY), "{}", message);
    Ok(())
}

/// Asserts that a violation has a known keyword, an existing path and a redacted message.
fn is_valid_violation(
    violation: &Violation,
    document: Option<&Value>,
) -> Result<(), TestCaseError> {
    is_redacted(&violation.message)?;
    prop_assert!(
        KEYWORDS.contains(&violation.keyword.as_str()),
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

/// Whether an object has a field at this path, in its sanitized form.
fn has(object: &Value, place: &str) -> bool {
    let mut keys = object.as_object().into_iter().flat_map(Map::keys);
    keys.any(|key| {
        let token = key.replace('~', "~0").replace('/', "~1");
        sentence(&format!("/{token}")) == place
    })
}

/// Asserts that a note's path exists: in the input for a coerced or dropped field, in the completed
/// input for a default or a field that is not forwarded.
fn is_valid_note(note: &Note, input: &Value, complete: &Value) -> Result<(), TestCaseError> {
    is_redacted(&note.message)?;
    let was_given = has(input, &note.instance_path);
    let is_there = has(complete, &note.instance_path);
    let holds = match note.adjustment {
        Adjustment::Defaulted => is_there && !was_given,
        Adjustment::Coerced | Adjustment::Dropped => was_given,
        Adjustment::NotForwarded | Adjustment::Advice => is_there,
    };
    prop_assert!(holds, "{:?}: {} in {}", note, complete, input);
    Ok(())
}

/// Asserts that a plan's notes are valid and that checking its input again changes nothing. Returns
/// the completed input.
fn is_final(
    checker: &Checker,
    node: &str,
    input: &Value,
    plan: &Plan,
) -> Result<Value, TestCaseError> {
    let complete = serde_json::from_str(&plan.input).expect("JSON");
    for note in &plan.notes {
        is_valid_note(note, input, &complete)?;
    }
    let again = checker.check(node, &plan.input)?;
    let Ok(again) = again else {
        let refused = format!("the plan is refused: {}", plan.input);
        return Err(TestCaseError::fail(refused));
    };
    prop_assert_eq!(&again.input, &plan.input);
    let unchanged = |note: &Note| {
        matches!(
            note.adjustment,
            Adjustment::NotForwarded | Adjustment::Advice
        )
    };
    prop_assert!(again.notes.iter().all(unchanged), "{:?}", again.notes);
    Ok(complete)
}

#[test]
fn check_of_any_text_returns_a_plan_or_violations() {
    let checker = Checker::new();
    let (usual, _) = NODES[1];
    Target::new("check", 400).run(|input| {
        let [node, text] = parts(input, [usual.as_bytes(), b""]).map(String::from_utf8_lossy);
        let known = NODES.iter().find(|(known, _)| *known == node);
        let node = known.map_or(usual, |(known, _)| known);
        let document = serde_json::from_str(&text).ok();
        let violations = match checker.check(node, &text).expect("an answer") {
            Err(violations) => violations,
            Ok(plan) => {
                let document = document.expect("a document");
                is_final(&checker, node, &document, &plan).expect("a plan");
                return "accepted";
            }
        };
        assert!(!violations.is_empty());
        let is_about_text = violations
            .iter()
            .any(|violation| violation.keyword == "json");
        assert!(!is_about_text || violations.len() == 1, "{violations:?}");
        for violation in &violations {
            let document = document.as_ref().filter(|_| !is_about_text);
            is_valid_violation(violation, document).expect("a violation");
        }
        if is_about_text {
            "no document"
        } else {
            "refused"
        }
    });
}

/// The violations are those of the schema and of [`RULES`].
#[test]
fn check_accepts_an_input_as_the_published_schema_does() {
    let checker = Checker::new();
    let published = Published::all();
    holds(1_000, &inputs(&published), |(index, input)| {
        let Published {
            node, validator, ..
        } = &published[index];
        let expected: Vec<_> = validator.iter_errors(&input).collect();
        let Err(violations) = checker.check(node, &input.to_string())? else {
            prop_assert!(expected.is_empty(), "{:?} {}", expected, input);
            return Ok(());
        };
        prop_assert!(!violations.is_empty());
        for violation in &violations {
            is_valid_violation(violation, Some(&input))?;
            let place = violation.instance_path.as_str();
            let is_rule = RULES.contains(&(*node, place, violation.keyword.as_str()));
            let mut places = expected.iter().map(|error| error.instance_path().as_str());
            let is_meant = is_rule || places.any(|one| one == place);
            prop_assert!(is_meant, "{:?} {}", violation, input);
        }
        for error in &expected {
            let place = error.instance_path().as_str();
            let is_there = violations.iter().any(|one| one.instance_path == place);
            prop_assert!(is_there, "{:?} {:?}", error, violations);
        }
        Ok(())
    });
}

#[test]
fn check_of_a_completed_input_changes_nothing() {
    let checker = Checker::new();
    let published = Published::all();
    holds(1_000, &inputs(&published), |(index, input)| {
        let Published {
            node,
            validator,
            properties,
            ..
        } = &published[index];
        let Ok(plan) = checker.check(node, &input.to_string())? else {
            return Ok(());
        };
        let complete = is_final(&checker, node, &input, &plan)?;
        prop_assert!(validator.is_valid(&complete), "{}", complete);
        let fields = complete.as_object().expect("an object");
        prop_assert!(fields.keys().all(|key| properties.contains_key(key)));

        let same = |kept: &Value, expected: &Value| {
            kept == expected || kept.as_f64() == expected.as_f64() && kept.is_number()
        };
        let has_note = |name: &str, adjustment| {
            let place = format!("/{name}");
            let mut notes = plan.notes.iter();
            notes.any(|note| note.instance_path == place && note.adjustment == adjustment)
        };
        for (name, property) in properties {
            let aliases = ALIASES.iter().filter(|(field, _)| field == name);
            let mut names = once(name.as_str()).chain(aliases.map(|(_, alias)| *alias));
            let given = names.find_map(|name| {
                let given = input.get(name)?;
                (!has_note(name, Adjustment::Dropped)).then_some(given)
            });
            let is_kept = match (complete.get(name), given.or(property.get("default"))) {
                (None, None) => true,
                (Some(kept), Some(expected)) => same(kept, expected),
                _ => false,
            };
            let is_kept = is_kept || has_note(name, Adjustment::Coerced);
            prop_assert!(is_kept, "{}: {} {}", name, input, complete);
        }
        Ok(())
    });
}

/// A number as JSON writes it: of any length, with a fraction and an exponent.
fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?"
}

#[test]
fn numbers_pass_through_as_written() {
    let checker = Checker::new();
    let fields = [
        (IMAGE2VIDEO, "seed"),
        (IMAGE2VIDEO, "fps"),
        (IMG2IMG, "seed"),
        (IMG2IMG, "strength"),
    ];
    let inputs = (proptest::sample::select(fields.to_vec()), number());
    holds(2_000, &inputs, |((node, field), number)| {
        let text = format!(r#"{{"prompt":"p","image_url":"https://a.b/c","{field}":{number}}}"#);
        let plan = checker.check(node, &text)?.expect("a plan");
        let written = format!("\"{field}\":{number}");
        let input = &plan.input;
        prop_assert!(
            input.contains(&format!("{written},")) || input.contains(&format!("{written}}}")),
            "{} {}",
            number,
            input
        );
        prop_assert_eq!(plan.notes, []);
        let again = checker.check(node, &plan.input)?.expect("a plan");
        prop_assert_eq!(again.input, plan.input);
        Ok(())
    });
}

/// An integer of the one node that has integers becomes an integer, with a note.
#[test]
fn integers_in_every_notation_become_integers() {
    let checker = Checker::new();
    for (written, steps, is_noted) in [
        ("20", 20, false),
        ("20.0", 20, true),
        ("2e1", 20, true),
        ("2E+1", 20, true),
        ("0.2e2", 20, true),
        ("200e-1", 20, true),
        ("20.000000000000000000000", 20, true),
    ] {
        let text = format!(r#"{{"prompt":"p","image":"https://a.b/c","steps":{written}}}"#);
        let plan = checker.check("image_to_video_v3", &text);
        let plan = plan.expect("an answer").expect("a plan");
        let input: Value = serde_json::from_str(&plan.input).expect("JSON");
        assert_eq!(input["steps"].to_string(), steps.to_string(), "{written}");
        let mut notes = plan.notes.iter();
        let is_coerced = notes.any(|note| note.adjustment == Adjustment::Coerced);
        assert_eq!(is_coerced, is_noted, "{written}");
    }
}

#[test]
fn reused_instance_answers_like_a_fresh_one() {
    let checker = Checker::new();
    let pack = pack();
    let published = Published::all();
    holds(150, &inputs(&published), |(index, input)| {
        let node = published[index].node;
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
fn same_input_gives_the_same_plan() {
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
