use serde_json::json;
use zoetrope_node_sdk::bindings::{ErrorCause, LocalFile};
use zoetrope_node_sdk::testing::{Scripted, connection};
use zoetrope_node_sdk::{job, media};

use super::*;
use crate::nodes::PACK;

/// A provider that differs from the practice provider in every part of the wire.
fn other_options() -> Value {
    json!({
        "wire": "jobs",
        "submit": {"method": "PUT", "path": "/generate?mode=async"},
        "poll": {"method": "POST", "path": "/tasks/{id}/state"},
        "cancel": {"method": "DELETE", "path": "/tasks/{id}"},
        "files": {"method": "PUT", "path": "/media"},
        "action_pointer": "/meta/model",
        "input_pointer": "",
        "actions": {"image_to_video_v3": "i2v-3"},
        "idempotency_header": "X-Request-Id",
        "id_pointer": "/task/no",
        "status_pointer": "/task/phase",
        "status_words": {"queued": ["NEW"], "running": ["WIP", "POST"], "succeeded": ["OK"],
            "failed": ["KO"], "cancelled": ["GONE"]},
        "progress_pointer": "/task/percent",
        "progress_full": 100,
        "message_pointer": "/task/note",
        "poll_after_ms_pointer": "/task/next",
        "video_pointer": "/task/files/0",
        "error_code_pointer": "/reason/0",
        "error_message_pointer": "/reason/1",
        "charged_pointer": "/task/billed",
        "file_part": "upload",
        "file_url_pointer": "/location",
        "credential_header": "x-api-key",
        "credential_prefix": "",
    })
}

fn other(status: u16, body: Value) -> Scripted {
    Scripted::new([(status, body)]).on(Some(connection(&other_options())))
}

fn ticket() -> String {
    Ticket::new("image_to_video_v3", "desk", "jobs", "a b/\u{e9}?#").encode()
}

fn state(host: &Scripted) -> JobState {
    job::poll(&PACK, host, &ticket()).unwrap()
}

#[test]
fn every_part_of_a_submit_is_an_option() {
    let host = other(200, json!({"task": {"no": 12, "phase": "NEW", "next": 7}}));
    let input = json!({"prompt": "p", "image": "i"}).to_string();
    match job::start(&PACK, &host, "image_to_video_v3", &input, "k").unwrap() {
        Started::Accepted(accepted) => {
            assert_eq!(
                (accepted.provider_job_id.as_str(), accepted.poll_after_ms),
                ("12", 7)
            );
        }
        Started::Finished(completion) => panic!("{completion:?}"),
    }
    let (line, body) = host.requests().remove(0);
    assert_eq!(line, "PUT https://provider.example/api/generate?mode=async");
    assert_eq!(
        body,
        json!({"prompt": "p", "image": "i", "negative_prompt": null, "steps": 20,
        "guidance_scale": 3, "frame_rate": 8, "meta": {"model": "i2v-3"}})
    );
    assert!(
        host.sent.borrow()[0]
            .headers
            .contains(&("x-request-id".into(), "k".into()))
    );
}

#[test]
fn every_part_of_a_poll_is_an_option() {
    let host = other(
        200,
        json!({"task": {"phase": "POST", "percent": 40, "note": "nearly"}}),
    );
    match state(&host) {
        JobState::Waiting(progress) => {
            assert_eq!(progress.stage, Stage::Running);
            assert_eq!(progress.fraction, Some(0.4));
            assert_eq!(progress.message.as_deref(), Some("nearly"));
        }
        ended => panic!("{ended:?}"),
    }
    let (line, _) = host.requests().remove(0);
    assert_eq!(
        line,
        "POST https://provider.example/api/tasks/a%20b%2F%C3%A9%3F%23/state"
    );
}

