//! Paths that are not UTF-8: stored, printed and suggested byte for byte.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::file_systems::{DOWNLOAD, SUBMIT, count, fixture, run};
use crate::support::mp4::short_clip;
use crate::support::pictures::picture;
use crate::support::sandbox::Sandbox;

/// The arguments of a run whose result gets this name.
fn run_to(name: &[u8], more: &[&str]) -> Vec<OsString> {
    let words = run(&["--out"]).into_iter().map(OsString::from);
    let mut words: Vec<_> = words.collect();
    words.push(OsString::from_vec(name.to_vec()));
    words.extend(more.iter().map(OsString::from));
    words
}

fn hexadecimal(path: &Path) -> String {
    let mut digits = String::new();
    for byte in path.as_os_str().as_bytes() {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[test]
fn results_whose_names_differ_in_a_byte_that_is_no_text_stay_apart() {
    let (provider, sandbox) = fixture();
    let paths = [b"\xff.mp4", b"\xfe.mp4"].map(|name| sandbox.path(OsStr::from_bytes(name)));
    for (index, path) in paths.iter().enumerate() {
        let key = format!("k-{index}");
        let name = path.file_name().expect("a name").as_bytes();
        let arguments = run_to(name, &["--key", &key]);
        // The second time, the answer is made from the row alone.
        for _ in 0..2 {
            let answer = sandbox.run(arguments.clone()).answer();
            assert_eq!(answer["file"], json!(path.to_string_lossy()));
            assert_eq!(answer["file_bytes"], hexadecimal(path));
        }
        assert_eq!(fs::read(path).expect("the clip"), short_clip());
    }
    assert_eq!(
        (count(&provider, SUBMIT), count(&provider, DOWNLOAD)),
        (2, 2)
    );
    let listed = sandbox.jobs();
    for (job, path) in listed.iter().zip(&paths) {
        assert_eq!(job["file_bytes"], hexadecimal(path));
        let show = ["--json", "jobs", "show", job["id"].as_str().expect("an id")];
        let shown = sandbox.run(show).json();
        assert_eq!(shown["target_bytes"], hexadecimal(path));
        assert_eq!(shown["target"], json!(path.to_string_lossy()));
    }
    let clips = fs::read_dir(sandbox.path("")).expect("a folder").flatten();
    let clips = clips.filter(|entry| entry.path().extension() == Some(OsStr::new("mp4")));
    assert_eq!(clips.count(), 2);
    // A name that is text has no second field.
    let answer = sandbox.run(run(&["--out", "ä.mp4"])).answer();
    assert_eq!(answer.get("file_bytes"), None);
}

#[test]
fn path_on_standard_output_has_the_exact_bytes() {
    let (_provider, sandbox) = fixture();
    let path = sandbox.path(OsStr::from_bytes(b"a\xff\xfeb.mp4"));
    let mut arguments = run_to(b"a\xff\xfeb.mp4", &["--key", "k"]);
    arguments.remove(0);
    let outputs = [(); 2].map(|()| {
        let output = sandbox.command(&arguments).output().expect("the program");
        assert!(output.status.success(), "{output:?}");
        output.stdout
    });
    for printed in outputs {
        assert_eq!(printed, [path.as_os_str().as_bytes(), b"\n"].concat());
    }
    // So does the path of a copy, and of an entry of a batch.
    let copy = sandbox.path(OsStr::from_bytes(b"copy\xff.mp4"));
    let jobs = sandbox.jobs();
    let id = jobs[0]["id"].as_str().expect("an id");
    let mut fetch = sandbox.command(["jobs", "fetch", id, "--out"]);
    let output = fetch.arg(&copy).output().expect("the program");
    assert_eq!(output.stdout, [copy.as_os_str().as_bytes(), b"\n"].concat());
    let input = fs::read_to_string(sandbox.path("input.json")).expect("the input");
    sandbox.write("lines.jsonl", format!("{input}\n"));
    let words = [
        "run",
        "image_to_video_v3",
        "--batch",
        "lines.jsonl",
        "--out-dir",
    ];
    let mut batch = sandbox.command(words);
    let folder = sandbox.path(OsStr::from_bytes(b"clips\xff"));
    let output = batch.arg(&folder).output().expect("the program");
    let clip = folder.join("1.mp4");
    assert_eq!(output.stdout, [clip.as_os_str().as_bytes(), b"\n"].concat());
}

#[test]
fn unfinished_file_whose_name_is_not_utf_8_is_taken_up() {
    let (provider, sandbox) = fixture();
    let name = b"\xff.mp4";
    let id = sandbox.run(run_to(name, &["--detach"])).answer()["job"].clone();
    let id = id.as_str().expect("an id");
    let clip = short_clip();
    let part = sandbox.path(OsString::from_vec(
        [&name[..], b".", id.as_bytes(), b".part"].concat(),
    ));
    fs::write(&part, &clip[..clip.len() / 2]).expect("half");
    sandbox.run(["--json", "jobs", "resume", id]).answer();
    assert_eq!(
        fs::read(sandbox.path(OsStr::from_bytes(name))).expect("the clip"),
        clip
    );
    assert!(!part.exists());
    assert_eq!(count(&provider, SUBMIT), 1);
}

/// What a shell makes of the words of a suggested command.
fn words_of_a_shell(command: &str) -> Vec<Vec<u8>> {
    let script = format!("printf '%s\\0' {command}");
    let output = Command::new("bash").args(["-c", &script]).output();
    let output = output.expect("bash");
    assert!(output.status.success(), "{output:?}");
    let words = output.stdout.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    words.collect()
}

#[test]
fn next_command_has_the_exact_bytes_for_a_shell() {
    if Command::new("bash").arg("--version").output().is_err() {
        println!("skipped: no bash");
        return;
    }
    let sandbox = Sandbox::new();
    let folder = sandbox.path(OsStr::from_bytes(b"data'\xff\\"));
    let mut arguments: Vec<OsString> = ["--json", "jobs", "show", "none", "--data-dir"]
        .map(OsString::from)
        .to_vec();
    arguments.push(folder.clone().into());
    let next = sandbox.run(arguments).error("usage")["next"].take();
    let next = next.as_str().expect("a next step");
    let command = next.rsplit(": ").next().expect("a command");
    let words = words_of_a_shell(command);
    let named = words
        .iter()
        .any(|word| word == folder.as_os_str().as_bytes());
    assert!(named, "{next}: {words:?}");
}

#[test]
fn input_picture_whose_name_is_not_utf_8_is_sent() {
    let sandbox = Sandbox::new();
    let name: PathBuf = OsStr::from_bytes(b"small\xff.png").into();
    fs::write(sandbox.path(&name), picture(image::ImageFormat::Png)).expect("a picture");
    let mut arguments: Vec<OsString> = run_practice().map(OsString::from).to_vec();
    arguments.push(name.into());
    let answer = sandbox.run(arguments).answer();
    let file = answer["file"].as_str().expect("a path");
    assert!(Path::new(file).exists());
    // In a document, the bytes of a `file:` URL are percent-encoded.
    let document = json!({"prompt": "waves", "frame_rate": 1, "image": "file:small%FF.png"});
    let input = document.to_string();
    let words = ["--json", "run", "image_to_video_v3", "--input", &input];
    assert_ne!(sandbox.run(words).answer()["file"], Value::Null);
}

fn run_practice() -> [&'static str; 8] {
    [
        "--json",
        "run",
        "image_to_video_v3",
        "--set",
        "prompt=waves",
        "--set",
        "frame_rate=1",
        "--image",
    ]
}

#[test]
fn data_directory_whose_name_is_not_utf_8_gets_the_clip() {
    let (provider, sandbox) = fixture();
    let folder = sandbox.path(OsStr::from_bytes(b"data\xff"));
    let mut arguments: Vec<OsString> = run(&["--data-dir"]).into_iter().map(Into::into).collect();
    arguments.push(folder.clone().into());
    let answer = sandbox.run(arguments).answer();
    let clips = fs::read_dir(folder.join("clips"))
        .expect("a folder")
        .flatten();
    let clips: Vec<_> = clips.map(|entry| entry.path()).collect();
    assert_eq!(clips.len(), 1, "{clips:?}");
    assert_eq!(answer["file_bytes"], hexadecimal(&clips[0]));
    assert_eq!(fs::read(&clips[0]).expect("the clip"), short_clip());
    assert_eq!(count(&provider, SUBMIT), 1);
}
