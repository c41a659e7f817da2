//! File systems that lack what others have: sync of folders, a rename that replaces nothing, hard
//! links, room for a file. `strace` makes the calls of the real program fail, and tmpfs is mounted
//! in a mount namespace of its own. A test says so and is skipped where the system permits neither.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::cases::accepted;
use crate::support::mp4::short_clip;
use crate::support::outcome::Outcome;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

pub(crate) const SUBMIT: &str = "POST /v1/jobs";
pub(crate) const DOWNLOAD: &str = "GET /1.mp4";

/// A provider whose first poll reports the clip, and a sandbox with an input and a folder for clips.
pub(crate) fn fixture() -> (Server, Sandbox) {
    let ended = json!({
        "id": "j-1", "status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true,
    });
    let provider = Server::start(Script::from([
        (SUBMIT.into(), vec![accepted()]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
        (DOWNLOAD.into(), vec![Reply::clip()]),
    ]));
    let sandbox = Sandbox::with_provider(&provider);
    let input = json!({"prompt": "waves", "image": "https://p.example/a.png"});
    sandbox.write("input.json", input.to_string());
    fs::create_dir(sandbox.path("out")).expect("a folder");
    (provider, sandbox)
}

/// The arguments of a run with these further ones.
pub(crate) fn run<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec![
        "--json",
        "run",
        "image_to_video_v3",
        "--input",
        "input.json",
    ];
    words.extend_from_slice(more);
    words
}

pub(crate) fn count(provider: &Server, line: &str) -> usize {
    provider.counts().get(line).copied().unwrap_or_default()
}

/// The names in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The program under another one: `wrapper` with its arguments, then the program and its own.
fn wrapped(sandbox: &Sandbox, wrapper: &[&OsStr], words: &[&str]) -> Outcome {
    let program = sandbox.command(words);
    let mut command = Command::new(wrapper[0]);
    command
        .args(&wrapper[1..])
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(sandbox.path(""))
        .stdin(std::process::Stdio::null())
        .env_clear();
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    sandbox.start(command).end()
}

/// Whether `strace` runs here.
pub(crate) fn has_strace() -> bool {
    let tried = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=none", "true"])
        .output();
    let works = tried.is_ok_and(|output| output.status.success());
    if !works {
        println!("skipped: strace is not installed, or may trace no process here");
    }
    works
}

/// Runs the program while these injections of `strace` are in force; `only`: for calls with this
/// path alone.
pub(crate) fn with_faults(
    sandbox: &Sandbox,
    only: Option<&Path>,
    injections: &[String],
    words: &[&str],
) -> Outcome {
    let log = sandbox.path("strace.log");
    let mut wrapper: Vec<&OsStr> = ["strace", "-f", "-qq", "-o"].map(OsStr::new).to_vec();
    wrapper.push(log.as_os_str());
    if let Some(path) = only {
        wrapper.push(OsStr::new("-P"));
        wrapper.push(path.as_os_str());
    }
    for injection in injections {
        wrapper.extend([OsStr::new("-e"), OsStr::new(injection)]);
    }
    wrapped(sandbox, &wrapper, words)
}

/// Asserts that the clip is at the path, alone in its folder, and was bought and fetched once.
#[track_caller]
pub(crate) fn is_placed(outcome: &Outcome, provider: &Server, path: &Path) {
    let answer = outcome.answer();
    assert_eq!(
        answer["file"],
        path.to_str().expect("a path"),
        "{outcome:?}"
    );
    assert_eq!(fs::read(path).expect("the clip"), short_clip());
    let folder = path.parent().expect("a folder");
    let name = path.file_name().expect("a name").to_string_lossy();
    assert_eq!(names(folder), [name], "{outcome:?}");
    let bought = (count(provider, SUBMIT), count(provider, DOWNLOAD));
    assert_eq!(bought, (1, 1), "{outcome:?}");
}

#[test]
fn folder_that_cannot_be_synced_gets_the_clip_and_that_is_said_once() {
    if !has_strace() {
        return;
    }
    for errno in ["EINVAL", "EIO", "EOPNOTSUPP", "EBADF", "ENOSYS", "EROFS"] {
        let (provider, sandbox) = fixture();
        let faults = [format!("inject=fsync:error={errno}")];
        let folder = sandbox.path("out");
        let words = run(&["--out", "out/clip.mp4"]);
        let outcome = with_faults(&sandbox, Some(&folder), &faults, &words);
        is_placed(&outcome, &provider, &folder.join("clip.mp4"));
        let said = outcome.stderr.matches("cannot be synced").count();
        assert_eq!(said, 1, "{errno}: {outcome:?}");
    }
}

