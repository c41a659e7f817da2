//! Replies of ShortAPI and their outcomes, as data in `cases/shortapi`; pictures in a submit; and
//! the missing cancellation.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::cases::cases;
use crate::support::pictures::lighthouse;
use crate::support::provider::{Reply, Script, Server, connection_of};
use crate::support::sandbox::Sandbox;
use crate::support::steps::command_in;

cases! {
    "shortapi":
        create_3000
        create_401
        create_502
        create_closed
        create_code_401_with_status_200
        create_refused_and_quotes_the_prompt
        create_refused_with_a_job_id
        create_refused_with_status_200
        create_without_job_id
        key_that_nobody_sends
        key_that_the_input_has
    ; long:
        amount_of_the_query
        clip_under_images
        clip_under_images_where_videos_are_gone
        clip_under_url
        clip_under_video_url
        clip_under_video_url_where_others_are_gone
        clip_under_videos
        create_429_with_retry_after
        create_code_429_with_status_200
        job_failed
        job_id_at_top_level
        job_of_an_unknown_status
        job_refunded
        job_refunded_while_processing
        no_envelope
        pending_processing_succeeded
        query_3000_in_passing
        query_401
        query_404_in_passing
        query_429_with_retry_after
        query_500_in_passing
        query_code_401_with_status_200
        query_code_429_with_status_200
        query_refused_with_status_200_in_passing
        query_unreadable_in_passing
        succeeded_without_a_clip_at_first
}

const NODE: &str = "shortapi/poppy-v1.0/image-to-video";
const CREATE: &str = "POST /api/v1/job/create";

/// A sandbox with a connection to a server of one job.
fn scripted(statuses: &[u8]) -> (Server, Sandbox) {
    let created = json!({"code": 0, "data": {"amount": "0.240", "job_id": "j-1"}});
    let provider = Server::start(Script::from([
        (CREATE.into(), vec![Reply::json(200, created)]),
        ("GET /clips/1.mp4".into(), vec![Reply::clip()]),
    ]));
    provider.script(job(statuses));
    let sandbox = Sandbox::new();
    sandbox.configure(&connection_of("shortapi", &provider.url(), ""));
    (provider, sandbox)
}

/// Polls of a job with these statuses in order.
fn job(statuses: &[u8]) -> Script {
    let result = json!({"videos": [{"url": "{provider}/clips/1.mp4"}]});
    let reply = |status| {
        let data = json!({"status": status, "result": result});
        Reply::json(200, json!({"code": 0, "data": data}))
    };
    let replies = statuses.iter().map(reply).collect();
    Script::from([("GET /api/v1/job/query".into(), replies)])
}

fn run(more: [&str; 4]) -> Vec<&str> {
    let always = ["--set", "prompt=push in", "--out", "clip.mp4", "--json"];
    ["run", NODE]
        .into_iter()
        .chain(always)
        .chain(more)
        .collect()
}

#[test]
fn local_picture_is_base64_without_a_prefix_in_the_submit() {
    let picture = lighthouse();
    let base64 = STANDARD.encode(fs::read(&picture).expect("the picture"));
    let local = picture.to_string_lossy();
    let bare = "iVBORw0KGgo".repeat(4);
    let inline = format!("image=data:image/png;base64,{bare}");
    for (given, expected) in [(["--image", &*local], &base64), (["--set", &inline], &bare)] {
        let (provider, sandbox) = scripted(&[2]);
        let [option, value] = given;
        sandbox
            .run(run([option, value, "--key", "order-66"]))
            .answer();
        let args = json!({"prompt": "push in", "image": expected, "aspect_ratio": "16:9"});
        let submit = provider.arrived().remove(0);
        assert_eq!(submit.line(), CREATE);
        assert_eq!(submit.json(), json!({"model": NODE, "args": args}));
    }
}

/// ShortAPI has no cancellation. The error says so and that the job is charged, and its `next`
/// command collects the job.
#[test]
fn cancellation_at_shortapi_is_reported_as_unsupported_and_the_job_continues() {
    let (provider, sandbox) = scripted(&[1]);
    let image = "image=https://pictures.example/a.png";
    let waited = sandbox.run(run(["--set", image, "--deadline", "2s"]));
    assert_eq!(waited.code, 9, "{waited:?}");
    let id = waited.error("deadline")["job"].take();
    let id = id.as_str().expect("the job");
    provider.script(job(&[1, 2]));
    let cancelled = sandbox.run(["--json", "jobs", "cancel", id]);
    let error = cancelled.error("unsupported");
    assert_eq!(
        (cancelled.code, &error["charged"]),
        (3, &json!("unknown")),
        "{cancelled:?}"
    );
    let message = error["message"].as_str().expect("words");
    assert!(
        message.contains("continues") && message.contains("paid for"),
        "{message}"
    );
    assert_eq!(sandbox.jobs()[0]["state"], "started");
    let next = command_in(error["next"].as_str().expect("the next command"));
    assert_eq!(next[..3], ["jobs", "resume", id]);
    let resumed = sandbox.run(["--json".to_owned()].into_iter().chain(next));
    assert_eq!(resumed.answer()["charged"], "yes");
    assert!(sandbox.path("clip.mp4").exists());
    let methods = provider.arrived().into_iter().map(|request| request.method);
    assert_eq!(methods.filter(|method| method == "POST").count(), 1);
}
