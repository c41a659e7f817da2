//! Components that allocate beyond the limits of a call, or leak the host's resources.

use std::time::Duration;

use serde_json::{Value, json};
use zoetrope_host::component::{CallContext, Limits, Pack, PackError, TrapKind};
use zoetrope_host::contract::{CheckOptions, Profile};

use super::Family;
use super::fixture::{Fixture, engine, stopped, wait};
use crate::support::guests::{EATS, Guest, LISTS_ONLY, component, policy};
use crate::support::hostile::hostile_listing;

/// Grows a table until the host refuses, then traps.
const GROWS_A_TABLE: &str = "(loop $more (br_if $more (i32.ne (table.grow $table (ref.null func) (i32.const 512)) (i32.const -1)))) unreachable";

pub(super) fn memory() -> Family {
    let mut family = Family::new("memory");
    for function in ["check", "start", "poll", "plan-upload"] {
        family.attack(format!("allocate without end in {function}"), move || {
            let fixture = Fixture::new();
            let instruction = json!({"do": ["allocate"]});
            let stopped = match function {
                "check" => stopped(fixture.check(&instruction)),
                "start" => stopped(fixture.start(&instruction).judged()),
                "poll" => stopped(fixture.poll(&instruction)),
                _ => stopped(fixture.plan_upload(&instruction)),
            };
            assert_eq!(stopped, TrapKind::OutOfMemory);
            Fixture::is_unharmed();
        });
    }
    family.attack("allocate without end in node-types", || {
        let component = hostile_listing(&json!({"do": ["allocate"]}));
        let fixture = Fixture::new().with_component(&component);
        assert_eq!(stopped(fixture.node_types()), TrapKind::OutOfMemory);
        Fixture::is_unharmed();
    });
    grown(&mut family);
    declared(&mut family);
    family
}

/// Memories and tables that grow during a call.
fn grown(family: &mut Family) {
    for (what, check) in [("a memory", EATS), ("a table", GROWS_A_TABLE)] {
        family.attack(format!("grow {what} without end"), move || {
            let guest = Guest {
                check,
                ..LISTS_ONLY
            };
            let component = guest.component();
            let pack = Pack::load(engine(), &component, &policy(&component)).expect("a pack");
            let options = CheckOptions {
                profile: Profile::Strict,
                preview_request: false,
            };
            let offline = CallContext::offline().with_limits(Limits {
                cpu: Duration::from_millis(500),
                ..Limits::default()
            });
            let checked = wait(pack.check(&offline, "image_to_video_v3", "{}", options));
            assert_eq!(stopped(checked), TrapKind::OutOfMemory);
            Fixture::is_unharmed();
        });
    }
}

/// Memories, tables and instances that a component declares.
fn declared(family: &mut Family) {
    for (what, text) in [
        (
            "three memories",
            "(module (memory 1) (memory 1) (memory 1))",
        ),
        ("a memory of 4 GiB", "(module (memory 65536))"),
        (
            "a table of a thousand million",
            "(module (table 1000000000 funcref))",
        ),
        (
            "nine tables",
            "(module (table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref) \
             (table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref))",
        ),
    ] {
        family.attack(format!("ask for {what}"), move || {
            is_not_loaded(&component(text, "package a:b; world w {}"));
        });
    }
    family.attack("ask for a thousand instances", || {
        let instances = "(core instance (instantiate $m))".repeat(1000);
        let text = format!("(component (core module $m) {instances})");
        is_not_loaded(&wat::parse_str(text).expect("a component"));
    });
}

#[track_caller]
fn is_not_loaded(component: &[u8]) {
    let refused = Pack::load(engine(), component, &policy(component)).err();
    assert!(
        matches!(refused, Some(PackError::Compile(_))),
        "{refused:?}"
    );
}

pub(super) fn resources() -> Family {
    let mut family = Family::new("resources");
    let kinds = [
        "fields",
        "requests",
        "bodies",
        "streams",
        "pollables",
        "standard_streams",
    ];
    for what in kinds {
        let action = json!({"leak": {"what": what, "count": 10_000}});
        family.attack(format!("open ten thousand {what}"), move || {
            is_stopped(&action);
        });
    }
    let long = [
        ("method", json!({"method": "M".repeat(65)})),
        (
            "authority",
            json!({"url": format!("http://{}/v1/jobs", "a".repeat(1025))}),
        ),
    ];
    for (part, request) in long {
        family.attack(format!("keep a long {part} in the host"), move || {
            let seen = Fixture::new().seen(&json!([{ "request": request }]));
            assert!(seen.contains(&format!("{part}: invalid")), "{seen:?}");
        });
    }
    family.attack("begin ten thousand requests", || {
        is_stopped(&json!({"request": {"times": 10_000, "awaited": 0, "unfinished": true}}));
    });
    family
}

#[track_caller]
fn is_stopped(action: &Value) {
    let fixture = Fixture::new();
    let instruction = json!({"do": [action]});
    assert_eq!(
        stopped(fixture.start(&instruction).judged()),
        TrapKind::Trapped
    );
    assert_eq!(stopped(fixture.poll(&instruction)), TrapKind::Trapped);
    // A connection may be open by then; no byte was sent over it.
    assert_eq!(fixture.provider.arrived().concat(), "");
    Fixture::is_unharmed();
}
