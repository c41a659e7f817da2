//! The provider's own reason in an error, in each of the [`forms`] that providers give it.
//!
//! - [`statuses`]: statuses that have a meaning of their own: 401, 402, 403, 413

mod forms;
mod statuses;

use serde_json::{Value, json};

use self::forms::{Form, forms, long_ones, page, plain, with_echo};
use super::table::Table;
use super::wires::{Wire, for_each_wire, message};
use crate::support::provider::Reply;

/// The most characters of a provider's message that are shown.
const SHOWN: usize = 500;

/// The characters of an error's message around the provider's: the status, the code, the state of
/// the job and what it cost.
const AROUND: usize = 400;

/// Asserts that a message has these words, in any case, and is one bounded line.
#[track_caller]
fn says(error: &Value, words: &[impl AsRef<str>]) {
    let said = message(error);
    let lower = said.to_lowercase();
    for words in words {
        let words = words.as_ref();
        assert!(
            lower.contains(&words.to_lowercase()),
            "no `{words}`: {error}"
        );
    }
    let length = said.chars().count();
    assert!(
        length <= SHOWN + AROUND,
        "{length} characters: {}",
        &said[..200]
    );
    let steers = |letter: char| letter.is_control() || ('\u{202a}'..='\u{202e}').contains(&letter);
    assert!(!said.contains(steers), "{said:?}");
    assert!(!said.contains('<'), "no markup: {error}");
}

/// Each form in a reply to a submit: a refusal is uncharged, a server's error of unknown outcome.
fn reason_of_a_submit(wire: Wire) {
    let mut table = Table::default();
    for (status, kind, exit, charged) in [
        (400, "rejected", 6, "no"),
        (422, "rejected", 6, "no"),
        (500, "outcome_unknown", 8, "unknown"),
    ] {
        let forms = forms()
            .into_iter()
            .filter(|form| form.is_common || status == 422);
        for form in forms {
            table.row(format!("{status}: {}", form.name), move || {
                let ran = wire.run(wire.lines().submit, vec![form.reply(status)], &[]);
                let error = ran.error(kind, exit, charged);
                says(&error, &form.words);
                says(&error, &[status.to_string()]);
                assert_eq!(ran.count(wire.lines().submit), 1, "{error}");
            });
        }
    }
    table.try_all();
}

for_each_wire!(reason_of_a_refused_submit_is_shown: reason_of_a_submit);

/// Each form in a reply to a poll with an error's status: the job stays resumable.
fn reason_of_a_poll(wire: Wire) {
    let mut table = Table::default();
    for form in forms().into_iter().filter(|form| form.is_common) {
        table.row(format!("400: {}", form.name), move || {
            let ran = wire.run(wire.lines().poll, vec![form.reply(400)], &[]);
            let error = ran.error("rejected", 6, "unknown");
            says(&error, &form.words);
            says(&error, &["400"]);
            assert_eq!(ran.context.sandbox.jobs()[0]["state"], "started");
        });
    }
    for form in forms().into_iter().filter(|form| form.is_common) {
        table.row(
            format!("503 until the deadline: {}", form.name),
            move || {
                let poll = wire.lines().poll;
                let ran = wire.run(poll, vec![form.reply(503)], &["--deadline", "2500ms"]);
                let error = ran.error("deadline", 9, "unknown");
                says(&error, &form.words);
                says(&error, &["503"]);
                assert_eq!(ran.context.sandbox.jobs()[0]["state"], "started");
            },
        );
    }
    table.try_all();
}

for_each_wire!(reason_of_a_failed_poll_is_shown: reason_of_a_poll);

/// Each form of JSON in the document of a job that has failed.
fn reason_of_a_job(wire: Wire) {
    let mut table = Table::default();
    for form in forms() {
        let Some(fields) = form.json.clone() else {
            continue;
        };
        table.row(form.name.clone(), move || {
            let reply = Reply::json(200, wire.failed_job(&fields));
            let ran = wire.run(wire.lines().poll, vec![reply], &[]);
            let error = ran.error("failed", 7, "unknown");
            says(&error, &form.words);
            assert_eq!(ran.context.sandbox.jobs()[0]["state"], "failed");
        });
    }
    table.try_all();
}

