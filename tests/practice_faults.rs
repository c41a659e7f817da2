//! Every script of `examples/faults/` through the real program against the practice provider, over
//! each of its protocols: the clip arrives, or the error gives the reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use zoetrope_emulator::Protocol;

use crate::support::mp4::Clip;
use crate::support::outcome::Outcome;
use crate::support::practice::Provider;
use crate::support::root;
use crate::support::sandbox::Sandbox;

/// How many runs go on at the same time. Most of their time they wait for the next poll.
const AT_ONCE: usize = 16;

/// The reason in most scripts of the first point.
const REASON: &str = "the picture shows a brand that is not allowed";

/// The id of the connection.
const CONNECTION: &str = "practiced";

/// A run of one script over one protocol.
struct Run {
    script: String,
    protocol: Protocol,
    provider: Provider,
    sandbox: Sandbox,
}

impl Run {
    /// A provider with a script, and a connection to it with these further options.
    fn of(script: &str, protocol: Protocol, options: &[&str]) -> Self {
        let path = folder().join(format!("{script}.json"));
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let faults: Value = serde_json::from_slice(&text).expect("JSON");
        Self::with(script, &faults, protocol, options)
    }

    /// The same with a script that has no file.
    fn with(script: &str, faults: &Value, protocol: Protocol, options: &[&str]) -> Self {
        let provider = Provider::start(Duration::from_millis(200), faults);
        let sandbox = Sandbox::new();
        let own: &[_] = match protocol {
            Protocol::AgenticFlow => &["wire = \"agenticflow\"", "workflow_id = \"w\""],
            Protocol::PixelMl | Protocol::ShortApi | Protocol::PopiArt => &[],
        };
        let options = [own, options].concat().join(", ");
        let options = format!("options = {{ {options} }}");
        sandbox.configure(&provider.connection_over(protocol, CONNECTION, &options));
        Self {
            script: script.to_owned(),
            protocol,
            provider,
            sandbox,
        }
    }

    fn outcome(&self, more: &[&str]) -> Outcome {
        let (node, picture) = match self.protocol {
            Protocol::PixelMl | Protocol::AgenticFlow => ("image_to_video_v3", "image"),
            Protocol::ShortApi => ("shortapi/poppy-v1.0/image-to-video", "image"),
            Protocol::PopiArt => ("popiskill-video-image2video-basic-v1", "image_url"),
        };
        let picture = format!("{picture}=https://pictures.example/a.png");
        let run = ["--json", "run", node, "--connection", CONNECTION];
        let input = ["--set", "prompt=pan left", "--set", &picture];
        let out = ["--out", "clip.mp4"];
        let arguments = run.into_iter().chain(input).chain(out);
        self.sandbox.run(arguments.chain(more.iter().copied()))
    }

    /// The name of the run in a failed assertion.
    fn name(&self) -> String {
        format!("{} over {:?}", self.script, self.protocol)
    }

    /// Runs the node to its end; the clip must arrive, and be paid once.
    #[track_caller]
    fn makes_its_clip(&self) -> Value {
        let name = self.name();
        let outcome = self.outcome(&[]);
        assert_eq!(outcome.code, 0, "{name}: {outcome:?}");
        let answer = outcome.answer();
        let clip = self.sandbox.path("clip.mp4");
        assert_eq!(Clip::open(&clip).frames, 4, "{name}: {answer}");
        assert_eq!(answer["sha256"], self.provider.clip_sha256(), "{name}");
        let totals = self.provider.final_billing().totals;
        assert_eq!((totals.created, totals.charged), (1, 1), "{name}");
        answer
    }

    /// Runs the node, which must fail; the error.
    #[track_caller]
    fn fails(&self, more: &[&str]) -> Value {
        let outcome = self.outcome(more);
        assert_ne!(outcome.code, 0, "{}: {outcome:?}", self.name());
        outcome.json()["error"].take()
    }
}

fn folder() -> PathBuf {
    root().join("examples/faults")
}

