//! Fuzz target for sequences of replies of providers with a fixed protocol: of every node,
//! and of the wire `agenticflow`.

use std::cell::RefCell;
use std::collections::VecDeque;

use serde_json::json;
use zoetrope_fuzzing::{Target, parts};
use zoetrope_node_sdk::bindings::{
    Cancellation, Charge, Connection, ConnectionError, ErrorCause, JobState, LocalFile, NodeError,
    Started, Step,
};
use zoetrope_node_sdk::host::{Host, SendError};
use zoetrope_node_sdk::http::{Reply, Request, is_absolute, is_inline};
use zoetrope_node_sdk::node::Node;
use zoetrope_node_sdk::ticket::Ticket;
use zoetrope_node_sdk::{job, json, media};

use super::{fault_is_fit, is_fit_for_logs};
use crate::nodes::PACK;

const BASE: &str = "https://provider.example/v1";

/// A node, its connection's options, and the provider's replies.
struct Scene {
    node: &'static Node,
    options: String,
    replies: RefCell<VecDeque<Reply>>,
    is_2xx: bool,
    /// Whether the first reply can be a refusal in any of the protocols.
    is_refused: bool,
}

impl Scene {
    /// Parts: the node, the options, the status, and three bodies.
    fn read(input: &[u8]) -> Self {
        let [node, options, status, rest @ ..] = parts(input, [b"", b"{}", b"200", b"", b"", b""]);
        let node = String::from_utf8_lossy(node);
        let number = node
            .bytes()
            .fold(0_usize, |sum, byte| sum + usize::from(byte));
        let found = PACK.find(node.trim());
        let status = String::from_utf8_lossy(status)
            .trim()
            .parse()
            .unwrap_or(200);
        let replies = rest.into_iter().filter(|body| !body.is_empty());
        let replies: VecDeque<_> = replies
            .map(|body| Reply {
                status,
                body: body.to_vec(),
                ..Reply::default()
            })
            .collect();
        Self {
            node: found.unwrap_or(PACK.nodes[number % PACK.nodes.len()]),
            options: String::from_utf8_lossy(options).into_owned(),
            is_2xx: (200..300).contains(&status),
            is_refused: replies.front().is_none_or(is_refusal),
            replies: RefCell::new(replies),
        }
    }

    fn again(&self, input: &[u8]) {
        *self.replies.borrow_mut() = Self::read(input).replies.into_inner();
    }

    fn ticket(&self) -> String {
        let connection = self.connection("").expect("one");
        let wire = self.node.provider.wire(&connection).unwrap_or_default();
        Ticket::new(self.node.name, "desk", &wire, "j/1").encode()
    }
}

/// Whether a reply's status or envelope states that nothing was done.
fn is_refusal(reply: &Reply) -> bool {
    let document = reply.json().unwrap_or_default();
    let says_no = document["ok"] == false
        || document
            .get("code")
            .is_some_and(|code| *code != 0 && *code != "0");
    !reply.is_success() || says_no
}

impl Host for Scene {
    fn connection(&self, _: &str) -> Result<Connection, ConnectionError> {
        Ok(Connection {
            id: "desk".into(),
            base_url: BASE.into(),
            options: self.options.clone(),
            headers: Vec::new(),
        })
    }

    fn send(&self, request: &Request) -> Result<Reply, SendError> {
        assert!(request.url.starts_with(BASE), "{}", request.url);
        let next = self.replies.borrow_mut().pop_front();
        next.ok_or_else(|| SendError::Lost("gone".into()))
    }

    fn now_ms(&self) -> u64 {
        0
    }

    fn sleep_ms(&self, _: u64) {}
}

fn error_is_fit(error: &NodeError) {
    match &error.cause {
        ErrorCause::Throttled(fault)
        | ErrorCause::Rejected(fault)
        | ErrorCause::Unauthorized(fault)
        | ErrorCause::Unavailable(fault)
        | ErrorCause::JobLost(fault) => fault_is_fit(fault),
        // It may contain an option of the operator.
        ErrorCause::OutcomeUnknown(_) | ErrorCause::ConnectionUnavailable(_) => {}
        other => {
            if let ErrorCause::ProtocolViolation(expected) = other {
                assert!(!expected.contains(char::is_control), "{expected:?}");
            }
        }
    }
}

