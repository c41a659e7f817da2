//! What an error says about its cause: the credential, the size, the charge, the last problem
//! before a deadline, and never the prompt.

use std::fs;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::pictures::{lighthouse, picture};
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::{CANARY_PROMPT, KEY_VARIABLE, Sandbox};
use crate::support::slow_server::{CANCEL, POLL, RUN, SUBMIT, run_until_deadline, slow_provider};

/// A provider's error with a code and a message.
fn refused(status: u16, message: &str) -> Reply {
    let error = json!({"code": "no_1", "message": message});
    Reply::json(status, json!({ "error": error }))
}

/// The reply with a delay beyond every deadline of these tests.
fn for_a_day(mut reply: Reply) -> Reply {
    reply.header("retry-after", "86400");
    reply
}

/// The text of a field.
#[track_caller]
fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    let text = of[name].as_str();
    text.unwrap_or_else(|| panic!("no `{name}` in {of}"))
}

fn of_variable(connection: &str) -> String {
    format!(
        "connection `{connection}` takes its credential from the environment variable `{KEY_VARIABLE}`"
    )
}

#[test]
fn refused_credential_is_named_at_submit_poll_cancel_and_in_a_batch() {
    let (provider, sandbox) = slow_provider();
    let expected = of_variable("scripted");
    let is_named = |error: &Value| {
        let message = text(error, "message");
        assert!(message.contains(&expected), "{message}");
        assert!(message.contains("HTTP status 403"), "{message}");
    };
    let forbidden = || vec![refused(403, "no access")];

    let job = text(&run_until_deadline(&sandbox), "job").to_owned();
    provider.script(Script::from([(CANCEL.into(), forbidden())]));
    let cancelled = sandbox.run(["--json", "jobs", "cancel", &job]);
    is_named(&cancelled.error("unauthorized"));
    provider.script(Script::from([(POLL.into(), forbidden())]));
    let polled = sandbox.run(["--json", "jobs", "resume", &job]);
    is_named(&polled.error("unauthorized"));

    provider.script(Script::from([(SUBMIT.into(), forbidden())]));
    let other = RUN.map(|word| if word == "order-66" { "order-67" } else { word });
    let other = other.map(|word| if word == "clip.mp4" { "2.mp4" } else { word });
    is_named(&sandbox.run(other).error("unauthorized"));
    let line = r#"{"prompt": "p", "image": "https://p.example/a.png"}"#;
    sandbox.write("lines.jsonl", [line; 2].join("\n"));
    let batch = ["run", "image_to_video_v3", "--batch", "lines.jsonl"];
    let batch = ["--json"].into_iter().chain(batch);
    let outcome = sandbox.run(batch.chain(["--out-dir", "clips"]));
    let rows = outcome.json()["jobs"].take();
    for row in rows.as_array().expect("rows") {
        is_named(&row["error"]);
    }
}

#[test]
fn missing_credential_is_named_as_missing() {
    let provider = Server::start(Script::from([(SUBMIT.into(), vec![refused(401, "who?")])]));
    let sandbox = Sandbox::new();
    sandbox.configure(&format!(
        "[connections.open]\ncategory = \"pixelml\"\nbase_url = \"{}\"\n",
        provider.url()
    ));
    let line = json!({"prompt": "p", "image": "https://p.example/a.png"});
    sandbox.write("input.json", line.to_string());
    let error = sandbox.run(RUN).error("unauthorized");
    assert_eq!(
        error["message"],
        "who?; connection `open` has no credential (HTTP status 401, code no_1)"
    );
    assert!(
        text(&error, "next").contains("which has no credential"),
        "{error}"
    );
}

#[test]
fn refused_upload_names_the_credential_and_the_size() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    let lighthouse = lighthouse();
    let picture = lighthouse.to_str().expect("a path");
    let run = || {
        let node = ["--json", "run", "image_to_video_v3"];
        let input = ["--image", picture, "--set", "prompt=push in"];
        sandbox.run(node.into_iter().chain(input))
    };
    let upload = |reply| Script::from([("POST /v1/files".into(), vec![reply])]);
    provider.script(upload(refused(401, "who?")));
    let error = run().error("unauthorized");
    let message = text(&error, "message");
    assert!(message.contains(&of_variable("scripted")), "{message}");

    provider.script(upload(refused(413, "too much")));
    let error = run().error("rejected");
    let length = fs::metadata(&lighthouse).expect("the picture").len();
    assert_eq!(
        error["message"],
        format!("too much; the file has {length} bytes (HTTP status 413, code no_1)")
    );
}

