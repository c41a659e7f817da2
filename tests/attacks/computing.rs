//! Components that do not stop, or stop as nobody should.

use std::time::Duration;

use serde_json::{Value, json};
use zoetrope_host::component::{Limits, TrapKind};

use super::Family;
use super::fixture::{Fixture, stopped};
use crate::support::hostile::hostile_listing;

pub(super) fn family() -> Family {
    let mut family = Family::new("computing");
    for (what, deed, kind) in deeds() {
        for function in ["check", "start", "poll", "plan-upload"] {
            let deed = deed.clone();
            family.attack(format!("{what} in {function}"), move || {
                let fixture = Fixture::new().with_limits(limits(kind));
                let order = json!({"do": [deed]});
                let stopped = match function {
                    "check" => stopped(fixture.check(&order)),
                    "start" => stopped(fixture.start(&order).judged()),
                    "poll" => stopped(fixture.poll(&order)),
                    _ => stopped(fixture.plan_upload(&order)),
                };
                assert_eq!(stopped, kind);
                fixture.nothing_arrived();
                Fixture::is_unharmed();
            });
        }
    }
    // Each is a component of its own, which takes a while to compile.
    for (what, deed, kind) in deeds().into_iter().step_by(3) {
        family.attack(format!("{what} in node-types"), move || {
            let component = hostile_listing(&json!({"do": [deed]}));
            let fixture = Fixture::new()
                .with_component(&component)
                .with_limits(limits(kind));
            assert_eq!(stopped(fixture.node_types()), kind);
            Fixture::is_unharmed();
        });
    }
    family
}

/// What stops nothing else, and what it is called.
fn deeds() -> [(&'static str, Value, TrapKind); 8] {
    [
        ("loop", json!("loop"), TrapKind::OutOfTime),
        ("recurse", json!("recurse"), TrapKind::StackOverflow),
        (
            "sleep for an hour",
            json!({"sleep_ms": 3_600_000}),
            TrapKind::TimedOut,
        ),
        ("wait for ever", json!("wait_for_ever"), TrapKind::TimedOut),
        (
            "exit as if all were well",
            json!({"exit": 0}),
            TrapKind::Exited,
        ),
        ("exit with a code", json!({"exit": 70}), TrapKind::Exited),
        ("abort", json!("abort"), TrapKind::Trapped),
        (
            "panic with a long message",
            json!({"panic": {"repeat": "\u{1b}[31mall is lost\n", "times": 500_000}}),
            TrapKind::Trapped,
        ),
    ]
}

/// Short ones for what waits or computes until they are reached.
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
