//! Jobs that the provider reports as succeeded, without a result: asked about for a minute, then
//! failed, and asked again on request; over each wire.

use std::thread;

use serde_json::{Value, json};

use crate::support::provider::{Reply, Script, Server, connection_of};
use crate::support::sandbox::{CANARY_PROMPT, Sandbox};
use crate::support::slow_server::{RUN, SUBMIT, run_next_command, slow_provider};

/// A provider's protocol, and a success without a result in it.
struct Wire {
    node: &'static str,
    category: &'static str,
    base_path: &'static str,
    options: &'static str,
    submit: &'static str,
    accepted: Value,
    poll: &'static str,
    empty: Value,
    /// The same with a result.
    full: Value,
    /// Further reads of a finished job, without a result.
    more: &'static [(&'static str, &'static str)],
    charged: &'static str,
}

const CLIP: &str = "{provider}/clips/1.mp4";
const FILTERED: &str = "removed by a filter";

fn wires() -> [Wire; 4] {
    [
        Wire {
            node: "image_to_video_v3",
            category: "pixelml",
            base_path: "",
            options: "",
            submit: SUBMIT,
            accepted: json!({"id": "j-1", "status": "queued"}),
            poll: "GET /v1/jobs/j-1",
            empty: json!({"id": "j-1", "status": "succeeded", "charged": true,
                "output": {"video": [{"url": null, "reason": FILTERED}]}}),
            full: json!({"id": "j-1", "status": "succeeded", "output": {"video": CLIP}}),
            more: &[],
            charged: "yes",
        },
        Wire {
            node: "image_to_video_v3",
            category: "pixelml",
            base_path: "",
            options: "options = { wire = \"agenticflow\", workflow_id = \"w\" }",
            submit: "POST /v1/workflow_runs/",
            accepted: json!({"id": "j-1", "status": "created"}),
            poll: "GET /v1/workflow_runs/j-1",
            empty: json!({"id": "j-1", "status": "success", "output": null,
                "state": {"error": {"message": FILTERED}}}),
            full: json!({"id": "j-1", "status": "success", "output": {"video": CLIP}}),
            more: &[],
            charged: "unknown",
        },
        Wire {
            node: "shortapi/poppy-v1.0/image-to-video",
            category: "shortapi",
            base_path: "",
            options: "",
            submit: "POST /api/v1/job/create",
            accepted: json!({"code": 0, "data": {"job_id": "j-1", "amount": "0.240"}}),
            poll: "GET /api/v1/job/query",
            empty: json!({"code": 0, "data": {"status": 2, "refunded": true,
                "result": {"videos": [], "reason": FILTERED}}}),
            full: json!({"code": 0, "data": {"status": 2, "result": {"videos": [{"url": CLIP}]}}}),
            more: &[],
            charged: "no",
        },
        popiart(),
    ]
}

fn popiart() -> Wire {
    let done = |output: Value| json!({"ok": true, "data": {"job_id": "j-1", "status": "done", "output": output}});
    Wire {
        node: "popiskill-video-image2video-basic-v1",
        category: "popiart",
        base_path: "/v1",
        options: "",
        submit: "POST /v1/jobs",
        accepted: json!({"ok": true, "data": {"job_id": "j-1", "status": "pending"}}),
        poll: "GET /v1/jobs/j-1",
        empty: done(json!({"url": "", "reason": FILTERED})),
        full: done(json!({"url": CLIP})),
        more: &[(
            "GET /v1/jobs/j-1/artifacts",
            "{\"ok\":true,\"data\":{\"items\":[]}}",
        )],
        charged: "unknown",
    }
}

impl Wire {
    fn provider(&self) -> (Server, Sandbox) {
        let mut script = Script::from([
            (
                self.submit.into(),
                vec![Reply::json(201, self.accepted.clone())],
            ),
            (self.poll.into(), vec![Reply::json(200, self.empty.clone())]),
            ("GET /clips/1.mp4".into(), vec![Reply::clip()]),
        ]);
        for (line, document) in self.more {
            let document = serde_json::from_str(document).expect("JSON");
            script.insert((*line).into(), vec![Reply::json(200, document)]);
        }
        let provider = Server::start(script);
        let sandbox = Sandbox::new();
        let url = provider.url() + self.base_path;
        sandbox.configure(&connection_of(self.category, &url, self.options));
        let image = if self.category == "popiart" {
            "image_url"
        } else {
            "image"
        };
        let input = json!({"prompt": CANARY_PROMPT, image: "https://p.example/a.png"});
        sandbox.write("input.json", input.to_string());
        (provider, sandbox)
    }

