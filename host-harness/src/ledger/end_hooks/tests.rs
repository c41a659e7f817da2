use std::ffi::OsString;
use std::slice;
use std::sync::Arc;

use super::end_commands::{command, text};
use super::*;
use crate::driver::decide::decide;
use crate::driver::event::{Event, SubmitFailure};
use crate::error::ErrorKind;
use crate::ledger::JobError;
use crate::ledger::testing::queued;

fn named(program: &str) -> ExternalCommand {
    let words = [program, "clip ready"].map(OsString::from);
    ExternalCommand::new(words).expect("a command")
}

/// A ledger with the job `j`.
fn with_job(ledger: &Ledger) -> Job {
    ledger.insert_all(&[queued(0)]).expect("insert");
    ledger.job("j").expect("read").expect("a job")
}

fn refused() -> Event {
    Event::SubmitFailed {
        error: JobError::new(ErrorKind::Rejected, "no"),
        failure: SubmitFailure::Refused { charge: Charge::No },
    }
}

fn commit(ledger: &Ledger, job: &Job, event: Event) -> Job {
    let (after, _) = decide(job, event, 2_000);
    ledger.commit(job, &after, 2_000).expect("commit")
}

/// The programs that are due.
fn due(ledger: &Ledger) -> Vec<String> {
    let hooks = ledger.due_end_hooks(i64::MIN).expect("read");
    hooks
        .iter()
        .map(|(hook, _)| hook.command.shown_program())
        .collect()
}

#[test]
fn end_of_a_job_without_a_command_adds_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let ledger = Ledger::open(folder.path()).expect("ledger");
    let job = with_job(&ledger);
    commit(&ledger, &job, refused());
    assert!(due(&ledger).is_empty());
    // A command that is configured later does not count for an earlier end.
    ledger.run_at_ends(named("late"));
    assert!(due(&ledger).is_empty());
}

#[test]
fn end_is_committed_with_its_command_which_one_process_starts() {
    let folder = tempfile::tempdir().expect("folder");
    let ledger = Ledger::open(folder.path()).expect("ledger");
    ledger.run_at_ends(named("configured"));
    let job = with_job(&ledger);
    assert!(due(&ledger).is_empty(), "it has not ended");
    commit(&ledger, &job, refused());
    let other = Ledger::open(folder.path()).expect("another process");
    let hooks = other.due_end_hooks(i64::MIN).expect("read");
    let [(hook, _)] = hooks.as_slice() else {
        panic!("one command: {hooks:?}");
    };
    assert_eq!((&*hook.job, hook.state), ("j", State::Failed));
    assert_eq!(hook.command, named("configured"));
    assert!(other.start_end_hook(hook.id, 3_000).expect("commit"));
    assert!(!ledger.start_end_hook(hook.id, 3_000).expect("commit"));
    assert!(due(&ledger).is_empty());
    assert_eq!(ledger.last_end_hook().expect("read"), Some(hook.id));
    assert!(ledger.due_end_hooks(hook.id).expect("read").is_empty());
    let is_running = |since| ledger.is_end_hook_running(since).expect("read");
    assert!(is_running(3_000) && !is_running(3_001));
    let end = HookEnd {
        at: 4_000,
        exit_code: Some(3),
        problem: None,
    };
    other.finish_end_hook(hook.id, &end).expect("commit");
    assert!(!is_running(3_000));
    let kept = ledger.end_hooks_of("j").expect("read");
    assert_eq!(kept[0].started_at, Some(3_000));
    assert_eq!(kept[0].end, Some(end));
}

#[test]
fn command_of_the_job_replaces_the_configured_one_in_every_process() {
    let folder = tempfile::tempdir().expect("folder");
    let ledger = Ledger::open(folder.path()).expect("ledger");
    ledger.run_at_ends_of_new_jobs(named("own"));
    let job = with_job(&ledger);
    drop(ledger);
    let other = Ledger::open(folder.path()).expect("another process");
    other.run_at_ends(named("configured"));
    commit(&other, &job, refused());
    assert_eq!(due(&other), ["own"]);
}

#[test]
fn each_attempt_that_ends_has_a_command_and_a_repeated_end_has_none() {
    let folder = tempfile::tempdir().expect("folder");
    let ledger = Ledger::open(folder.path()).expect("ledger");
    ledger.run_at_ends(named("a"));
    let job = with_job(&ledger);
    let ended = commit(&ledger, &job, refused());
    let retried = Event::Retried {
        after: 0,
        deadline_at: 9_000,
        requester: "another".into(),
        again: false,
    };
    let again = commit(&ledger, &ended, retried);
    let ended = commit(&ledger, &again, refused());
    assert_eq!(due(&ledger).len(), 2);
    ledger
        .write(|transaction| Ok(add(transaction, &ended, Some(&named("b")))?))
        .expect("commit");
    assert_eq!(due(&ledger), ["a", "a"]);
}

#[test]
fn job_that_has_ended_without_a_command_gets_one_and_then_no_other() {
    let folder = tempfile::tempdir().expect("folder");
    let ledger = Ledger::open(folder.path()).expect("ledger");
    let job = with_job(&ledger);
    let ended = commit(&ledger, &job, refused());
    ledger.keep_end_command(&ended).expect("no command");
    assert!(due(&ledger).is_empty());
    ledger.run_at_ends_of_new_jobs(named("own"));
    for _ in 0..2 {
        ledger.keep_end_command(&ended).expect("commit");
        assert_eq!(due(&ledger), ["own"]);
    }
}

#[test]
fn due_commands_are_the_first_ones_whose_jobs_can_be_read() {
    let folder = tempfile::tempdir().expect("folder");
    let ledger = Ledger::open(folder.path()).expect("ledger");
    ledger.run_at_ends(named("a"));
    for number in 0..2 * MOST_DUE + 4 {
        let mut job = queued(0);
        let spec = Arc::make_mut(&mut job.spec);
        spec.id = format!("{number:02}");
        spec.key = spec.id.clone();
        ledger.insert_all(slice::from_ref(&job)).expect("insert");
        commit(&ledger, &job, refused());
    }
    let due = || {
        let hooks = ledger.due_end_hooks(i64::MIN).expect("read").into_iter();
        hooks.map(|(hook, _)| hook.job).collect::<Vec<_>>()
    };
    assert_eq!((due().len(), &*due()[0]), (MOST_DUE, "00"));
    // More damaged rows than are read at once.
    let damage = "UPDATE jobs SET state = 'nonsense' WHERE id < '17';";
    let more = "UPDATE end_hooks SET command = '{' WHERE job = '17';";
    ledger
        .write(|transaction| Ok(transaction.execute_batch(&format!("{damage}{more}"))?))
        .expect("commit");
    assert_eq!((due().len(), &*due()[0]), (MOST_DUE, "18"));
}

#[cfg(unix)]
#[test]
fn argument_that_is_not_utf8_is_kept_exactly() {
    use std::os::unix::ffi::OsStringExt as _;
    let words = [OsString::from("cp"), OsString::from_vec(vec![b'a', 0xff])];
    let exact = ExternalCommand::new(words).expect("a command");
    assert_eq!(command(&text(&exact)), Some(exact));
    assert_eq!(command("[]"), None);
    assert_eq!(command("{"), None);
}
