//! Credit that runs out in a batch, and jobs that are submitted again.

use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::hostile::{hostile, sandbox_with};
use crate::support::outcome::Outcome;
use crate::support::provider::{Arrived, Reply, Script, Server};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{POLL, RUN, SUBMIT, end_the_job, slow_provider};

const BATCH: [&str; 9] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--batch",
    "lines.jsonl",
    "--out-dir",
    "clips",
    "--key",
    "night",
];

fn submits(provider: &Server) -> usize {
    provider.counts().get(SUBMIT).copied().unwrap_or(0)
}

/// The keys of the submits, in their order.
fn keys(provider: &Server) -> Vec<String> {
    let arrived = provider.arrived();
    let submits = arrived.iter().filter(|request| request.line() == SUBMIT);
    let key = |request: &Arrived| {
        request
            .header("idempotency-key")
            .unwrap_or("none")
            .to_owned()
    };
    submits.map(key).collect()
}

fn refuse(provider: &Server, accepted_before: usize, refusal: &Reply) {
    let mut replies = vec![accepted(); accepted_before];
    replies.push(refusal.clone());
    provider.script(Script::from([(SUBMIT.into(), replies)]));
}

fn accept(provider: &Server) {
    provider.script(Script::from([(SUBMIT.into(), vec![accepted()])]));
}

fn no_credit() -> Reply {
    let error = json!({"code": "insufficient_credits", "message": "add credits"});
    Reply::json(402, json!({ "error": error }))
}

/// A provider whose jobs are done at the first poll, and a sandbox with a batch of so many lines.
fn batch_of(lines: usize) -> (Server, Sandbox) {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    sandbox.configure(&provider.connection("requests_per_second = 20"));
    let line = json!({"prompt": "dunes", "image": "https://p.example/a.png"});
    sandbox.write("lines.jsonl", format!("{line}\n").repeat(lines));
    (provider, sandbox)
}

/// The number of jobs in this state.
fn in_state(sandbox: &Sandbox, state: &str) -> usize {
    let jobs = sandbox.jobs();
    jobs.iter().filter(|job| job["state"] == state).count()
}

/// The summary of a batch that the provider stopped with a refusal of the account.
#[track_caller]
fn held(outcome: &Outcome) -> Value {
    assert_eq!(outcome.code, 6, "{outcome:?}");
    let error = outcome.error("account_refused");
    let next = error["next"].as_str().expect("a step");
    assert!(next.starts_with("Add credit"), "{next}");
    outcome.json()["summary"].take()
}

#[test]
fn batch_whose_credit_runs_out_stays_queued_and_the_same_command_goes_on() {
    let (provider, sandbox) = batch_of(50);
    refuse(&provider, 10, &no_credit());
    let stopped = sandbox.run(BATCH);
    let summary = held(&stopped);
    assert_eq!(
        (&summary["finalized"], &summary["account_refused"]),
        (&json!(10), &json!(40)),
        "{summary}"
    );
    let next = stopped.json()["error"]["next"].take();
    let next = next.as_str().expect("a step");
    let lines = sandbox.path("lines.jsonl");
    assert!(
        next.contains(&format!("--batch {} ", lines.display())),
        "{next}"
    );
    assert!(next.contains("--key night"), "{next}");
    let sent = submits(&provider);
    // Ten, and those in flight when the first refusal came.
    assert!((11..50).contains(&sent), "{sent} submits");
    for job in sandbox.jobs() {
        if job["state"] == "queued" {
            assert_eq!(job["error"]["kind"], "account_refused", "{job}");
            assert_eq!(
                (&job["charged"], &job["next_at"]),
                (&json!("no"), &Value::Null)
            );
        } else {
            assert_eq!(job["state"], "succeeded", "{job}");
        }
    }

    // Without credit, each further command asks once.
    held(&sandbox.run(BATCH));
    assert_eq!(submits(&provider), sent + 1);
    held(&sandbox.run(["--json", "jobs", "resume", "--all"]));
    assert_eq!(submits(&provider), sent + 2);

    accept(&provider);
    let done = sandbox.run(BATCH).answer();
    assert_eq!(done["summary"]["finalized"], 50, "{done}");
    assert_eq!(submits(&provider), sent + 2 + 40, "each job is bought once");
    let mut accepted = keys(&provider).split_off(sent + 2);
    accepted.sort();
    accepted.dedup();
    assert_eq!(accepted.len(), 40, "under the key of its row");
    assert!(accepted.iter().all(|key| key.starts_with("night-")));
    assert_eq!(in_state(&sandbox, "succeeded"), 50);
}

