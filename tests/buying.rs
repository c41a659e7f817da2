//! Submits that are announced, limited, refused or only planned.

use serde_json::{Value, json};

use crate::support::outcome::Outcome;
use crate::support::pictures::picture;
use crate::support::provider::Server;
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{RUN, SUBMIT, end_the_job, slow_provider};

const BATCH: [&str; 9] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--batch",
    "lines.jsonl",
    "--out-dir",
    "clips",
    "--key",
    "night",
];

const HALF_A_DOLLAR: &str = "requests_per_second = 100\nmax_cost = \"0.50 USD\"";

fn submits(provider: &Server) -> usize {
    provider.counts().get(SUBMIT).copied().unwrap_or(0)
}

/// A provider, and a sandbox with a batch of three lines.
fn batch() -> (Server, Sandbox) {
    let (provider, sandbox) = slow_provider();
    let line = json!({"prompt": "dunes", "image": "https://p.example/a.png"});
    sandbox.write("lines.jsonl", format!("{line}\n").repeat(3));
    (provider, sandbox)
}

/// The same, after a run of the batch that submitted one of the jobs before its deadline.
fn left_batch() -> (Server, Sandbox, Value) {
    let (provider, sandbox) = batch();
    sandbox.configure(&provider.connection("requests_per_second = 0.001"));
    let left = sandbox.run(BATCH.iter().chain(&["--deadline", "2s"]));
    assert_eq!(left.code, 9, "{left:?}");
    assert_eq!(submits(&provider), 1);
    sandbox.configure(&provider.connection(HALF_A_DOLLAR));
    end_the_job(&provider);
    let left = left.json();
    (provider, sandbox, left)
}

/// The jobs of an answer in this state.
fn in_state<'a>(answer: &'a Value, state: &str) -> Vec<&'a Value> {
    let jobs = answer["jobs"].as_array().expect("the jobs").iter();
    jobs.filter(|job| job["state"] == state).collect()
}

#[track_caller]
fn over_max_cost(outcome: &Outcome) -> String {
    assert_eq!(outcome.code, 5, "{outcome:?}");
    let error = outcome.error("over_max_cost");
    assert_eq!(error["charged"], "no", "{error}");
    error["message"].as_str().expect("a message").to_owned()
}

#[test]
fn job_that_a_deadline_kept_from_its_submit_says_so_and_how_to_discard_it() {
    let (_provider, sandbox, left) = left_batch();
    let queued = in_state(&left, "queued");
    assert_eq!(queued.len(), 2, "{left}");
    for job in queued {
        let message = job["error"]["message"].as_str().expect("a message");
        let said = "the deadline passed before the job was submitted; nothing was submitted";
        assert!(message.ends_with(said), "{job}");
        let discard = format!(
            "zoetrope jobs cancel {}",
            job["id"].as_str().expect("an id")
        );
        assert!(
            job["next"].as_str().expect("a step").contains(&discard),
            "{job}"
        );
        assert_eq!(job["charged"], "no");
    }
    let all = sandbox
        .run(["--json", "jobs", "resume", "--all", "--no-submit"])
        .answer();
    assert_eq!(
        all["not_submitted"].as_array().map(Vec::len),
        Some(2),
        "{all}"
    );
}

#[test]
fn deadline_before_the_submit_is_answered_with_the_job_that_was_made() {
    let (provider, sandbox) = slow_provider();
    let outcome = sandbox.run(RUN.into_iter().chain(["--deadline", "0s"]));
    let error = outcome.error("deadline");
    assert_eq!((outcome.code, &error["charged"]), (9, &json!("no")));
    let message = error["message"].as_str().expect("a message");
    assert!(!message.contains("another process"), "{message}");
    let id = error["job"].as_str().expect("the job");
    let next = error["next"].as_str().expect("a step");
    for command in ["resume", "cancel"] {
        let command = format!("zoetrope jobs {command} {id}");
        assert!(next.contains(&command), "{next}");
    }
    assert!(provider.counts().is_empty(), "nothing was sent");
}