#[test]
fn names_of_final_states_are_options() {
    let host = other(
        200,
        json!({"task": {"phase": "OK", "files": ["http://cdn.example/x.mp4?e=1"], "billed": false}}),
    );
    match state(&host) {
        JobState::Succeeded(success) => {
            assert_eq!(
                success.output,
                r#"{"video":"http://cdn.example/x.mp4?e=1"}"#
            );
            assert_eq!(success.media[0].url, "http://cdn.example/x.mp4?e=1");
            assert_eq!(success.settlement.charge, Charge::No);
        }
        state => panic!("{state:?}"),
    }

    let host = other(
        200,
        json!({"task": {"phase": "KO", "billed": true}, "reason": ["E7", "too dark"]}),
    );
    match state(&host) {
        JobState::Failed(failure) => {
            assert_eq!(failure.fault.code.as_deref(), Some("E7"));
            assert_eq!(failure.fault.message, "too dark");
            assert_eq!(failure.settlement.charge, Charge::Yes);
        }
        state => panic!("{state:?}"),
    }

    let host = other(200, json!({"task": {"phase": "GONE"}}));
    assert_eq!(
        state(&host),
        JobState::Cancelled(Settlement {
            charge: Charge::Unknown,
            cost: None
        })
    );
    assert!(matches!(
        job::cancel(&PACK, &other(202, json!({})), &ticket()),
        Ok(Cancellation::Requested)
    ));
}

#[test]
fn result_of_a_cancellation_follows_the_jobs_state() {
    let cancelled = |charge| Ok(Cancellation::Cancelled(Settlement { charge, cost: None }));
    for (status, body, expected) in [
        (
            200,
            json!({"status": "cancelled", "charged": false}),
            cancelled(Charge::No),
        ),
        (
            200,
            json!({"status": "cancelled"}),
            cancelled(Charge::Unknown),
        ),
        (204, json!(null), Ok(Cancellation::Requested)),
        (200, json!({"ok": true}), Ok(Cancellation::Requested)),
        (200, json!({"status": 5}), Ok(Cancellation::Requested)),
        (200, json!({"charged": false}), Ok(Cancellation::Requested)),
        (200, json!("cancelled"), Ok(Cancellation::Requested)),
        (
            200,
            json!({"status": "running"}),
            Ok(Cancellation::Requested),
        ),
        (
            200,
            json!({"status": "stopping"}),
            Ok(Cancellation::Requested),
        ),
        (
            200,
            json!({"status": "succeeded"}),
            Ok(Cancellation::TooLate),
        ),
        (202, json!({}), Ok(Cancellation::Requested)),
        (409, json!({}), Ok(Cancellation::TooLate)),
        (405, json!({}), Ok(Cancellation::Unsupported)),
    ] {
        assert_eq!(
            job::cancel(&PACK, &Scripted::new([(status, body)]), &ticket()),
            expected
        );
    }
    let lost = job::cancel(&PACK, &Scripted::new([(404, json!({}))]), &ticket()).unwrap_err();
    assert!(matches!(lost.cause, ErrorCause::JobLost(_)));
    for off in [json!({"cancel": null}), json!({"cancel": false})] {
        let without = Scripted::new([]).on(Some(connection(&off)));
        assert_eq!(
            job::cancel(&PACK, &without, &ticket()),
            Ok(Cancellation::Unsupported)
        );
    }
}

#[test]
fn page_or_empty_reply_to_a_cancellation_is_no_confirmation() {
    let page = Reply {
        body: b"<!DOCTYPE html><title>cancelled</title>".to_vec(),
        ..Reply::default()
    };
    for status in [200, 201, 204] {
        for reply in [page.clone(), Reply::default()] {
            let host = Scripted::with([Ok(Reply { status, ..reply })]);
            let answer = job::cancel(&PACK, &host, &ticket()).unwrap();
            assert_eq!(answer, Cancellation::Requested);
        }
    }
}

#[test]
fn progress_is_bounded_and_invalid_progress_ignored() {
    for (progress, expected) in [
        (json!(0.333), Some(0.333)),
        (json!(7), Some(1.0)),
        (json!(-1), Some(0.0)),
        (json!("half"), None),
    ] {
        let host = Scripted::new([(200, json!({"status": "running", "progress": progress}))]);
        match state(&host) {
            JobState::Waiting(progress) => assert_eq!(progress.fraction, expected),
            ended => panic!("{ended:?}"),
        }
    }
}

