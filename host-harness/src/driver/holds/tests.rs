use super::*;
use crate::ledger::testing::queued;

const LIAR: Party<'_> = Party::Other("liar");
const HONEST: Party<'_> = Party::Other("honest");

fn refused() -> JobError {
    JobError::new(ErrorKind::Unauthorized, "HTTP status 401")
}

fn delay(until: Instant, submits_only: bool) -> Delay {
    Delay {
        until,
        submits_only,
        error: Some(refused()),
    }
}

#[test]
fn delay_that_an_unbundled_component_reports_holds_its_own_jobs_alone() {
    let now = Instant::now();
    let until = now + Duration::from_mins(1);
    for submits_only in [false, true] {
        let mut holds = Holds::default();
        holds.delay(LIAR, delay(until, submits_only));
        assert!(
            holds
                .submits_until(LIAR)
                .is_some_and(|held| held.0 == until)
        );
        assert_eq!(holds.requests_until(LIAR).is_some(), !submits_only);
        for other in [Party::Bundled, HONEST] {
            assert_eq!(holds.submits_until(other), None);
            assert_eq!(holds.requests_until(other), None);
        }
    }
}

#[test]
fn refused_credential_that_an_unbundled_component_reports_holds_it_for_a_bounded_time() {
    let now = Instant::now();
    let mut holds = Holds::default();
    holds.block(LIAR, refused(), now, AT);
    assert_eq!(holds.held(LIAR, due(), now), Held::By(refused()));
    for other in [Party::Bundled, HONEST] {
        assert_eq!(holds.held(other, due(), now), Held::No);
    }
    assert_eq!(holds.held(LIAR, due(), now + MAX_HOLD), Held::No);
}

#[test]
fn bundled_component_is_believed_for_the_connection() {
    let now = Instant::now();
    let until = now + Duration::from_mins(1);
    let mut holds = Holds::default();
    holds.block(Party::Bundled, refused(), now, AT);
    holds.delay(Party::Bundled, delay(until, false));
    for any in [Party::Bundled, LIAR] {
        let later = now + 10 * MAX_HOLD;
        assert_eq!(holds.held(any, due(), later), Held::By(refused()));
        assert_eq!(holds.requests_until(any), Some(until));
    }
}

/// The time of the refusals in these tests.
const AT: Millis = 5_000;

fn due() -> DueSubmit<'static> {
    DueSubmit::of(Box::leak(Box::new(queued(0))))
}

fn no_credit() -> JobError {
    JobError::new(ErrorKind::AccountRefused, "no credit")
}

/// A job that a command made due at this time, whose account was refused before.
fn resumed(at: Millis) -> DueSubmit<'static> {
    let mut job = queued(0);
    job.schedule.next_at = Some(at);
    job.last_error = Some(no_credit());
    DueSubmit::of(Box::leak(Box::new(job)))
}

#[test]
fn refused_account_holds_each_submit_until_a_later_command_asks_with_one() {
    let now = Instant::now();
    let mut holds = Holds::default();
    holds.block(Party::Bundled, no_credit(), now, AT);
    for since in [AT - 1, AT] {
        let held = holds.held(Party::Bundled, resumed(since), now);
        assert_eq!(held, Held::By(no_credit()), "{since}");
    }
    let mut delayed = queued(0);
    delayed.schedule.next_at = Some(AT + 1);
    delayed.schedule.attempts = 1;
    let held = holds.held(Party::Bundled, DueSubmit::of(&delayed), now);
    assert_eq!(held, Held::By(no_credit()), "no command made it due");

    let later = resumed(AT + 1);
    assert_eq!(holds.held(Party::Bundled, later, now), Held::Probe);
    holds.begin_probe(Party::Bundled, "a");
    assert_eq!(holds.held(Party::Bundled, later, now), Held::ForProbe);
    assert!(!holds.end_probe(Party::Bundled, "b"));
    assert!(holds.end_probe(Party::Bundled, "a"));
    // The same answer: the rest of the command is held too.
    holds.block(Party::Bundled, no_credit(), now, AT + 2);
    let held = holds.held(Party::Bundled, later, now);
    assert_eq!(held, Held::By(no_credit()));

    let latest = resumed(AT + 3);
    holds.begin_probe(Party::Bundled, "a");
    assert!(holds.end_probe(Party::Bundled, "a"));
    holds.accept(Party::Bundled, true);
    for due in [later, latest, due()] {
        assert_eq!(holds.held(Party::Bundled, due, now), Held::No);
    }
}

