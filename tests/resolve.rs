//! `jobs resolve`: a wrong id of the provider does not put a paid job out of reach.

use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::outcome::Outcome;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{POLL, RUN, SUBMIT, end_the_job, slow_provider};

const WRONG: &str = "GET /v1/jobs/j-9";

/// A job whose submit has no reply. The provider knows it as `j-1`, and no `j-9`.
fn lost() -> (Server, Sandbox) {
    let (provider, sandbox) = slow_provider();
    let fault = json!({"error": {"code": "no_such_job", "message": "what job?"}});
    provider.script(Script::from([
        (SUBMIT.into(), vec![Reply::close()]),
        (WRONG.into(), vec![Reply::json(404, fault)]),
    ]));
    sandbox.run(RUN).error("outcome_unknown");
    (provider, sandbox)
}

fn resolve(sandbox: &Sandbox, finding: &[&str]) -> Outcome {
    let resolve = ["--json", "jobs", "resolve", "last"];
    sandbox.run(resolve.iter().chain(finding))
}

fn state(sandbox: &Sandbox) -> Value {
    sandbox.jobs()[0]["state"].clone()
}

#[test]
fn id_that_the_provider_does_not_know_leaves_the_job_unknown() {
    let (provider, sandbox) = lost();
    let refused = resolve(&sandbox, &["--provider-job-id", "j-9"]);
    assert_eq!(refused.code, 7, "{refused:?}");
    let error = refused.error("job_lost");
    let message = error["message"].as_str().expect("words");
    for words in ["does not know a job `j-9`", "what job?", "was not changed"] {
        assert!(message.contains(words), "{message}");
    }
    let next = error["next"].as_str().expect("a step");
    assert!(next.contains("--provider-job-id j-9 --force"), "{next}");
    assert_eq!(error["charged"], "unknown");
    assert_eq!(state(&sandbox), "outcome_unknown");
    let why = sandbox.jobs()[0]["error"]["message"].clone();
    let broke = "the connection broke before the reply was complete";
    assert!(
        why.as_str().is_some_and(|why| why.ends_with(broke)),
        "{why}"
    );
    let text = sandbox.run(["jobs", "resolve", "last", "--provider-job-id", "j-9"]);
    let charged = "charged: unknown. The provider may have accepted the job.\n";
    assert!(text.stderr.contains(charged), "{text:?}");
    // The right one is taken, and then it is known.
    assert_eq!(
        resolve(&sandbox, &["--provider-job-id", "j-1"]).answer()["state"],
        "started"
    );
    resolve(&sandbox, &["--provider-job-id", "j-9"]).error("usage");
    end_the_job(&provider);
    let answer = sandbox.run(["--json", "jobs", "resume", "j-1"]).answer();
    assert_eq!(answer["charged"], "yes");
    assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
}

