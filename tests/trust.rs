//! A folder from a stranger: its `zoetrope.toml` chooses no origin for a credential until the user
//! has trusted it.

use std::fs;
use std::path::PathBuf;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::guests::Guest;
use crate::support::guests::{LISTS_ONLY, PLANS, allowing};
use crate::support::outcome::Outcome;
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

const RUN: [&str; 7] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--set",
    "prompt=p",
    "--set",
    "image=https://p.example/a.png",
];

/// Commands that would use a connection.
const USES_OF_A_CONNECTION: [&str; 9] = [
    "run image_to_video_v3 --set prompt=p --set image=https://p.example/a.png",
    "run image_to_video_v3 --input input.json --image a.png",
    "run image_to_video_v3 --input input.json --connection scripted",
    "run image_to_video_v3 --input input.json --detach",
    "run image_to_video_v3 --batch lines.jsonl --out-dir out",
    "check image_to_video_v3 --input input.json --connection scripted",
    "artifacts pull artifact-1",
    "artifacts pull artifact-1 --connection scripted",
    "artifacts upload a.png",
];

/// A folder with a configuration that sends the user's key to this server.
fn folder_of(server: &Server) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.configure(&server.connection(""));
    sandbox
}

/// Runs a command as a user does who is in the folder.
fn run(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    sandbox.start(sandbox.command_in_folder(arguments)).end()
}

/// The path of the configuration, as the program shows it.
fn config_of(sandbox: &Sandbox) -> PathBuf {
    let folder = fs::canonicalize(sandbox.path("")).expect("the folder");
    folder.join("zoetrope.toml")
}

/// Asserts that the command ended because the configuration is not used, with the command that
/// trusts it.
#[track_caller]
fn assert_refused(sandbox: &Sandbox, outcome: &Outcome) {
    let error = outcome.error("bad_config");
    let facts = (outcome.code, &error["phase"], &error["charged"]);
    assert_eq!(facts, (2, &json!("setup"), &json!("no")), "{outcome:?}");
    let command = format!("zoetrope trust {}", config_of(sandbox).display());
    let next = error["next"].as_str().expect("a next command");
    assert!(next.contains(&command), "{next}");
}

fn trust(sandbox: &Sandbox) -> Value {
    run(sandbox, &["trust", "--json"]).answer()
}

