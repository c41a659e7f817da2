//! Components whose answers exceed the limits or contain terminal escapes.

use serde_json::{Value, json};
use zoetrope_host::component::{CallError, TrapKind};
use zoetrope_host::contract::{Charge, JobState, NodeError, Started, Step};
use zoetrope_host::sanitize::is_harmful;

use super::Family;
use super::fixture::{Fixture, short, stopped};
use crate::support::hostile::hostile_listing;

/// Terminal escapes inside a sentence.
const ESCAPES: &str = "done\u{1b}[2J\u{1b}]52;c;cm0gLXJm\u{7}\u{9b}31m\r\n\u{202e}txt\0";

/// The limits of a sentence and a list in an answer.
const SENTENCE: usize = 5 << 10;
const LIST: usize = 1000;

pub(super) fn family() -> Family {
    let mut family = Family::new("answers");
    too_long(&mut family);
    too_many(&mut family);
    printed_as_text(&mut family);
    family
}

fn much(bytes: usize) -> Value {
    json!({"repeat": "xxxxxxxxxx", "times": bytes / 10})
}

fn too_long(family: &mut Family) {
    family.attack("a plan of 100 MB", || {
        let outcome = Fixture::new().check(&json!({"then": {"plan": {"input": much(100 << 20)}}}));
        is_refused(outcome);
    });
    family.attack("a plan longer than the host's limit on copied data", || {
        let outcome = Fixture::new().check(&json!({"then": {"plan": {"input": much(180 << 20)}}}));
        assert_eq!(stopped(outcome), TrapKind::Trapped);
    });
    family.attack("a request preview of 100 MB", || {
        let plan = json!({"then": {"plan": {"input": "{}", "request": much(100 << 20)}}});
        is_refused(Fixture::new().check(&plan));
    });
    family.attack("a ticket of 50 MB for a paid job", || {
        let submit = json!({"request": {"body": {"text": "{}"}}});
        let accept = json!({"accept": {"ticket": much(50 << 20), "id": "j-1"}});
        let report = Fixture::new().start(&json!({"do": [submit], "then": accept}));
        let error = is_refused(report.judged());
        assert_eq!(
            (error.cause.kind().as_str(), error.charge),
            ("outcome_unknown", Charge::Unknown)
        );
    });
    family.attack("a replacement ticket of 50 MB", || {
        let wait = json!({"wait": {"ticket": much(50 << 20)}});
        is_refused(Fixture::new().poll(&json!({"then": wait})));
    });
    family.attack("an output of 50 MB", || {
        let succeed = json!({"succeed": {"output": much(50 << 20)}});
        is_refused(Fixture::new().poll(&json!({"then": succeed})));
    });
    family.attack("a URL of 50 MB", || {
        let succeed = json!({"succeed": {"output": "{}", "media": 1, "url": much(50 << 20)}});
        is_refused(Fixture::new().poll(&json!({"then": succeed})));
    });
    family.attack("a field's value of 100 MB", || {
        is_refused(Fixture::new().plan_upload(&json!({"then": {"value": much(100 << 20)}})));
    });
    for cause in [
        "unsupported",
        "denied",
        "not_sent",
        "rejected",
        "unavailable",
        "job_lost",
    ] {
        family.attack(format!("an error of 10 MB: {cause}"), move || {
            let fixture = Fixture::new();
            let instruction =
                json!({"then": {"error": {"cause": cause, "message": much(10 << 20)}}});
            for error in [
                is_refused(fixture.check(&instruction)),
                is_refused(fixture.start(&instruction).judged()),
                is_refused(fixture.poll(&instruction)),
                is_refused(fixture.plan_upload(&instruction)),
            ] {
                assert_eq!(error.cause.kind().as_str(), cause);
            }
        });
    }
}