#[test]
fn clip_gets_its_name_without_exclusive_rename_and_hard_links() {
    if !has_strace() {
        return;
    }
    for (rename, link) in [
        ("EINVAL", "EPERM"),
        ("ENOSYS", "EOPNOTSUPP"),
        ("EOPNOTSUPP", "ENOSYS"),
        ("EPERM", "EINVAL"),
        ("ENOTTY", "EMLINK"),
        ("EIO", "EACCES"),
    ] {
        let (provider, sandbox) = fixture();
        let faults = [
            format!("inject=renameat2:error={rename}"),
            format!("inject=link,linkat:error={link}"),
        ];
        let words = run(&["--out", "out/clip.mp4"]);
        let outcome = with_faults(&sandbox, None, &faults, &words);
        is_placed(&outcome, &provider, &sandbox.path("out/clip.mp4"));
        let said = outcome.stderr.matches("nor links").count();
        assert_eq!(said, 1, "{rename} {link}: {outcome:?}");
    }
}

#[test]
fn hard_link_takes_the_place_of_an_exclusive_rename() {
    if !has_strace() {
        return;
    }
    let (provider, sandbox) = fixture();
    let faults = ["inject=renameat2:error=EOPNOTSUPP".to_owned()];
    let words = run(&["--out", "out/clip.mp4"]);
    let outcome = with_faults(&sandbox, None, &faults, &words);
    is_placed(&outcome, &provider, &sandbox.path("out/clip.mp4"));
    assert!(!outcome.stderr.contains("nor links"), "{outcome:?}");
}

#[test]
fn clip_is_copied_to_a_target_on_another_mount() {
    if !has_strace() {
        return;
    }
    for (errno, existing) in [
        ("EXDEV", None),
        ("EXDEV", Some("replaced")),
        // A container mounts a single file.
        ("EBUSY", Some("replaced")),
    ] {
        let (provider, sandbox) = fixture();
        let target = sandbox.path("out/clip.mp4");
        let mut more = vec!["--out", "out/clip.mp4"];
        if let Some(content) = existing {
            fs::write(&target, content).expect("a file");
            more.push("--force");
        }
        let faults = [format!(
            "inject=rename,renameat,renameat2,link,linkat:error={errno}"
        )];
        let outcome = with_faults(&sandbox, Some(&target), &faults, &run(&more));
        is_placed(&outcome, &provider, &target);
    }
}

/// Asserts that a run was refused before money, and left nothing behind.
#[track_caller]
fn is_refused(outcome: &Outcome, provider: &Server) {
    assert_eq!(outcome.code, 2, "{outcome:?}");
    let error = outcome.error("usage");
    assert_eq!(error["charged"], "no", "{outcome:?}");
    assert_eq!(provider.arrived().len(), 0, "{outcome:?}");
}

/// Runs in a mount namespace of its own in which `mount` was done on `out`. `None`: not permitted.
fn mounted(sandbox: &Sandbox, mount: &str, words: &[&str]) -> Option<Outcome> {
    let tried = Command::new("unshare")
        .args(["-m", "sh", "-c", "mount -t tmpfs none /mnt"])
        .output();
    if !tried.is_ok_and(|output| output.status.success()) {
        println!("skipped: no mount namespace may be made here");
        return None;
    }
    let script =
        format!("PATH=/bin:/usr/bin:/sbin:/usr/sbin; {{ {mount}; }} 2>/dev/null; exec \"$@\"");
    let wrapper = ["unshare", "-m", "/bin/sh", "-c", &script, "sh"].map(OsStr::new);
    Some(wrapped(sandbox, &wrapper, words))
}

#[test]
fn mount_that_takes_no_file_is_refused_before_money() {
    for mount in [
        "mount -t tmpfs -o ro none out",
        // The folder itself takes one of them.
        "mount -t tmpfs -o nr_inodes=1 none out",
        "mount -t tmpfs -o size=4k none out; dd if=/dev/zero of=out/full bs=4096 count=1",
    ] {
        for more in [
            &["--out", "out/clip.mp4"][..],
            &["--out", "out/clip.mp4", "--force"],
        ] {
            let (provider, sandbox) = fixture();
            let Some(outcome) = mounted(&sandbox, mount, &run(more)) else {
                return;
            };
            is_refused(&outcome, &provider);
        }
    }
}

#[test]
fn name_that_is_too_long_is_refused_before_money() {
    for length in [210, 250, 300] {
        let (provider, sandbox) = fixture();
        let out = format!("out/{}.mp4", "a".repeat(length));
        is_refused(&sandbox.run(run(&["--out", &out])), &provider);
        assert_eq!(names(&sandbox.path("out")), [""; 0]);
    }
}
