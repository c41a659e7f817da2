//! Uploads of local pictures, before the submit.

use super::*;
use crate::driver::event::Action::HandOver;
use crate::ledger::FieldValue;
use crate::ledger::testing::local_pictures;

/// A queued job with a picture that is not handed over.
fn with_picture(idempotency_ms: Millis) -> Job {
    let mut job = job(idempotency_ms);
    job.local_pictures = local_pictures();
    job.schedule.deadline_at = i64::MAX;
    job
}

fn handed_over(at: Millis) -> Event {
    Event::HandedOver {
        values: vec![FieldValue::Json(
            format!("https://files.example/{at}").into(),
        )],
        at,
        has_uploads: false,
    }
}

fn gone() -> Event {
    let error = JobError::new(ErrorKind::Rejected, "the upload has expired");
    Event::UploadGone { error }
}

fn failed(failure: SubmitFailure, has_uploads: bool) -> Event {
    Event::HandOverFailed {
        error: oops(),
        failure,
        has_uploads,
    }
}

#[test]
fn pictures_are_handed_over_before_the_submit_and_the_row_keeps_their_values() {
    let events = [Event::Due, handed_over(3_000), Event::Due, submit_ready()];
    let (job, actions) = after(with_picture(0), events);
    assert_eq!(actions, [HandOver, Wait, Submit, AllowSubmit]);
    let url = serde_json::json!(["https://files.example/3000"]);
    assert_eq!(job.local_pictures.values(), url);
    assert_eq!(round_trip(&job), Ok(job));
}

#[test]
fn uploads_that_are_too_old_are_repeated_before_each_submit_of_a_queued_job() {
    let (job, _) = after(with_picture(WINDOW), [Event::Due, handed_over(3_000)]);
    let due = |job: &Job, now| decide(job, Event::Due, now).1;
    let stale = 3_000 + UPLOADS_LAST;
    assert_eq!((due(&job, stale - 1), due(&job, stale)), (Submit, HandOver));
    assert_eq!(uploads_since(&job, stale), 3_001);
    let put_off = submit_failed(SubmitFailure::Retryable { after: None });
    let (later, _) = after(job.clone(), [submit_ready(), put_off]);
    assert_eq!(due(&later, stale), HandOver, "it was refused for certain");
    assert_eq!(uploads_since(&later, stale), 3_001);
    let mut paid = later;
    paid.billing.has_uploads = true;
    assert_eq!(due(&paid, stale), Submit, "another upload may be charged");
    assert_eq!(uploads_since(&paid, stale), Millis::MIN);
    let unknown = submit_failed(SubmitFailure::Unknown);
    let (unknown, _) = after(job, [submit_ready(), unknown]);
    assert_eq!(unknown.state(), State::OutcomeUnknown);
    assert_eq!(due(&unknown, stale), Submit, "the same bytes");
}

#[test]
fn job_that_waited_for_credit_uploads_expired_pictures_again() {
    let (job, _) = after(with_picture(WINDOW), [handed_over(3_000), submit_ready()]);
    let (job, _) = decide(&job, submit_failed(SubmitFailure::Permanent), 5_000);
    assert_eq!((job.state(), job.schedule.next_at), (State::Queued, None));
    let now = 5_000 + UPLOADS_LAST;
    let (job, _) = decide(&job, resumed(i64::MAX), now);
    assert_eq!(decide(&job, Event::Due, now).1, HandOver);
}

#[test]
fn upload_that_is_gone_is_repeated_once_and_the_second_refusal_ends_the_job() {
    let first = [handed_over(2_000), submit_ready(), gone()];
    let (job, _) = after(with_picture(0), first);
    assert_eq!((job.state(), job.charge()), (State::Queued, Charge::No));
    assert!(job.local_pictures.are_pending());
    assert_eq!(uploads_since(&job, 4_000), 4_001);
    assert_eq!(decide(&job, Event::Due, 5_000).1, HandOver);
    let (job, _) = decide(&job, handed_over(5_000), 5_000);
    assert_eq!(decide(&job, Event::Due, 5_000).1, Submit);
    let (job, _) = decide(&job, submit_ready(), 5_000);
    let (job, action) = decide(&job, gone(), 5_000);
    assert_eq!(action, Wait);
    assert_eq!((job.state(), job.charge()), (State::Failed, Charge::No));
    assert_eq!(job.submits(), 2);
}

