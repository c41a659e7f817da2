//! Incidents of other clients, described in `docs/reference/incidents.md`. Each is a case of several steps in
//! `cases/incidents`, and one for each other protocol where it can happen. Each case shows that the
//! failure does not happen, and that the job still ends.

use std::collections::BTreeMap;
use std::fs;

use crate::support::cases::{accepted, cases};
use crate::support::provider::{Reply, Script, Server};
use crate::support::root;
use crate::support::sandbox::{CANARY_PROMPT, Sandbox};

cases! {
    "incidents":
        cancel_lost
        credential_follows_url
        double_charge_on_retry
    ; long:
        expired_result_url
        generated_not_downloaded
        hang_on_unknown_state
        paid_then_timeout
        poll_error_misread
        queued_for_ever
        retry_after_ignored
        strict_parse_death
        timeout_says_try_again
}

mod agenticflow {
    use crate::support::cases::cases;

    cases! {
        "incidents_agenticflow":
            credential_follows_url
            double_charge_on_retry
        ; long:
            expired_result_url
            generated_not_downloaded
            hang_on_unknown_state
            paid_then_timeout
            poll_error_misread
            queued_for_ever
            retry_after_ignored
            strict_parse_death
            timeout_says_try_again
    }
}

mod shortapi {
    use crate::support::cases::cases;

    cases! {
        "incidents_shortapi":
            credential_follows_url
            double_charge_on_retry
        ; long:
            expired_result_url
            generated_not_downloaded
            hang_on_unknown_state
            paid_then_timeout
            poll_error_misread
            queued_for_ever
            retry_after_ignored
            strict_parse_death
            timeout_says_try_again
    }
}

mod popiart {
    use crate::support::cases::cases;

    cases! {
        "incidents_popiart":
            cancel_lost
            credential_follows_url
            double_charge_on_retry
        ; long:
            expired_result_url
            generated_not_downloaded
            hang_on_unknown_state
            paid_then_timeout
            poll_error_misread
            queued_for_ever
            retry_after_ignored
            strict_parse_death
            timeout_says_try_again
    }
}

/// The protocols with cases: name, folder, cases.
const PROTOCOLS: [(&str, &str, &[&str]); 4] = [
    ("PixelML", "incidents", CASES),
    ("AgenticFlow", "incidents_agenticflow", agenticflow::CASES),
    ("ShortAPI", "incidents_shortapi", shortapi::CASES),
    ("PopiArt", "incidents_popiart", popiart::CASES),
];

/// Each incident has a case for each protocol, or a sentence why it cannot happen there.
#[test]
fn every_documented_incident_has_a_case_and_every_case_is_documented() {
    let document =
        fs::read_to_string(root().join("docs/reference/incidents.md")).expect("the document");
    let rows = document.lines().filter(|line| line.starts_with("| `"));
    let documented: BTreeMap<_, _> = rows
        .map(|row| {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let [_, name, elsewhere, here, cases, _] = cells[..] else {
                panic!("four cells: {row}");
            };
            assert!(!elsewhere.is_empty() && !here.is_empty(), "{row}");
            (name.trim_matches('`'), cases)
        })
        .collect();
    for (protocol, subject, cases) in PROTOCOLS {
        let mut linked = Vec::new();
        for (name, cell) in &documented {
            let case = name.replace('-', "_");
            let link = format!("[{protocol}](../../tests/cases/{subject}/{case})");
            let reason = format!("- `{name}` by {protocol}: ");
            let cannot_happen = document.lines().any(|line| line.starts_with(&reason));
            assert_ne!(cell.contains(&link), cannot_happen, "{name}, {protocol}");
            if !cannot_happen {
                linked.push(case);
            }
        }
        let mut cases = cases.to_vec();
        cases.sort_unstable();
        assert_eq!(linked, cases, "{protocol}");
    }
}

/// A `Retry-After` holds for the connection, so also for the jobs of other processes.
#[test]
fn no_job_submits_over_a_connection_before_its_retry_after_has_passed() {
    let rest = serde_json::json!({
        "status": 429, "headers": {"retry-after": "3"}, "text": "slow down", "lasts_ms": 2900,
    });
    let rest: Reply = serde_json::from_value(rest).expect("a reply");
    let video = serde_json::json!({
        "status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true,
    });
    let provider = Server::start(Script::from([
        ("POST /v1/jobs".into(), vec![rest, accepted()]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, video)]),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]));
    let sandbox = Sandbox::with_provider(&provider);
    let input = serde_json::json!({"prompt": CANARY_PROMPT, "image": "https://p.example/a.png"});
    sandbox.write("input.json", input.to_string());
    let run = |out: &str| {
        let run = [
            "--json",
            "run",
            "image_to_video_v3",
            "--input",
            "input.json",
            "--out",
        ];
        sandbox.start(sandbox.command(run.into_iter().chain([out])))
    };
    let mut first = run("first.mp4");
    while !first.error_line().starts_with("trying again") {}
    let second = run("second.mp4");
    first.end().answer();
    second.end().answer();
    assert_eq!(
        provider.counts()["POST /v1/jobs"],
        3,
        "one was refused, and none other while the rest lasted"
    );
}