/// The names of the scripts of a point, such as `1-`; all of them for an empty text.
fn scripts(point: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder()).expect("the scripts");
    let names = entries.map(|entry| {
        let path = entry.expect("an entry").path();
        assert_eq!(
            path.extension(),
            Some("json".as_ref()),
            "{}",
            path.display()
        );
        let name = path.file_stem().expect("a name");
        name.to_string_lossy().into_owned()
    });
    names.filter(|name| name.starts_with(point)).collect()
}

/// Runs `check` for each script over each protocol, several at the same time.
fn over_each_protocol(scripts: &BTreeSet<String>, check: impl Fn(&str, Protocol) + Sync) {
    assert!(!scripts.is_empty());
    let pairs = scripts.iter().flat_map(|script| {
        let protocols = Protocol::ALL.into_iter();
        protocols.map(move |protocol| (script.as_str(), protocol))
    });
    let waiting = Mutex::new(pairs.collect::<Vec<_>>());
    let next = || waiting.lock().expect("no check panics with it").pop();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((script, protocol)) = next() {
                    check(script, protocol);
                }
            });
        }
    });
}

/// The scripts of a point after which the clip arrives.
fn with_a_clip(point: &str) -> BTreeSet<String> {
    let mut scripts = scripts(point);
    scripts.retain(|name| !["2-status-spelling", "7-unknown-coding"].contains(&name.as_str()));
    scripts
}

/// What the error says of the refusal in each script of the first point: the status, and words.
fn refusal(script: &str) -> (u16, &'static [&'static str]) {
    match script {
        "1-reason-detail" => (422, &[REASON]),
        "1-reason-detail-list" => (
            422,
            &[
                "/body/input/image",
                REASON,
                "/body/input/prompt",
                "the prompt names a person",
            ],
        ),
        "1-reason-problem" => (400, &["Refused content", REASON]),
        "1-reason-unauthorized" => (401, &["this key was revoked", CONNECTION]),
        "1-reason-quota" => (402, &["the quota of this month is used up"]),
        "1-reason-too-large" => (413, &["the body is larger than 1 MB", "byte"]),
        "1-reason-envelope" => (200, &[REASON]),
        _ => (400, &[REASON]),
    }
}

#[test]
fn refused_submit_shows_the_providers_reason_over_each_protocol() {
    over_each_protocol(&scripts("1-"), |script, protocol| {
        let run = Run::of(script, protocol, &[]);
        let error = run.fails(&[]);
        let name = run.name();
        let message = error["message"].as_str().expect("a message");
        let (status, words) = refusal(script);
        for words in words {
            assert!(message.contains(words), "{name}: {message}");
        }
        if status != 200 {
            assert!(message.contains(&status.to_string()), "{name}: {message}");
            assert_eq!(error["charged"], "no", "{name}: {error}");
        }
        let kind = match status {
            401 => "unauthorized",
            402 => "account_refused",
            _ => "rejected",
        };
        // With status 200, a protocol may not say that the error in it is final.
        assert!(status == 200 || error["kind"] == kind, "{name}: {error}");
        assert_eq!(run.provider.billing().totals.created, 0, "{name}");
    });
}

#[test]
fn status_words_in_other_cases_are_understood_over_each_protocol() {
    over_each_protocol(&with_a_clip("2-"), |script, protocol| {
        Run::of(script, protocol, &[]).makes_its_clip();
    });
}

#[test]
fn configured_status_words_are_compared_without_case_and_separators() {
    let words = "status_words = { queued = [\"in_queue\"], running = [\"in_progress\"], \
                 succeeded = [\"all_done\"] }";
    Run::of("2-status-spelling", Protocol::PixelMl, &[words]).makes_its_clip();
}

