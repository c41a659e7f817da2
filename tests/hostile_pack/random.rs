//! Modes in a random order of events: at most one purchase a job, unless a reply permits another.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::{faults_of, mode};

/// Modes of a test run, and of each round of a longer one.
const CASES: u32 = 24;

/// The most attempts to shorten a mode that was not stopped.
const SHRINKS: u32 = 40;

/// The environment variable for a longer run, as for the fuzz targets.
const DURATION_VARIABLE: &str = "ZOETROPE_FUZZ";

/// Causes of errors that a component may report.
const CAUSES: [&str; 11] = [
    "throttled",
    "rejected",
    "unauthorized",
    "not_sent",
    "unavailable",
    "denied",
    "invalid_input",
    "protocol_violation",
    "outcome_unknown",
    "job_lost",
    "unsupported",
];

/// A submit, one to another path, a read, or a request that the policy refuses.
fn request() -> impl Strategy<Value = Value> {
    let url = select(vec![
        "{base}/jobs",
        "{base}/jobs",
        "{base}/more",
        "{origin}/more",
    ]);
    let submit = (url, 1..3_usize, any::<bool>()).prop_map(|(url, times, unread)| {
        json!({
            "url": url,
            "headers": [["idempotency-key", "{key}"]],
            "body": {"text": "{}"},
            "times": times,
            "unread": unread,
        })
    });
    let read = Just(json!({"method": "GET", "url": "{base}/jobs"}));
    prop_oneof![5 => submit, 1 => read]
}

fn action() -> impl Strategy<Value = Value> {
    let name = || select(vec!["a", "b", "c"]);
    let open = (name(), request(), any::<bool>()).prop_map(|(name, request, written)| {
        json!({"open": {"name": name, "request": request, "written": written}})
    });
    let stop = select(vec![
        json!({"panic": "stop"}),
        json!("abort"),
        json!({"exit": 0}),
    ]);
    prop_oneof![
        4 => request().prop_map(|request| json!({ "request": request })),
        4 => open,
        4 => name().prop_map(|name| json!({ "end": name })),
        3 => name().prop_map(|name| json!({ "await": name })),
        1 => name().prop_map(|name| json!({ "drop": name })),
        1 => Just(json!({"sleep_ms": 5})),
        1 => stop,
    ]
}

fn answer() -> impl Strategy<Value = Value> {
    let charge = select(vec!["no", "unknown", "yes"]);
    let error =
        (select(CAUSES.to_vec()), charge, any::<bool>()).prop_map(|(cause, charge, soon)| {
            let delay = soon.then_some(1);
            json!({"error": {"cause": cause, "charge": charge, "retry_after_ms": delay}})
        });
    let accepted = json!({"accept": {"ticket": "{}", "id": "j-1"}});
    prop_oneof![3 => error, 2 => Just(accepted)]
}

fn replies() -> impl Strategy<Value = Vec<Value>> {
    let reply = select(vec![
        json!({"status": 202, "json": {"id": "a"}}),
        json!({"status": 200, "text": "<html></html>"}),
        json!({"status": 202, "json": {"id": "a"}, "delay_ms": 20}),
        json!({"status": 400, "text": "no"}),
        json!({"status": 401, "text": "who"}),
        json!({"status": 429, "headers": {"retry-after": "0"}}),
        json!({"status": 500, "text": "oops"}),
        json!({"status": 503, "text": "busy"}),
        json!({"status": 503, "headers": {"retry-after": "0"}}),
        json!({"instead": "close"}),
    ]);
    prop::collection::vec(reply, 1..4)
}

fn command() -> impl Strategy<Value = String> {
    let usual = select(vec!["run", "resume", "resume", "cancel"]).prop_map(str::to_owned);
    let killed = (10..250_u64).prop_map(|life| format!("killed after {life}"));
    prop_oneof![4 => usual, 1 => killed]
}

fn modes() -> impl Strategy<Value = Value> {
    let commands = prop::collection::vec(command(), 2..5);
    let actions = prop::collection::vec(action(), 1..7);
    (
        commands,
        actions,
        answer(),
        replies(),
        replies(),
        any::<bool>(),
    )
        .prop_map(
            |(mut commands, actions, answer, first, second, is_honoured)| {
                commands.insert(0, "run".into());
                let window = if is_honoured {
                    "idempotency = \"24h\""
                } else {
                    ""
                };
                json!({
                    "connection": window,
                    "honours": is_honoured,
                    "deadline": "1s",
                    "commands": commands,
                    "replies": {"POST /v1/jobs": first, "POST /v1/more": second},
                    "input": {"start": {"do": actions, "then": answer}},
                })
            },
        )
}

#[test]
fn random_order_of_events_pays_once_unless_a_reply_permits_more() {
    let time = std::env::var(DURATION_VARIABLE).ok().map(|time| {
        let time = humantime::parse_duration(&time);
        time.unwrap_or_else(|error| panic!("{DURATION_VARIABLE}: {error}"))
    });
    let config = Config {
        cases: CASES,
        max_shrink_iters: SHRINKS,
        // A failure prints its mode.
        failure_persistence: None,
        ..Config::default()
    };
    let same = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config.clone(), same);
    let begun = Instant::now();
    loop {
        let outcome = runner.run(&modes(), |mode| {
            let faults = faults_of(&mode::of(&mode));
            prop_assert!(
                faults.is_empty(),
                "not stopped:\n{}\n{mode}",
                faults.join("\n")
            );
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
        if begun.elapsed() >= time.unwrap_or(Duration::ZERO) {
            break;
        }
        // A runner can run once, since it counts its cases.
        runner = TestRunner::new(config.clone());
    }
}
