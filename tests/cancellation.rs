//! A wish to cancel a job whose submit has an unknown outcome: nothing new is bought, and the job is
//! cancelled once it is found.

use serde_json::json;

use crate::support::cases::accepted;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{CANCEL, RUN, SUBMIT, slow_provider};

fn cancelled() -> Reply {
    Reply::json(
        200,
        json!({"id": "j-1", "status": "cancelled", "charged": false}),
    )
}

/// The job after as many submits whose replies were lost.
fn lost(provider: &Server, sandbox: &Sandbox, submits: usize) -> String {
    provider.script(Script::from([
        (SUBMIT.into(), vec![Reply::close()]),
        (CANCEL.into(), vec![cancelled()]),
    ]));
    let running = sandbox.start(sandbox.command(RUN));
    provider.wait_for(SUBMIT, submits);
    running.kill();
    let job = &sandbox.jobs()[0];
    job["id"].as_str().expect("an id").to_owned()
}

#[test]
fn cancel_after_two_lost_replies_finds_the_job_by_its_key_and_cancels_it() {
    let (provider, sandbox) = slow_provider();
    sandbox.configure(&provider.connection("idempotency = \"24h\""));
    let id = lost(&provider, &sandbox, 2);
    let sent = provider.counts()[SUBMIT];
    provider.script(Script::from([(SUBMIT.into(), vec![accepted()])]));
    let answer = sandbox.run(["--json", "jobs", "cancel", &id]).answer();
    assert_eq!(
        (&answer["state"], &answer["charged"]),
        (&json!("cancelled"), &json!("no"))
    );
    let submits: Vec<_> = provider
        .arrived()
        .into_iter()
        .filter(|request| request.line() == SUBMIT)
        .map(|request| {
            (
                request.header("idempotency-key").map(str::to_owned),
                request.body,
            )
        })
        .collect();
    assert_eq!(submits.len(), sent + 1, "the repetition alone");
    assert!(submits.iter().all(|submit| *submit == submits[0]));
    let again = sandbox.run(["jobs", "cancel", &id]);
    assert_eq!(again.stdout, "Already cancelled; nothing was charged.\n");
    assert_eq!(provider.counts()[CANCEL], 1);
    // Nothing is left that a resume could buy.
    sandbox.run(["--json", "jobs", "resume", "--all"]);
    assert_eq!(provider.counts()[SUBMIT], sent + 1);
}

#[test]
fn cancel_of_a_job_that_no_key_finds_keeps_the_wish_until_it_is_resolved() {
    let (provider, sandbox) = slow_provider();
    let id = lost(&provider, &sandbox, 1);
    let refused = sandbox.run(["--json", "jobs", "cancel", &id]);
    assert_eq!(refused.code, 8, "{refused:?}");
    let error = refused.error("outcome_unknown");
    assert_eq!(error["charged"], "unknown");
    let next = error["next"].as_str().expect("a command");
    assert!(
        next.contains(&format!("jobs resolve {id} --provider-job-id")),
        "{next}"
    );
    for resume in [["jobs", "resume", &id], ["jobs", "resume", "--all"]] {
        sandbox.run(["--json"].iter().chain(&resume));
    }
    assert_eq!(provider.counts()[SUBMIT], 1, "nothing is sent");
    let found = ["--json", "jobs", "resolve", &id, "--provider-job-id", "j-1"];
    let answer = sandbox.run(found).answer();
    assert_eq!(answer["state"], "cancelled");
    assert_eq!(provider.counts()[CANCEL], 1);
}