#[test]
fn reply_that_breaks_the_protocol_is_reported_with_the_expected_form() {
    for (body, pointer) in [(json!([]), "/status"), (json!({"status": 2}), "/status")] {
        let error = job::poll(&PACK, &Scripted::new([(200, body)]), &ticket()).unwrap_err();
        match error.cause {
            ErrorCause::ProtocolViolation(expected) => {
                assert!(expected.contains(pointer), "{expected}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(
            (error.charge, error.next),
            (Charge::Unknown, NextStep::PollAgain)
        );
    }
}

#[test]
fn success_without_a_clip_is_a_failure_with_the_providers_words() {
    let refused = json!([{"url": null, "reason": "removed by a filter"}]);
    for (more, charge, said) in [
        (json!({}), Charge::Unknown, None),
        (json!({"output": null}), Charge::Unknown, None),
        (json!({"output": {}, "charged": true}), Charge::Yes, None),
        (json!({"output": {"video": ""}}), Charge::Unknown, None),
        (
            json!({"output": {"video": []}, "charged": false}),
            Charge::No,
            None,
        ),
        (
            json!({"output": {"video": "pending"}}),
            Charge::Unknown,
            Some("pending"),
        ),
        (
            json!({"output": {"video": refused}}),
            Charge::Unknown,
            Some("removed by a filter"),
        ),
        (
            json!({"output": {"video": null, "reason": "unsafe"}}),
            Charge::Unknown,
            Some("unsafe"),
        ),
        (
            json!({"output": null, "error": {"code": "nsfw", "message": "unsafe"}}),
            Charge::Unknown,
            Some("unsafe"),
        ),
    ] {
        let mut body = json!({"status": "succeeded"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let JobState::Failed(failure) = state(&Scripted::new([(200, body)])) else {
            panic!("{more}");
        };
        assert_eq!(failure.fault.code.as_deref(), Some("no_result"));
        let said = said.map_or(String::new(), |said| {
            format!("; the provider answered: {said}")
        });
        assert_eq!(
            failure.fault.message,
            format!("no result at /output/video{said}")
        );
        assert_eq!(failure.settlement.charge, charge, "{more}");
    }
}

#[test]
fn submit_that_is_answered_with_an_empty_success_is_accepted_and_polled() {
    let body = json!({"id": "7", "status": "succeeded", "output": null});
    let input = json!({"prompt": "p", "image": "i"}).to_string();
    let host = Scripted::new([(200, body)]);
    let started = job::start(&PACK, &host, "image_to_video_v3", &input, "k").unwrap();
    assert!(matches!(started, Started::Accepted(_)), "{started:?}");
}

#[test]
fn picture_upload_follows_the_options() {
    let file = LocalFile {
        media_type: "image/png".into(),
        byte_length: 9,
        file_name: "a.png".into(),
    };
    let host = other(200, json!(null));
    let step = media::plan_upload(&PACK, &host, "image_to_video", "/image", &file).unwrap();
    let multipart = Multipart {
        file_part: "upload".into(),
        fields: Vec::new(),
    };
    assert_eq!(
        step,
        Step::Upload(Upload {
            method: "PUT".into(),
            path: "/media".into(),
            body: Body::Multipart(multipart),
        })
    );
    let done = media::uploaded(
        &PACK,
        &host,
        "image_to_video",
        "/image",
        201,
        r#"{"location":"https://f.example/a"}"#.into(),
    );
    assert_eq!(done, Ok(Step::Value(r#""https://f.example/a""#.into())));
    for (status, body) in [(200, "{}"), (413, "{}"), (500, ""), (200, "<p>")] {
        let error = media::uploaded(
            &PACK,
            &host,
            "image_to_video",
            "/image",
            status,
            body.into(),
        )
        .unwrap_err();
        assert_eq!(error.charge, Charge::No, "{status} {body}");
    }
}

#[test]
fn file_that_is_not_a_picture_is_not_uploaded() {
    let file = |media_type: &str| LocalFile {
        media_type: media_type.into(),
        byte_length: 9,
        file_name: "a".into(),
    };
    let host = Scripted::new([]);
    for (field, media_type) in [("/prompt", "image/png"), ("/image", "text/plain")] {
        let error = media::plan_upload(&PACK, &host, "image_to_video", field, &file(media_type))
            .unwrap_err();
        assert!(matches!(error.cause, ErrorCause::Unsupported(_)));
    }
    for off in [json!({"files": null}), json!({"files": false})] {
        let none = Scripted::new([]).on(Some(connection(&off)));
        let error =
            media::plan_upload(&PACK, &none, "image_to_video", "/image", &file("image/png"))
                .unwrap_err();
        assert!(matches!(error.cause, ErrorCause::Unsupported(_)));
    }
}