fn starts(scene: &Scene) -> &'static str {
    let input = json!({"prompt": "p", "image": "https://p.example/a.png", "negative_prompt": "n",
        "image_url": "https://p.example/a.png"});
    match job::start(&PACK, scene, scene.node.name, &input.to_string(), "k") {
        Ok(started) => {
            let (ticket, cost) = match &started {
                Started::Accepted(acceptance) => (&acceptance.ticket, acceptance.cost.as_ref()),
                Started::Finished(completion) => (
                    &completion.ticket,
                    completion.success.settlement.cost.as_ref(),
                ),
            };
            Ticket::decode(ticket).expect("a ticket");
            if let Some(cost) = cost {
                let is_part = |byte: u8| byte.is_ascii_digit() || byte == b'.';
                assert!(cost.amount.bytes().all(is_part), "{cost:?}");
            }
            "accepted"
        }
        Err(error) => {
            error_is_fit(&error);
            if matches!(error.cause, ErrorCause::ConnectionUnavailable(_)) {
                assert_eq!(error.charge, Charge::No);
                return "of unusable options";
            }
            assert!(
                scene.is_refused || error.charge != Charge::No,
                "what was accepted may cost: {error:?}"
            );
            "not accepted"
        }
    }
}

fn polls(scene: &Scene) {
    match job::poll(&PACK, scene, &scene.ticket()) {
        Ok(JobState::Succeeded(success)) => {
            let media = &success.media[0];
            assert!(is_absolute(&media.url) || is_inline(&media.url));
            let is_at_home = media.url.starts_with("https://provider.example/");
            assert!(is_at_home || !media.needs_credential, "{media:?}");
            let output = json::parse(&success.output).expect("a document");
            assert_eq!((scene.node.validate_output)(&output), []);
            assert_eq!(
                output.pointer(&media.pointer),
                Some(&media.url.as_str().into())
            );
        }
        Ok(JobState::Failed(failure)) => fault_is_fit(&failure.fault),
        Ok(JobState::Waiting(progress)) => {
            is_fit_for_logs(&progress.message.unwrap_or_default());
            let fraction = progress.fraction.unwrap_or_default();
            assert!((0.0..=1.0).contains(&fraction), "{fraction}");
        }
        Ok(JobState::Cancelled(_)) => {}
        Err(error) => {
            assert_eq!(error.charge, Charge::Unknown, "{error:?}");
            error_is_fit(&error);
        }
    }
}

fn cancels(scene: &Scene) {
    match job::cancel(&PACK, scene, &scene.ticket()) {
        Ok(Cancellation::Cancelled(_)) => assert!(scene.is_2xx),
        Ok(_) => {}
        Err(error) => error_is_fit(&error),
    }
}

fn uploads(scene: &Scene) {
    let file = LocalFile {
        media_type: "image/png".into(),
        byte_length: 9,
        file_name: "a.png".into(),
    };
    for field in scene.node.input_media {
        if let Err(error) = media::plan_upload(&PACK, scene, scene.node.name, field.pointer, &file)
        {
            assert_eq!(error.charge, Charge::No);
        }
        let reply = scene.replies.borrow().front().cloned().unwrap_or_default();
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        match media::uploaded(
            &PACK,
            scene,
            scene.node.name,
            field.pointer,
            reply.status,
            body,
        ) {
            Ok(Step::Value(value)) => {
                assert!(json::parse(&value).is_ok_and(|value| value.is_string()));
            }
            Ok(step) => panic!("{step:?}"),
            Err(error) => {
                assert_eq!(
                    error.charge,
                    Charge::No,
                    "an upload costs nothing: {error:?}"
                );
                error_is_fit(&error);
            }
        }
    }
}

#[test]
fn any_sequence_of_envelopes_yields_sound_answers() {
    Target::new("envelopes", 1500).run(|input| {
        let scene = Scene::read(input);
        let became = starts(&scene);
        scene.again(input);
        polls(&scene);
        scene.again(input);
        cancels(&scene);
        scene.again(input);
        uploads(&scene);
        became
    });
}
