//! Completions in a shell, the manual pages and the schema of the configuration.

use std::process::Command;

use serde_json::Value;

use crate::support::provider::{Script, Server};
use crate::support::sandbox::Sandbox;

/// The candidates for the last of these words.
fn candidates(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    // What the script of bash sets: the place of the word, and words one a line.
    let mut command = sandbox.command(["--"]);
    command.args(words);
    command.env("ZOETROPE_COMPLETE", "bash");
    command.env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string());
    command.env("_CLAP_COMPLETE_COMP_TYPE", "9");
    command.env("_CLAP_COMPLETE_SPACE", "true");
    command.env("_CLAP_IFS", "\n");
    let outcome = sandbox.start(command).end();
    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (0, ""),
        "{words:?}"
    );
    let candidates = outcome.stdout.lines().filter(|word| !word.starts_with('-'));
    candidates.map(str::to_owned).collect()
}

#[test]
fn nodes_connections_and_jobs_of_this_machine_are_candidates() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    // Nothing is created to complete a word.
    let files = || {
        let folder = sandbox.data_dir();
        folder.join("ledger.sqlite3").exists()
    };
    assert_eq!(
        candidates(&sandbox, &["zoetrope", "jobs", "show", ""]),
        Vec::<String>::new()
    );
    assert!(!files());

    let nodes = sandbox.run(["--json", "nodes"]).json();
    let mut names: Vec<_> = nodes
        .as_array()
        .expect("nodes")
        .iter()
        .map(|node| node["name"].as_str().expect("a name").to_owned())
        .collect();
    names.sort_unstable();
    let mut offered = candidates(&sandbox, &["zoetrope", "run", ""]);
    offered.sort_unstable();
    assert_eq!(offered, names);

    let offered = candidates(
        &sandbox,
        &["zoetrope", "run", "shortapi", "--connection", ""],
    );
    assert_eq!(offered, ["scripted", "practice"]);

    let run = ["--json", "run", "image_to_video_v3", "--image"];
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/lighthouse.jpg");
    let more = ["--set", "prompt=a", "--connection", "practice", "--detach"];
    let answer = sandbox
        .run(run.iter().chain(&[picture]).chain(&more))
        .answer();
    let id = answer["job"].as_str().expect("an id");
    let ids = candidates(&sandbox, &["zoetrope", "jobs", "resume", ""]);
    assert_eq!(ids, ["last", &id[..8]]);
    let other = sandbox.path("other");
    let other = other.to_str().expect("a path");
    let words = ["zoetrope", "--data-dir", other, "jobs", "resume", ""];
    let ids = candidates(&sandbox, &words);
    assert!(ids.is_empty(), "{ids:?}");
}

#[test]
fn connections_of_login_states_nodes_and_paths_are_candidates() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    let login = candidates(&sandbox, &["zoetrope", "login", ""]);
    assert_eq!(
        login,
        ["scripted"],
        "the practice provider has no credential"
    );
    let states = candidates(&sandbox, &["zoetrope", "jobs", "--state", "fa"]);
    assert_eq!(states, ["failed"]);
    let of_jobs = candidates(&sandbox, &["zoetrope", "jobs", "--node", "short"]);
    assert_eq!(of_jobs, ["shortapi/poppy-v1.0/image-to-video"]);
    sandbox.write("hook.sh", "");
    let file = sandbox.path("hook");
    let words = [
        "zoetrope",
        "run",
        "a",
        "--exec",
        file.to_str().expect("a path"),
    ];
    let found = candidates(&sandbox, &words);
    assert!(
        found.iter().any(|file| file.ends_with("hook.sh")),
        "{found:?}"
    );
}

#[test]
fn script_of_each_shell_asks_this_program_and_bash_can_read_it() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = sandbox.run(["completions", shell]);
        assert_eq!(script.code, 0, "{shell}: {}", script.stderr);
        assert!(script.stdout.contains("ZOETROPE_COMPLETE"), "{shell}");
        if shell == "bash" {
            let file = sandbox.write("script", &script.stdout);
            // Where bash is missing, its script is not read.
            if let Ok(read) = Command::new("bash").arg("-n").arg(&file).output() {
                assert!(read.status.success(), "{read:?}");
            }
        }
    }
    assert_eq!(sandbox.run(["completions", "csh"]).code, 2);
}

#[test]
fn manual_pages_and_schema_are_written() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("man");
    let written = sandbox.run(["--json", "man", folder.to_str().expect("a path")]);
    let answer = written.answer();
    let pages = folder.read_dir().expect("the folder").count();
    assert_eq!(answer["pages"], pages);
    assert!(folder.join("zoetrope-jobs-resume.1").is_file());

    let schema: Value = sandbox.run(["config", "schema"]).json();
    let cases = &schema["definitions"]["connection"]["allOf"];
    assert_eq!(cases.as_array().map(Vec::len), Some(3));
}
