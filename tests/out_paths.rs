//! Files that results are written to: special files are refused before money, for every command that
//! writes one.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::process::Command;

use crate::file_systems::{SUBMIT, count, fixture, names, run};
use crate::support::outcome::Outcome;
use crate::support::sandbox::Sandbox;

/// Makes one special file of each kind in `out`, and returns their names.
fn special_files(sandbox: &Sandbox) -> Vec<String> {
    let path = |name: &str| sandbox.path("out").join(name);
    let run = |program: &str, arguments: &[&OsStr]| {
        let status = Command::new(program).args(arguments).status();
        status.is_ok_and(|status| status.success())
    };
    assert!(run("mkfifo", &[path("pipe").as_os_str()]));
    drop(std::os::unix::net::UnixListener::bind(path("socket")).expect("a socket"));
    let device = path("device");
    let device: Vec<&OsStr> = [device.as_os_str()]
        .into_iter()
        .chain(["c", "1", "3"].map(OsStr::new))
        .collect();
    if !run("mknod", &device) {
        println!("no device: none may be made here");
    }
    fs::write(sandbox.path("regular"), "mine").expect("a file");
    for (name, to) in [
        ("link-to-a-file", "../regular"),
        ("link-to-nothing", "nothing"),
        ("link-to-itself", "link-to-itself"),
        ("link-to-a-device", "/dev/stdout"),
        ("link-to-a-folder", "."),
    ] {
        std::os::unix::fs::symlink(to, path(name)).expect("a link");
    }
    names(&sandbox.path("out"))
}

/// The kinds of the files in a folder.
fn kinds(folder: &Path) -> Vec<(String, bool, bool, bool)> {
    let kind = |name: String| {
        let kind = fs::symlink_metadata(folder.join(&name)).expect("a file");
        let kind = kind.file_type();
        (name, kind.is_file(), kind.is_symlink(), kind.is_fifo())
    };
    names(folder).into_iter().map(kind).collect()
}

/// Asserts that a command ended before it sent anything.
#[track_caller]
fn is_refused(outcome: &Outcome) {
    assert_eq!(outcome.code, 2, "{outcome:?}");
    let error = outcome.error("usage");
    assert_eq!(error["charged"], "no", "{outcome:?}");
}

#[test]
fn special_file_is_refused_before_money_with_and_without_force() {
    let (provider, sandbox) = fixture();
    let special = special_files(&sandbox);
    let before = kinds(&sandbox.path("out"));
    for name in special {
        let out = format!("out/{name}");
        for force in [&[][..], &["--force"]] {
            let more = [&["--out", out.as_str()], force].concat();
            let outcome = sandbox.run(run(&more));
            is_refused(&outcome);
            let message = outcome.error("usage")["message"].to_string();
            assert!(message.contains("only a regular file"), "{message}");
            let next = outcome.error("usage")["next"].to_string();
            assert!(!next.contains("--force"), "{next}");
        }
    }
    assert_eq!(provider.arrived().len(), 0);
    assert_eq!(kinds(&sandbox.path("out")), before);
    assert_eq!(fs::read(sandbox.path("regular")).expect("it"), b"mine");
}

#[test]
fn special_file_is_refused_as_a_result_of_a_batch_and_of_jobs_fetch() {
    let (provider, sandbox) = fixture();
    special_files(&sandbox);
    let input = fs::read_to_string(sandbox.path("input.json")).expect("the input");
    sandbox.write("lines.jsonl", format!("{input}\n{input}\n"));
    let batch = |folder: &str, more: &[&str]| {
        let words = [
            "--json",
            "run",
            "image_to_video_v3",
            "--batch",
            "lines.jsonl",
        ];
        let words = [&words[..], &["--out-dir", folder], more].concat();
        sandbox.run(words)
    };
    // The second line's name, in its usual and in an unusual format.
    for name in ["2.mp4", "2.webm"] {
        let folder = sandbox.path("clips");
        fs::create_dir(&folder).expect("a folder");
        fs::rename(sandbox.path("out/pipe"), folder.join(name)).expect("a pipe");
        for more in [&[][..], &["--force"]] {
            is_refused(&batch("clips", more));
        }
        fs::rename(folder.join(name), sandbox.path("out/pipe")).expect("a pipe");
        fs::remove_dir(&folder).expect("nothing else is in it");
    }
    for folder in ["out/pipe", "out/link-to-nothing", "regular", "out/socket"] {
        let outcome = batch(folder, &["--force"]);
        assert_eq!(outcome.code, 2, "{folder}: {outcome:?}");
    }
    assert_eq!(provider.arrived().len(), 0);

    let made = sandbox.run(run(&["--out", "clip.mp4"])).answer();
    let id = made["job"].as_str().expect("an id");
    let before = kinds(&sandbox.path("out"));
    for (name, ..) in &before {
        let out = format!("out/{name}");
        for force in [&[][..], &["--force"]] {
            let fetch = ["--json", "jobs", "fetch", id, "--out", &out];
            let outcome = sandbox.run([&fetch[..], force].concat());
            assert_eq!(outcome.code, 2, "{outcome:?}");
            outcome.error("usage");
        }
    }
    assert_eq!(kinds(&sandbox.path("out")), before);
    assert_eq!(count(&provider, SUBMIT), 1);
}