#[test]
fn account_refusal_of_a_single_run_names_the_command_that_goes_on() {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    refuse(&provider, 0, &no_credit());
    let refused = sandbox.run(RUN);
    assert_eq!(refused.code, 6, "{refused:?}");
    let error = refused.error("account_refused");
    let job = error["job"].as_str().expect("a job");
    let next = error["next"].as_str().expect("a step");
    assert!(
        next.contains(&format!("zoetrope jobs resume {job}")),
        "{next}"
    );
    assert_eq!((submits(&provider), in_state(&sandbox, "queued")), (1, 1));
    accept(&provider);
    let answer = sandbox.run(RUN).answer();
    assert_eq!(
        (&answer["job"], &answer["charged"]),
        (&error["job"], &json!("yes"))
    );
    assert_eq!(keys(&provider), ["order-66", "order-66"]);
}

#[test]
fn rate_limit_stays_throttled_and_a_daily_quota_is_the_accounts() {
    let limited = |retry_after: &str, message: &str| {
        let mut reply = Reply::json(429, json!({"error": {"message": message}}));
        reply.header("retry-after", retry_after);
        reply
    };
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    let replies = vec![limited("1", "too many requests"), accepted()];
    provider.script(Script::from([(SUBMIT.into(), replies)]));
    sandbox.run(RUN).answer();
    assert_eq!(submits(&provider), 2);

    let (provider, sandbox) = slow_provider();
    refuse(
        &provider,
        0,
        &limited("21600", "the daily quota is used up"),
    );
    sandbox.run(RUN).error("account_refused");
    assert_eq!(submits(&provider), 1);
}

#[test]
fn refused_poll_of_an_accepted_job_is_no_refusal_of_a_submit() {
    let (provider, sandbox) = slow_provider();
    provider.script(Script::from([(POLL.into(), vec![no_credit()])]));
    let error = sandbox.run(RUN).error("rejected");
    assert_eq!(error["charged"], "unknown", "{error}");
    end_the_job(&provider);
    let job = error["job"].as_str().expect("a job");
    sandbox.run(["--json", "jobs", "resume", job]).answer();
    assert_eq!(submits(&provider), 1, "the job that was paid for");
}

#[test]
fn account_refusal_in_a_reply_that_leaves_the_outcome_unknown_ends_the_batch_too() {
    let (provider, sandbox) = batch_of(50);
    let error = json!({"code": "insufficient_credits", "message": "add credits"});
    refuse(&provider, 0, &Reply::json(200, json!({ "error": error })));
    let stopped = sandbox.run(BATCH);
    assert_eq!(stopped.code, 8, "{stopped:?}");
    let sent = submits(&provider);
    assert!(sent < 50, "{sent} submits");
    assert_eq!(in_state(&sandbox, "outcome_unknown"), sent);
    assert_eq!(in_state(&sandbox, "queued"), 50 - sent);
}

#[test]
fn account_refusal_that_an_unbundled_pack_reports_holds_its_own_jobs_alone() {
    let (provider, _) = slow_provider();
    end_the_job(&provider);
    refuse(&provider, 0, &Reply::json(402, json!({})));
    let sandbox = sandbox_with(hostile(), &provider);
    let refused = json!({"error": {"cause": "rejected", "message": "no"}});
    let submit = json!([{"request": {"body": {"text": "{}"}}}]);
    let line = json!({"start": {"do": submit, "then": refused}});
    sandbox.write("lines.jsonl", format!("{line}\n").repeat(50));
    let batch = ["--json", "--component", "hostile.wasm", "run", "hostile"];
    let rest = [
        "--batch",
        "lines.jsonl",
        "--out-dir",
        "clips",
        "--key",
        "night",
    ];
    let summary = held(&sandbox.run(batch.iter().chain(&rest)));
    assert_eq!(summary["account_refused"], 50, "{summary}");
    let sent = submits(&provider);
    assert!(sent < 50, "{sent} submits");

    accept(&provider);
    let input = json!({"prompt": "dunes", "image": "https://p.example/a.png"});
    sandbox.write("input.json", input.to_string());
    sandbox.run(RUN).answer();
    assert_eq!(
        (submits(&provider), in_state(&sandbox, "queued")),
        (sent + 1, 50)
    );
}

