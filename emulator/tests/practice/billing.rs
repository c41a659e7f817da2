//! The billing report.

use axum::http::StatusCode;
use futures::future::join;
use serde_json::json;
use tempfile::tempdir;
use zoetrope_emulator::{Billing, JobBill, Practice, Settings, Totals};

use crate::instant::instant;
use crate::support::{Api, faulty, id, idle, quick, settings, start};

/// The report over HTTP, which must equal the one within the process.
async fn ask(api: &Api, practice: &Practice) -> Billing {
    let answer = api.call("GET", "/v1/practice/account", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    let billing = serde_json::from_slice(&answer.body).expect("an account");
    assert_eq!(practice.billing(), billing);
    billing
}

#[tokio::test]
async fn jobs_and_charges_survive_a_restart() {
    let folder = tempdir().expect("a folder");
    // No fault applies to the report.
    let rules = json!([{"path": "/v1/practice/account", "status": 500}]);
    let (practice, api) = start(instant(faulty(settings(&folder), &rules))).await;
    let body = quick("https://example.com/a.png");
    let paid = id(&api.submit(&body, Some("key")).await);
    assert_eq!(id(&api.submit(&body, Some("key")).await), paid);
    api.until(&paid, "succeeded").await;
    let job = |id: &str, key: Option<&str>, status: &str, submits| JobBill {
        id: id.parse().expect("an id"),
        key: key.map(str::to_owned),
        status: status.to_owned(),
        charged: status == "succeeded",
        submits,
    };
    let billing = ask(&api, &practice).await;
    assert_eq!(billing.jobs, [job(&paid, Some("key"), "succeeded", 2)]);
    let totals = |created, charged, submissions, replayed| Totals {
        created,
        charged,
        submissions,
        replayed,
    };
    assert_eq!(billing.totals, totals(1, 1, 2, 1));
    practice.shutdown().await;

    let (practice, api) = start(idle(&folder)).await;
    let open = api.job(&body).await;
    let billing = ask(&api, &practice).await;
    let jobs = [
        job(&paid, Some("key"), "succeeded", 1),
        job(&open, None, "queued", 1),
    ];
    assert_eq!(billing.jobs, jobs);
    assert_eq!(billing.totals, totals(2, 1, 2, 0));
    let answer = api.get("/v1/practice/account", &[]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn submissions_with_ignored_key_are_listed_as_two_jobs() {
    let folder = tempdir().expect("a folder");
    let faults = r#"{"idempotency": "ignored"}"#.parse().expect("a script");
    let (practice, api) = start(Settings {
        faults,
        ..idle(&folder)
    })
    .await;
    let body = quick("https://example.com/a.png");
    for _ in 0..2 {
        let answer = api.submit(&body, Some("key")).await;
        assert_eq!(answer.status, StatusCode::CREATED);
    }
    let billing = ask(&api, &practice).await;
    let keys: Vec<_> = billing.jobs.iter().map(|job| job.key.as_deref()).collect();
    assert_eq!(keys, [Some("key"); 2]);
    assert_eq!(billing.totals.created, 2);
}

#[tokio::test]
async fn concurrent_polls_are_counted_for_each_job() {
    let folder = tempdir().expect("a folder");
    // Polls are slow from the third on, so that they overlap.
    let rules = json!([{"method": "GET", "path": "/v1/jobs/*", "from": 3, "delay_ms": 500}]);
    let (practice, api) = start(faulty(idle(&folder), &rules)).await;
    let body = quick("https://example.com/a.png");
    let (one, other) = (api.job(&body).await, api.job(&body).await);
    assert_eq!(practice.billing().most_polls_at_once_for_one_job, 0);
    api.poll(&one).await;
    api.poll(&one).await;
    join(api.poll(&one), api.poll(&other)).await;
    assert_eq!(practice.billing().most_polls_at_once_for_one_job, 1);
    join(api.poll(&one), api.poll(&one)).await;
    assert_eq!(practice.billing().most_polls_at_once_for_one_job, 2);
}
