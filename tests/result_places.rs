//! Results at their places: removed and replaced ones, other targets of existing jobs, standard
//! output, standard input, and names with values in them.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::file_systems::{DOWNLOAD, SUBMIT, count, fixture, names, run};
use crate::support::mp4::short_clip;
use crate::support::provider::{Reply, Script};
use crate::support::slow_server::{RUN, end_the_job, slow_provider};

const POLL: &str = "GET /v1/jobs/j-1";
const TO_CLIP: [&str; 4] = ["--key", "k", "--out", "out/clip.mp4"];

/// The arguments of a batch.
fn batch<'a>(lines: &'a str, folder: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["--json", "run", "image_to_video_v3", "--batch", lines];
    words.extend(["--out-dir", folder, "--key", "k"]);
    words.extend_from_slice(more);
    words
}

fn line(prompt: &str) -> String {
    let line = json!({"prompt": prompt, "image": "https://p.example/a.png?token=t"});
    format!("{line}\n")
}

#[test]
fn removed_result_is_downloaded_again_to_its_place_without_a_submit() {
    let (provider, sandbox) = fixture();
    let clip = sandbox.path("out/clip.mp4");
    let bought = sandbox.run(run(&TO_CLIP)).answer();
    assert_eq!(sandbox.jobs()[0]["file_state"], "present");
    fs::remove_file(&clip).expect("the clip");
    assert_eq!(sandbox.jobs()[0]["file_state"], "missing");
    let listed = sandbox.run(["jobs"]);
    assert!(listed.stdout.contains("clip.mp4 (missing)"), "{listed:?}");
    let id = bought["job"].as_str().expect("an id");
    let shown = sandbox.run(["--json", "jobs", "show", id]).json();
    assert_eq!(shown["file_state"], "missing");

    let outcome = sandbox.run(run(&TO_CLIP));
    let is_accepted = outcome.stderr.contains("accepted by the provider");
    assert!(!is_accepted, "it was long ago: {outcome:?}");
    let again = outcome.answer();
    assert_eq!(
        (&again["file"], &again["sha256"]),
        (&bought["file"], &bought["sha256"])
    );
    assert_eq!(fs::read(&clip).expect("the clip"), short_clip());
    fs::remove_file(&clip).expect("the clip");
    sandbox.run(["--json", "jobs", "resume", id]).answer();
    assert_eq!(fs::read(&clip).expect("the clip"), short_clip());
    assert_eq!(
        (count(&provider, SUBMIT), count(&provider, DOWNLOAD)),
        (1, 3)
    );

    // A copy in the data directory saves the download.
    fs::create_dir_all(sandbox.path("data/clips")).expect("a folder");
    fs::rename(&clip, sandbox.path("data/clips/copy.mp4")).expect("a copy");
    sandbox.run(run(&TO_CLIP)).answer();
    assert_eq!(fs::read(&clip).expect("the clip"), short_clip());
    assert_eq!(
        (count(&provider, SUBMIT), count(&provider, DOWNLOAD)),
        (1, 3)
    );
}

#[test]
fn replaced_result_is_not_reported_as_there_and_stays_without_force() {
    let (provider, sandbox) = fixture();
    let clip = sandbox.path("out/clip.mp4");
    let bought = sandbox.run(run(&TO_CLIP)).answer();
    let id = bought["job"].as_str().expect("an id");
    fs::write(&clip, "mine").expect("another file");
    assert_eq!(sandbox.jobs()[0]["file_state"], "changed");
    for words in [run(&TO_CLIP), vec!["--json", "jobs", "resume", id]] {
        let outcome = sandbox.run(words);
        assert_eq!(outcome.code, 9, "{outcome:?}");
        let error = outcome.error("download_failed");
        let message = error["message"].as_str().expect("a message");
        assert!(
            message.contains("is another file now. It was paid"),
            "{message}"
        );
        let next = error["next"].as_str().expect("a next step");
        assert!(
            next.contains(&format!("zoetrope jobs fetch {id} --out FILE")),
            "{next}"
        );
        assert_eq!(fs::read(&clip).expect("it stays"), b"mine");
    }
    // It is about the place of `--out`.
    let to_output = sandbox.run(["jobs", "fetch", id, "--out", "-", "--force"]);
    assert_eq!(to_output.code, 9, "{to_output:?}");
    assert_eq!(fs::read(&clip).expect("it stays"), b"mine");
    let same_length = vec![0; short_clip().len()];
    fs::write(&clip, same_length).expect("another file");
    assert_eq!(sandbox.run(run(&TO_CLIP)).code, 9);
    let forced = [&TO_CLIP[..], &["--force"]].concat();
    sandbox.run(run(&forced)).answer();
    assert_eq!(fs::read(&clip).expect("the clip"), short_clip());
    assert_eq!(count(&provider, SUBMIT), 1);
}