fn too_many(family: &mut Family) {
    family.attack("two hundred thousand violations", || {
        let error = json!({"cause": "invalid_input", "violations": 200_000, "message": "x"});
        let error = is_refused(Fixture::new().check(&json!({"then": {"error": error}})));
        assert_eq!(error.cause.violations().len(), LIST);
    });
    family.attack("two hundred thousand notes", || {
        let plan = json!({"plan": {"input": "{}", "notes": 200_000, "note": "x"}});
        let plan = Fixture::new().check(&json!({"then": plan}));
        let plan = plan.expect("a plan");
        assert_eq!(plan.notes.len(), LIST);
    });
    family.attack("ten thousand media", || {
        let succeed =
            json!({"succeed": {"output": "{}", "media": 10_000, "url": "https://a.example"}});
        is_refused(Fixture::new().poll(&json!({"then": succeed})));
    });
    family.attack("a hundred thousand node types", || {
        let component = hostile_listing(&json!({"count": 100_000}));
        let fixture = Fixture::new().with_component(&component);
        assert_eq!(stopped(fixture.node_types()), TrapKind::Trapped);
        Fixture::is_unharmed();
    });
    for fraction in ["NaN", "inf", "-inf", "-1", "1e38"] {
        family.attack(format!("progress of {fraction}"), move || {
            let wait = json!({"wait": {"fraction": fraction, "poll_after_ms": u64::MAX}});
            let state = Fixture::new().poll(&json!({"then": wait}));
            let Ok(JobState::Waiting(progress)) = state else {
                panic!("{state:?}")
            };
            let is_one = progress
                .fraction
                .is_none_or(|part| (0.0..=1.0).contains(&part));
            assert!(is_one, "{progress:?}");
        });
    }
}

fn printed_as_text(family: &mut Family) {
    for cause in [
        "unsupported",
        "invalid_input",
        "rejected",
        "outcome_unknown",
        "protocol_violation",
    ] {
        family.attack(
            format!("terminal escapes in an error: {cause}"),
            move || {
                let instruction = json!({"then": {"error": {"cause": cause, "message": ESCAPES}}});
                let error = is_refused(Fixture::new().start(&instruction).judged());
                for violation in error.cause.violations() {
                    is_harmless(&violation.message);
                    is_harmless(&violation.instance_path);
                    is_harmless(&violation.keyword);
                }
                let code = error.cause.fault().and_then(|fault| fault.code.as_deref());
                is_harmless(code.unwrap_or_default());
            },
        );
    }
    family.attack("terminal escapes in notes", || {
        let plan = json!({"plan": {"input": "{}", "notes": 1, "note": ESCAPES}});
        let plan = Fixture::new().check(&json!({"then": plan}));
        let plan = plan.expect("a plan");
        is_harmless(&plan.notes[0].message);
        is_harmless(&plan.notes[0].instance_path);
    });
    family.attack("terminal escapes in the provider's job id", || {
        let accept = json!({"accept": {"ticket": "{}", "id": ESCAPES}});
        let started = Fixture::new().start(&json!({"then": accept})).judged();
        let Ok(Started::Accepted(acceptance)) = started else {
            panic!("{started:?}")
        };
        is_harmless(&acceptance.provider_job_id);
    });
    family.attack("terminal escapes in the progress", || {
        let state = Fixture::new().poll(&json!({"then": {"wait": {"message": ESCAPES}}}));
        let Ok(JobState::Waiting(progress)) = state else {
            panic!("{state:?}")
        };
        is_harmless(&progress.message.expect("a message"));
    });
    family.attack("terminal escapes in a failure", || {
        let fail = json!({"fail": {"message": ESCAPES, "code": ESCAPES}});
        let state = Fixture::new().poll(&json!({"then": fail}));
        let Ok(JobState::Failed(failure)) = state else {
            panic!("{state:?}")
        };
        is_harmless(&failure.fault.message);
        is_harmless(&failure.fault.code.expect("a code"));
    });
    family.attack("an upload in place of a value", || {
        let upload = json!({"upload": {"method": "POST", "path": "/v1/files"}});
        let fixture = Fixture::new();
        let step = fixture.plan_upload(&json!({"then": upload}));
        assert!(matches!(step, Ok(Step::Upload(_))), "{step:?}");
        fixture.nothing_arrived();
    });
}

/// Asserts that an error has a bounded length and no terminal escapes.
#[track_caller]
fn is_refused<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> NodeError {
    match outcome {
        Err(CallError::Node(error)) => {
            is_harmless(&error.cause.message());
            error
        }
        other => panic!("{}", short(&format!("{other:?}"))),
    }
}

#[track_caller]
fn is_harmless(words: &str) {
    assert!(!words.contains(is_harmful), "{:?}", short(words));
    assert!(words.len() <= SENTENCE, "{} bytes", words.len());
}
