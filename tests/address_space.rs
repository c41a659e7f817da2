//! Limits of the address space (`ulimit -v`): jobs run and paid jobs are collected.

use serde_json::json;

use crate::support::limited::start_by;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{RUN, SUBMIT, end_the_job, run_until_deadline, slow_provider};

/// Limits in KiB: that of a pool of a few instances, and those of none.
const LIMITS: [u32; 8] = [
    100_000_000,
    8_000_000,
    4_000_000,
    2_000_000,
    1_000_000,
    420_000,
    350_000,
    280_000,
];

/// A limit with which nothing works.
const TOO_LITTLE: u32 = 120_000;

fn script(limit: u32) -> String {
    format!("ulimit -v {limit} && exec \"$0\" \"$@\"")
}

#[test]
fn job_runs_under_each_limit_of_the_address_space() {
    for limit in LIMITS {
        let ended = json!({
            "id": "j-1", "status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true,
        });
        let provider = Server::start(Script::from([
            (SUBMIT.into(), vec![crate::support::cases::accepted()]),
            ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
            ("GET /1.mp4".into(), vec![Reply::clip()]),
        ]));
        let sandbox = Sandbox::with_provider(&provider);
        let input = json!({"prompt": "p", "image": "https://p.example/a.png"});
        sandbox.write("input.json", input.to_string());
        let outcome = start_by(&sandbox, &RUN, &script(limit)).end();
        assert_eq!(outcome.answer()["charged"], "yes", "{limit}");
        assert!(sandbox.path("clip.mp4").exists());
        assert_eq!(provider.counts()[SUBMIT], 1);
        let logged = "fewer calls run at once";
        assert_eq!(outcome.stderr.matches(logged).count(), 1, "{outcome:?}");
    }
}

#[test]
fn paid_job_is_collected_under_a_limit_that_came_later() {
    let (provider, sandbox) = slow_provider();
    run_until_deadline(&sandbox);
    end_the_job(&provider);
    let resume = ["--json", "jobs", "resume", "--all"];
    let refused = start_by(&sandbox, &resume, &script(TOO_LITTLE)).end();
    let error = refused.error("internal");
    assert_eq!((refused.code, &error["charged"]), (1, &json!("no")));
    let next = error["next"].as_str().expect("a next step");
    assert!(next.contains("ulimit -v"), "{next}");
    let outcome = start_by(&sandbox, &resume, &script(260_000)).end();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(sandbox.path("clip.mp4").exists());
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn doctor_says_what_a_limit_of_the_address_space_reduces() {
    let sandbox = Sandbox::new();
    for (limit, memory) in [
        (100_000_000, "pooled"),
        (4_000_000, "on_demand"),
        (260_000, "on_demand"),
    ] {
        let outcome = start_by(&sandbox, &["--json", "doctor"], &script(limit)).end();
        assert_eq!(outcome.code, 0, "{outcome:?}");
        let checks = outcome.answer()["checks"].clone();
        let engine = checks.as_array().expect("the checks").iter();
        let engine = engine.clone().find(|check| check["name"] == "engine");
        let engine = engine.expect("the engine").clone();
        assert_eq!(
            (&engine["state"], &engine["memory"]),
            (&json!("warning"), &json!(memory))
        );
        assert!(engine["instances"].as_u64() < engine["wanted"].as_u64());
        assert!(engine["reduced"].is_string() && engine["next"].is_string());
    }
}