#[test]
fn deadline_gives_the_last_problem_of_the_polls_over_each_protocol() {
    over_each_protocol(&scripts("3-"), |script, protocol| {
        let run = Run::of(script, protocol, &[]);
        let error = run.fails(&["--deadline", "12s"]);
        let name = run.name();
        assert_eq!(error["kind"], "deadline", "{name}: {error}");
        let message = error["message"].as_str().expect("a message");
        let words: &[_] = match script {
            "3-deadline-refused" => &["503", "the render farm is closed for maintenance"],
            "3-deadline-unreadable" => &["JSON", "Maintenance"],
            other => panic!("{other} is not expected"),
        };
        for words in words {
            assert!(message.contains(words), "{name}: {message}");
        }
        let deadline = message.find("deadline").expect("the deadline");
        let problem = message.find(words[0]).expect("the problem");
        assert!(problem < deadline, "{name}: {message}");
        // The job goes on there, and can be collected.
        let next = error["next"].as_str().expect("the next step");
        assert!(next.contains("zoetrope jobs resume"), "{name}: {next}");
        assert_eq!(run.provider.final_billing().totals.created, 1, "{name}");
    });
}

#[test]
fn replies_in_other_charsets_and_media_types_are_read_over_each_protocol() {
    over_each_protocol(&with_a_clip("4-"), |script, protocol| {
        Run::of(script, protocol, &[]).makes_its_clip();
    });
}

#[test]
fn relative_url_of_a_clip_is_resolved_over_each_protocol() {
    over_each_protocol(&with_a_clip("5-"), |script, protocol| {
        Run::of(script, protocol, &[]).makes_its_clip();
    });
}

#[test]
fn result_in_another_form_becomes_a_file_over_each_protocol() {
    over_each_protocol(&with_a_clip("6-"), |script, protocol| {
        let run = Run::of(script, protocol, &[]);
        let answer = run.makes_its_clip();
        let name = run.name();
        let files = fs::read_dir(run.sandbox.path("")).expect("the folder");
        let files = files.map(|entry| entry.expect("a file").path());
        let is_clip = |path: &PathBuf| path.extension() == Some("mp4".as_ref());
        let clips: Vec<_> = files.filter(is_clip).collect();
        let expected = if script == "6-several" { 2 } else { 1 };
        assert_eq!(clips.len(), expected, "{name}: {clips:?}");
        let text = answer.to_string();
        for clip in clips {
            let file_name = clip.file_name().expect("a name").to_string_lossy();
            assert!(text.contains(&*file_name), "{name}: {answer}");
            assert_eq!(Clip::open(&clip).frames, 4, "{name}");
        }
        // A clip in a reply is neither printed nor kept in the ledger.
        if ["6-data-url", "6-base64"].contains(&script) {
            let shown = run.sandbox.run(["jobs", "--json"]).stdout;
            for text in [&text, &shown] {
                assert!(text.len() < 8000, "{name}: {} bytes", text.len());
                assert!(!text.contains(";base64,"), "{name}");
            }
            assert!(text.contains("file://"), "{name}: {answer}");
        }
    });
}

#[test]
fn encoded_download_is_decoded_over_each_protocol() {
    over_each_protocol(&with_a_clip("7-"), |script, protocol| {
        Run::of(script, protocol, &[]).makes_its_clip();
    });
}

#[test]
fn unknown_content_coding_is_named_and_the_job_stays_collectable() {
    let script = BTreeSet::from(["7-unknown-coding".to_owned()]);
    over_each_protocol(&script, |script, protocol| {
        let run = Run::of(script, protocol, &[]);
        let error = run.fails(&["--deadline", "20s"]);
        let name = run.name();
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("lz4"), "{name}: {message}");
        assert_eq!(error["charged"], "yes", "{name}: {error}");
        let next = error["next"].as_str().expect("the next step");
        assert!(next.contains("zoetrope jobs "), "{name}: {next}");
        let totals = run.provider.final_billing().totals;
        assert_eq!((totals.created, totals.charged), (1, 1), "{name}");
    });
}