#[test]
fn result_that_no_place_has_any_more_is_said_once_and_not_polled_for_ever() {
    let (provider, sandbox) = fixture();
    let clip = sandbox.path("out/clip.mp4");
    let bought = sandbox.run(run(&TO_CLIP)).answer();
    let id = bought["job"].as_str().expect("an id");
    fs::rename(&clip, sandbox.path("moved.mp4")).expect("the clip");
    let gone = Reply::text(404, "gone");
    provider.script(Script::from([(DOWNLOAD.into(), vec![gone])]));
    let outcome = sandbox.run(run(&TO_CLIP));
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let error = outcome.error("download_failed");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("removed from its place"), "{message}");
    assert!(message.contains("It was paid"), "{message}");
    let next = error["next"].as_str().expect("a next step");
    assert!(next.starts_with("Put the file back at its place"), "{next}");
    // The same is said of another place, and after it.
    let fetch = ["--json", "jobs", "fetch", id, "--out", "other.mp4"];
    for words in [&fetch[..], &["--json", "jobs", "resume", id]] {
        let outcome = sandbox.run(words);
        assert_eq!(outcome.code, 9, "{outcome:?}");
        let error = outcome.error("download_failed");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("removed from its place"), "{message}");
        assert!(message.contains("out/clip.mp4"), "{message}");
    }

    let polls = count(&provider, POLL);
    let all = sandbox.run(["--json", "jobs", "resume", "--all"]).answer();
    assert_eq!(all["summary"]["jobs"], 0, "{all}");
    assert_eq!(count(&provider, POLL), polls);

    fs::rename(sandbox.path("moved.mp4"), &clip).expect("the clip");
    let answer = sandbox.run(["--json", "jobs", "resume", id]).answer();
    assert_eq!(answer["sha256"], bought["sha256"]);
    assert_eq!(
        (count(&provider, SUBMIT), count(&provider, POLL)),
        (1, polls)
    );
}

#[test]
fn other_target_of_a_finished_job_gets_a_copy_or_is_refused_by_name() {
    let (provider, sandbox) = fixture();
    sandbox.run(run(&TO_CLIP)).answer();
    let to = |out: &'static str, more: &[&'static str]| {
        let words = [&["--key", "k", "--out", out], more].concat();
        sandbox.run(run(&words))
    };
    for _ in 0..2 {
        let answer = to("out/other.mp4", &[]).answer();
        assert_eq!(answer["file"], json!(sandbox.path("out/other.mp4")));
    }
    let taken = sandbox.write("out/taken.mp4", "mine");
    let refused = to("out/taken.mp4", &[]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(refused.error("usage")["charged"], "yes");
    assert!(
        refused.error("usage")["message"]
            .to_string()
            .contains("taken.mp4")
    );
    assert_eq!(fs::read(&taken).expect("it stays"), b"mine");
    std::os::unix::fs::symlink("nothing", sandbox.path("out/link.mp4")).expect("a link");
    assert_eq!(to("out/link.mp4", &["--force"]).code, 2);
    to("out/taken.mp4", &["--force"]).answer();
    for name in ["clip.mp4", "other.mp4", "taken.mp4"] {
        let clip = fs::read(sandbox.path("out").join(name)).expect("a clip");
        assert_eq!(clip, short_clip(), "{name}");
    }
    assert_eq!(
        (count(&provider, SUBMIT), count(&provider, DOWNLOAD)),
        (1, 1)
    );
}

#[test]
fn other_target_of_an_unfinished_job_becomes_its_target() {
    let (provider, sandbox) = slow_provider();
    sandbox
        .run(RUN.iter().copied().chain(["--detach"]))
        .answer();
    end_the_job(&provider);
    sandbox.write("taken.mp4", "mine");
    let to = |out| sandbox.run(RUN.map(|word| if word == "clip.mp4" { out } else { word }));
    assert_eq!(to("taken.mp4").code, 2);
    let outcome = to("other.mp4");
    assert_eq!(outcome.answer()["file"], json!(sandbox.path("other.mp4")));
    assert!(outcome.stderr.contains("is written to"), "{outcome:?}");
    assert!(sandbox.path("other.mp4").is_file());
    assert!(!sandbox.path("clip.mp4").exists());
}