fn bad_picture() -> Reply {
    let error = json!({"code": "bad_picture", "message": "too dark"});
    Reply::json(422, json!({ "error": error }))
}

/// A job that failed at the provider, which says this of the charge.
fn fail_the_job(provider: &Server, charged: &Value) {
    let error = json!({"code": "oops", "message": "it broke"});
    let mut job = json!({"id": "j-1", "status": "failed", "error": error});
    if !charged.is_null() {
        job["charged"] = charged.clone();
    }
    provider.script(Script::from([(POLL.into(), vec![Reply::json(200, job)])]));
}

#[test]
fn failed_job_that_cost_nothing_is_submitted_again_under_another_key_of_the_provider() {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    refuse(&provider, 0, &bad_picture());
    let failed = sandbox.run(RUN).error("rejected");
    let job = failed["job"].as_str().expect("a job").to_owned();
    // The same command returns the failed job and names the command that submits it again.
    let same = sandbox.run(RUN).error("rejected");
    assert_eq!(same["job"], failed["job"]);
    let next = same["next"].as_str().expect("a step");
    assert!(
        next.contains(&format!("zoetrope jobs retry {job}")),
        "{next}"
    );
    assert_eq!(submits(&provider), 1);

    let again = sandbox.run(RUN.into_iter().chain(["--retry-failed"]));
    assert_eq!(again.error("rejected")["retries"], 1);
    accept(&provider);
    let answer = sandbox
        .run(["--json", "jobs", "retry", &job[..12]])
        .answer();
    assert_eq!(
        (&answer["job"], &answer["key"], &answer["retries"]),
        (&failed["job"], &json!("order-66"), &json!(2))
    );
    let sent = keys(&provider);
    assert_eq!(sent[0], "order-66");
    assert_eq!(answer["provider_key"], sent[2].as_str());
    assert!(
        sent[1] != sent[0] && sent[2] != sent[1] && sent[2].len() == 64,
        "{sent:?}"
    );
    let shown = sandbox.run(["--json", "jobs", "show", &job]).json();
    let earlier = shown["earlier_attempts"].as_array().expect("attempts");
    assert_eq!(earlier.len(), 2, "{shown}");
    assert_eq!(earlier[1]["provider_key"], sent[1].as_str());

    let done = sandbox.run(["--json", "jobs", "retry", &job]);
    assert_eq!(done.code, 2, "{done:?}");
    assert_eq!(submits(&provider), 3);
}

#[test]
fn failed_job_that_is_or_may_be_charged_is_submitted_again_only_on_request() {
    for (charged, word) in [(json!(true), "yes"), (Value::Null, "unknown")] {
        let (provider, sandbox) = slow_provider();
        fail_the_job(&provider, &charged);
        let failed = sandbox.run(RUN).error("failed");
        assert_eq!(failed["charged"], word);
        let job = failed["job"].as_str().expect("a job").to_owned();
        end_the_job(&provider);
        let retry = ["--json", "jobs", "retry", &job];
        for refused in [
            sandbox.run(retry),
            sandbox.run(RUN.into_iter().chain(["--retry-failed"])),
        ] {
            assert_eq!(refused.code, 2, "{refused:?}");
            let error = refused.error("usage");
            assert_eq!(error["charged"], word, "{error}");
            let next = error["next"].as_str().expect("a step");
            let command = format!("zoetrope jobs retry {job} --again");
            assert!(next.contains(&command), "{next}");
        }
        assert_eq!(submits(&provider), 1);

        fail_the_job(&provider, &json!(false));
        let again = sandbox.run(retry.into_iter().chain(["--again"]));
        let said = "Submitting 1 job again. Already charged, or possibly charged, for 1 job: an unknown amount";
        assert!(again.stderr.contains(said), "{again:?}");
        // The second attempt cost nothing, and the first one keeps its charge.
        assert_eq!(again.error("failed")["charged"], word);
        let sent = keys(&provider);
        assert_eq!(sent.len(), 2);
        assert!(sent[0] == "order-66" && sent[1] != sent[0], "{sent:?}");
    }
}

