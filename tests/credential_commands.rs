//! Credentials that a program prints, and those in the keyring of the platform.

#[cfg(unix)]
use std::fs;

#[cfg(unix)]
use serde_json::json;

#[cfg(unix)]
use crate::support::cases::accepted;
#[cfg(unix)]
use crate::support::provider::Reply;
use crate::support::provider::{Script, Server};
#[cfg(unix)]
use crate::support::sandbox::CANARY_KEY;
use crate::support::sandbox::Sandbox;

const INPUT: &str = r#"{"prompt": "p", "image": "https://p.example/a.png"}"#;

/// A sandbox with one connection whose credential is this.
fn sandbox_with(provider: &Server, credential: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("input.json", INPUT);
    sandbox.configure(&format!(
        "[connections.scripted]\ncategory = \"pixelml\"\nbase_url = \"{}\"\ncredential = {credential}\n",
        provider.url()
    ));
    sandbox
}

/// A provider of two jobs, which are finished at once.
#[cfg(unix)]
fn provider() -> Server {
    let ended = json!({"id": "j-1", "status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true});
    Server::start(Script::from([
        ("POST /v1/jobs".into(), vec![accepted()]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]))
}

#[cfg(unix)]
const RUN: [&str; 5] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--input",
    "input.json",
];

#[cfg(unix)]
#[test]
fn program_prints_the_credential_once_and_only_when_a_request_needs_it() {
    let provider = provider();
    let sandbox = sandbox_with(&provider, "{ command = [\"./pass.sh\", \"show\"] }");
    sandbox.write_script(
        "pass.sh",
        &format!("echo \"$1\" >> runs\necho asking >&2\necho '{CANARY_KEY}'\necho 'user: me'"),
    );
    let check = ["check", "image_to_video_v3", "--input", "input.json"];
    for command in [&check[..], &["config", "check"], &["doctor"], &["jobs"]] {
        sandbox.run(command);
    }
    assert!(!sandbox.path("runs").exists(), "no request needs it");
    let outcome = sandbox.run(RUN);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.stderr.contains("asking"), "{outcome:?}");
    let runs = fs::read_to_string(sandbox.path("runs")).expect("it was run");
    assert_eq!(runs, "show\n", "once in a process");
    let sent = provider.arrived();
    let api: Vec<_> = sent
        .iter()
        .filter(|one| one.path.starts_with("/v1/"))
        .collect();
    assert!(api.len() > 1);
    for request in api {
        let carries = |(_, value): &(String, String)| *value == format!("Bearer {CANARY_KEY}");
        assert!(request.headers.iter().any(carries), "{request:?}");
    }
}

#[cfg(unix)]
#[test]
fn program_that_fails_is_named_with_its_connection_and_nothing_is_sent() {
    let provider = provider();
    for (script, why) in [
        (format!("echo '{CANARY_KEY}'\nexit 7"), "exit status: 7"),
        ("exit 0".into(), "it is empty"),
    ] {
        let sandbox = sandbox_with(&provider, "{ command = [\"./pass.sh\"] }");
        sandbox.write_script("pass.sh", &script);
        let outcome = sandbox.run(RUN);
        let error = outcome.error("connection_unavailable");
        assert_eq!(error["charged"], "no");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("`scripted`"), "{message}");
        assert!(message.contains(why), "{message}");
        assert!(sandbox.jobs().is_empty());
    }
    assert_eq!(provider.arrived().len(), 0);
}

#[cfg(unix)]
#[test]
fn program_of_an_untrusted_file_is_not_run_and_trust_shows_it() {
    let provider = Server::start(Script::new());
    let sandbox = sandbox_with(&provider, "{ command = [\"./pass.sh\"] }");
    sandbox.write_script("pass.sh", "echo run >> runs");
    let outcome = sandbox.start(sandbox.command_in_folder(RUN)).end();
    outcome.error("bad_config");
    assert!(!sandbox.path("runs").exists());
    let shown = sandbox.start(sandbox.command_in_folder(["trust", "--show"]));
    let shown = shown.end().stdout;
    let line = shown
        .lines()
        .find(|line| line.starts_with("  for the credential of connection scripted: "));
    assert!(line.is_some_and(|line| line.contains("pass.sh")), "{shown}");
}

#[test]
fn login_without_keyring_support_says_how_to_install_it() {
    if cfg!(feature = "keyring") {
        return;
    }
    let provider = Server::start(Script::new());
    let sandbox = sandbox_with(&provider, "{ keyring = true }");
    for command in ["login", "logout"] {
        let outcome = sandbox.run(["--json", command, "scripted"]);
        let next = outcome.error("bad_config")["next"].clone();
        let next = next.as_str().expect("a next step");
        assert!(
            next.contains("cargo install --path cli --features keyring"),
            "{next}"
        );
    }
    let run = [
        "--json",
        "run",
        "image_to_video_v3",
        "--input",
        "input.json",
    ];
    let error = sandbox.run(run).error("bad_config");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("--features keyring"), "{message}");
    assert_eq!(provider.arrived().len(), 0);
}