/// A provider of one job, which is finished at the first poll.
fn provider() -> Server {
    let ended = json!({"id": "j-1", "status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true});
    Server::start(Script::from([
        ("POST /v1/jobs".into(), vec![accepted()]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]))
}

#[test]
fn configuration_of_a_strangers_folder_gets_no_request_and_no_key() {
    let evil = Server::start(Script::new());
    let sandbox = folder_of(&evil);
    sandbox.write(
        "input.json",
        r#"{"prompt": "p", "image": "https://p.example/a.png"}"#,
    );
    sandbox.write(
        "lines.jsonl",
        "{\"prompt\": \"p\", \"image\": \"https://p.example/a.png\"}\n",
    );
    sandbox.write("a.png", picture(ImageFormat::Png));
    for line in USES_OF_A_CONNECTION {
        let mut command = vec!["--json"];
        command.extend(line.split(' '));
        assert_refused(&sandbox, &run(&sandbox, &command));
    }
    assert_eq!(evil.arrived().len(), 0);
    assert!(
        !sandbox.user_dir().exists(),
        "nothing is trusted by the way"
    );
}

#[test]
fn command_without_a_connection_notes_the_untrusted_file_and_goes_on() {
    let evil = Server::start(Script::new());
    let sandbox = folder_of(&evil);
    // It is not parsed either.
    sandbox.configure("[connections.a]\nnonsense = 1\n");
    sandbox.write(
        "input.json",
        r#"{"prompt": "p", "image": "https://p.example/a.png"}"#,
    );
    for command in [
        &["--json", "nodes"][..],
        &[
            "--json",
            "check",
            "image_to_video_v3",
            "--input",
            "input.json",
        ],
        &[
            "check",
            "image_to_video_v3",
            "--jsonl",
            "--input",
            "input.json",
        ],
        &["--json", "packs"],
        &["--json", "packs", "show", "zoetrope"],
        &["--json", "jobs"],
        &["--json", "jobs", "resume", "--all"],
        &["--json", "jobs", "prune", "--older-than", "1d"],
    ] {
        let outcome = run(&sandbox, command);
        assert_eq!(outcome.code, 0, "{outcome:?}");
        outcome.json();
        let notes = outcome
            .stderr
            .lines()
            .filter(|line| line.starts_with("note: the configuration"));
        let notes: Vec<_> = notes.collect();
        let command = format!("zoetrope trust {}", config_of(&sandbox).display());
        assert!(
            matches!(notes[..], [note] if note.ends_with(&command)),
            "{outcome:?}"
        );
    }
}

#[test]
fn practice_provider_serves_an_untrusted_folder_only_if_it_is_named() {
    let evil = Server::start(Script::new());
    let sandbox = folder_of(&evil);
    sandbox.write("a.png", picture(ImageFormat::Png));
    let practice = [
        "--json",
        "run",
        "image_to_video_v3",
        "--image",
        "a.png",
        "--set",
        "prompt=p",
        "--set",
        "frame_rate=1",
        "--out",
        "clip.mp4",
    ];
    assert_refused(&sandbox, &run(&sandbox, &practice));
    assert_eq!(sandbox.jobs().len(), 0);
    let named = [&practice[..], &["--connection", "practice"]].concat();
    let outcome = run(&sandbox, &named);
    outcome.answer();
    assert!(
        outcome.stderr.contains("note: the configuration"),
        "{outcome:?}"
    );
    assert!(sandbox.path("clip.mp4").is_file());
    assert_eq!(
        run(&sandbox, &["--json", "jobs", "resume", "--all"]).code,
        0
    );
    assert_eq!(evil.arrived().len(), 0);
}

#[test]
fn job_of_a_connection_is_not_continued_from_an_untrusted_folder() {
    let running = json!({"id": "j-1", "status": "running", "poll_after_ms": 100});
    let server = Server::start(Script::from([
        ("POST /v1/jobs".into(), vec![accepted()]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, running)]),
    ]));
    let sandbox = folder_of(&server);
    // The variable names the file, which needs no trust.
    let detached = sandbox.run(RUN.into_iter().chain(["--detach"])).answer();
    let id = detached["job"].as_str().expect("an id");
    let arrived = server.arrived().len();
    for command in [
        &["--json", "jobs", "resume", "--all"][..],
        &["--json", "jobs", "resume", id],
        &["--json", "jobs", "cancel", id],
        &["--json", "jobs", "fetch", id, "--out", "clip.mp4"],
    ] {
        assert_refused(&sandbox, &run(&sandbox, command));
    }
    assert_eq!(server.arrived().len(), arrived);
    let state = &run(&sandbox, &["--json", "jobs", "show", id]).json()["state"];
    assert_eq!(state, "started");
}

#[test]
fn trust_shows_where_the_key_would_be_sent() {
    let server = provider();
    let sandbox = folder_of(&server);
    let shown = run(&sandbox, &["trust", "--show"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(
        shown
            .stdout
            .contains(&format!("sends to: {}", server.url())),
        "{shown:?}"
    );
    assert!(
        shown
            .stdout
            .contains("the environment variable PIXELML_API_KEY"),
        "{shown:?}"
    );
    assert_refused(&sandbox, &run(&sandbox, &RUN));

    let trusted = trust(&sandbox);
    assert_eq!(
        (
            &trusted["was_trusted"],
            &trusted["trusted"],
            &trusted["difference"]
        ),
        (&json!("no"), &json!(true), &Value::Null)
    );
    let connection = &trusted["effects"]["connections"][0];
    assert_eq!(connection["base_url"], server.url());
    assert_eq!(connection["variable"], "PIXELML_API_KEY");
    assert_eq!(trusted["effects"]["variables"], json!(["PIXELML_API_KEY"]));
    assert_eq!(run(&sandbox, &RUN).code, 0);
    assert_eq!(server.counts()["POST /v1/jobs"], 1);
}

#[test]
fn trusted_file_that_is_replaced_is_not_used_and_its_difference_is_shown() {
    let (good, evil) = (provider(), Server::start(Script::new()));
    let sandbox = folder_of(&good);
    trust(&sandbox);
    sandbox.configure(&good.connection("").replace(&good.url(), &evil.url()));
    let outcome = run(&sandbox, &RUN);
    assert_refused(&sandbox, &outcome);
    let message = outcome.json()["error"]["message"].to_string();
    assert!(
        message.contains("has changed since it was trusted"),
        "{message}"
    );

    let shown = run(&sandbox, &["trust", "--show", "--json"]).answer();
    assert_eq!(
        (&shown["was_trusted"], &shown["trusted"]),
        (&json!("changed"), &json!(false))
    );
    let difference = shown["difference"].as_str().expect("a difference");
    let lines = [
        format!("-base_url = \"{}\"", good.url()),
        format!("+base_url = \"{}\"", evil.url()),
    ];
    for line in lines {
        assert!(
            difference.lines().any(|found| found == line),
            "{difference}"
        );
    }
    assert_refused(&sandbox, &run(&sandbox, &RUN));
    // The former content is trusted as before.
    sandbox.configure(&good.connection(""));
    assert_eq!(run(&sandbox, &RUN).code, 0);
    assert_eq!(
        (good.counts()["POST /v1/jobs"], evil.arrived().len()),
        (1, 0)
    );
}

/// Another process replaces the file all the time: each run uses the trusted content or none.
#[test]
fn file_that_changes_between_check_and_read_never_sends_to_another_origin() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let (good, evil) = (provider(), Server::start(Script::new()));
    let sandbox = folder_of(&good);
    trust(&sandbox);
    let texts =
        [&good, &evil].map(|server| good.connection("").replace(&good.url(), &server.url()));
    let [path, next] = ["zoetrope.toml", "next.toml"].map(|name| sandbox.path(name));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for text in texts.iter().cycle() {
                fs::write(&next, text).expect("a file");
                fs::rename(&next, &path).expect("replaced");
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        for _ in 0..10 {
            let outcome = run(&sandbox, &RUN);
            if outcome.code != 0 {
                outcome.error("bad_config");
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(evil.arrived().len(), 0);
}

#[cfg(unix)]
#[test]
fn trusted_file_swapped_by_a_symbolic_link_is_not_used() {
    let (good, evil) = (provider(), Server::start(Script::new()));
    let sandbox = folder_of(&good);
    trust(&sandbox);
    let elsewhere = sandbox.write("elsewhere.toml", evil.connection(""));
    let here = sandbox.path("zoetrope.toml");
    fs::remove_file(&here).expect("removed");
    std::os::unix::fs::symlink(elsewhere, &here).expect("a link");
    for command in [&RUN[..], &["--json", "trust"]] {
        let error = run(&sandbox, command).error("bad_config");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("symbolic link"), "{message}");
    }
    assert_eq!((good.arrived().len(), evil.arrived().len()), (0, 0));
}

#[cfg(unix)]
#[test]
fn pipe_as_a_configuration_neither_blocks_nor_is_used() {
    let sandbox = Sandbox::new();
    let made = std::process::Command::new("mkfifo")
        .arg(sandbox.path("zoetrope.toml"))
        .status();
    assert!(made.expect("mkfifo").success());
    for command in [
        &RUN[..],
        &["--json", "trust"],
        &["--json", "config", "check"],
    ] {
        let error = run(&sandbox, command).error("bad_config");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("not a regular file"), "{message}");
    }
    assert_eq!(run(&sandbox, &["--json", "nodes"]).code, 0);
    let named = ["--json", "--config", "zoetrope.toml", "nodes"];
    run(&sandbox, &named).error("bad_config");
}

#[test]
fn configuration_of_100_megabytes_is_not_used() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("zoetrope.toml", "");
    let file = fs::OpenOptions::new().write(true).open(path);
    let enlarged = file.and_then(|file| file.set_len(100 << 20));
    enlarged.expect("its length");
    for command in [
        &RUN[..],
        &["--json", "trust"],
        &["--json", "--config", "zoetrope.toml", "nodes"],
    ] {
        let error = run(&sandbox, command).error("bad_config");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("longer than 1048576 bytes"), "{message}");
    }
    assert_eq!(run(&sandbox, &["--json", "nodes"]).code, 0);
}

#[cfg(unix)]
#[test]
fn folder_with_control_characters_in_its_name_is_shown_escaped_and_trusted() {
    let server = provider();
    let sandbox = Sandbox::new();
    let folder = sandbox.path("a\n\u{1b}[2J'b");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("zoetrope.toml"), server.connection("")).expect("a file");
    let there = |arguments: &[&str]| {
        let mut command = sandbox.command_in_folder(arguments);
        command.current_dir(&folder);
        sandbox.start(command).end()
    };
    let outcome = there(&RUN);
    let error = outcome.error("bad_config");
    let (message, next) = (error["message"].to_string(), error["next"].as_str());
    let next = next.expect("a next command").to_owned();
    assert!(
        !message.contains('\u{1b}') && message.contains("u{1b}"),
        "{message}"
    );
    // The command is one that a shell with `$'…'` reads.
    let quoted = next.split("zoetrope trust $").last().expect("a command");
    assert!(
        quoted.starts_with('\'') && quoted.contains(r"a\012\033[2J\'b"),
        "{next}"
    );

    let noted = there(&["nodes"]);
    let note = noted.stderr.lines().find(|line| line.starts_with("note: "));
    assert!(note.is_some_and(|note| note.contains("u{1b}")), "{noted:?}");
    assert!(!noted.stderr.contains('\u{1b}'), "{noted:?}");
    there(&["trust", "--json"]).answer();
    let listed = there(&["trust", "--list"]);
    assert!(
        !listed.stdout.contains('\u{1b}') && listed.stdout.lines().count() == 1,
        "{listed:?}"
    );
    assert_eq!(there(&RUN).code, 0);
    let revoked = there(&["trust", "--revoke", "--json"]).answer();
    assert!(
        revoked["revoked"]
            .as_str()
            .is_some_and(|path| path.contains("u{1b}"))
    );
    there(&RUN).error("bad_config");
}