#[test]
fn refused_batch_and_plan_leave_no_folder() {
    let (provider, sandbox) = batch();
    sandbox.configure(&provider.connection(HALF_A_DOLLAR));
    let refused = sandbox.run(BATCH.iter().chain(&["--max-cost", "1"]));
    over_max_cost(&refused);
    assert!(!sandbox.path("clips").exists());
    let plan = ["--dry-run", "--data-dir", "unused"];
    sandbox.run(BATCH.iter().chain(&plan)).answer();
    assert!(!sandbox.path("unused").exists() && !sandbox.path("clips").exists());
    assert!(provider.counts().is_empty(), "nothing was sent");
}

#[test]
fn resume_says_what_it_submits_and_leaves_it_on_request() {
    let (provider, sandbox, left) = left_batch();
    let queued: Vec<_> = in_state(&left, "queued")
        .iter()
        .map(|job| job["id"].as_str().expect("an id").to_owned())
        .collect();
    let skipped = sandbox.run(["jobs", "resume", "--all", "--no-submit"]);
    assert_eq!(skipped.code, 0, "{skipped:?}");
    assert!(
        skipped.stderr.contains("2 jobs were not submitted. "),
        "{skipped:?}"
    );
    let one = sandbox.run(["--json", "jobs", "resume", &queued[0], "--no-submit"]);
    assert_eq!((one.code, submits(&provider)), (9, 1), "{one:?}");
    let error = one.error("interrupted");
    assert_eq!(error["message"], "the job was not submitted");
    let limited = ["--json", "jobs", "resume", "--all", "--max-cost", "0.99"];
    let refused = over_max_cost(&sandbox.run(limited));
    let said = "these 2 runs may cost 1.00 USD, and --max-cost is 0.99 USD; nothing was sent";
    assert_eq!(refused, said);
    assert_eq!(submits(&provider), 1);
    let resumed = sandbox.run(["jobs", "resume", "--all", "--max-cost", "1"]);
    assert_eq!((resumed.code, submits(&provider)), (0, 3), "{resumed:?}");
    let line = "2 jobs were never submitted. Submitting them costs at most 1.00 USD by the connection's max_cost.";
    assert!(
        resumed.stderr.lines().any(|said| said == line),
        "{resumed:?}"
    );
    for command in ["resume", "watch"] {
        let all = (command == "resume").then_some("--all");
        let nothing = sandbox.run(["jobs", command].into_iter().chain(all));
        assert_eq!(nothing.code, 0, "{nothing:?}");
        assert!(
            nothing.stderr.ends_with("No unfinished jobs.\n"),
            "{nothing:?}"
        );
    }
}

#[test]
fn run_whose_cost_is_above_the_limit_or_unknown_is_refused_before_a_request() {
    let (provider, sandbox) = batch();
    let run = |more: &[&str]| sandbox.run(RUN.iter().chain(more));
    let said = over_max_cost(&run(&["--max-cost", "9"]));
    assert!(
        said.contains("`scripted` has no known upper bound"),
        "{said}"
    );
    sandbox.configure(&provider.connection(HALF_A_DOLLAR));
    let said = over_max_cost(&run(&["--max-cost", "0.49"]));
    assert!(said.starts_with("the run may cost 0.50 USD"), "{said}");
    let said = over_max_cost(&run(&["--max-cost", "9 EUR"]));
    assert!(said.contains("cannot be compared"), "{said}");
    let limited = BATCH.iter().chain(&["--max-cost", "1.49"]);
    let said = over_max_cost(&sandbox.run(limited));
    assert!(said.starts_with("these 3 runs may cost 1.50 USD"), "{said}");
    assert!(provider.arrived().is_empty() && sandbox.jobs().is_empty());
    end_the_job(&provider);
    run(&["--max-cost", "0.50"]).answer();
    // The job is there, so nothing is bought.
    run(&["--max-cost", "0"]).answer();
    assert_eq!(submits(&provider), 1);
}

