//! A provider that differs from the practice provider in every part of its wire, reached by
//! configuration only.

use std::fs;

use image::ImageFormat;
use serde_json::json;

use crate::support::pictures::picture;
use crate::support::provider::{Arrived, Reply, Script, Server};
use crate::support::sandbox::{CANARY_KEY, CANARY_PROMPT, KEY_VARIABLE, Sandbox};

/// All `options`, each with a value other than the default.
const OPTIONS: &str = r#"
[connections.elsewhere.options]
submit = { method = "PUT", path = "/renders/new" }
poll = { method = "POST", path = "/renders/state/{id}" }
cancel = { method = "DELETE", path = "/renders/{id}" }
files = { method = "POST", path = "/pictures" }
action_pointer = "/job/what"
input_pointer = "/job/arguments"
actions = { image_to_video_v3 = "i2v-3" }
idempotency_header = "X-Request-Once"
id_pointer = "/data/0/ref"
status_pointer = "/data/0/phase"
status_words = { queued = ["pending", "held"], running = ["cooking"], succeeded = ["served"], failed = ["burnt"], cancelled = ["sent back"] }
progress_pointer = "/data/0/percent"
progress_full = 100
message_pointer = "/data/0/says"
poll_after_ms_pointer = "/data/0/wait"
video_pointer = "/data/0/files/0/href"
error_code_pointer = "/fault/no"
error_message_pointer = "/fault/text"
charged_pointer = "/data/0/billed"
file_part = "picture"
file_url_pointer = "/stored/at"
"#;

fn custom_wire() -> Script {
    let waiting = |phase: &str, percent: u8| {
        Reply::json(
            200,
            json!({"data": [{"ref": 77, "phase": phase, "percent": percent, "wait": 100, "says": "hot"}]}),
        )
    };
    let served = json!({"data": [{"phase": "served", "files": [{"href": "{cdn}/c.mp4?sig=1"}], "billed": true}]});
    Script::from([
        (
            "POST /tenant/7/pictures".into(),
            vec![Reply::json(
                201,
                json!({"stored": {"at": "https://p.example/9"}}),
            )],
        ),
        (
            "PUT /tenant/7/renders/new".into(),
            vec![waiting("pending", 0)],
        ),
        (
            "POST /tenant/7/renders/state/77".into(),
            vec![
                waiting("held", 0),
                waiting("cooking", 55),
                Reply::json(200, served),
            ],
        ),
    ])
}

/// Runs a picture over the custom wire. Returns the requests that arrived.
#[track_caller]
fn arrived_over(connection: impl Fn(&str) -> String) -> Vec<Arrived> {
    let provider = Server::start(custom_wire());
    let cdn = Server::start(Script::from([("GET /c.mp4".into(), vec![Reply::clip()])]));
    provider.name("cdn", cdn.url());
    let sandbox = Sandbox::new();
    let table = connection(&format!("{}/tenant/7/", provider.url()));
    let origin = format!("\n{}\ncredential = ", cdn.as_result_origin());
    sandbox.configure(&table.replacen("\ncredential = ", &origin, 1));
    sandbox.write("a.png", picture(ImageFormat::Png));
    let prompt = format!("prompt={CANARY_PROMPT}");
    let outcome = sandbox.run([
        "run",
        "image_to_video_v3",
        "--image",
        "a.png",
        "--set",
        &prompt,
        "--key",
        "order-66",
        "--json",
        "--out",
        "clip.mp4",
    ]);
    let answer = outcome.answer();
    assert_eq!(
        (&answer["charged"], &answer["provider_job_id"]),
        (&json!("yes"), &json!("77"))
    );
    assert!(sandbox.path("clip.mp4").is_file());
    assert!(
        outcome.stderr.contains("running 55 %"),
        "{}",
        outcome.stderr
    );

    for request in cdn.arrived() {
        let held = request
            .headers
            .iter()
            .any(|(_, value)| value.contains(CANARY_KEY));
        assert!(
            !held && request.header("authorization").is_none(),
            "{request:?}"
        );
    }
    assert_eq!(cdn.counts().values().sum::<usize>(), 1);
    provider.arrived()
}