#[test]
fn upload_that_is_gone_is_not_repeated_after_an_unknown_outcome() {
    let unknown = submit_failed(SubmitFailure::Unknown);
    let events = [handed_over(2_000), submit_ready(), unknown, submit_ready()];
    let (job, _) = after(with_picture(WINDOW), events);
    assert_eq!(job.state(), State::Submitting);
    let pictures = job.local_pictures.clone();
    let (job, _) = decide(&job, gone(), 9_000);
    assert_eq!(job.state(), State::OutcomeUnknown);
    assert_eq!(job.local_pictures, pictures);
    assert_ne!(job.charge(), Charge::No);
}

#[test]
fn upload_that_may_be_charged_is_never_repeated_by_the_host() {
    let mut job = with_picture(0);
    job.billing.has_uploads = true;
    let handed_over = Event::HandedOver {
        values: vec![FieldValue::Base64],
        at: 2_000,
        has_uploads: true,
    };
    let (job, _) = after(job, [handed_over, submit_ready(), gone()]);
    assert_eq!(
        (job.state(), job.charge()),
        (State::Failed, Charge::Unknown)
    );
}

#[test]
fn failed_uploads_are_retried_and_then_the_job_is_suspended() {
    let transient = || failed(SubmitFailure::Retryable { after: None }, false);
    let (job, _) = after(with_picture(0), [transient(), transient(), transient()]);
    assert!(job.schedule.next_at.is_some_and(|next| next > 4_000));
    let (job, _) = decide(&job, transient(), 9_000);
    assert_eq!(job.schedule.next_at, None);
    assert_eq!((job.state(), job.charge()), (State::Queued, Charge::No));
    let (job, _) = after(job, [resumed(i64::MAX)]);
    assert_eq!(decide(&job, Event::Due, 10_000).1, HandOver);
}

#[test]
fn refused_upload_ends_the_job_and_may_be_charged_if_it_was_sent() {
    for (has_uploads, expected) in [(false, Charge::No), (true, Charge::Unknown)] {
        let refused = failed(SubmitFailure::Refused { charge: Charge::No }, has_uploads);
        let (job, _) = after(with_picture(0), [Event::UploadsBegin, refused]);
        assert_eq!((job.state(), job.charge()), (State::Failed, expected));
    }
    let (job, _) = after(with_picture(0), [Event::UploadsBegin]);
    assert_eq!(job.charge(), Charge::Unknown, "before the first byte");
    let nothing = failed(SubmitFailure::Retryable { after: None }, false);
    let (job, _) = decide(&job, nothing, 5_000);
    assert_eq!(job.charge(), Charge::No, "nothing was sent");
}

#[test]
fn job_that_is_cancelled_or_late_while_it_uploads_is_not_submitted() {
    let (job, _) = after(with_picture(0), [Event::CancelWanted, handed_over(3_000)]);
    assert_eq!(job.state(), State::Cancelled);
    let mut job = with_picture(0);
    job.schedule.deadline_at = 4_000;
    let (job, actions) = after(job, [Event::Due, handed_over(3_000), Event::Due]);
    assert_eq!(actions, [HandOver, Wait, Wait]);
    assert_eq!((job.state(), job.schedule.next_at), (State::Queued, None));
}

#[test]
fn job_that_is_tried_again_may_upload_again() {
    let first = [
        handed_over(2_000),
        submit_ready(),
        gone(),
        handed_over(5_000),
    ];
    let (mut job, _) = after(with_picture(0), first);
    job.retries = 1;
    let (job, _) = after(job, [submit_ready(), gone()]);
    assert_eq!(job.state(), State::Queued);
    assert!(job.local_pictures.are_pending());
}
