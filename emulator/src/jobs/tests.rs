use serde_json::json;

use super::*;

fn render_request() -> RenderRequest {
    let body = json!({
        "action": "image_to_video",
        "input": {"prompt": "", "image": "https://example.com/a.png"},
    });
    crate::wires::jobs::submission::read(body.to_string().as_bytes())
        .expect("a submission")
        .render_request
}

fn now() -> Arrival {
    Arrival {
        at: Timestamp::UNIX_EPOCH,
        ready_at: Instant::now(),
    }
}

fn submit(jobs: &mut Jobs, key: Option<(&str, &str)>) -> Submitted {
    let idempotency = key.map(|(key, body)| Idempotency {
        key: key.to_owned(),
        body: body.to_owned(),
    });
    jobs.submit(&render_request(), idempotency.as_ref(), 2, now())
}

fn new(jobs: &mut Jobs) -> JobId {
    match submit(jobs, None) {
        Submitted::New(id) => id,
        other => panic!("{other:?}"),
    }
}

fn phase(jobs: &Jobs, id: JobId) -> Phase {
    jobs.view(id, Instant::now()).expect("a job").phase
}

fn success() -> Ending {
    Ending::Succeeded {
        sha256: "00".to_owned(),
    }
}

#[test]
fn repeated_key_returns_the_same_job() {
    let mut jobs = Jobs::default();
    let Submitted::New(id) = submit(&mut jobs, Some(("key", "body"))) else {
        panic!()
    };
    assert_eq!(
        submit(&mut jobs, Some(("key", "body"))),
        Submitted::Same(id)
    );
    assert_eq!(
        submit(&mut jobs, Some(("key", "other"))),
        Submitted::KeyReused
    );
    assert!(matches!(
        submit(&mut jobs, Some(("other", "body"))),
        Submitted::New(_)
    ));
    // The queue is full now; a repetition still gets its job.
    assert_eq!(submit(&mut jobs, None), Submitted::Full);
    assert_eq!(
        submit(&mut jobs, Some(("key", "body"))),
        Submitted::Same(id)
    );
    jobs.withdraw(id);
    assert!(matches!(
        submit(&mut jobs, Some(("key", "other"))),
        Submitted::New(_)
    ));
}

#[test]
fn only_waiting_jobs_count_as_queued() {
    let mut jobs = Jobs::default();
    let (first, second) = (new(&mut jobs), new(&mut jobs));
    assert_eq!(submit(&mut jobs, None), Submitted::Full);
    jobs.progress(first, 0);
    jobs.progress(first, 1);
    assert!(matches!(submit(&mut jobs, None), Submitted::New(_)));
    assert_eq!(submit(&mut jobs, None), Submitted::Full);
    jobs.settle(second, Ending::Cancelled, Timestamp::MAX);
    jobs.settle(first, success(), Timestamp::MAX);
    assert!(matches!(submit(&mut jobs, None), Submitted::New(_)));
    assert_eq!(submit(&mut jobs, None), Submitted::Full);
}

#[test]
fn job_ends_once() {
    let mut jobs = Jobs::default();
    let id = new(&mut jobs);
    jobs.progress(id, 3);
    assert!(jobs.claim(id));
    assert!(!jobs.claim(id));
    assert_eq!(jobs.cancel(id), Cancelling::TooLate);
    assert_eq!(phase(&jobs, id), Phase::Running { frames: 3 });
    jobs.settle(id, success(), Timestamp::MAX);
    assert_eq!(phase(&jobs, id), Phase::Ended(success()));
    assert_eq!(jobs.cancel(id), Cancelling::TooLate);
    jobs.progress(id, 4);
    assert_eq!(phase(&jobs, id), Phase::Ended(success()));
    assert!(jobs.unfinished().is_empty());
}

#[test]
fn cancelling_stops_the_rendering() {
    let mut jobs = Jobs::default();
    let id = new(&mut jobs);
    let (_, _, stop) = jobs.assignment(id).expect("an assignment");
    assert_eq!(jobs.cancel(id), Cancelling::Claimed);
    assert!(!*stop.borrow());
    assert!(!jobs.claim(id), "the cancellation has claimed it");
    jobs.settle(id, Ending::Cancelled, Timestamp::MAX);
    assert!(*stop.borrow());
    assert_eq!(jobs.cancel(id), Cancelling::Already);
    assert_eq!(jobs.cancel(Uuid::nil()), Cancelling::Unknown);
}

#[test]
fn stop_leaves_jobs_unfinished() {
    let mut jobs = Jobs::default();
    let id = new(&mut jobs);
    jobs.stop();
    assert_eq!(phase(&jobs, id), Phase::Queued);
    assert_eq!(jobs.unfinished(), [id]);
}

#[test]
fn view_has_the_times_of_start_and_end() {
    let mut jobs = Jobs::default();
    let id = new(&mut jobs);
    let times = |jobs: &Jobs| {
        let view = jobs.view(id, Instant::now()).expect("a job");
        (view.created_at, view.started_at, view.finished_at)
    };
    assert_eq!(times(&jobs), (Timestamp::UNIX_EPOCH, None, None));
    jobs.begin(id, Timestamp::MIN);
    assert_eq!(phase(&jobs, id), Phase::Running { frames: 0 });
    jobs.settle(id, success(), Timestamp::MAX);
    let ended = (Some(Timestamp::MIN), Some(Timestamp::MAX));
    assert_eq!(times(&jobs), (Timestamp::UNIX_EPOCH, ended.0, ended.1));
}
