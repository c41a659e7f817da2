//! Jobs that the provider reports as succeeded, without a result.

use super::*;

const NO_RESULT: &str = "no_result";

fn empty(charge: Charge) -> Event {
    Event::NoResult {
        ticket: None,
        provider_job_id: None,
        error: JobError::new(ErrorKind::NoResult, "removed by a filter"),
        charge,
        reported: None,
        cost: None,
    }
}

fn kind(job: &Job) -> Option<&str> {
    job.last_error.as_ref().map(|error| error.kind.as_str())
}

/// Polls with this event until nothing is left to do; returns the row and the time.
fn polled(mut job: Job, mut now: Millis, event: &Event) -> (Job, Millis) {
    // Bounded, so that the test ends if the job is polled forever.
    for _ in 0..1_000 {
        job = decide(&job, event.clone(), now).0;
        let Some(next) = job.schedule.next_at else {
            return (job, now);
        };
        assert_eq!((job.state(), kind(&job)), (State::Started, Some(NO_RESULT)));
        now = next;
    }
    panic!("polled without end");
}

#[test]
fn success_without_a_result_is_polled_for_a_minute_and_then_the_job_has_failed() {
    for charge in [Charge::No, Charge::Unknown, Charge::Yes] {
        let (started, _) = after(job(0), [Event::Due, submit_ready(), accepted()]);
        let (ended, now) = polled(started, 5_000, &empty(charge));
        assert!((60_000..80_000).contains(&(now - 5_000)), "{now}");
        assert_eq!(
            (ended.state(), kind(&ended)),
            (State::Failed, Some(NO_RESULT))
        );
        assert_eq!(ended.charge(), charge);
        let cost = (charge != Charge::No).then(|| dollars("0.24"));
        assert_eq!(ended.billing.cost, cost);
        assert!(ended.is_done() && ended.ticket().is_some());
    }
}

#[test]
fn charge_that_a_component_reports_is_kept_beside_the_charge() {
    let (started, _) = after(job(0), [Event::Due, submit_ready(), accepted()]);
    let mut event = empty(Charge::Unknown);
    if let Event::NoResult { reported, .. } = &mut event {
        *reported = Some(Charge::No);
    }
    let (ended, _) = polled(started, 5_000, &event);
    let expected = (Charge::Unknown, Some(Charge::No));
    assert_eq!((ended.charge(), ended.billing.reported), expected);
}

#[test]
fn result_that_follows_within_the_minute_is_downloaded() {
    let events = [
        Event::Due,
        submit_ready(),
        accepted(),
        empty(Charge::Unknown),
        empty(Charge::Unknown),
        succeeded(),
        Event::Due,
    ];
    let (job, actions) = after(job(0), events);
    assert_eq!(actions.last(), Some(&Download));
    assert_eq!(
        (job.schedule.no_result_since, &job.last_error),
        (None, &None)
    );
}

#[test]
fn minute_begins_again_after_another_state() {
    let events = [
        Event::Due,
        submit_ready(),
        accepted(),
        empty(Charge::Unknown),
    ];
    let (job, _) = after(job(0), events);
    let running = Event::Waiting {
        ticket: None,
        hint: None,
        unrecognized: None,
    };
    let (job, _) = decide(&job, running, 60_000);
    let (job, _) = decide(&job, empty(Charge::Unknown), 70_000);
    assert_eq!(
        (job.state(), job.schedule.no_result_since),
        (State::Started, Some(70_000))
    );
}

#[test]
fn answer_to_a_submit_without_a_result_is_polled_with_its_ticket() {
    let mut event = empty(Charge::Unknown);
    if let Event::NoResult {
        ticket,
        provider_job_id,
        ..
    } = &mut event
    {
        (*ticket, *provider_job_id) = (Some("t".into()), Some("p".into()));
    }
    let (job, _) = after(job(0), [Event::Due, submit_ready(), event]);
    assert_eq!(
        (job.state(), job.ticket(), job.provider_job_id()),
        (State::Started, Some("t"), Some("p"))
    );
    assert_eq!(decide(&job, Event::Due, 20_000).1, Poll);
    // Without a ticket, it cannot be asked about again.
    let (job, _) = after(
        super::job(0),
        [Event::Due, submit_ready(), empty(Charge::Yes)],
    );
    assert_eq!(job.state(), State::Submitting);
}

#[test]
fn resumed_job_without_a_result_is_asked_about_for_one_more_minute() {
    let (started, _) = after(job(0), [Event::Due, submit_ready(), accepted()]);
    for charge in [Charge::No, Charge::Yes] {
        let (ended, now) = polled(started.clone(), 5_000, &empty(charge));
        let (again, _) = decide(&ended, resumed(9_000_000), now + 1);
        assert_eq!((again.state(), again.ticket()), (State::Started, Some("t")));
        assert_eq!(again.submits(), 1);
        assert_ne!(again.charge(), Charge::No, "a result would be paid for");
        assert_eq!(decide(&again, Event::Due, now + 2).1, Poll);
        let (found, _) = decide(&again, succeeded(), now + 3);
        assert_eq!(found.state(), State::Succeeded);
        let (later, end) = polled(again, now + 3, &empty(Charge::Unknown));
        assert!((60_000..80_000).contains(&(end - now - 3)));
        let expected = if charge == Charge::Yes {
            Charge::Yes
        } else {
            Charge::Unknown
        };
        assert_eq!((later.state(), later.charge()), (State::Failed, expected));
    }
}

#[test]
fn resume_of_a_job_that_failed_otherwise_changes_nothing() {
    let failed = Event::Ended {
        cancelled: false,
        error: JobError::new(ErrorKind::Failed, "too dark"),
        charge: Charge::No,
        reported: None,
        cost: None,
    };
    let (job, _) = after(job(0), [Event::Due, submit_ready(), accepted(), failed]);
    assert_eq!(decide(&job, resumed(9_000_000), 9_000).0, job);
}

#[test]
fn known_result_that_is_gone_is_not_a_job_without_a_result() {
    let events = [
        Event::Due,
        submit_ready(),
        accepted(),
        succeeded(),
        empty(Charge::No),
    ];
    let (job, _) = after(job(0), events);
    assert_eq!((job.state(), job.charge()), (State::Succeeded, Charge::Yes));
    assert_eq!(kind(&job), Some("download_failed"));
}

#[test]
fn document_is_the_result_of_a_node_without_files() {
    for (text, is_done) in [("{}", true), ("\"\"", true), ("null", false), ("}{", false)] {
        let mut event = succeeded();
        if let Event::Succeeded { output, media, .. } = &mut event {
            (*output, *media) = (text.into(), None);
        }
        let (job, _) = after(job(0), [Event::Due, submit_ready(), accepted(), event]);
        assert_eq!(
            (job.state(), job.is_done()),
            (State::Succeeded, is_done),
            "{text}"
        );
        assert_eq!(job.schedule.next_at, None);
    }
}

#[test]
fn waits_that_are_shorter_than_a_minute_do_not_prolong_it() {
    let (mut job, _) = after(job(0), [Event::Due, submit_ready(), accepted()]);
    let mut now = 5_000;
    for _ in 0..10 {
        let (resumed, _) = decide(&job, resumed(now + 10_000), now);
        (job, _) = decide(&resumed, empty(Charge::No), now + 1);
        if job.state() == State::Failed {
            break;
        }
        (job, _) = decide(&job, Event::Due, now + 10_000);
        assert_eq!(job.schedule.next_at, None, "the deadline");
        now += 20_000;
    }
    assert_eq!((job.state(), kind(&job)), (State::Failed, Some(NO_RESULT)));
}
