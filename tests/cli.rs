//! Snapshots of the text output: listings, errors. Paths, ports and ids are replaced.

use image::ImageFormat;
use insta::{assert_snapshot, with_settings};
use serde_json::json;

use crate::support::cases::accepted;
use crate::support::guests::{LISTS_ONLY, asking};
use crate::support::outcome::Outcome;
use crate::support::pictures::{picture, truncated_png};
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

/// Exit code, standard output and standard error of a run.
fn shown(sandbox: &Sandbox, outcome: &Outcome) -> String {
    let folder = sandbox.path("");
    let folder = folder.to_str().expect("a path").trim_end_matches('/');
    let text = format!(
        "exit code: {}\n--- standard output\n{}--- standard error\n{}",
        outcome.code, outcome.stdout, outcome.stderr
    );
    text.replace(folder, "[SANDBOX]")
}

/// Runs a command and compares its output with the snapshot of this name.
macro_rules! snapshot {
    ($name:literal, $sandbox:expr, $arguments:expr) => {{
        let sandbox = &$sandbox;
        let outcome = sandbox.run($arguments);
        with_settings!({
            filters => vec![
                (r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:[PORT]"),
                (r"[0-9a-f]{64}", "[DIGEST]"),
                (r"(?m)^[0-9a-f]{12}  ", "[SHORT]  "),
                (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[ID]"),
                (r"\d{4}-\d\d-\d\d-a-[0-9a-f]{8}", "[DATE]-a-[SHORT ID]"),
                (r"\(\d+ s\)", "([SECONDS] s)"),
                (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)?", "[TIME]"),
                (r"[\d.]+ (([KM]i)?B), ", "[SIZE] $1, "),
                (r"took \d+ s", "took [SECONDS] s"),
                (r"(?m)^[0-9a-f]{8}  ", "[SHORT]  "),
                (r"\((now|\d+ s ago)\)", "([AGO])"),
                (r"  (now|\d+ s ago) +", "  [AGO]  "),
                (r"CREATED +", "CREATED  "),
                // The progress lines depend on the time of the polls.
                (r"(?m)^(queued|running|downloading) .*\n", ""),
            ],
            omit_expression => true,
        }, {
            assert_snapshot!($name, shown(sandbox, &outcome));
        });
    }};
}

/// Unit tests of the program compare the help of every command with its snapshot.
#[test]
fn help_is_printed_to_standard_output() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["--help"] as &[&str],
        &["jobs", "resume", "-h"],
        &["help", "jobs", "resume"],
    ] {
        let outcome = sandbox.run(arguments);
        assert_eq!(
            (outcome.code, outcome.stderr.as_str()),
            (0, ""),
            "{arguments:?}"
        );
        assert!(outcome.stdout.contains("Usage: zoetrope"), "{outcome:?}");
        assert!(outcome.stdout.contains("Example: zoetrope "), "{outcome:?}");
    }
}

#[test]
fn nodes() {
    let sandbox = Sandbox::new();
    snapshot!("nodes", sandbox, ["nodes"]);
    snapshot!("nodes_one", sandbox, ["nodes", "image_to_video"]);
    snapshot!("nodes_unknown", sandbox, ["nodes", "image_to_vidoe"]);
    snapshot!(
        "nodes_json",
        sandbox,
        ["nodes", "image_to_video_v3", "--json"]
    );
}

