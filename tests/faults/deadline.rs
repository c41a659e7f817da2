//! A deadline that ends a job whose polls failed: the last problem comes first in the error, with
//! its number and the time since when; the deadline comes second.

use serde_json::{Value, json};

use super::table::Table;
use super::wires::{Wire, for_each_wire, message};
use crate::support::provider::Reply;

/// A limit that several polls of every wire fit into.
const DEADLINE: [&str; 2] = ["--deadline", "6s"];

/// The error of a run whose polls are all answered with these replies.
#[track_caller]
fn error_at_the_deadline(wire: Wire, replies: Vec<Reply>) -> (Value, usize) {
    let poll = wire.lines().poll;
    let ran = wire.run(poll, replies, &DEADLINE);
    let error = ran.error("deadline", 9, "unknown");
    let next = error["next"].as_str().expect("the next command");
    assert!(next.contains("zoetrope jobs resume"), "{error}");
    assert_eq!(ran.count(wire.lines().submit), 1, "{error}");
    assert_eq!(ran.context.sandbox.jobs()[0]["state"], "started");
    (error, ran.count(poll))
}

/// Asserts that `problem` is in the message before the deadline.
#[track_caller]
fn comes_first(error: &Value, problem: &str) {
    let said = message(error).to_lowercase();
    let place = |words: &str| said.find(words);
    let (problem, deadline) = (place(problem), place("deadline"));
    assert!(problem.is_some() && problem < deadline, "{error}");
}

fn failing_polls_are_reported(wire: Wire) {
    let mut table = Table::default();
    let down = || Reply::json(500, json!({"detail": "the database is down"}));
    table.row("every poll is answered 500", move || {
        let (error, polls) = error_at_the_deadline(wire, vec![down()]);
        comes_first(&error, "the database is down");
        let said = message(&error);
        for words in ["500", "since"] {
            assert!(said.contains(words), "{words}: {error}");
        }
        // The deadline may end the job during its last poll.
        let is_counted = |polls: usize| said.contains(&polls.to_string());
        assert!(
            is_counted(polls) || is_counted(polls - 1),
            "{polls}: {error}"
        );
    });
    table.row("the last problem, not the first", move || {
        let first = Reply::json(503, json!({"error": "the disk is full"}));
        let (error, _) = error_at_the_deadline(wire, vec![first, down()]);
        comes_first(&error, "the database is down");
        assert!(!message(&error).contains("disk"), "{error}");
    });
    table.row("every poll is a page", move || {
        let page = "<!doctype html><title>Sign in to the gate</title>";
        let (error, _) = error_at_the_deadline(wire, vec![Reply::text(200, page)]);
        comes_first(&error, "expected");
        assert!(message(&error).contains("since"), "{error}");
    });
    table.row("polls that fail and then wait", move || {
        let waiting = match wire {
            Wire::Configured => json!("in progress"),
            Wire::ShortApi => json!(1),
            _ => json!("running"),
        };
        let waiting = Reply::json(200, wire.job(&waiting, &json!({})));
        let (error, _) = error_at_the_deadline(wire, vec![down(), waiting]);
        assert!(!message(&error).contains("database"), "{error}");
    });
    table.try_all();
}

for_each_wire!(deadline_after_failing_polls_gives_their_reason: failing_polls_are_reported);
