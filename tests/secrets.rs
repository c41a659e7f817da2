//! Credentials and prompts in logs, errors and files. `support::outcome` checks after every run of
//! every test that neither is shown or written; here are the runs with the highest risk.

use std::process::Command;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::outcome::Outcome;
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server, connection};
use crate::support::sandbox::{CANARY_KEY, CANARY_PROMPT, KEY_VARIABLE, Sandbox};

/// Runs with all logs on.
fn traced(sandbox: &Sandbox, change: impl Fn(&mut Command)) -> Outcome {
    let prompt = format!("prompt={CANARY_PROMPT}");
    let mut command = sandbox.command([
        "--json",
        "run",
        "image_to_video_v3",
        "--image",
        "a.png",
        "--set",
        "frame_rate=1",
        "--set",
        &prompt,
        "--out",
        "clip.mp4",
    ]);
    command.env("ZOETROPE_LOG", "trace");
    change(&mut command);
    let outcome = sandbox.start(command).end();
    assert!(
        outcome.stderr.contains("DEBUG") || outcome.stderr.contains("TRACE"),
        "there are logs: {}",
        outcome.stderr
    );
    outcome
}

#[test]
fn trace_log_shows_no_credential_and_no_prompt() {
    let url = "https://p.example/a.png?signature=canary-signature";
    let video = "{provider}/1.mp4?signature=canary-signature";
    let ended = json!({"status": "succeeded", "output": {"video": video}});
    let refused = json!({"error": {"code": "{key}", "message": "the key {key} cannot read {provider}/x?signature=canary-signature"}});
    let good = Script::from([
        (
            "POST /v1/files".into(),
            vec![Reply::json(200, json!({"url": url}))],
        ),
        ("POST /v1/jobs".into(), vec![accepted()]),
        (
            "GET /v1/jobs/j-1".into(),
            vec![Reply::json(500, refused.clone()), Reply::json(200, ended)],
        ),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]);
    let refusing = Script::from([("POST /v1/files".into(), vec![Reply::json(401, refused)])]);
    for (script, code) in [(good, 0), (refusing, 4)] {
        let provider = Server::start(script);
        provider.name("key", CANARY_KEY.into());
        let sandbox = Sandbox::with_provider(&provider);
        sandbox.write("a.png", picture(ImageFormat::Png));
        let outcome = traced(&sandbox, |_| {});
        assert_eq!(outcome.code, code, "{outcome:?}");
        assert!(
            !outcome.stderr.contains("canary-signature"),
            "a URL's query is shown: {}",
            outcome.stderr
        );
    }
}

#[test]
fn trace_log_shows_no_key_of_the_practice_provider() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    assert_eq!(traced(&sandbox, |_| {}).code, 0);
    let key = sandbox.data_dir().join("practice/key");
    assert!(key.is_file());
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&key).expect("the key").permissions(),
        );
        assert_eq!(mode & 0o077, 0, "for its owner alone");
    }
}

#[test]
fn malformed_credential_is_refused_and_not_shown() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    sandbox.write("a.png", picture(ImageFormat::Png));
    for value in [
        format!("{CANARY_KEY}\nsecond line"),
        format!("{CANARY_KEY} \u{e9}"),
        String::new(),
    ] {
        let outcome = traced(&sandbox, |command| {
            command.env(KEY_VARIABLE, &value);
        });
        outcome.error("connection_unavailable");
        assert_eq!(outcome.code, 4);
    }
    assert_eq!(provider.arrived().len(), 0);
}

#[test]
fn credential_in_an_unreadable_reply_is_not_shown() {
    let page: Reply = serde_json::from_value(json!({"status": 200, "text": "<html>{key}</html>"}))
        .expect("a reply");
    let provider = Server::start(Script::from([("POST /v1/files".into(), vec![page])]));
    provider.name("key", CANARY_KEY.into());
    let sandbox = Sandbox::with_provider(&provider);
    sandbox.write("a.png", picture(ImageFormat::Png));
    assert_eq!(traced(&sandbox, |_| {}).code, 9);
}

/// All forms in which a provider may quote the key.
const QUOTED: &str =
    "{key} {key escaped} {key in percent} {key in base64} {bearer in base64} {url}?key={key}";

fn quoting(provider: &Server) {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let each = |form: fn(u8) -> String| CANARY_KEY.bytes().map(form).collect::<String>();
    provider.name("key", CANARY_KEY.into());
    provider.name("key escaped", each(|byte| format!("\\u{byte:04x}")));
    provider.name("key in percent", each(|byte| format!("%{byte:02X}")));
    provider.name("key in base64", URL_SAFE_NO_PAD.encode(CANARY_KEY));
    let bearer = STANDARD.encode(format!("Bearer {CANARY_KEY}"));
    provider.name("bearer in base64", bearer);
    provider.name("url", "https://p.example/a".into());
    provider.name("prompt", CANARY_PROMPT.into());
}