#[test]
fn checks() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::new();
    sandbox.write(
        "good.json",
        r#"{"prompt": "waves", "image": "https://p.example/a.png", "steps": 7.0, "frame_rat": 3}"#,
    );
    sandbox.write(
        "bad.json",
        r#"{"prompt": "waves", "steps": 0, "negative_prompt": 3}"#,
    );
    sandbox.write(
        "texts.json",
        r#"{"prompt": "waves", "image": "https://p.example/a.png", "frame_rate": true, "steps": " 2_0 "}"#,
    );
    sandbox.write("worse.json", r#"{"prompt": "waves", "prompt": "sand"}"#);
    let check = |file| ["check", "image_to_video_v3", "--input", file];
    snapshot!("check", sandbox, check("good.json"));
    snapshot!("check_violations", sandbox, check("bad.json"));
    snapshot!("check_one_violation", sandbox, check("worse.json"));
    snapshot!(
        "check_json_violations",
        sandbox,
        check("bad.json").into_iter().chain(["--json"])
    );
    snapshot!(
        "check_lax",
        sandbox,
        check("texts.json").into_iter().chain(["--profile", "lax"])
    );
    sandbox.write("s.json", r#"{"prompt": "p", "image": "i", "negative_prompt": "", "model": "Pixel S", "size": "Square HD (1:1)"}"#);
    sandbox.configure(&provider.connection(""));
    snapshot!(
        "check_with_request",
        sandbox,
        ["check", "image_to_video", "--input", "s.json"]
    );
    snapshot!(
        "check_json_with_request",
        sandbox,
        ["check", "image_to_video", "--input", "s.json", "--json"]
    );
    assert_eq!(provider.arrived().len(), 0);
}

#[test]
fn wrong_calls() {
    let sandbox = Sandbox::new();
    snapshot!("usage_nothing", sandbox, [""; 0]);
    snapshot!(
        "usage_unknown_flag",
        sandbox,
        ["run", "image_to_video", "--imgae", "x"]
    );
    snapshot!(
        "usage_json",
        sandbox,
        ["run", "image_to_video", "--imgae", "x", "--json"]
    );
    snapshot!("usage_no_input", sandbox, ["run", "image_to_video"]);
    snapshot!(
        "usage_bad_deadline",
        sandbox,
        [
            "run",
            "image_to_video",
            "--set",
            "prompt=p",
            "--deadline",
            "soon"
        ]
    );
    snapshot!(
        "usage_bad_key",
        sandbox,
        [
            "run",
            "image_to_video",
            "--set",
            "prompt=p",
            "--key",
            "two words"
        ]
    );
    snapshot!(
        "usage_bad_setting",
        sandbox,
        ["run", "image_to_video", "--set", "prompt"]
    );
    sandbox.configure("[connections.pixelml]\ncategory = \"pixelml\"\nbase_url = \"https://a.example\"\ntimeout = 3\n");
    snapshot!(
        "bad_config",
        sandbox,
        [
            "run",
            "image_to_video_v3",
            "--set",
            "prompt=p",
            "--set",
            "image=https://p.example/i.png"
        ]
    );
}

#[test]
fn text_file_as_component_is_refused_by_name() {
    let sandbox = Sandbox::new();
    let component = sandbox.write("text.wasm", "hello");
    let component = component.to_str().expect("a path");
    snapshot!(
        "bad_component",
        sandbox,
        ["--component", component, "nodes"]
    );
}

#[test]
fn packs() {
    let sandbox = Sandbox::new();
    sandbox.configure("");
    snapshot!("packs", sandbox, ["packs"]);
    snapshot!("packs_show", sandbox, ["packs", "show", "zoetrope"]);
    let manifest = r#"{
        "format": 1, "name": "example", "version": "1.4.0", "description": "For tests.",
        "connections": ["pixelml"],
        "hosts": ["GET https://*.cdn.example/media", "POST https://log.example/events"],
        "limits": {"memory_bytes": 67108864, "requests_per_call": 8}
    }"#;
    sandbox.write("pack.wasm", asking(LISTS_ONLY.nameless("0.2.0"), manifest));
    snapshot!(
        "packs_denied",
        sandbox,
        ["--component", "pack.wasm", "nodes"]
    );
    snapshot!("packs_allow", sandbox, ["packs", "allow", "pack.wasm"]);
    snapshot!("packs_two", sandbox, ["packs"]);
    let more = manifest.replace("log.example/events", "log.example/");
    sandbox.write("more.wasm", asking(LISTS_ONLY.nameless("0.2.0"), &more));
    snapshot!("packs_more", sandbox, ["packs", "allow", "more.wasm"]);
    snapshot!("packs_revoke", sandbox, ["packs", "revoke", "example"]);
    snapshot!("packs_unknown", sandbox, ["packs", "show", "example"]);
}

/// A run against a scripted provider.
const RUN: [&str; 8] = [
    "run",
    "image_to_video_v3",
    "--input",
    r#"{"prompt": "p", "image": "i"}"#,
    "--out",
    "clip.mp4",
    "--key",
    "order-66",
];