#[test]
fn parent_folders_are_not_searched_and_a_copy_elsewhere_is_not_trusted() {
    let evil = Server::start(Script::new());
    let sandbox = folder_of(&evil);
    trust(&sandbox);
    let below = sandbox.path("below");
    fs::create_dir(&below).expect("a folder");
    let there = |arguments: &[&str]| {
        let mut command = sandbox.command_in_folder(arguments);
        command.current_dir(&below);
        sandbox.start(command).end()
    };
    assert_eq!(
        there(&["config", "path", "--json"]).answer()["path"],
        Value::Null
    );
    fs::copy(sandbox.path("zoetrope.toml"), below.join("zoetrope.toml")).expect("a copy");
    there(&RUN).error("bad_config");
    assert_eq!(evil.arrived().len(), 0);
}

#[test]
fn untrusted_file_is_not_skipped_in_favour_of_the_users_own_one() {
    let (own, evil) = (provider(), Server::start(Script::new()));
    let sandbox = folder_of(&evil);
    fs::create_dir_all(sandbox.user_dir()).expect("a folder");
    fs::write(sandbox.user_dir().join("zoetrope.toml"), own.connection("")).expect("a file");
    assert_refused(&sandbox, &run(&sandbox, &RUN));
    assert_eq!((own.arrived().len(), evil.arrived().len()), (0, 0));
    fs::remove_file(sandbox.path("zoetrope.toml")).expect("removed");
    assert_eq!(run(&sandbox, &RUN).code, 0);
    assert_eq!(own.counts()["POST /v1/jobs"], 1);
}

