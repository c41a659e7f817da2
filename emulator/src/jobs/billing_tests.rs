use std::time::Instant;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::wires::jobs::submission;

fn render_request() -> RenderRequest {
    let body = json!({
        "action": "image_to_video",
        "input": {"prompt": "", "image": "https://example.com/a.png"},
    });
    submission::read(body.to_string().as_bytes())
        .expect("a submission")
        .render_request
}

fn key(body: &str) -> Idempotency {
    Idempotency {
        key: "key".to_owned(),
        body: body.to_owned(),
    }
}

fn now() -> Arrival {
    Arrival {
        at: Timestamp::UNIX_EPOCH,
        ready_at: Instant::now(),
    }
}

fn submit(jobs: &mut Jobs, body: &str) -> Submitted {
    jobs.submit(&render_request(), Some(&key(body)), 9, now())
}

fn new(jobs: &mut Jobs, body: &str) -> JobId {
    match submit(jobs, body) {
        Submitted::New(id) => id,
        other => panic!("{other:?}"),
    }
}

fn succeed(jobs: &mut Jobs, id: JobId) {
    let sha256 = "00".to_owned();
    jobs.settle(id, Ending::Succeeded { sha256 }, Timestamp::MAX);
}

#[test]
fn repeated_submissions_of_one_key_make_one_job() {
    let mut jobs = Jobs::default();
    let id = new(&mut jobs, "a");
    assert_eq!(submit(&mut jobs, "a"), Submitted::Same(id));
    assert_eq!(submit(&mut jobs, "b"), Submitted::KeyReused);
    assert_eq!(jobs.billing().jobs[0].status, "queued");
    succeed(&mut jobs, id);
    let Billing { jobs, totals, .. } = jobs.billing();
    let expected = JobBill {
        id,
        key: Some("key".to_owned()),
        status: "succeeded".to_owned(),
        charged: true,
        submits: 2,
    };
    assert_eq!(jobs, [expected]);
    let expected = Totals {
        created: 1,
        charged: 1,
        submissions: 3,
        replayed: 1,
    };
    assert_eq!(totals, expected);
}

#[test]
fn ignored_keys_make_a_job_each() {
    let mut jobs = Jobs::new(KeyPolicy::Ignored);
    let ids = [
        new(&mut jobs, "a"),
        new(&mut jobs, "a"),
        new(&mut jobs, "b"),
    ];
    for id in ids {
        succeed(&mut jobs, id);
    }
    let Billing { jobs, totals, .. } = jobs.billing();
    let seen: Vec<_> = jobs
        .iter()
        .map(|job| (job.id, job.key.as_deref()))
        .collect();
    assert_eq!(seen, ids.map(|id| (id, Some("key"))));
    assert_eq!((totals.created, totals.charged, totals.replayed), (3, 3, 0));
}

#[test]
fn jobs_of_the_journal_count() {
    let mut jobs = Jobs::default();
    let id = JobId::new_v4();
    jobs.restore(id, render_request(), Some(key("a")), now());
    assert_eq!(submit(&mut jobs, "a"), Submitted::Same(id));
    let totals = jobs.billing().totals;
    assert_eq!(
        (totals.created, totals.submissions, totals.replayed),
        (1, 2, 1)
    );
    jobs.withdraw(id);
    assert_eq!(jobs.billing().totals.created, 0);
    new(&mut jobs, "b");
}