    fn run(&self) -> Vec<&str> {
        let mut run = RUN.to_vec();
        run[2] = self.node;
        run
    }

    fn fails_after_a_minute_and_is_asked_again(&self) {
        let (provider, sandbox) = self.provider();
        let outcome = sandbox.run(self.run());
        assert_eq!(outcome.code, 7, "{outcome:?}");
        let error = outcome.error("no_result");
        assert_eq!(error["charged"], self.charged, "{error}");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(FILTERED), "{message}");
        let job = &sandbox.jobs()[0];
        assert_eq!(
            (&job["state"], &job["next_at"]),
            (&json!("failed"), &Value::Null)
        );
        let polls = provider.counts()[self.poll];
        assert!(polls > 2, "{polls}");
        // Without a request, the provider is not asked again.
        let all = sandbox.run(["--json", "jobs", "resume", "--all"]).answer();
        assert_eq!(all["summary"]["jobs"], 0, "{all}");
        let again = sandbox.run(self.run());
        assert_eq!(again.error("no_result")["job"], error["job"]);
        assert_eq!(provider.counts()[self.poll], polls);
        // The result is there now.
        provider.script(Script::from([(
            self.poll.into(),
            vec![Reply::json(200, self.full.clone())],
        )]));
        let answer = run_next_command(&sandbox, &error).answer();
        assert_eq!(
            (&answer["job"], &answer["charged"]),
            (&error["job"], &json!("yes"))
        );
        assert!(sandbox.path("clip.mp4").exists());
        assert_eq!(provider.counts()[self.submit], 1, "bought once");
    }
}

#[test]
fn success_without_a_result_fails_after_a_minute_over_each_wire_and_can_be_asked_about_again() {
    // The wires wait at the same time.
    let wires =
        wires().map(|wire| thread::spawn(move || wire.fails_after_a_minute_and_is_asked_again()));
    for wire in wires {
        if let Err(panic) = wire.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn result_that_follows_the_success_is_downloaded_over_each_wire() {
    for wire in wires() {
        let (provider, sandbox) = wire.provider();
        let replies = [&wire.empty, &wire.full].map(|document| Reply::json(200, document.clone()));
        provider.script(Script::from([(wire.poll.into(), replies.to_vec())]));
        let answer = sandbox.run(wire.run()).answer();
        assert_eq!(answer["charged"], "yes", "{}", wire.node);
        assert_eq!(provider.counts()[wire.poll], 2);
        assert_eq!(provider.counts()[wire.submit], 1);
    }
}

#[test]
fn success_without_a_result_in_the_reply_to_a_submit_is_polled() {
    let (provider, sandbox) = slow_provider();
    let empty = json!({"id": "j-1", "status": "succeeded", "output": null});
    let full = json!({"id": "j-1", "status": "succeeded", "output": {"video": CLIP}});
    provider.script(Script::from([
        (SUBMIT.into(), vec![Reply::json(201, empty)]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, full)]),
    ]));
    sandbox.run(RUN).answer();
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn deadline_within_the_minute_leaves_a_job_that_resume_finishes() {
    let [wire, ..] = wires();
    let (provider, sandbox) = wire.provider();
    let outcome = sandbox.run(wire.run().into_iter().chain(["--deadline", "1500ms"]));
    let error = outcome.error("deadline");
    assert_eq!(error["last_problem"]["kind"], "no_result", "{error}");
    assert_eq!(sandbox.jobs()[0]["state"], "started");
    provider.script(Script::from([(
        wire.poll.into(),
        vec![Reply::json(200, wire.full.clone())],
    )]));
    run_next_command(&sandbox, &error).answer();
    assert_eq!(provider.counts()[SUBMIT], 1);
}
