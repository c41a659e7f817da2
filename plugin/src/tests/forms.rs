//! Replies in other forms than the documented one, by each wire: status words, results, ids in a
//! header, reasons.

use serde_json::{Value, json};
use zoetrope_node_sdk::bindings::{
    ErrorCause, JobState, NodeError, ResultMedia, Stage, Started, Success,
};
use zoetrope_node_sdk::http::Reply;
use zoetrope_node_sdk::job;
use zoetrope_node_sdk::testing::{Scripted, connection, reply};
use zoetrope_node_sdk::ticket::Ticket;

use crate::nodes::PACK;

/// One wire, and the parts of its documents.
struct Wire {
    name: &'static str,
    node: &'static str,
    input: Value,
    options: Value,
    /// The document of a job in this state, with this result.
    job: fn(&str, Value) -> Value,
    /// The names of the states running and succeeded.
    states: [&'static str; 2],
    /// The URL of the reply to a poll.
    polled: &'static str,
}

fn wires() -> [Wire; 5] {
    let prompt = json!({"prompt": "p", "image": "https://p.example/a.png"});
    [
        Wire {
            name: "jobs",
            node: "image_to_video_v3",
            input: prompt.clone(),
            options: json!({}),
            job: |state, result| json!({"status": state, "output": {"video": result}}),
            states: ["running", "succeeded"],
            polled: "https://provider.example/api/v1/jobs/j-1",
        },
        Wire {
            name: "jobs",
            node: "image_to_video_v3",
            input: prompt.clone(),
            options: json!({"status_pointer": "/task/phase", "video_pointer": "/task/files",
                "status_words": {"running": ["in progress"], "succeeded": ["all done"]}}),
            job: |state, result| json!({"task": {"phase": state, "files": result}}),
            states: ["in_progress", "all-done"],
            polled: "https://provider.example/api/v1/jobs/j-1",
        },
        Wire {
            name: "agenticflow",
            node: "image_to_video_v3",
            input: prompt,
            options: json!({"wire": "agenticflow", "workflow_id": "w"}),
            job: |state, result| json!({"status": state, "output": {"video": result}}),
            states: ["running", "success"],
            polled: "https://provider.example/api/v1/workflow_runs/j-1",
        },
        Wire {
            name: "shortapi",
            node: "shortapi/poppy-v1.0/image-to-video",
            input: json!({"prompt": "p", "image": "https://p.example/a.png"}),
            options: json!({}),
            job: |state, result| json!({"code": 0, "data": {"status": state, "result": {"videos": result}}}),
            states: ["processing", "succeeded"],
            polled: "https://provider.example/api/api/v1/job/query?id=j-1",
        },
        Wire {
            name: "popiart",
            node: "popiskill-video-image2video-basic-v1",
            input: json!({"image_url": "https://p.example/a.png"}),
            options: json!({}),
            job: |state, result| json!({"ok": true, "data": {"status": state, "output": {"url": result}}}),
            states: ["running", "done"],
            polled: "https://provider.example/api/jobs/j-1",
        },
    ]
}

impl Wire {
    fn poll(&self, document: &Value) -> Result<JobState, NodeError> {
        let replies = [(200, document.clone()), (404, json!({}))];
        let host = Scripted::new(replies).on(Some(connection(&self.options)));
        job::poll(
            &PACK,
            &host,
            &Ticket::new(self.node, "desk", self.name, "j-1").encode(),
        )
    }

    fn success(&self, result: &Value) -> Success {
        match self.poll(&(self.job)(self.states[1], result.clone())) {
            Ok(JobState::Succeeded(success)) => success,
            other => panic!("{}: {result}: {other:?}", self.name),
        }
    }