/// A reply that quotes the key in its reason, headers and body.
fn echoing(status: u16, mut json: serde_json::Value) -> Reply {
    json["echo"] = QUOTED.into();
    json["message"] = format!("{QUOTED} {{prompt}}").into();
    let mut reply = Reply::json(status, json);
    reply.reason("{key} {key in base64}");
    reply.header("x-echo", QUOTED);
    reply.header("x-{key}", "1");
    reply.header("www-authenticate", "Bearer realm=\"{key}\"");
    reply.header("set-cookie", "session={key}");
    reply
}

fn page(status: u16) -> Reply {
    let page = json!({"status": status, "text": format!("<html>{QUOTED} {{prompt}}</html>")});
    serde_json::from_value(page).expect("a reply")
}

/// A provider that quotes the key in every reply and fails once with this error.
fn good(error: &Value) -> Script {
    let uploaded = || echoing(200, json!({"url": "https://p.example/a.png"}));
    let accepted = || {
        let accepted = json!({"id": "j-1", "status": "queued", "poll_after_ms": 100});
        echoing(201, accepted)
    };
    let ended = |video: &str| {
        let ended = json!({"status": "succeeded", "output": {"video": video}});
        echoing(200, ended)
    };
    Script::from([
        ("POST /v1/files".into(), vec![uploaded()]),
        ("POST /v1/jobs".into(), vec![accepted()]),
        (
            "GET /v1/jobs/j-1".into(),
            vec![
                echoing(200, json!({"status": "running", "progress": 0.5})),
                echoing(503, error.clone()),
                ended("{provider}/moved.mp4?signature=canary-signature"),
            ],
        ),
        (
            "GET /1.mp4".into(),
            vec![{
                let mut clip = Reply::clip();
                clip.header("x-echo", QUOTED);
                clip
            }],
        ),
        (
            "GET /moved.mp4".into(),
            vec![{
                let mut moved = echoing(302, json!({}));
                moved.header(
                    "location",
                    "{provider}/1.mp4?signature=canary-signature&key={key}",
                );
                moved
            }],
        ),
    ])
}

/// Providers that quote the key in every reply and fail in one phase: phase, exit code, script.
fn scripts() -> Vec<(&'static str, i32, Script)> {
    let error = || json!({"error": {"code": "{key}", "message": format!("{QUOTED} {{prompt}}")}});
    // Before the submit the provider has no prompt to quote.
    let early = json!({"error": {"code": "{key}", "message": QUOTED}});
    let good = good(&error());
    let with = |line: &str, replies: Vec<Reply>| {
        let mut script = good.clone();
        script.insert(line.into(), replies);
        script
    };
    vec![
        ("nothing fails", 0, good.clone()),
        (
            "the upload",
            4,
            with("POST /v1/files", vec![echoing(401, early)]),
        ),
        (
            "the submit",
            6,
            with("POST /v1/jobs", vec![echoing(422, error())]),
        ),
        (
            "the submit's reply",
            8,
            with("POST /v1/jobs", vec![page(200)]),
        ),
        (
            "the credential, too late",
            4,
            with("GET /v1/jobs/j-1", vec![echoing(401, error())]),
        ),
        (
            "the job",
            7,
            with(
                "GET /v1/jobs/j-1",
                vec![echoing(200, {
                    let mut failed = error();
                    failed["status"] = "failed".into();
                    failed
                })],
            ),
        ),
        ("the clip", 9, with("GET /1.mp4", vec![page(404)])),
    ]
}

/// The sources and positions of a credential, as lines of a connection.
const PLACES: [&str; 5] = [
    "credential = { env = \"PIXELML_API_KEY\" }",
    "credential = { file = \"the key\" }",
    "credential = { env = \"PIXELML_API_KEY\", header = \"x-api-key\", prefix = \"\" }",
    "credential = { file = \"the key\", prefix = \"Key \" }",
    "credential = { env = \"PIXELML_API_KEY\" }\n\
     options = { credential_header = \"x-token\", credential_prefix = \"Token \" }",
];