#[test]
fn forced_id_is_recorded_unasked_and_corrected_until_it_is_found() {
    let (provider, sandbox) = lost();
    let down = Reply::json(503, json!({"error": {"message": "down"}}));
    let running = Reply::json(200, json!({"id": "j-1", "status": "running"}));
    provider.script(Script::from([(POLL.into(), vec![down, running])]));
    let refused = resolve(&sandbox, &["--provider-job-id", "j-1"]);
    assert_eq!(refused.code, 9, "{refused:?}");
    refused.error("unavailable");
    assert_eq!(state(&sandbox), "outcome_unknown");

    let before = provider.arrived().len();
    let forced = resolve(&sandbox, &["--provider-job-id", "j-9", "--force"]);
    assert_eq!(forced.answer()["state"], "started");
    assert_eq!(provider.arrived().len(), before, "nothing is asked");
    let resume = ["--json", "jobs", "resume", "last", "--deadline", "500ms"];
    sandbox.run(resume).error("deadline");
    assert_eq!(state(&sandbox), "started");
    // No reply has shown the job, so the id can be corrected, once.
    let corrected = resolve(&sandbox, &["--provider-job-id", "j-1"]).answer();
    assert_eq!(corrected["provider_job_id"], "j-1");
    resolve(&sandbox, &["--provider-job-id", "j-9", "--force"]).error("usage");
    resolve(&sandbox, &["--never-started"]).error("usage");
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn job_that_was_marked_as_never_started_is_found_after_all() {
    let (provider, sandbox) = lost();
    let never = sandbox.run(["jobs", "resolve", "last", "--never-started"]);
    let recorded = "Recorded: the job never started; nothing was charged. To submit it again, run: zoetrope jobs retry ";
    assert!(never.stdout.starts_with(recorded), "{never:?}");
    assert_eq!(
        (&sandbox.jobs()[0]["charged"], state(&sandbox)),
        (&json!("no"), json!("failed"))
    );
    let found = resolve(&sandbox, &["--provider-job-id", "j-1"]).answer();
    assert_eq!(
        (&found["state"], &found["charged"]),
        (&json!("started"), &json!("unknown"))
    );
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn id_is_recorded_without_a_connection_and_asked_for_once_there_is_one() {
    let (provider, sandbox) = lost();
    sandbox.configure("");
    let refused = resolve(&sandbox, &["--provider-job-id", "j-9"]);
    let error = refused.error("connection_unavailable");
    let next = error["next"].as_str().expect("a step");
    assert!(next.starts_with("Configure the connection"), "{next}");
    assert!(next.contains("--provider-job-id j-9 --force"), "{next}");
    let forced = resolve(&sandbox, &["--provider-job-id", " j-9\n", "--force"]);
    assert_eq!(forced.answer()["provider_job_id"], "j-9");
    sandbox.configure(&provider.connection(""));
    assert!(!provider.counts().contains_key(WRONG), "nothing was asked");
    let resume = ["--json", "jobs", "resume", "last", "--deadline", "500ms"];
    sandbox.run(resume).error("deadline");
    assert!(provider.counts()[WRONG] > 0);
    resolve(&sandbox, &["--provider-job-id", "j-1"]).answer();
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn id_that_no_job_can_have_is_named_as_such() {
    let (provider, sandbox) = lost();
    let sent = provider.arrived().len();
    let empty = resolve(&sandbox, &["--provider-job-id", ""]);
    assert_eq!(empty.code, 2, "{empty:?}");
    let error = empty.error("usage");
    let message = error["message"].as_str().expect("words");
    assert!(message.contains("--provider-job-id"), "{message}");
    let climbs = resolve(&sandbox, &["--provider-job-id", ".."]);
    let error = climbs.error("denied");
    let message = error["message"].as_str().expect("words");
    assert!(message.contains("cannot be the provider's ID"), "{message}");
    let next = error["next"].as_str().expect("a step");
    assert!(next.starts_with("Look the ID up at the provider"), "{next}");
    assert_eq!(error["charged"], "unknown");
    assert_eq!(provider.arrived().len(), sent);
}

#[test]
fn id_of_another_job_leaves_the_charge_of_the_job_unknown() {
    let (provider, sandbox) = lost();
    provider.script(Script::from([(SUBMIT.into(), vec![accepted()])]));
    let other = RUN.map(|word| if word == "clip.mp4" { "b.mp4" } else { word });
    let other = other.map(|word| if word == "order-66" { "order-67" } else { word });
    sandbox.run(other.into_iter().chain(["--detach"])).answer();
    let jobs = sandbox.jobs();
    let mut unknown = jobs.iter().filter(|job| job["state"] == "outcome_unknown");
    let id = unknown.next().expect("the job")["id"].as_str();
    let id = id.expect("an id");
    let words = ["--json", "jobs", "resolve", id, "--provider-job-id", "j-1"];
    let error = sandbox.run(words).error("usage");
    assert_eq!(
        (&error["charged"], &error["job"]),
        (&json!("unknown"), &json!(id))
    );
}