#[test]
fn trusted_files_are_listed_and_revoked() {
    let server = provider();
    let sandbox = folder_of(&server);
    assert_eq!(
        run(&sandbox, &["trust", "--list", "--json"]).json(),
        json!([])
    );
    trust(&sandbox);
    assert_eq!(trust(&sandbox)["was_trusted"], "yes");
    let listed = run(&sandbox, &["trust", "--list", "--json"]).json();
    let file = config_of(&sandbox).display().to_string();
    assert_eq!(
        (listed.as_array().map(Vec::len), &listed[0]["file"]),
        (Some(1), &json!(file))
    );
    let revoked = run(&sandbox, &["trust", "--revoke", "zoetrope.toml", "--json"]).answer();
    assert_eq!(revoked["revoked"], file);
    assert_refused(&sandbox, &run(&sandbox, &RUN));
    run(&sandbox, &["trust", "--revoke", "--json"]).error("usage");
    // Only a file of this name is found by itself.
    sandbox.write("other.toml", "");
    run(&sandbox, &["trust", "other.toml", "--json"]).error("usage");
}

#[test]
fn damaged_record_of_trusted_files_trusts_nothing_and_is_not_overwritten() {
    let server = provider();
    let sandbox = folder_of(&server);
    trust(&sandbox);
    let record = sandbox.user_dir().join("trust.json");
    let text = fs::read_to_string(&record).expect("the record");
    fs::write(&record, &text[..text.len() / 2]).expect("a damaged record");
    for command in [
        &RUN[..],
        &["--json", "trust"],
        &["--json", "trust", "--list"],
    ] {
        let error = run(&sandbox, command).error("bad_config");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("trust.json"), "{message}");
    }
    assert_eq!(run(&sandbox, &["--json", "nodes"]).code, 0);
    let kept = fs::read_to_string(&record).expect("the record");
    assert_eq!(kept, &text[..text.len() / 2]);
    assert_eq!(server.arrived().len(), 0);
}

