//! Runs that are left, and gone on with by their tickets: no second submit, no lost clip.

use std::fs;
use std::path::Path;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::desk::{CANARY_PROMPT, Desk, Outcome, Running};
use crate::support::mp4::Clip;
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server};

const SUBMIT: &str = "POST /v1/jobs";
const POLL: &str = "GET /v1/jobs/j-1";
const RUN: [&str; 9] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--input",
    "input.json",
    "--out",
    "clip.mp4",
    "--key",
    "order-66",
];

/// A provider whose job does not end until it is told to.
fn slow_provider() -> (Server, Desk) {
    let running = Reply::json(
        200,
        json!({"id": "j-1", "status": "running", "poll_after_ms": 100}),
    );
    let provider = Server::start(Script::from([
        (SUBMIT.into(), vec![accepted()]),
        (POLL.into(), vec![running]),
        ("GET /clips/1.mp4".into(), vec![Reply::clip()]),
    ]));
    let desk = Desk::with_provider(&provider);
    desk.write(
        "input.json",
        json!({"prompt": CANARY_PROMPT, "image": "https://p.example/a.png"}).to_string(),
    );
    (provider, desk)
}

fn end_the_job(provider: &Server) {
    let video = "{provider}/clips/1.mp4";
    let ended = Reply::json(
        200,
        json!({"id": "j-1", "status": "succeeded", "output": {"video": video}, "charged": true}),
    );
    provider.script(Script::from([(POLL.into(), vec![ended])]));
}

/// Runs the very command that an error says.
fn go_on(desk: &Desk, error: &Value) -> Outcome {
    let next = error["next"].as_str().expect("the next command");
    let arguments = next
        .strip_prefix("zoetrope ")
        .unwrap_or_else(|| panic!("no command: {next}"));
    desk.run(["--json"].into_iter().chain(arguments.split(' ')))
}

/// The job is accepted, left, and finished by its ticket.
#[track_caller]
fn is_resumable(provider: &Server, desk: &Desk, error: &Value) {
    assert_eq!(
        (&error["charged"], &error["provider_job_id"]),
        (&json!("unknown"), &json!("j-1"))
    );
    assert!(!desk.path("clip.mp4").exists());
    end_the_job(provider);
    let answer = go_on(desk, error).answer();
    assert_eq!(
        (&answer["job"], &answer["key"]),
        (&error["job"], &json!("order-66"))
    );
    assert_eq!(
        answer["file"],
        desk.path("clip.mp4").to_str().expect("a path"),
        "where the first run wanted it"
    );
    assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
}

#[test]
fn a_run_beyond_its_deadline_is_finished_by_its_ticket() {
    let (provider, desk) = slow_provider();
    let outcome = desk.run(RUN.into_iter().chain(["--deadline", "500ms"]));
    assert_eq!(outcome.code, 9);
    is_resumable(&provider, &desk, &outcome.error("deadline"));
}