#[test]
fn batch_puts_removed_results_back_and_delivers_to_another_folder() {
    let (provider, sandbox) = fixture();
    sandbox.write("lines.jsonl", format!("{}\n{}", line("one"), line("two")));
    let first = sandbox.run(batch("lines.jsonl", "clips", &[])).answer();
    assert_eq!(first["summary"]["finalized"], 2, "{first}");
    fs::remove_file(sandbox.path("clips/3.mp4")).expect("the second clip");
    let again = sandbox.run(batch("lines.jsonl", "clips", &[])).answer();
    assert_eq!(again["jobs"][1]["file_state"], "present", "{again}");
    assert_eq!(names(&sandbox.path("clips")), ["1.mp4", "3.mp4"]);
    let other = sandbox.run(batch("lines.jsonl", "other", &[])).answer();
    assert_eq!(other["jobs"][0]["file"], json!(sandbox.path("other/1.mp4")));
    assert_eq!(names(&sandbox.path("other")), ["1.mp4", "3.mp4"]);
    // One of them became another file: it is named, and nothing is sent.
    fs::write(sandbox.path("clips/1.mp4"), "mine").expect("another file");
    let outcome = sandbox.run(batch("lines.jsonl", "clips", &[]));
    assert_eq!(outcome.code, 9, "{outcome:?}");
    assert_eq!(outcome.json()["jobs"][0]["file_state"], "changed");
    assert_eq!(count(&provider, SUBMIT), 2);
}

#[test]
fn batch_reports_every_job_if_one_result_cannot_be_copied() {
    let (provider, sandbox) = fixture();
    let lines = format!("{}{}{}", line("x"), line("1.mp4"), line("y"));
    sandbox.write("lines.jsonl", lines);
    sandbox.run(batch("lines.jsonl", "clips", &[])).answer();
    // The folder of the second line takes the name of the first one's result.
    let more = ["--name", "{prompt}/../{index}"];
    let outcome = sandbox.run(batch("lines.jsonl", "other", &more));
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let answer = outcome.json();
    let counts = &answer["summary"];
    assert_eq!(
        (&counts["jobs"], &counts["finalized"], &counts["charged"]),
        (&json!(3), &json!(2), &json!(3)),
        "{answer}"
    );
    let id = answer["jobs"][0]["id"].as_str().expect("an id");
    let next = format!("zoetrope jobs fetch {id} --out FILE");
    let said = answer["jobs"][0]["next"].as_str().expect("a step");
    assert!(said.starts_with(&next), "{said}");
    for (job, name) in [(1, "1.mp4/../2.mp4"), (2, "y/../3.mp4")] {
        let file = json!(sandbox.path("other").join(name));
        assert_eq!(answer["jobs"][job]["file"], file, "{answer}");
    }
    assert_eq!(
        names(&sandbox.path("other")),
        ["1.mp4", "2.mp4", "3.mp4", "x", "y"]
    );
    assert_eq!(count(&provider, SUBMIT), 3);
}

#[test]
fn result_is_written_to_standard_output_byte_for_byte() {
    let (provider, sandbox) = fixture();
    let to_output = [
        "run",
        "image_to_video_v3",
        "--input",
        "input.json",
        "--out",
        "-",
    ];
    let written = sandbox.command(to_output).output().expect("the program");
    assert!(written.status.success(), "{written:?}");
    assert_eq!(written.stdout, short_clip());
    let job = sandbox.jobs()[0].take();
    let id = job["id"].as_str().expect("an id");
    let fetched = sandbox
        .command(["jobs", "fetch", id, "--out", "-"])
        .output();
    assert_eq!(fetched.expect("the program").stdout, short_clip());

    let sent = provider.arrived().len();
    for more in [&["--json"][..], &["--detach"]] {
        let refused = sandbox.run(to_output.iter().chain(more));
        assert_eq!(refused.code, 2, "{refused:?}");
    }
    assert_eq!(provider.arrived().len(), sent);

    if let Ok(full) = File::options().write(true).open("/dev/full") {
        let mut command = sandbox.command(to_output);
        command.stdout(full).stderr(Stdio::piped());
        let failed = command.spawn().expect("a process").wait_with_output();
        let failed = failed.expect("its end");
        let said = String::from_utf8_lossy(&failed.stderr);
        assert_eq!(failed.status.code(), Some(1), "{said}");
        let job = sandbox.jobs()[1].take();
        let id = job["id"].as_str().expect("an id");
        assert!(
            said.contains(job["file"].as_str().expect("a path")),
            "{said}"
        );
        assert!(
            said.contains(&format!("zoetrope jobs fetch {id} --out FILE")),
            "{said}"
        );
    }
}

