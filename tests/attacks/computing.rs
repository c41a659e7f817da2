//! Components that do not return, or that exit, abort or panic.

use std::time::Duration;

use serde_json::{Value, json};
use zoetrope_host::component::{Limits, TrapKind};

use super::Family;
use super::fixture::{Fixture, stopped};
use crate::support::hostile::hostile_listing;

pub(super) fn family() -> Family {
    let mut family = Family::new("computing");
    for (what, action, kind) in actions() {
        for function in ["check", "start", "poll", "plan-upload"] {
            let action = action.clone();
            family.attack(format!("{what} in {function}"), move || {
                let fixture = Fixture::new().with_limits(limits(kind));
                let instruction = json!({"do": [action]});
                let stopped = match function {
                    "check" => stopped(fixture.check(&instruction)),
                    "start" => stopped(fixture.start(&instruction).judged()),
                    "poll" => stopped(fixture.poll(&instruction)),
                    _ => stopped(fixture.plan_upload(&instruction)),
                };
                assert_eq!(stopped, kind);
                fixture.nothing_arrived();
                Fixture::is_unharmed();
            });
        }
    }
    // Each listing is a separate component, whose compilation takes time; every third is tried.
    for (what, action, kind) in actions().into_iter().step_by(3) {
        family.attack(format!("{what} in node-types"), move || {
            let component = hostile_listing(&json!({"do": [action]}));
            let fixture = Fixture::new()
                .with_component(&component)
                .with_limits(limits(kind));
            assert_eq!(stopped(fixture.node_types()), kind);
            Fixture::is_unharmed();
        });
    }
    family
}

/// Actions that end a call: name, instruction and the expected kind of trap.
fn actions() -> [(&'static str, Value, TrapKind); 8] {
    [
        ("loop", json!("loop"), TrapKind::OutOfTime),
        ("recurse", json!("recurse"), TrapKind::StackOverflow),
        (
            "sleep for an hour",
            json!({"sleep_ms": 3_600_000}),
            TrapKind::TimedOut,
        ),
        (
            "wait without end",
            json!("wait_for_ever"),
            TrapKind::TimedOut,
        ),
        ("exit with success", json!({"exit": 0}), TrapKind::Exited),
        ("exit with a code", json!({"exit": 70}), TrapKind::Exited),
        ("abort", json!("abort"), TrapKind::Trapped),
        (
            "panic with a long message",
            json!({"panic": {"repeat": "\u{1b}[31mall is lost\n", "times": 500_000}}),
            TrapKind::Trapped,
        ),
    ]
}

/// Short time limits for actions that wait or compute until a limit is reached.
fn limits(kind: TrapKind) -> Limits {
    let usual = Limits::default();
    match kind {
        TrapKind::OutOfTime => Limits {
            cpu: Duration::from_millis(100),
            ..usual
        },
        TrapKind::TimedOut => Limits {
            wall: Duration::from_millis(300),
            ..usual
        },
        _ => usual,
    }
}