#[test]
fn credential_echoed_in_any_reply_and_form_is_not_shown() {
    std::thread::scope(|scope| {
        for (place, format) in PLACES.iter().zip(["text", "json"].iter().cycle()) {
            scope.spawn(move || {
                for (what_fails, code, script) in scripts() {
                    let provider = Server::start(script);
                    quoting(&provider);
                    let sandbox = Sandbox::new();
                    sandbox.configure(&format!(
                        "[connections.scripted]\ncategory = \"pixelml\"\nbase_url = \"{}\"\n{place}\n",
                        provider.url()
                    ));
                    sandbox.write("a.png", picture(ImageFormat::Png));
                    private(&sandbox.write("the key", CANARY_KEY));
                    let outcome = traced(&sandbox, |command| {
                        command.env("ZOETROPE_LOG_FORMAT", format);
                        command.args(["--deadline", "1m"]);
                    });
                    assert_eq!(outcome.code, code, "{what_fails}, {place}: {outcome:?}");
                    let sign = "canary-signature";
                    assert!(!outcome.stderr.contains(sign), "a URL's query: {outcome:?}");
                    let sent = provider.arrived();
                    let sent = sent.iter().filter(|request| request.path.starts_with("/v1/"));
                    for request in sent {
                        let carries = |(_, value): &(String, String)| value.ends_with(CANARY_KEY);
                        assert!(request.headers.iter().any(carries), "{request:?}");
                    }
                    for command in [&["--json", "jobs"][..], &["--json", "jobs", "resume", "--all"]] {
                        sandbox.run(command);
                    }
                }
            });
        }
    });
}

/// Makes a file private, so that the binary prints no warning about it.
fn private(path: &std::path::Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let owner = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(path, owner).expect("permissions");
    }
}

const RUN: [&str; 7] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--image",
    "a.png",
    "--set",
    "prompt=waves",
];

#[test]
fn credential_in_a_wrong_configuration_field_is_not_shown() {
    let provider = Server::start(Script::new());
    for wrong in [
        format!("credential = \"{CANARY_KEY}\""),
        format!("credential = {{ env = \"{CANARY_KEY}\" }}"),
        format!("credential = {{ env = \"{KEY_VARIABLE}\", header = \"{CANARY_KEY} \" }}"),
        format!("credential = {{ env = \"{KEY_VARIABLE}\", key = \"{CANARY_KEY}\" }}"),
        format!("options = {{ api_key = \"{CANARY_KEY}\" }}"),
        format!("options = {{ submit = \"{CANARY_KEY}\" }}"),
        format!("requests_per_second = \"{CANARY_KEY}\""),
        format!("idempotency = \"{CANARY_KEY}\""),
    ] {
        let sandbox = Sandbox::new();
        sandbox.configure(&format!(
            "[connections.scripted]\ncategory = \"pixelml\"\nbase_url = \"{}\"\n{wrong}\n",
            provider.url()
        ));
        sandbox.write("a.png", picture(ImageFormat::Png));
        let outcome = sandbox.run(RUN);
        assert_ne!(outcome.code, 0, "{wrong}: {outcome:?}");
    }
    for wrong in [
        format!("http://{CANARY_KEY}@127.0.0.1:1"),
        format!("http://127.0.0.1:1?key={CANARY_KEY}"),
        format!("http://127.0.0.1:1#{CANARY_KEY}"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.configure(&connection(&wrong, ""));
        // An invalid configuration stops every command, since it has the grants.
        assert_eq!(sandbox.run(["--json", "nodes"]).code, 2);
        sandbox.write("a.png", picture(ImageFormat::Png));
        assert_eq!(sandbox.run(RUN).code, 2);
    }
    assert_eq!(provider.arrived().len(), 0);
}

#[test]
fn prompt_is_shown_only_by_check_and_jobs_show_input() {
    let sandbox = Sandbox::new();
    let input = json!({"prompt": CANARY_PROMPT, "image": "https://p.example/a.png"});
    sandbox.write("input.json", input.to_string());
    let checked = sandbox.run([
        "--json",
        "check",
        "image_to_video_v3",
        "--input",
        "input.json",
    ]);
    assert!(checked.stdout.contains(CANARY_PROMPT), "{checked:?}");
    sandbox.write("a.png", picture(ImageFormat::Png));
    assert_eq!(traced(&sandbox, |_| {}).code, 0);
    let id = sandbox.jobs()[0]["id"].as_str().expect("an id").to_owned();
    let shown = sandbox.run(["--json", "jobs", "show", &id]);
    assert!(!shown.stdout.contains(CANARY_PROMPT), "{shown:?}");
    let shown = sandbox.run(["--json", "jobs", "show", &id, "--input"]);
    assert!(shown.stdout.contains(CANARY_PROMPT), "{shown:?}");
}
