//! Estimated prices, recorded costs of jobs, and providers without cancellation.

use serde_json::{Value, json};

use crate::support::hostile::{hostile, run_node, sandbox_with};
use crate::support::outcome::Outcome;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

const DOLLARS: [&str; 2] = ["0.240", "USD"];

fn sandbox() -> (Server, Sandbox) {
    let provider = Server::start(Script::from([
        ("POST /v1/jobs".into(), vec![Reply::json(200, json!({}))]),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]));
    let sandbox = sandbox_with(hostile(), &provider);
    (provider, sandbox)
}

/// A job that is accepted at this price, with this answer of its polls.
fn input(cost: [&str; 2], poll: &Value) -> Value {
    let ticket = json!({"poll": {"then": poll}}).to_string();
    let accept = json!({"accept": {"ticket": ticket, "id": "j-1", "cost": cost}});
    let submit = json!([{"request": {"body": {"text": "{}"}}}]);
    json!({"start": {"do": submit, "then": accept}})
}

fn run(sandbox: &Sandbox, input: &Value, more: &[&str]) -> Outcome {
    run_node(sandbox, "hostile", input, more)
}

#[test]
fn check_shows_the_published_price() {
    let (_provider, sandbox) = sandbox();
    let check = |amount: &str, more: &[&str]| {
        let plan = json!({"plan": {"input": "{}", "estimate": [amount, "USD"]}});
        sandbox.write("input.json", json!({"check": {"then": plan}}).to_string());
        let check = [
            "--component",
            "hostile.wasm",
            "check",
            "hostile",
            "--input",
            "input.json",
        ];
        sandbox.run(check.iter().chain(more))
    };
    let said = check("0.048", &[]).stdout;
    let line = "estimate: 0.048 USD per second of video; for example 0.192 USD for a clip of 4 s (source: https://prices.example)";
    assert!(said.lines().any(|said| said == line), "{said}");
    let estimate = &check("0.048", &["--json"]).answer()["estimate"];
    assert_eq!(
        (&estimate["amount"], &estimate["basis"]),
        (&json!("0.048"), &json!("per_second_of_video"))
    );
    let said = check("a fortune", &[]).stdout;
    assert!(!said.contains("estimate"), "{said}");
}

#[test]
fn job_cost_is_shown_by_run_jobs_and_jobs_show() {
    let (provider, sandbox) = sandbox();
    let url = format!("{}/1.mp4", provider.url());
    let succeed = json!({"succeed": {"output": "{}", "media": 1, "url": url}});
    let answer = run(&sandbox, &input(DOLLARS, &succeed), &[]).answer();
    let cost = json!({"amount": "0.240", "unit": "USD"});
    assert_eq!(
        (&answer["cost"], &answer["charged"]),
        (&cost, &json!("yes"))
    );
    let id = answer["job"].as_str().expect("an id");
    assert_eq!(sandbox.jobs()[0]["cost"], cost);
    assert_eq!(
        sandbox.run(["--json", "jobs", "show", id]).json()["cost"],
        cost
    );
    let listed = sandbox.run(["jobs"]);
    assert!(listed.stdout.contains("  0.240 USD  "), "{listed:?}");
    let shown = sandbox.run(["jobs", "show", id]);
    let amount =
        |line: &str| line.trim_start().starts_with("Amount ") && line.ends_with(" 0.240 USD");
    assert!(shown.stdout.lines().any(amount), "{shown:?}");
}

#[test]
fn costs_are_added_up_and_stay_after_a_prune() {
    let (provider, sandbox) = sandbox();
    let url = format!("{}/1.mp4", provider.url());
    let succeed = json!({"succeed": {"output": "{}", "media": 1, "url": url}});
    for key in ["one", "two"] {
        run(&sandbox, &input(DOLLARS, &succeed), &["--key", key]).answer();
    }
    // The price that another pack reports for a run is no upper bound.
    let limited = ["--key", "three", "--max-cost", "9"];
    let refused = run(&sandbox, &input(DOLLARS, &succeed), &limited);
    assert_eq!(refused.code, 5, "{refused:?}");
    let total = || sandbox.run(["--json", "costs", "--since", "1day"]).answer()["total"].take();
    let expected = json!({
        "charged": 2,
        "costs": [{"amount": "0.480", "unit": "USD"}],
        "unknown_amounts": 0,
        "uncertain": 0,
        "uncertain_costs": [],
    });
    assert_eq!(total(), expected);
    let text = sandbox.run(["costs"]).stdout;
    assert!(text.contains("total: 0.480 USD\n"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let pruned = sandbox.run(["jobs", "prune", "--older-than", "0s"]);
    assert_eq!(pruned.code, 0, "{pruned:?}");
    assert_eq!(total(), expected);
}

#[test]
fn job_without_charge_or_valid_price_has_no_cost() {
    for (cost, free, is_kept) in [
        (DOLLARS, false, true),
        // The pack's word alone: the provider accepted the submit.
        (DOLLARS, true, true),
        (["1e3", "USD"], false, false),
        (["\u{1b}[2J", "USD"], false, false),
    ] {
        let (_provider, sandbox) = sandbox();
        let fail = json!({"fail": {"message": "no", "free": free}});
        let error = run(&sandbox, &input(cost, &fail), &[]).error("failed");
        let expected = json!({"amount": "0.240", "unit": "USD"});
        let expected = if is_kept { expected } else { Value::Null };
        assert_eq!(
            (&error["cost"], &sandbox.jobs()[0]["cost"]),
            (&expected, &expected),
            "{cost:?}"
        );
        assert_eq!(error["charged"], if free { "unknown" } else { "yes" });
        let reported = if free {
            json!({"charged": "no"})
        } else {
            Value::Null
        };
        assert_eq!(error["reported"], reported);
        assert_eq!(sandbox.jobs()[0]["reported"], reported);
    }
}

#[test]
fn cancellation_unknown_to_the_provider_is_reported_and_the_job_continues() {
    let (provider, sandbox) = sandbox();
    let wait = json!({"wait": {"poll_after_ms": 100}});
    let left = run(&sandbox, &input(DOLLARS, &wait), &["--deadline", "500ms"]).error("deadline");
    let id = left["job"].as_str().expect("an id");
    for _ in 0..2 {
        let outcome = sandbox.run(["--json", "jobs", "cancel", id]);
        let error = outcome.error("unsupported");
        assert_eq!(
            (outcome.code, &error["charged"]),
            (3, &json!("unknown")),
            "{outcome:?}"
        );
        let next = error["next"].as_str().expect("the next command");
        assert!(
            next.starts_with(&format!("zoetrope jobs resume {id}")),
            "{next}"
        );
    }
    let said = sandbox.run(["jobs", "cancel", id]).stderr;
    assert!(
        said.contains("no cancellation") && said.contains("paid"),
        "{said}"
    );
    assert_eq!(sandbox.jobs()[0]["state"], "started");
    let resumed = sandbox.run(["--json", "jobs", "resume", id, "--deadline", "500ms"]);
    assert_eq!(
        resumed.error("deadline")["job"],
        id,
        "it is waited for as before"
    );
    assert_eq!(provider.counts()["POST /v1/jobs"], 1);
}