#[test]
fn submit_that_asks_follows_the_uploads_of_its_own_pictures() {
    let now = Instant::now();
    let mut holds = Holds::default();
    holds.block(Party::Bundled, no_credit(), now, AT);
    holds.begin_probe(Party::Bundled, "j");
    assert_eq!(holds.held(Party::Bundled, due(), now), Held::Probe);
}

#[test]
fn submit_in_flight_that_is_accepted_after_a_refusal_of_the_account_releases_none() {
    let now = Instant::now();
    let mut holds = Holds::default();
    holds.block(Party::Bundled, no_credit(), now, AT);
    holds.accept(Party::Bundled, false);
    let held = holds.held(Party::Bundled, due(), now);
    assert_eq!(held, Held::By(no_credit()));
}

#[test]
fn process_that_resumes_jobs_of_a_refused_account_asks_with_one_of_them() {
    let now = Instant::now();
    let mut holds = Holds::default();
    let due = resumed(AT);
    assert_eq!(holds.held(Party::Bundled, due, now), Held::Probe);
    holds.begin_probe(Party::Bundled, "a");
    assert_eq!(holds.held(Party::Bundled, due, now), Held::ForProbe);
    assert!(holds.end_probe(Party::Bundled, "a"));
    holds.accept(Party::Bundled, true);
    assert_eq!(holds.held(Party::Bundled, due, now), Held::No);
}

#[test]
fn new_job_asks_alone_where_an_earlier_process_left_refused_ones() {
    let now = Instant::now();
    let mut holds = Holds::default();
    holds.doubt_account(LIAR);
    assert_eq!(holds.held(LIAR, due(), now), Held::Probe);
    for other in [Party::Bundled, HONEST] {
        assert_eq!(holds.held(other, due(), now), Held::No);
    }
    holds.begin_probe(LIAR, "a");
    assert!(holds.end_probe(LIAR, "a"));
    holds.accept(LIAR, true);
    assert_eq!(holds.held(LIAR, due(), now), Held::No);
}

#[test]
fn account_that_an_unbundled_component_reports_as_refused_holds_its_own_jobs_alone() {
    let now = Instant::now();
    let mut holds = Holds::default();
    holds.block(LIAR, no_credit(), now, AT);
    assert_eq!(holds.held(LIAR, due(), now), Held::By(no_credit()));
    for other in [Party::Bundled, HONEST] {
        assert_eq!(holds.held(other, due(), now), Held::No);
    }
    assert_eq!(holds.held(LIAR, due(), now + MAX_HOLD), Held::No);
    // Nor does its word release those of others.
    holds.block(Party::Bundled, no_credit(), now, AT);
    holds.begin_probe(LIAR, "a");
    holds.accept(LIAR, true);
    let held = holds.held(Party::Bundled, due(), now);
    assert_eq!(held, Held::By(no_credit()));
}

#[test]
fn command_after_the_clock_was_set_back_asks_for_the_account_again() {
    let now = Instant::now();
    for party in [Party::Bundled, LIAR] {
        let mut holds = Holds::default();
        holds.block(party, no_credit(), now, AT);
        let later = resumed(AT - 2_000);
        let held = holds.held(party, later, now);
        assert_eq!(held, Held::By(no_credit()), "the clock was not set");
        holds.follow_clock(3_000);
        assert_eq!(holds.held(party, later, now), Held::Probe);
        let earlier = resumed(AT - 3_000);
        assert_eq!(holds.held(party, earlier, now), Held::By(no_credit()));
    }
}