#[test]
fn job_whose_outcome_is_unknown_has_not_failed() {
    let (provider, sandbox) = slow_provider();
    refuse(&provider, 0, &Reply::close());
    let lost = sandbox.run(RUN).error("outcome_unknown");
    let job = lost["job"].as_str().expect("a job");
    let sent = submits(&provider);
    let refused = sandbox.run(["--json", "jobs", "retry", job, "--again"]);
    assert_eq!(refused.code, 8, "{refused:?}");
    let error = refused.error("outcome_unknown");
    let next = error["next"].as_str().expect("a step");
    assert!(
        next.contains(&format!("zoetrope jobs resolve {job}")),
        "{next}"
    );
    assert_eq!(submits(&provider), sent);
}

#[test]
fn retried_batch_leaves_out_the_failed_jobs_that_were_charged() {
    let (provider, sandbox) = batch_of(2);
    fail_the_job(&provider, &json!(true));
    let replies = vec![accepted(), bad_picture()];
    provider.script(Script::from([(SUBMIT.into(), replies)]));
    sandbox.run(BATCH);
    assert_eq!((submits(&provider), in_state(&sandbox, "failed")), (2, 2));
    accept(&provider);
    end_the_job(&provider);
    let retry = || BATCH.into_iter().chain(["--retry-failed"]);
    let left = sandbox.run(retry());
    assert!(left.stderr.contains("stays as it is"), "{left:?}");
    assert_eq!(left.json()["summary"]["finalized"], 1, "{left:?}");
    assert_eq!(submits(&provider), 3);
    let done = sandbox.run(retry().chain(["--again"])).answer();
    assert_eq!(done["summary"]["finalized"], 2, "{done}");
    assert_eq!(
        (&done["summary"]["charged"], &done["summary"]["attempts"]),
        (&json!(2), &json!(4))
    );
    assert_eq!(submits(&provider), 4);
    let mut sent = keys(&provider);
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), 4, "each attempt has a key of its own");
}

#[test]
fn next_step_of_a_batch_whose_failed_jobs_cost_nothing_submits_them_again() {
    let (provider, sandbox) = batch_of(3);
    let replies = vec![accepted(), bad_picture()];
    provider.script(Script::from([(SUBMIT.into(), replies)]));
    let outcome = sandbox.run(BATCH);
    let next = outcome.json()["error"]["next"].take();
    let next = next.as_str().expect("a step").to_owned();
    assert!(next.contains(" --retry-failed"), "{next}");
    let text = sandbox.run(&BATCH[1..]);
    assert!(text.stderr.contains(" --retry-failed"), "{text:?}");
    accept(&provider);
    let words = next.strip_prefix("zoetrope ").expect("a command");
    let done = sandbox
        .run(["--json"].into_iter().chain(words.split(' ')))
        .answer();
    assert_eq!(done["summary"]["finalized"], 3, "{done}");
}

#[test]
fn next_step_of_a_batch_that_a_repetition_does_not_change_is_that_of_the_jobs() {
    for (lines, expected) in [
        (1, "zoetrope jobs retry"),
        (2, "Each job without a result has a step of its own"),
    ] {
        let (provider, sandbox) = batch_of(lines);
        fail_the_job(&provider, &json!(true));
        let outcome = sandbox.run(BATCH);
        assert_eq!(outcome.code, 7, "{outcome:?}");
        let answer = outcome.json();
        let next = answer["error"]["next"].as_str().expect("a step");
        assert!(next.contains(expected), "{next}");
        assert!(!next.contains("--batch"), "{next}");
        let own = answer["jobs"][0]["next"].as_str().expect("a step");
        assert!(own.contains(" --again"), "{own}");
    }
}

#[test]
fn retry_without_the_connection_of_the_job_leaves_it_failed() {
    let (provider, sandbox) = slow_provider();
    refuse(&provider, 0, &bad_picture());
    let failed = sandbox.run(RUN).error("rejected");
    let job = failed["job"].as_str().expect("a job").to_owned();
    let empty = sandbox.write("empty.toml", "");
    let empty = empty.to_str().expect("a path");
    let refused = sandbox.run(["--json", "jobs", "retry", &job, "--config", empty]);
    assert_eq!(refused.code, 4, "{refused:?}");
    let error = refused.error("connection_unavailable");
    let next = error["next"].as_str().expect("a step");
    assert!(next.contains("--config FILE"), "{next}");
    assert_eq!((in_state(&sandbox, "failed"), submits(&provider)), (1, 1));
}