/// A provider of one job, with these replies to its submit and its polls.
fn provider(submit: Reply, polls: Vec<Reply>) -> Server {
    Server::start(Script::from([
        ("POST /v1/jobs".into(), vec![submit]),
        ("GET /v1/jobs/j-1".into(), polls),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]))
}

fn ended() -> Reply {
    Reply::json(
        200,
        json!({"status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true}),
    )
}

#[test]
fn runs() {
    let fault = |code: &str| json!({"error": {"code": code, "message": "words of the provider"}});
    let failed = Reply::json(
        200,
        json!({"status": "failed", "error": {"message": "words"}, "charged": false}),
    );
    let server = provider(accepted(), vec![ended()]);
    snapshot!("run", Sandbox::with_provider(&server), RUN);
    let server = provider(Reply::json(401, fault("bad_key")), Vec::new());
    snapshot!("run_unauthorized", Sandbox::with_provider(&server), RUN);
    let server = provider(Reply::json(422, fault("bad_picture")), Vec::new());
    snapshot!("run_rejected", Sandbox::with_provider(&server), RUN);
    let server = provider(Reply::json(500, fault("oops")), Vec::new());
    snapshot!("run_outcome_unknown", Sandbox::with_provider(&server), RUN);
    let sandbox = Sandbox::new();
    sandbox.configure(&server.connection("idempotency = \"24h\""));
    snapshot!("run_outcome_unknown_where_keys_are_honoured", sandbox, RUN);
    let server = provider(accepted(), vec![failed]);
    snapshot!("run_failed", Sandbox::with_provider(&server), RUN);
    let server = provider(accepted(), vec![Reply::json(403, fault("bad_key"))]);
    snapshot!(
        "run_poll_unauthorized",
        Sandbox::with_provider(&server),
        RUN
    );
}

#[test]
fn commands_for_a_job_beyond_its_deadline() {
    let running = Reply::json(
        200,
        json!({"status": "running", "progress": 0.5, "poll_after_ms": 100}),
    );
    let server = provider(accepted(), vec![running]);
    let sandbox = Sandbox::with_provider(&server);
    snapshot!(
        "run_deadline",
        sandbox,
        RUN.into_iter().chain(["--deadline", "250ms"])
    );
    server.script(Script::from([("GET /v1/jobs/j-1".into(), vec![ended()])]));
    snapshot!("jobs", sandbox, ["jobs"]);
    snapshot!("jobs_resume_all", sandbox, ["jobs", "resume", "--all"]);
    snapshot!("jobs_show", sandbox, ["jobs", "show", "last"]);
    snapshot!("jobs_unknown", sandbox, ["jobs", "show", "nope"]);
    snapshot!("jobs_cancel_too_late", sandbox, ["jobs", "cancel", "last"]);
    snapshot!("run_again_with_the_same_key", sandbox, RUN);
    let again = RUN.map(|word| if word == "order-66" { "order-67" } else { word });
    snapshot!("run_again_to_the_same_file", sandbox, again);
}

#[test]
fn practice_runs() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    sandbox.write("broken.png", truncated_png());
    let run = |image| {
        [
            "run",
            "image_to_video_v3",
            "--image",
            image,
            "--set",
            "prompt=p",
            "--set",
            "frame_rate=1",
        ]
    };
    snapshot!("practice_run", sandbox, run("a.png"));
    snapshot!("practice_run_broken_picture", sandbox, run("broken.png"));
}

#[test]
fn every_snapshot_is_compared() {
    let source = include_str!("cli.rs");
    let mut compared: Vec<_> = source
        .split(concat!("snapshot", "!("))
        .filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next())
        .map(|name| format!("end_to_end__cli__{name}.snap"))
        .collect();
    compared.sort();
    let folder = crate::support::root().join("tests/snapshots");
    let entries = std::fs::read_dir(folder).expect("the snapshots");
    let mut found: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        // Snapshots that wait for a review are excluded.
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "snap")
        })
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .filter(|name| name.starts_with("end_to_end__cli__"))
        .collect();
    found.sort();
    assert_eq!(found, compared);
}