#[track_caller]
fn carry_the_credential(arrived: &[Arrived], header: &str, value: &str) {
    for request in arrived {
        assert_eq!(request.header(header), Some(value), "{}", request.line());
        let times = request
            .headers
            .iter()
            .filter(|(_, value)| value.contains(CANARY_KEY))
            .count();
        assert_eq!(times, 1, "{}", request.line());
    }
}

#[test]
fn every_part_of_the_wire_is_configurable() {
    let arrived = arrived_over(|base| {
        format!(
            "[connections.elsewhere]\ncategory = \"pixelml\"\nbase_url = \"{base}\"\n\
             credential = {{ env = \"{KEY_VARIABLE}\", header = \"X-Api-Key\", prefix = \"Token \" }}\n{OPTIONS}"
        )
    });
    let lines: Vec<_> = arrived.iter().map(Arrived::line).collect();
    let poll = "POST /tenant/7/renders/state/77";
    assert_eq!(
        lines,
        [
            "POST /tenant/7/pictures",
            "PUT /tenant/7/renders/new",
            poll,
            poll,
            poll
        ]
    );
    carry_the_credential(&arrived, "x-api-key", &format!("Token {CANARY_KEY}"));

    let [upload, submit, ..] = &arrived[..] else {
        unreachable!("five requests")
    };
    let form = String::from_utf8_lossy(&upload.body);
    assert!(
        form.contains(r#"name="picture"; filename="a.png""#),
        "{form}"
    );
    let png = picture(ImageFormat::Png);
    assert!(
        upload.body.windows(png.len()).any(|part| part == png),
        "the file's own bytes"
    );
    assert_eq!(submit.header("x-request-once"), Some("order-66"));
    assert_eq!(submit.header("idempotency-key"), None);
    assert_eq!(
        submit.json(),
        json!({"job": {"what": "i2v-3", "arguments": {
            "prompt": CANARY_PROMPT, "image": "https://p.example/9", "negative_prompt": null,
            "steps": 20, "guidance_scale": 3, "frame_rate": 8,
        }}})
    );
}

#[test]
fn credential_header_is_configurable() {
    let arrived = arrived_over(|base| {
        format!(
            "[connections.elsewhere]\ncategory = \"pixelml\"\nbase_url = \"{base}\"\n\
             credential = {{ file = \"secrets/key\" }}\n{OPTIONS}\
             credential_header = \"x-secret\"\ncredential_prefix = \"\"\n"
        )
        .replace("secrets/key", &key_file())
    });
    carry_the_credential(&arrived, "x-secret", CANARY_KEY);
}

/// A file with the credential, outside of any sandbox.
fn key_file() -> String {
    use std::sync::OnceLock;
    static FILE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FILE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("key"), format!("{CANARY_KEY}\n")).expect("a file");
        folder
    });
    folder
        .path()
        .join("key")
        .to_str()
        .expect("a path")
        .to_owned()
}

#[test]
fn check_shows_the_request_and_sends_nothing() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::new();
    sandbox.configure(&format!(
        "[connections.elsewhere]\ncategory = \"pixelml\"\nbase_url = \"{}\"\n\
         credential = {{ env = \"NOT_SET\" }}\n{OPTIONS}",
        provider.url()
    ));
    sandbox.write("input.json", r#"{"prompt": "p", "image": "i", "steps": 7}"#);
    let answer = sandbox
        .run([
            "check",
            "image_to_video_v3",
            "--input",
            "input.json",
            "--json",
        ])
        .answer();
    let keys: Vec<_> = answer.as_object().expect("an object").keys().collect();
    let expected = [
        "connection",
        "input",
        "node",
        "notes",
        "ok",
        "provider",
        "request",
        "requests",
        "upper_bound",
    ];
    assert_eq!(keys, expected);
    let request = &answer["request"];
    assert_eq!(request["method"], "PUT");
    assert_eq!(request["url"], format!("{}/renders/new", provider.url()));
    assert_eq!(request["body"]["job"]["arguments"]["steps"], 7);
    let headers: Vec<_> = request["headers"]
        .as_object()
        .expect("an object")
        .keys()
        .collect();
    assert_eq!(headers, ["accept", "content-type", "x-request-once"]);
    assert_eq!(provider.arrived().len(), 0);
}
