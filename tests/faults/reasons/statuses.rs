//! Statuses that have a meaning of their own.

use serde_json::{Value, json};

use super::super::table::Table;
use super::super::wires::{Ran, Wire, for_each_wire, message};
use super::says;
use crate::support::pictures::lighthouse;
use crate::support::provider::{Reply, Script};
use crate::support::sandbox::KEY_VARIABLE;

/// What an error says to the user: the message and the next step.
fn told(error: &Value) -> String {
    format!(
        "{} {}",
        message(error),
        error["next"].as_str().unwrap_or_default()
    )
}

fn refused_credential(wire: Wire) {
    let mut table = Table::default();
    for status in [401, 403] {
        let reply = move || Reply::json(status, json!({"detail": "this key is not known here"}));
        let check = move |error: Value| {
            says(&error, &["this key is not known here", &status.to_string()]);
            let told = told(&error);
            for name in ["scripted", KEY_VARIABLE] {
                assert!(told.contains(name), "no `{name}`: {error}");
            }
        };
        table.row(format!("{status} of a submit"), move || {
            let ran = wire.run(wire.lines().submit, vec![reply()], &[]);
            check(ran.error("unauthorized", 4, "no"));
        });
        table.row(format!("{status} of a poll"), move || {
            let ran = wire.run(wire.lines().poll, vec![reply()], &[]);
            check(ran.error("unauthorized", 4, "unknown"));
        });
    }
    table.try_all();
}

for_each_wire!(refused_credential_is_named_by_connection_and_variable: refused_credential);

/// That nothing was charged is known of a refused submit only.
fn missing_credit(wire: Wire) {
    let mut table = Table::default();
    for (status, detail) in [
        (402, "insufficient credits"),
        (400, "your quota is exhausted"),
        (403, "the account is suspended"),
        (429, "the monthly quota is used up"),
    ] {
        table.row(format!("{status} of a submit"), move || {
            let reply = Reply::json(status, json!({"detail": detail}));
            let ran = wire.run(wire.lines().submit, vec![reply], &[]);
            let error = ran.error("account_refused", 6, "no");
            says(&error, &[detail, &status.to_string()]);
            let told = told(&error).to_lowercase();
            assert!(told.contains("nothing was charged"), "{error}");
        });
    }
    // A code of HTTP, one of the provider and words, in replies of the status 200.
    for error in [
        json!({"code": 402, "error": {"code": "402", "message": "no"}}),
        json!({"error": {"code": "oops", "message": "insufficient balance"}}),
        json!({"error": {"message": "not enough credits"}}),
    ] {
        table.row(format!("200 with {error}"), move || {
            let reply = Reply::json(200, wire.error_inside(&error));
            let ran = wire.run(wire.lines().submit, vec![reply], &[]);
            if wire.has_envelopes() {
                ran.error("account_refused", 6, "no");
            } else {
                ran.error("outcome_unknown", 8, "unknown");
            }
        });
    }
    table.row("402 of a poll", move || {
        let reply = Reply::json(402, json!({"detail": "insufficient credits"}));
        let ran = wire.run(wire.lines().poll, vec![reply], &[]);
        let error = ran.error("rejected", 6, "unknown");
        says(&error, &["insufficient credits", "402"]);
        let told = told(&error).to_lowercase();
        assert!(!told.contains("nothing was charged"), "{error}");
    });
    table.try_all();
}

for_each_wire!(missing_credit_is_reported_with_the_charge: missing_credit);

/// A text without the separators of thousands, in which a number is looked for.
fn without_separators(text: &str) -> String {
    text.replace([',', '\'', '_', '\u{a0}', '\u{202f}'], "")
}

fn refused_for_its_size(wire: Wire) {
    let mut table = Table::default();
    table.row("413 of a submit", move || {
        let reply = Reply::json(413, json!({"error": "at most 1 kB"}));
        let ran = wire.run(wire.lines().submit, vec![reply], &[]);
        let error = ran.error("rejected", 6, "no");
        says(&error, &["at most 1 kB", "413"]);
        gives_the_size(&ran, &error);
    });
    let upload = match wire {
        Wire::Jobs => Some("POST /v1/files"),
        Wire::Configured => Some("POST /v1/pictures"),
        Wire::PopiArt => Some("POST /v1/artifacts/upload"),
        Wire::AgenticFlow | Wire::ShortApi => None,
    };
    if let Some(upload) = upload {
        table.row("413 of an upload", move || {
            let context = wire.context();
            let provider = context.provider.as_ref().expect("a provider");
            let reply = Reply::json(413, json!({"message": "at most 1 kB"}));
            provider.script(Script::from([(upload.to_owned(), vec![reply])]));
            let picture = lighthouse();
            let picture = picture.to_string_lossy();
            let node = context.arguments[2].as_str();
            let run = [
                "--json", "run", node, "--set", "prompt=p", "--image", &*picture,
            ];
            let outcome = context.sandbox.run(run);
            let ran = Ran { context, outcome };
            let error = ran.error("rejected", 6, "no");
            says(&error, &["at most 1 kB", "413"]);
            gives_the_size(&ran, &error);
        });
    }
    table.try_all();
}

for_each_wire!(request_refused_for_its_size_is_reported_with_its_size: refused_for_its_size);

/// Asserts that the error has the size of the last request's body, or of the picture in it.
#[track_caller]
fn gives_the_size(ran: &Ran, error: &Value) {
    let provider = ran.context.provider.as_ref().expect("a provider");
    let sent = provider.arrived().pop().expect("a request").body.len();
    let picture = std::fs::metadata(lighthouse()).expect("the picture").len();
    let told = without_separators(&told(error));
    let sizes = [sent.to_string(), picture.to_string()];
    let given = sizes.iter().any(|size| told.contains(size.as_str()));
    assert!(given, "neither of {sizes:?}: {error}");
}
