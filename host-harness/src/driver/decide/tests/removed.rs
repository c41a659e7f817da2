//! Results that were removed from their places.

use super::*;

fn finalized() -> Job {
    let events = [
        Event::Due,
        submit_ready(),
        accepted(),
        succeeded(),
        fetched(),
        Event::Finalized,
    ];
    after(job(0), events).0
}

#[test]
fn removed_result_is_asked_for_again_and_its_record_stays() {
    let done = finalized();
    assert!(done.is_done());
    let (removed, _) = after(done.clone(), [Event::ResultRemoved { force: true }]);
    assert!(!removed.is_done() && removed.force);
    assert_eq!(removed.file(), done.file());
    let (next, actions) = after(removed, [resumed(9_000_000), Event::Due]);
    assert_eq!((next.charge(), actions), (Charge::Yes, vec![Wait, Poll]));
    // The user has put the file back.
    let (back, _) = after(next, [Event::Finalized]);
    assert!(back.is_done());
    assert_eq!(back.file(), done.file());
    // Another result is not touched.
    let (queued, _) = after(job(0), [Event::ResultRemoved { force: true }]);
    assert_eq!(queued, job(0));
}

#[test]
fn result_whose_urls_are_all_expired_is_lost_until_it_is_resumed() {
    let (removed, _) = after(
        finalized(),
        [Event::ResultRemoved { force: false }, resumed(9_000_000)],
    );
    let expired = || Event::DownloadFailed {
        error: JobError::new(ErrorKind::DownloadFailed, "HTTP status 404"),
        failure: DownloadFailure::UrlExpired,
    };
    let mut job = removed;
    for _ in 0..4 {
        assert!(!job.is_result_lost());
        job = after(job, [succeeded(), expired()]).0;
    }
    assert!(job.is_result_lost());
    assert!(job.file().is_some(), "its record stays");
    let (resumed, _) = after(job, [resumed(9_000_000)]);
    assert!(!resumed.is_result_lost());
}

#[test]
fn record_of_a_delivered_result_stays_while_another_place_is_wanted() {
    let done = finalized();
    let moved = |to: &str| Event::TargetChanged {
        target: Target::File(to.into()),
        force: false,
    };
    let (wanted, _) = after(done.clone(), [moved("/b.mp4"), resumed(9_000_000)]);
    assert!(!wanted.is_done());
    assert_eq!(wanted.file(), done.file());
    let (again, _) = after(wanted, [moved("/c.mp4"), resumed(9_000_000)]);
    assert_eq!(again.file(), done.file());
    // Files that were not delivered yet belong to their target alone.
    let events = [
        Event::Due,
        submit_ready(),
        accepted(),
        succeeded(),
        fetched(),
    ];
    let (complete, _) = after(job(0), events);
    assert!(complete.file().is_some() && complete.schedule.next_at.is_some());
    let (other, _) = after(complete, [moved("/b.mp4"), Event::Finalized]);
    assert_eq!((other.file(), other.is_done()), (None, false));
}
