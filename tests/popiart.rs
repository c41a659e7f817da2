//! Replies of PopiArt and their outcomes, as data in `cases/popiart`; the upload of a local picture.

use serde_json::json;

use crate::support::cases::cases;
use crate::support::pictures::lighthouse;
use crate::support::provider::{Reply, Script, Server, connection_of};
use crate::support::sandbox::Sandbox;

cases! {
    "popiart":
        create_401
        create_500
        create_closed
        create_refused_with_status_200
        create_refused_with_status_422
        create_without_job_id
        upload_refused_with_status_200
    ; long:
        artifact_at_a_path
        artifact_before_one_without_a_type
        artifact_on_another_host
        artifact_that_is_redirected
        artifact_that_only_the_job_names
        artifact_that_only_the_job_names_without_a_listing
        artifact_that_only_the_output_names
        artifact_whose_details_have_the_url
        artifact_without_url
        artifacts_500_in_passing
        bare_replies
        cancel
        cancel_that_is_only_requested
        cancel_too_late
        clip_at_the_last_place
        create_429_with_retry_after
        create_closed_where_keys_are_honoured
        done_without_a_result
        done_without_artifacts_at_first
        every_url_expired
        job_cancelled
        job_failed
        listing_that_is_a_wrapped_array
        listing_that_is_an_array
        listing_under_artifacts
        media_id_of_the_artifact
        media_id_of_the_job
        media_id_of_the_output
        page_at_the_first_url
        pending_running_done
        picture_at_a_url_of_the_output
        picture_from_a_picture
        poll_401
        poll_404_in_passing
        poll_429_with_retry_after
        poll_500_in_passing
        poll_refused_with_status_200_in_passing
        poll_unknown_state_then_good
        poll_unreadable_in_passing
        primary_of_the_job
        primary_of_the_listing
        primary_of_the_output
        primary_of_the_output_before_others
        primary_that_is_a_picture
        primary_that_is_a_source
        primary_that_nothing_describes
        primary_that_only_details_describe
        primary_whose_url_is_gone
        source_listed_first
        url_of_the_job
        url_of_the_job_while_artifacts_500
        url_of_the_listing
        url_of_the_output
        url_of_the_output_before_others
        url_that_is_a_path
        url_of_the_scheme_that_leads_nowhere
        url_that_is_the_job_document
        video_among_pictures
}

const NODE: &str = "popiskill-video-image2video-basic-v1";

#[test]
fn local_picture_is_uploaded_as_the_artifact_of_the_submit() {
    let item = json!({"id": "a-1", "content_type": "video/mp4", "url": "{provider}/clips/1.mp4"});
    let script = [
        (
            "POST /v1/artifacts/upload",
            json!({"ok": true, "data": {"id": "a-0"}}),
        ),
        (
            "POST /v1/jobs",
            json!({"job_id": "j-1", "status": "pending"}),
        ),
        (
            "GET /v1/jobs/j-1",
            json!({"job_id": "j-1", "status": "done"}),
        ),
        ("GET /v1/jobs/j-1/artifacts", json!({"items": [item]})),
    ];
    let script = script.map(|(line, json)| (line.to_owned(), vec![Reply::json(200, json)]));
    let provider = Server::start(Script::from(script));
    provider.script(Script::from([(
        "GET /clips/1.mp4".into(),
        vec![Reply::clip()],
    )]));
    let sandbox = Sandbox::new();
    let base_url = format!("{}/v1", provider.url());
    sandbox.configure(&connection_of("popiart", &base_url, ""));
    let picture = lighthouse();
    let arguments = [
        "--json", "run", NODE, "--key", "order-66", "--out", "clip.mp4", "--image",
    ];
    let arguments = arguments.into_iter().map(Into::into);
    sandbox
        .run(arguments.chain([picture.into_os_string()]))
        .answer();

    let [upload, submit, ..] = &provider.arrived()[..] else {
        panic!("an upload and a submit");
    };
    let form = String::from_utf8_lossy(&upload.body);
    for part in [
        "name=\"file\"; filename=\"lighthouse.jpg\"",
        "name=\"role\"\r\n\r\nsource\r\n",
        "name=\"visibility\"\r\n\r\nprivate\r\n",
    ] {
        assert!(form.contains(part), "{part}");
    }
    assert_eq!(
        submit.json(),
        json!({
            "skill_id": NODE,
            "input": {"source_artifact_id": "a-0"},
            "idempotency_key": "order-66",
        })
    );
}