#[test]
fn refused_artifact_names_the_credential_and_the_size() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::new();
    sandbox.configure(&format!(
        "[connections.popi]\ncategory = \"popiart\"\nbase_url = \"{}/v1\"\n\
         credential = {{ env = \"{KEY_VARIABLE}\" }}\n",
        provider.url()
    ));
    let picture = picture(ImageFormat::Png);
    sandbox.write("a.png", &picture);
    let reply = |status| {
        let error = json!({"code": "no_1", "message": "no"});
        vec![Reply::json(status, json!({"ok": false, "error": error}))]
    };
    for (line, arguments) in [
        ("POST /v1/artifacts/upload", ["upload", "a.png"]),
        ("GET /v1/artifacts/art_9", ["pull", "art_9"]),
    ] {
        provider.script(Script::from([(line.into(), reply(401))]));
        let command = ["--json", "artifacts"].into_iter().chain(arguments);
        let error = sandbox.run(command).error("unauthorized");
        let message = text(&error, "message");
        assert!(message.contains(&of_variable("popi")), "{message}");
    }
    provider.script(Script::from([(
        "POST /v1/artifacts/upload".into(),
        reply(413),
    )]));
    let outcome = sandbox.run(["--json", "artifacts", "upload", "a.png"]);
    let error = outcome.error("rejected");
    let size = format!("the file has {} bytes", picture.len());
    assert!(text(&error, "message").contains(&size), "{error}");
}

#[test]
fn submit_that_is_too_large_gives_its_size() {
    let (provider, sandbox) = slow_provider();
    provider.script(Script::from([(
        SUBMIT.into(),
        vec![refused(413, "too much")],
    )]));
    let error = sandbox.run(RUN).error("rejected");
    let sent = provider.arrived()[0].body.len();
    assert_eq!(
        error["message"],
        format!("too much; the request body had {sent} bytes (HTTP status 413, code no_1)")
    );
}

#[test]
fn error_about_credit_says_what_is_known_of_the_charge() {
    let failed = |charged: Value| {
        let error = json!({"message": "the quota is used up"});
        let mut job = json!({"id": "j-1", "status": "failed", "error": error});
        if !charged.is_null() {
            job["charged"] = charged;
        }
        vec![Reply::json(200, job)]
    };
    for (line, replies, kind, is_uncharged) in [
        (SUBMIT, vec![refused(402, "no")], "account_refused", true),
        (
            SUBMIT,
            vec![refused(400, "insufficient funds")],
            "account_refused",
            true,
        ),
        (POLL, failed(json!(false)), "failed", true),
        (POLL, failed(json!(true)), "failed", false),
        (POLL, failed(Value::Null), "failed", false),
    ] {
        let (provider, sandbox) = slow_provider();
        provider.script(Script::from([(line.into(), replies)]));
        let error = sandbox.run(RUN).error(kind);
        let message = text(&error, "message");
        let says = message.ends_with("; nothing was charged");
        assert_eq!(says, is_uncharged, "{message}");
        assert_eq!(error["charged"] == "no", is_uncharged, "{error}");
        let listed = sandbox.jobs().remove(0);
        assert_eq!(listed["error"]["message"], error["message"]);
        if line == SUBMIT {
            assert!(text(&error, "next").starts_with("Add credit"), "{error}");
        }
    }
}

#[test]
fn prompt_is_redacted_in_every_form_and_before_the_message_is_truncated() {
    let json = serde_json::to_string(CANARY_PROMPT).expect("JSON");
    let spread = CANARY_PROMPT.replace(' ', "%20");
    let words: Vec<_> = CANARY_PROMPT.split(' ').collect();
    for said in [
        format!("no: {}", CANARY_PROMPT.to_uppercase()),
        format!("no: {spread}"),
        format!("no: {json}"),
        format!("no: {}", words[1..].join("  ")),
        format!("{}{CANARY_PROMPT}", "no ".repeat(160)),
        format!("{}{CANARY_PROMPT}", "no ".repeat(163)),
    ] {
        let (provider, sandbox) = slow_provider();
        provider.script(Script::from([(SUBMIT.into(), vec![refused(422, &said)])]));
        let error = sandbox.run(RUN).error("rejected");
        let message = text(&error, "message").to_lowercase();
        for word in ["canary-prompt", "push in over", "push%20in", "lighthouse"] {
            assert!(!message.contains(word), "{said}: {message}");
        }
        let reason = message.split(" (http status").next().expect("a reason");
        assert!(reason.chars().count() <= 500, "{reason}");
    }
}