#[test]
fn component_that_only_an_untrusted_file_allows_does_not_run() {
    let guest = Guest {
        check: PLANS,
        ..LISTS_ONLY
    };
    let component = guest.component();
    let server = provider();
    let sandbox = Sandbox::new();
    sandbox.write("pack.wasm", &component);
    sandbox.configure(&format!(
        "{}{}",
        server.connection(""),
        allowing(&component)
    ));
    let nodes = ["--json", "--component", "pack.wasm", "nodes"];
    assert_refused(&sandbox, &run(&sandbox, &nodes));
    trust(&sandbox);
    assert_eq!(run(&sandbox, &nodes).code, 0);
}

#[test]
fn packs_allow_changes_a_trusted_file_and_renews_its_trust() {
    let guest = Guest {
        check: PLANS,
        ..LISTS_ONLY
    };
    let server = provider();
    let sandbox = folder_of(&server);
    sandbox.write("pack.wasm", guest.component());
    let before = fs::read_to_string(sandbox.path("zoetrope.toml")).expect("the file");
    let read = || fs::read_to_string(sandbox.path("zoetrope.toml")).expect("the file");
    let allow = ["--json", "packs", "allow", "pack.wasm"];
    assert_refused(&sandbox, &run(&sandbox, &allow));
    assert_eq!(read(), before);
    assert!(!sandbox.user_dir().join("zoetrope.toml").exists());

    trust(&sandbox);
    let allowed = run(&sandbox, &allow);
    assert_eq!(allowed.code, 0, "{allowed:?}");
    assert!(read().starts_with(before.trim_end()) && read().contains("[packs."));
    assert_eq!(run(&sandbox, &RUN).code, 0, "the file is still trusted");
    let name = allowed.json()["digest"]
        .as_str()
        .expect("a digest")
        .to_owned();
    let revoked = run(&sandbox, &["--json", "packs", "revoke", &name]);
    assert_eq!(revoked.code, 0, "{revoked:?}");
    assert!(!read().contains("[packs."));
    assert_eq!(trust(&sandbox)["was_trusted"], "yes");
}

#[test]
fn file_of_the_folder_does_not_take_the_place_of_a_pack_of_its_name() {
    let sandbox = Sandbox::new();
    sandbox.write("zoetrope", LISTS_ONLY.component());
    let shown = sandbox.run(["--json", "packs", "show", "zoetrope"]).json();
    assert_eq!(shown["allowed"], true, "{shown}");
    let file = sandbox
        .run(["--json", "packs", "show", "./zoetrope"])
        .json();
    assert_eq!(file["allowed"], false, "{file}");
}

#[test]
fn home_that_is_relative_gives_the_folder_no_configuration() {
    let evil = Server::start(Script::new());
    let sandbox = folder_of(&evil);
    let folder = sandbox.path(".config/zoetrope");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::rename(sandbox.path("zoetrope.toml"), folder.join("zoetrope.toml")).expect("moved");
    sandbox.write(
        "input.json",
        r#"{"prompt": "p", "image": "https://p.example/a.png"}"#,
    );
    for arguments in [
        vec!["config", "path"],
        vec!["run", "image_to_video_v3", "--input", "input.json"],
    ] {
        let mut command = sandbox.command_in_folder(arguments);
        command.env("HOME", ".").env_remove("XDG_CONFIG_HOME");
        let outcome = sandbox.start(command).end();
        assert!(
            !outcome
                .stdout
                .contains(".config/zoetrope/zoetrope.toml (used)"),
            "{outcome:?}"
        );
    }
    assert_eq!(evil.arrived().len(), 0);
}