#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_is_finished_by_its_ticket() {
    let (provider, desk) = slow_provider();
    let running = desk.start(desk.command(RUN));
    provider.wait_for(POLL, 1);
    running.interrupt();
    let outcome = running.end();
    assert_eq!(outcome.code, 9);
    is_resumable(&provider, &desk, &outcome.error("interrupted"));
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_is_finished_by_its_ticket() {
    let (provider, desk) = slow_provider();
    let running = desk.start(desk.command(RUN));
    provider.wait_for(POLL, 1);
    running.kill();
    end_the_job(&provider);
    let answer = desk
        .run([
            "--json",
            "run",
            "image_to_video_v3",
            "--ticket",
            "clip.mp4.ticket.json",
        ])
        .answer();
    assert_eq!(answer["key"], "order-66");
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[cfg(unix)]
#[test]
fn a_submit_on_its_way_is_not_torn_off() {
    let (provider, desk) = slow_provider();
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
    let mut running = desk.start(desk.command(RUN));
    provider.wait_for(SUBMIT, 1);
    running.interrupt();
    while !running.error_line().starts_with("Interrupted") {}
    end_the_job(&provider);
    provider.release(&accepted());
    let outcome = running.end();
    assert_eq!(outcome.code, 9);
    is_resumable(&provider, &desk, &outcome.error("interrupted"));
}

#[test]
fn a_ticket_is_good_where_the_provider_has_moved() {
    let (provider, desk) = slow_provider();
    let error = desk
        .run(RUN.into_iter().chain(["--deadline", "300ms"]))
        .error("deadline");
    drop(provider);
    let (moved, _) = slow_provider();
    end_the_job(&moved);
    desk.configure(&moved.connection(""));
    assert_eq!(go_on(&desk, &error).answer()["charged"], "yes");
    assert_eq!(moved.counts().get(SUBMIT), None);
}

#[test]
fn a_practice_run_survives_its_process_and_its_provider() {
    let desk = Desk::new();
    desk.write("a.png", picture(ImageFormat::Png));
    let arguments = [
        "--json",
        "run",
        "image_to_video_v3",
        "--image",
        "a.png",
        "--set",
        "prompt=pan",
    ];
    let outcome = desk.run(arguments.into_iter().chain(["--deadline", "200ms"]));
    assert_eq!(outcome.code, 9);
    let answer = go_on(&desk, &outcome.error("deadline")).answer();
    assert_eq!(
        Clip::open(Path::new(answer["file"].as_str().expect("a path"))).frames,
        32
    );
}

#[test]
fn a_ticket_is_good_for_its_own_run_alone() {
    let (provider, desk) = slow_provider();
    desk.run(RUN.into_iter().chain(["--deadline", "300ms"]))
        .error("deadline");
    let ticket = "clip.mp4.ticket.json";
    let sent = provider.arrived().len();
    let go_on = |node: &str, ticket: &str| desk.run(["--json", "run", node, "--ticket", ticket]);

    let other_node = go_on("image_to_video", ticket);
    other_node.error("bad_ticket");
    assert_eq!(other_node.code, 2);

    let whole = fs::read_to_string(desk.path(ticket)).expect("the ticket");
    for broken in [
        "",
        "[]",
        "{}",
        &whole[..whole.len() / 2],
        &whole.replace("\"key\"", "\"clef\""),
    ] {
        desk.write("broken.ticket.json", broken);
        let outcome = go_on("image_to_video_v3", "broken.ticket.json");
        outcome.error("bad_ticket");
        assert_eq!(outcome.code, 2);
    }
    go_on("image_to_video_v3", "nowhere.ticket.json").error("bad_ticket");

    // The component's own part.
    let mut forged: Value = serde_json::from_str(&whole).expect("JSON");
    forged["ticket"] = json!({"v": 2});
    desk.write("forged.ticket.json", forged.to_string());
    go_on("image_to_video_v3", "forged.ticket.json").error("bad_ticket");
    forged["ticket"] = json!({"v": 1, "node": "image_to_video_v3", "connection": "other", "wire": "jobs", "job": "j-1"});
    desk.write("foreign.ticket.json", forged.to_string());
    let foreign = go_on("image_to_video_v3", "foreign.ticket.json");
    foreign.error("connection_changed");
    assert_eq!(foreign.code, 4);

    desk.configure(&provider.connection("").replace("scripted", "renamed"));
    let renamed = go_on("image_to_video_v3", ticket);
    renamed.error("connection_unavailable");
    assert_eq!(renamed.code, 4);
    assert_eq!(
        provider.arrived().len(),
        sent,
        "none of these was sent anywhere"
    );
}

#[test]
fn a_ticket_does_not_write_over_a_file() {
    for (more, clip, mine) in [
        (&["--out", "other.mp4"][..], "other.mp4", true),
        (&["--force"], "clip.mp4", false),
    ] {
        let (provider, desk) = slow_provider();
        let left = desk.run(RUN.into_iter().chain(["--deadline", "300ms"]));
        let error = left.error("deadline");
        end_the_job(&provider);
        desk.write("clip.mp4", "mine");
        let sent = provider.arrived().len();
        let refused = go_on(&desk, &error).error("usage");
        assert_eq!(refused["charged"], "unknown", "the job may be paid for");
        assert_eq!(provider.arrived().len(), sent);

        let ticket = [
            "--json",
            "run",
            "image_to_video_v3",
            "--ticket",
            "clip.mp4.ticket.json",
        ];
        let answer = desk.run(ticket.iter().chain(more)).answer();
        assert_eq!(answer["file"], desk.path(clip).to_str().expect("a path"));
        let kept = fs::read(desk.path("clip.mp4")).expect("the file") == b"mine";
        assert_eq!(kept, mine, "{more:?}");
    }
}

#[test]
fn a_second_run_to_the_same_file_does_not_lose_the_first_ones_ticket() {
    let (provider, desk) = slow_provider();
    let left = desk.run(RUN.into_iter().chain(["--deadline", "300ms"]));
    let first = left.error("deadline");
    let again = [
        "--json",
        "run",
        "image_to_video_v3",
        "--input",
        "input.json",
        "--out",
        "clip.mp4",
    ];
    let second = desk.run(again);
    assert_eq!(
        (second.code, &second.error("usage")["charged"]),
        (2, &json!("no"))
    );
    assert_eq!(
        provider.counts()[SUBMIT],
        1,
        "it is not paid for a second time"
    );
    is_resumable(&provider, &desk, &first);
    assert_eq!(
        desk.tickets(),
        [""; 0].map(Path::new),
        "a job that has ended needs no ticket"
    );
}

#[test]
fn runs_at_once_to_one_file_lose_no_clip() {
    let (provider, desk) = slow_provider();
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
    end_the_job(&provider);
    let runs = [(); 2].map(|()| desk.start(desk.command(RUN)));
    provider.wait_for(SUBMIT, 2);
    provider.release(&accepted());
    let mut ended = runs.map(Running::end);
    ended.sort_by_key(|outcome| outcome.code);
    let [first, second] = ended;
    first.answer();
    assert_eq!(second.code, 9);
    let error = second.error("download_failed");
    assert_eq!(error["charged"], "yes");
    let more = ["--out", "other.mp4"];
    let next = error["next"].as_str().expect("the next command");
    let ticket = next
        .strip_prefix("zoetrope ")
        .expect("a command")
        .split(' ');
    let answer = desk
        .run(["--json"].into_iter().chain(ticket).chain(more))
        .answer();
    assert_eq!(answer["job"], error["job"]);
    assert_eq!(provider.counts()[SUBMIT], 2);
}