/// The problem in an error of a deadline, of which no more than one request was possible.
#[track_caller]
fn is_last_problem(error: &Value, kind: &str, message: &str) {
    let problem = &error["last_problem"];
    assert_eq!(
        (&problem["kind"], &problem["message"], &problem["times"]),
        (&json!(kind), &json!(message), &json!(1)),
        "{error}"
    );
    assert!(text(problem, "since").ends_with('Z'), "{error}");
    let said = text(error, "message");
    let begin = format!("{message}, once, at ");
    assert!(said.starts_with(&begin), "{said}");
    assert!(said.contains("; then the deadline passed"), "{said}");
}

#[test]
fn every_command_gives_the_problem_before_the_deadline_until_a_poll_overcomes_it() {
    const MESSAGE: &str = "the service is down (HTTP status 503, code no_1)";
    let down = || vec![for_a_day(refused(503, "the service is down"))];
    let (provider, sandbox) = slow_provider();
    provider.script(Script::from([(POLL.into(), down())]));
    let is_down = |error: &Value| is_last_problem(error, "unavailable", MESSAGE);
    let until = |arguments: &[&str]| {
        let deadline = ["--deadline", "3s"];
        sandbox.run(arguments.iter().chain(&deadline))
    };
    let error = until(&RUN).error("deadline");
    is_down(&error);
    assert_eq!(error["charged"], "unknown");
    let job = text(&error, "job");
    is_down(&sandbox.jobs()[0]["error"]);
    let shown = sandbox.run(["--json", "jobs", "show", job]).json();
    is_down(&shown["error"]);
    for arguments in [["jobs"].as_slice(), &["jobs", "show", job]] {
        let shown = sandbox.run(arguments).stdout;
        let words: Vec<_> = shown.split_whitespace().collect();
        assert!(words.join(" ").contains("the service is down"), "{shown}");
    }
    is_down(&until(&["--json", "jobs", "resume", job]).error("deadline"));
    let fetched = until(&["--json", "jobs", "fetch", job, "--out", "other.mp4"]);
    is_down(&fetched.error("deadline"));
    let all = until(&["--json", "jobs", "resume", "--all"]).json();
    is_down(&all["jobs"][0]["error"]);
    let said = text(&all["error"], "message");
    assert!(said.contains("the service is down"), "{said}");
    let text_of_all = until(&["jobs", "resume", "--all"]).stderr;
    assert!(text_of_all.contains("the service is down"), "{text_of_all}");

    let running = json!({"id": "j-1", "status": "running", "poll_after_ms": 100});
    let answers = vec![refused(503, "down again"), Reply::json(200, running)];
    provider.script(Script::from([(POLL.into(), answers)]));
    let error = until(&["--json", "jobs", "resume", job]).error("deadline");
    assert_eq!(error["last_problem"], Value::Null, "{error}");
    assert_eq!(
        error["message"],
        "the deadline passed; the job continues at the provider"
    );
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn throttled_submits_of_a_batch_give_the_reason_of_the_deadline() {
    let (provider, sandbox) = slow_provider();
    let busy = for_a_day(refused(429, "too many jobs"));
    provider.script(Script::from([(SUBMIT.into(), vec![busy])]));
    let line = r#"{"prompt": "p", "image": "https://p.example/a.png"}"#;
    sandbox.write("lines.jsonl", [line; 3].join("\n"));
    let batch = ["run", "image_to_video_v3", "--batch", "lines.jsonl"];
    let batch = ["--json"].into_iter().chain(batch);
    let batch = batch.chain(["--out-dir", "clips", "--deadline", "3s"]);
    let outcome = sandbox.run(batch);
    let answer = outcome.json();
    assert_eq!(outcome.error("deadline")["charged"], "no");
    let rows = answer["jobs"].as_array().expect("rows");
    assert_eq!(rows.len(), 3);
    for row in rows {
        let error = &row["error"];
        assert_eq!(error["kind"], "deadline");
        assert_eq!(error["last_problem"]["kind"], "throttled", "{row}");
        assert!(text(error, "message").starts_with("too many jobs"), "{row}");
    }
}