#[test]
fn practice_provider_costs_nothing_whatever_it_reports() {
    let sandbox = Sandbox::new();
    let input = json!({"prompt": "dunes", "image": "https://p.example/a.png"}).to_string();
    let plan = |node: &str, most: &str| {
        sandbox.run([
            "--json",
            "run",
            node,
            "--input",
            &input,
            "--dry-run",
            "--max-cost",
            most,
        ])
    };
    let free = plan("image_to_video_v3", "0").answer();
    assert_eq!(free["total"]["at_most"], json!([]), "{free}");
    let node = "shortapi/poppy-v1.0/image-to-video";
    let also_free = plan(node, "0").answer();
    assert_eq!(also_free["total"]["at_most"], json!([]), "{also_free}");
    assert_eq!(
        also_free["runs"][0]["max_cost"]["amount"], "0",
        "{also_free}"
    );
}

#[test]
fn dry_run_shows_the_plan_and_sends_and_writes_nothing() {
    let (provider, sandbox) = batch();
    sandbox.configure(&provider.connection(HALF_A_DOLLAR));
    sandbox.write("a.png", picture(image::ImageFormat::Png));
    let ledger = sandbox.data_dir().join("ledger.sqlite3");
    let run = [
        "run",
        "image_to_video_v3",
        "--set",
        "prompt=dunes",
        "--image",
        "a.png",
    ];
    let more = ["--out", "clip.mp4", "--key", "order-66", "--dry-run"];
    let plan = |json: &[&str]| sandbox.run(json.iter().chain(&run).chain(&more));
    let planned = plan(&["--json"]).answer();
    let first = &planned["runs"][0];
    assert_eq!(
        (&first["would_submit"], &first["connection"], &first["key"]),
        (&json!(true), &json!("scripted"), &json!("order-66"))
    );
    assert_eq!(first["pictures"][0]["media_type"], "image/png", "{planned}");
    assert_eq!(first["max_cost"]["amount"], "0.50");
    let text = plan(&[]).stdout;
    assert!(
        text.contains("would submit image_to_video_v3 over scripted"),
        "{text}"
    );
    assert!(
        text.contains("at most 0.50 USD by the connection's max_cost"),
        "{text}"
    );
    let lines = sandbox.run(BATCH.iter().chain(&["--dry-run"])).answer();
    assert_eq!(lines["total"]["at_most"][0]["amount"], "1.50", "{lines}");
    assert_eq!(lines["runs"][2]["key"], "night-3", "{lines}");
    assert!(!ledger.exists() && !sandbox.path("clips").exists());
    assert!(provider.arrived().is_empty());
    let bad = [
        "--json",
        "run",
        "image_to_video_v3",
        "--set",
        "steps=0",
        "--dry-run",
    ];
    assert_eq!(sandbox.run(bad).code, 3);
    let missing = RUN.map(|word| {
        if word == "clip.mp4" {
            "no/clip.mp4"
        } else {
            word
        }
    });
    let missing = sandbox.run(missing.iter().chain(&["--dry-run"]));
    assert_eq!(missing.code, 2, "{missing:?}");
}

#[test]
fn dry_run_names_the_job_that_a_key_has_already() {
    let (provider, sandbox) = batch();
    end_the_job(&provider);
    sandbox.run(RUN).answer();
    let known = sandbox.run(RUN.iter().chain(&["--dry-run"])).answer();
    assert_eq!(known["runs"][0]["would_submit"], false, "{known}");
    assert_eq!(known["runs"][0]["job"], sandbox.jobs()[0]["id"]);
    assert_eq!(known["total"]["runs"], 0);
    let clip = json!(sandbox.path("clip.mp4"));
    assert_eq!(known["runs"][0]["target"], clip);

    // Another place gets a copy, and is refused as by the run.
    sandbox.write("taken.mp4", "mine");
    let to = |key: &str, out: &str, more: &[&str]| {
        let words = RUN.map(|word| match word {
            "clip.mp4" => out,
            "order-66" => key,
            word => word,
        });
        sandbox.run([&words[..], &["--dry-run"], more].concat())
    };
    assert_eq!(to("order-66", "taken.mp4", &[]).code, 2);
    let forced = to("order-66", "taken.mp4", &["--force"]).answer();
    let taken = json!(sandbox.path("taken.mp4"));
    assert_eq!(forced["runs"][0]["target"], taken);
    let node = sandbox.path("new/image_to_video_v3");
    for key in ["order-66", "order-67"] {
        let planned = to(key, "new/{node}/x.mp4", &[]).answer();
        assert_eq!(planned["runs"][0]["target"], json!(node.join("x.mp4")));
        assert_eq!(to(key, "taken.mp4/{node}/x.mp4", &[]).code, 2);
    }
    assert!(!sandbox.path("new").exists());
    assert_eq!(submits(&provider), 1);
}