    fn start(&self, options: &Value, reply: Reply) -> Result<Started, NodeError> {
        let mut all = self.options.clone();
        for (name, value) in options.as_object().unwrap() {
            all[name] = value.clone();
        }
        let host = Scripted::with([Ok(reply)]).on(Some(connection(&all)));
        job::start(&PACK, &host, self.node, &self.input.to_string(), "k")
    }
}

fn urls(media: &[ResultMedia]) -> Vec<&str> {
    media.iter().map(|medium| medium.url.as_str()).collect()
}

#[test]
fn status_words_are_compared_without_case_and_separators() {
    for wire in wires() {
        let [running, succeeded] = wire.states;
        for word in [running.to_uppercase(), running.replace(['_', ' '], "-")] {
            match wire.poll(&(wire.job)(&word, Value::Null)) {
                Ok(JobState::Waiting(progress)) => assert_eq!(progress.stage, Stage::Running),
                other => panic!("{}: {word}: {other:?}", wire.name),
            }
        }
        let url = json!("https://cdn.example/1.mp4");
        let word = succeeded.to_uppercase().replace('-', "_");
        let state = wire.poll(&(wire.job)(&word, url)).unwrap();
        assert!(
            matches!(state, JobState::Succeeded(_)),
            "{}: {state:?}",
            wire.name
        );
        if wire.name != "shortapi" {
            match wire.poll(&(wire.job)("resting", Value::Null)) {
                Ok(JobState::Waiting(progress)) => {
                    assert_eq!(progress.stage, Stage::Unrecognized);
                }
                other => panic!("{}: {other:?}", wire.name),
            }
        }
    }
}

#[test]
fn result_is_found_in_every_form() {
    let (one, other) = ("https://cdn.example/1.mp4", "https://cdn.example/2.mp4");
    for wire in wires() {
        for result in [
            json!(one),
            json!([one]),
            json!([{ "url": one }]),
            json!({ "url": one }),
            json!({ "href": one }),
            json!({ "uri": one }),
        ] {
            assert_eq!(
                urls(&wire.success(&result).media)[..1],
                [one],
                "{}",
                wire.name
            );
        }
        let several = wire.success(&json!([one, { "url": other }]));
        assert_eq!(urls(&several.media), [one, other], "{}", wire.name);
        let pointers: Vec<_> = several.media.iter().map(|it| it.pointer.as_str()).collect();
        assert_ne!(pointers[0], pointers[1], "{}", wire.name);
        let output: Value = serde_json::from_str(&several.output).unwrap();
        for medium in &several.media {
            let named = output.pointer(&medium.pointer);
            assert_eq!(named, Some(&json!(medium.url)), "{}", wire.name);
        }
        for inline in ["data:video/mp4;base64,AAAA", "attached:0"] {
            let found = wire.success(&json!(inline));
            assert_eq!(urls(&found.media)[..1], [inline], "{}", wire.name);
        }
    }
}

#[test]
fn relative_result_is_resolved_against_the_reply() {
    for wire in wires() {
        let folder = &wire.polled[..=wire.polled.rfind('/').unwrap()];
        for (given, expected) in [
            (
                "/files/x.mp4",
                "https://provider.example/files/x.mp4".into(),
            ),
            ("x.mp4", format!("{folder}x.mp4")),
            ("//cdn.example/x.mp4", "https://cdn.example/x.mp4".into()),
        ] {
            let success = wire.success(&json!(given));
            let first = &success.media[0];
            assert_eq!(first.url, expected, "{}", wire.name);
            let is_own = expected.starts_with("https://provider.example/");
            assert_eq!(first.needs_credential, is_own, "{}: {given}", wire.name);
        }
    }
}

#[test]
fn id_is_read_from_a_header() {
    for wire in wires() {
        let answer = |value: &str, status| Reply {
            headers: vec![("location".into(), value.into())],
            body: Vec::new(),
            ..reply(status, &Value::Null)
        };
        let options = json!({"id_header": "Location"});
        for (value, id) in [
            ("https://provider.example/v1/jobs/j%207?x=1", "j 7"),
            ("/v1/jobs/j-7/", "j-7"),
            (" j-7 ", "j-7"),
        ] {
            for status in [201, 202] {
                match wire.start(&options, answer(value, status)) {
                    Ok(Started::Accepted(accepted)) => assert_eq!(accepted.provider_job_id, id),
                    other => panic!("{}: {value}: {other:?}", wire.name),
                }
            }
        }
        for value in [
            "/v1/jobs/..",
            "/v1/jobs/%2e%2e",
            "/v1/jobs/..%2fadmin",
            "//",
            "",
        ] {
            let error = wire.start(&options, answer(value, 202)).unwrap_err();
            assert!(
                matches!(error.cause, ErrorCause::OutcomeUnknown(_)),
                "{value}"
            );
        }
        let error = wire.start(&json!({}), answer("j-7", 202)).unwrap_err();
        assert!(matches!(error.cause, ErrorCause::OutcomeUnknown(_)));
    }
}

#[test]
fn long_id_is_kept_and_one_beyond_the_limit_is_named_with_its_length() {
    for wire in wires() {
        let accepted = |id: &str| {
            let mut document = (wire.job)(wire.states[0], Value::Null);
            for place in ["id", "job_id", "run_id"] {
                document[place] = id.into();
            }
            if document["data"].is_object() {
                document["data"]["id"] = id.into();
                document["data"]["job_id"] = id.into();
            }
            wire.start(&json!({}), reply(202, &document))
        };
        let long = "i".repeat(4096);
        match accepted(&long) {
            Ok(Started::Accepted(accepted)) => assert_eq!(accepted.provider_job_id, long),
            other => panic!("{}: {other:?}", wire.name),
        }
        match accepted(&"i".repeat(4097)).unwrap_err().cause {
            ErrorCause::OutcomeUnknown(fault) => {
                let words = "has 4097 bytes; the limit is 4096 bytes";
                assert!(fault.message.contains(words), "{}", fault.message);
            }
            other => panic!("{}: {other:?}", wire.name),
        }
    }
}

#[test]
fn reason_is_shown_by_every_wire() {
    let page = b"<html><head><title>Out of credit</title>".to_vec();
    let documents = [
        json!({"detail": "out of credit"}),
        json!({"detail": [{"loc": ["body", "image"], "msg": "out of credit"}]}),
        json!({"error": "out of credit"}),
        json!({"error": {"message": "out of credit"}}),
        json!({"errors": [{"message": "out of credit"}]}),
        json!({"message": "out of credit"}),
        json!({"msg": "out of credit"}),
        json!({"info": "out of credit"}),
        json!({"title": "Payment", "detail": "out of credit"}),
    ];
    let bodies = documents.map(|document| document.to_string().into_bytes());
    for wire in wires() {
        for body in bodies.iter().chain([&b"out of credit".to_vec(), &page]) {
            for status in [402, 200] {
                let answer = Reply {
                    body: body.clone(),
                    ..reply(status, &Value::Null)
                };
                let error = wire.start(&json!({}), answer).unwrap_err();
                let text = format!("{:?}", error.cause).to_lowercase();
                let shown = String::from_utf8_lossy(body);
                assert!(
                    text.contains("out of credit"),
                    "{}: {shown}: {text}",
                    wire.name
                );
            }
        }
    }
}
