//! Ids of jobs in the paths of a connection's options: an id that a user or a provider gives never
//! leads out of its path. Ids of accepted jobs are data in `cases/faults_*`.

use serde_json::json;

use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{RUN, SUBMIT, slow_provider};

const OPTIONS: &str = r#"
[connections.scripted.options]
poll = { method = "GET", path = "/v3/{+id}" }
cancel = { method = "POST", path = "/v3/{+id}/cancel" }
"#;

const ONE_SEGMENT: &str = r#"
[connections.scripted.options]
poll = { method = "GET", path = "/v3/{id}" }
cancel = { method = "POST", path = "/v3/{id}/cancel" }
"#;

/// A job whose submit has no reply.
fn lost(options: &str) -> (Server, Sandbox, String) {
    let (provider, sandbox) = slow_provider();
    sandbox.configure(&provider.connection(options));
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::close()])]));
    sandbox.run(RUN).error("outcome_unknown");
    let id = sandbox.jobs()[0]["id"].as_str().expect("an id").to_owned();
    (provider, sandbox, id)
}

#[test]
fn adopted_id_of_several_segments_is_polled_and_cancelled_below_its_path() {
    let (provider, sandbox, job) = lost(OPTIONS);
    let id = "models/v3/operations/18446744073709551617";
    let (poll, cancel) = (format!("GET /v3/{id}"), format!("POST /v3/{id}/cancel"));
    let state = |word: &str| Reply::json(200, json!({"id": 1, "status": word, "charged": false}));
    provider.script(Script::from([
        (poll.clone(), vec![state("running")]),
        (cancel.clone(), vec![state("cancelled")]),
    ]));
    let resolve = ["--json", "jobs", "resolve", &job, "--provider-job-id", id];
    sandbox.run(resolve).answer();
    let resume = ["--json", "jobs", "resume", &job, "--deadline", "500ms"];
    sandbox.run(resume).error("deadline");
    let answer = sandbox.run(["--json", "jobs", "cancel", &job]).answer();
    assert_eq!(answer["state"], "cancelled");
    let counts = provider.counts();
    assert!(counts[&poll] >= 1, "{counts:?}");
    assert_eq!((counts[&cancel], counts[SUBMIT]), (1, 1), "{counts:?}");
}

#[test]
fn adopted_id_that_climbs_is_sent_nowhere() {
    for options in [OPTIONS, ONE_SEGMENT] {
        for id in [
            "..",
            "../admin",
            "a/../../admin",
            "%2e%2e/admin",
            "..;/admin",
            "a\\..\\admin",
        ] {
            let (provider, sandbox, job) = lost(options);
            let resolve = ["--json", "jobs", "resolve", &job, "--provider-job-id", id];
            sandbox.run(resolve);
            sandbox.run(["--json", "jobs", "resume", &job, "--deadline", "2s"]);
            sandbox.run(["--json", "jobs", "cancel", &job]);
            let counts = provider.counts();
            assert_eq!(counts.len(), 1, "{id}: {counts:?}");
            assert_eq!(counts[SUBMIT], 1, "{id}");
        }
    }
}