#[cfg(unix)]
#[test]
fn limit_counts_the_jobs_that_another_running_command_has_not_submitted() {
    let (provider, sandbox) = batch();
    let slow = "requests_per_second = 0.001\nmax_cost = \"0.50 USD\"";
    sandbox.configure(&provider.connection(slow));
    let running = sandbox.start(sandbox.command(&BATCH[1..]));
    provider.wait_for(SUBMIT, 1);
    let limited = BATCH.iter().chain(&["--max-cost", "0.99"]);
    // The first job is with the provider, which has not answered.
    let error = sandbox.run(limited).error("over_max_cost");
    assert_eq!(error["charged"], "unknown");
    let said = error["message"].as_str().expect("words");
    assert!(said.starts_with("these 2 runs may cost 1.00 USD"), "{said}");
    running.interrupt();
    assert_eq!((running.end().code, submits(&provider)), (9, 1));
}

#[cfg(unix)]
#[test]
fn interrupt_says_which_jobs_were_not_submitted_and_how_to_discard_them() {
    let (provider, sandbox) = batch();
    sandbox.configure(&provider.connection("requests_per_second = 0.001"));
    let running = sandbox.start(sandbox.command(&BATCH[1..]));
    provider.wait_for(SUBMIT, 1);
    running.interrupt();
    let outcome = running.end();
    assert_eq!((outcome.code, submits(&provider)), (9, 1), "{outcome:?}");
    let said = "interrupted before the job was submitted; nothing was submitted";
    assert_eq!(outcome.stderr.matches(said).count(), 1, "{outcome:?}");
    assert!(
        outcome
            .stderr
            .contains(&format!("night-2, night-3 (interrupted): {said}\n")),
        "{outcome:?}"
    );
    let line = "2 of 3 jobs were not submitted. To discard one, run: zoetrope jobs cancel ID";
    assert!(
        outcome.stderr.lines().any(|said| said.starts_with(line)),
        "{outcome:?}"
    );
}

#[test]
fn lines_of_a_batch_have_their_notes_and_a_path_is_refused() {
    let (provider, sandbox) = batch();
    let image = "https://p.example/a.png";
    let misspelt = json!({"prompt": "dunes", "image": image, "stpes": 3});
    let right = json!({"prompt": "dunes", "image": image});
    sandbox.write("lines.jsonl", format!("{right}\n{misspelt}\n"));
    let planned = sandbox.run(BATCH.iter().chain(&["--dry-run"]));
    let said = "note: line 2: /stpes dropped: ";
    assert!(planned.stderr.contains(said), "{planned:?}");
    assert!(
        planned.stderr.contains("did you mean `steps`?"),
        "{planned:?}"
    );
    let note = &planned.answer()["notes"][0];
    assert_eq!(
        (&note["line"], &note["adjustment"], &note["instance_path"]),
        (&json!(2), &json!("dropped"), &json!("/stpes"))
    );
    sandbox.write("a.png", picture(image::ImageFormat::Png));
    let path = json!({"prompt": "dunes", "image": "a.png"});
    sandbox.write("lines.jsonl", format!("{right}\n{path}\n"));
    let refused = sandbox.run(&BATCH[1..]);
    let said = "line 2: image is a path; write \"file:a.png\"";
    assert_eq!((refused.code, submits(&provider)), (3, 0), "{refused:?}");
    assert!(refused.stderr.contains(said), "{refused:?}");
    assert!(
        !refused.stderr.contains("To resume this batch"),
        "{refused:?}"
    );
}