for_each_wire!(reason_of_a_failed_job_is_shown: reason_of_a_job);

/// An error in a reply with the HTTP status 200. What it means for the job is as it was without a
/// reason.
fn reason_at_200(wire: Wire) {
    let mut table = Table::default();
    for form in forms().into_iter().filter(|form| form.is_common) {
        let Some(fields) = form.json.clone() else {
            continue;
        };
        let words = form.words.clone();
        let document = wire.error_inside(&fields);
        table.row(format!("submit: {}", form.name), {
            let document = document.clone();
            move || {
                let reply = Reply::json(200, document);
                let ran = wire.run(wire.lines().submit, vec![reply], &[]);
                let error = if wire.has_envelopes() {
                    ran.error("rejected", 6, "no")
                } else {
                    ran.error("outcome_unknown", 8, "unknown")
                };
                says(&error, &words);
            }
        });
        table.row(format!("poll: {}", form.name), move || {
            let reply = Reply::json(200, document);
            let poll = wire.lines().poll;
            let ran = wire.run(poll, vec![reply], &["--deadline", "2500ms"]);
            let error = ran.error("deadline", 9, "unknown");
            says(&error, &form.words);
            assert_eq!(ran.context.sandbox.jobs()[0]["state"], "started");
        });
    }
    table.try_all();
}

for_each_wire!(error_in_a_reply_of_status_200_is_shown: reason_at_200);

/// Reasons that echo the credential or the prompt. That neither is shown or stored is checked after
/// every run.
fn echo_is_redacted(wire: Wire) {
    let mut table = Table::default();
    for (echo, name) in [("{key}", "the credential"), ("{prompt}", "the prompt")] {
        for form in with_echo(echo) {
            let fields = form.json.clone();
            let words = form.words.clone();
            table.row(format!("{name}, submit: {}", form.name), move || {
                let ran = wire.run(wire.lines().submit, vec![form.reply(422)], &[]);
                says(&ran.error("rejected", 6, "no"), &form.words);
            });
            let Some(fields) = fields else { continue };
            table.row(format!("{name}, job: {words:?}"), move || {
                let reply = Reply::json(200, wire.failed_job(&fields));
                let ran = wire.run(wire.lines().poll, vec![reply], &[]);
                says(&ran.error("failed", 7, "unknown"), &words);
            });
        }
    }
    table.try_all();
}

for_each_wire!(reason_is_shown_without_the_credential_and_the_prompt: echo_is_redacted);

/// Reasons of 100 kB, and reasons with control characters.
fn reason_is_one_bounded_line(wire: Wire) {
    let mut table = Table::default();
    for form in long_ones() {
        table.row(form.name.clone(), move || {
            let ran = wire.run(wire.lines().submit, vec![form.reply(422)], &[]);
            let error = ran.error("rejected", 6, "no");
            says(&error, &form.words);
            let shown = message(&error).matches("zq").count() * 2;
            assert!((100..=SHOWN).contains(&shown), "{shown} characters");
        });
    }
    let steering = "the \u{1b}[2Jseed\u{7} is\r\ntaken \u{202e}by\0 others\u{9b}31m";
    for form in [
        Form::of_json("detail", json!({"detail": steering}), &["seed", "taken"]),
        Form::of_json(
            "a list",
            json!({"detail": [{"loc": ["body", "\u{1b}[2Jseed"], "msg": steering}]}),
            &["seed", "taken"],
        ),
        plain(steering, &["seed", "taken"]),
        page(steering, &["seed", "taken"]),
    ] {
        let name = format!("control characters: {}", form.name);
        table.row(name, move || {
            let ran = wire.run(wire.lines().submit, vec![form.reply(422)], &[]);
            says(&ran.error("rejected", 6, "no"), &form.words);
        });
    }
    table.try_all();
}

for_each_wire!(long_reason_is_one_bounded_line: reason_is_one_bounded_line);