#[test]
fn job_named_by_a_header_alone_is_collected_over_each_protocol() {
    over_each_protocol(&with_a_clip("8-"), |script, protocol| {
        let header = match script {
            "8-id-in-location" => "id_header = \"Location\"",
            "8-id-in-header" => "id_header = \"X-Job-Id\"",
            other => panic!("{other} is not expected"),
        };
        Run::of(script, protocol, &[header]).makes_its_clip();
    });
}

#[test]
fn agenticflow_runs_against_the_practice_provider_without_faults() {
    let provider = Provider::start(Duration::from_millis(200), &json!({}));
    let sandbox = Sandbox::new();
    let protocol = Protocol::AgenticFlow;
    let options = format!("options = {}", protocol.options().expect("its options"));
    sandbox.configure(&provider.connection_over(protocol, "flow", &options));
    for (node, more) in [
        ("image_to_video", "negative_prompt="),
        ("image_to_video_v3", "frame_rate=1"),
    ] {
        let image = "image=https://pictures.example/a.png";
        let input = ["--set", image, "--set", "prompt=pan left", "--set", more];
        let run = ["--json", "run", node, "--connection", "flow"];
        let answer = sandbox.run(run.iter().chain(&input)).answer();
        assert_eq!(answer["cost"], json!({"amount": "10", "unit": "credits"}));
        assert_eq!(answer["charged"], "yes");
    }
    assert_eq!(provider.final_billing().totals.charged, 2);
}

#[test]
fn each_point_has_a_script_that_a_test_runs() {
    for point in 1..=8 {
        assert!(!scripts(&format!("{point}-")).is_empty(), "point {point}");
    }
    let other = |name: &String| !name.starts_with(|first| ('1'..='8').contains(&first));
    assert_eq!(scripts("").into_iter().find(other), None);
}

#[test]
fn table_of_the_documentation_lists_every_script() {
    let page = fs::read_to_string(root().join("docs/reference/practice-faults.md"));
    let page = page.expect("the page");
    let command = "`zoetrope practice --faults examples/faults/";
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let listed: Vec<(&str, &str)> = rows
        .filter_map(|row| {
            let (point, rest) = row.split_once(command)?;
            let (name, _) = rest.split_once(".json`")?;
            Some((point.trim_matches(['|', ' ']), name))
        })
        .collect();
    for (point, name) in &listed {
        assert!(name.starts_with(&format!("{point}-")), "{name}");
    }
    let names: BTreeSet<_> = listed.iter().map(|(_, name)| (*name).to_owned()).collect();
    assert_eq!(names.len(), listed.len(), "a script is listed twice");
    assert_eq!(names, scripts(""));
}

#[test]
fn resolve_asks_the_provider_of_each_protocol_for_the_id() {
    let paths = [
        "/v1/jobs",
        "/popiart/v1/jobs",
        "/v1/workflow_runs/",
        "/api/v1/job/create",
    ];
    let rule = json!({"method": "POST", "path": paths, "times": 1, "close": "after"});
    let faults = json!({ "rules": [rule] });
    for protocol in Protocol::ALL {
        let run = Run::with("lost reply", &faults, protocol, &[]);
        let error = run.fails(&[]);
        assert_eq!(error["kind"], "outcome_unknown", "{}: {error}", run.name());
        let resolve = |id: &str| {
            let resolve = ["--json", "jobs", "resolve", "last", "--provider-job-id", id];
            run.sandbox.run(resolve)
        };
        let unknown = resolve("00000000-0000-4000-8000-000000000000");
        let error = unknown.error("job_lost");
        assert_eq!(error["charged"], "unknown", "{}: {error}", run.name());
        let state = run.sandbox.jobs()[0]["state"].clone();
        assert_eq!(state, "outcome_unknown", "{}", run.name());
        let id = run.provider.billing().jobs[0].id.to_string();
        assert_eq!(resolve(&id).answer()["state"], "started", "{}", run.name());
        let resumed = run.sandbox.run(["--json", "jobs", "resume", "last"]);
        assert_eq!(resumed.answer()["charged"], "yes", "{}", run.name());
        assert_eq!(run.provider.final_billing().totals.created, 1);
    }
}