#[test]
fn output_that_was_closed_before_the_start_is_an_output_that_failed() {
    let (_provider, sandbox) = fixture();
    let input = ["--input", "input.json"];
    for end in [&["--json", "--out", "a.mp4"][..], &["--out", "-"]] {
        let words = [&["run", "image_to_video_v3"], &input[..], end].concat();
        let program = sandbox.command(&words);
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "exec \"$0\" \"$@\" >&-"]);
        shell.arg(program.get_program()).args(&words);
        shell.current_dir(sandbox.path("")).env_clear();
        shell.envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let ended = shell.stdin(Stdio::null()).output().expect("a shell");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        for words in ["it is closed", "charged: yes", "job: "] {
            assert!(said.contains(words), "{said}");
        }
    }
}

#[test]
fn batch_of_standard_input_names_its_results_by_values() {
    let (provider, sandbox) = fixture();
    let lines = format!("{}{}", line("a/b"), line(""));
    let words = batch(
        "-",
        "clips-{key}-{image}",
        &["--name", "{index}-{prompt}-{steps}"],
    );
    let outcome = sandbox.run_with_input(&words, lines.as_bytes());
    let made = outcome.answer();
    assert_eq!(made["summary"]["finalized"], 2, "{made}");
    let folders: Vec<_> = names(&sandbox.path(""))
        .into_iter()
        .filter(|name| name.starts_with("clips-"))
        .collect();
    assert_eq!(folders, ["clips-k-1-a", "clips-k-2-a"]);
    assert_eq!(names(&sandbox.path("clips-k-1-a")), ["1-a_b-20.mp4"]);
    assert_eq!(names(&sandbox.path("clips-k-2-a")), ["2-_-20.mp4"]);

    let sent = provider.arrived().len();
    let same = format!("{}{}", line("same"), line("same"));
    let words = batch("-", "clips", &["--name", "{prompt}"]);
    let words = words
        .iter()
        .map(|word| if *word == "k" { "l" } else { word });
    let refused = sandbox.run_with_input(words, same.as_bytes());
    assert_eq!(refused.code, 2, "{refused:?}");
    let message = refused.error("usage")["message"].to_string();
    assert!(message.contains("lines 1 and 2"), "{message}");
    assert_eq!(provider.arrived().len(), sent);
    assert_eq!(sandbox.jobs().len(), 2);
}

#[test]
fn name_of_a_result_is_the_same_for_every_command_with_its_key() {
    let (provider, sandbox) = fixture();
    let out = ["--key", "k", "--out", "out/{date}/{job}-{{x}}.mp4"];
    let first = sandbox.run(run(&out)).answer();
    let file = first["file"].as_str().expect("a path");
    let id = first["job"].as_str().expect("an id");
    assert!(file.ends_with(&format!("/{id}-{{x}}.mp4")), "{file}");
    assert_eq!(sandbox.run(run(&out)).answer()["file"], first["file"]);
    assert_eq!(
        (count(&provider, SUBMIT), count(&provider, DOWNLOAD)),
        (1, 1)
    );

    let sent = provider.arrived().len();
    for (name, expected) in [
        ("{promt}.mp4", "did you mean `{prompt}`?"),
        ("{date.mp4", "write `{{` for the character"),
    ] {
        let outcome = sandbox.run(run(&["--out", name]));
        assert_eq!(outcome.code, 2, "{outcome:?}");
        let message = outcome.error("usage")["message"].take();
        let message = message.as_str().expect("a message");
        assert!(message.starts_with("--out: "), "{message}");
        assert!(message.ends_with(expected), "{message}");
    }
    assert_eq!(provider.arrived().len(), sent);
    assert_eq!(sandbox.jobs().len(), 1);
}
