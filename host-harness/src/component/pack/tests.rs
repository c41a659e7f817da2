//! The bundled pack, called as the host calls it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::component::CheckSession;
use crate::connections::{Connection, OpenConnection};
use crate::contract::{Charge, ErrorCause, Profile};
use crate::egress::testing::{Act, Server, impatient, narrow};
use crate::engine::EngineSettings;
use crate::policy::Grant;
use zoetrope_bundled_pack::{COMPONENT, DIGEST};

const NODE: &str = "image_to_video_v3";
const INPUT: &str = r#"{"prompt": "waves", "image": "https://example.com/sea.png", "steps": 20.0}"#;
const STRICT: CheckOptions = CheckOptions {
    profile: Profile::Strict,
    preview_request: false,
};

fn pack() -> Pack {
    let engine = Engine::new(EngineSettings::default()).expect("engine");
    Pack::load(&engine, COMPONENT, &Policy::default().trusting(DIGEST)).expect("pack")
}

fn connection(base: &str) -> Arc<OpenConnection> {
    let connection = Connection::new(
        "mine".parse().expect("id"),
        "pixelml",
        base.parse().expect(base),
    );
    Arc::new(Arc::new(connection).without_credential())
}

fn online(server: &Server) -> CallContext {
    CallContext::online(&narrow(), connection(&server.url("")))
}

fn kind<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> (&'static str, Charge) {
    match outcome {
        Err(CallError::Node(error)) => (error.cause.kind().as_str(), error.charge),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn embedded_pack_lists_its_nodes() {
    let pack = pack();
    let nodes = pack
        .node_types(&CallContext::offline())
        .await
        .expect("nodes");
    let listed: Vec<_> = nodes
        .iter()
        .map(|node| {
            let requirement = node.connection.as_ref().expect("a connection");
            (node.name.as_str(), requirement.category.as_str())
        })
        .collect();
    assert_eq!(
        listed,
        [
            ("image_to_video", "pixelml"),
            ("image_to_video_v3", "pixelml"),
            ("shortapi/poppy-v1.0/image-to-video", "shortapi"),
            ("popiskill-video-image2video-basic-v1", "popiart"),
            ("popiskill-image-img2img-basic-v1", "popiart"),
        ]
    );
    assert_eq!(pack.digest().to_string().len(), 64);
}

#[tokio::test]
async fn check_needs_no_connection_and_a_preview_does() {
    let pack = pack();
    let offline = CallContext::offline();
    let plan = pack
        .check(&offline, NODE, INPUT, STRICT)
        .await
        .expect("plan");
    let input: Value = serde_json::from_str(&plan.input).expect("JSON");
    assert_eq!(input["frame_rate"], 8);
    assert_eq!(plan.request, None);

    let preview = CheckOptions {
        preview_request: true,
        ..STRICT
    };
    let refused = pack.check(&offline, NODE, INPUT, preview).await;
    assert_eq!(kind(refused), ("connection_unavailable", Charge::No));
    let looking = CallContext::previewing(connection("https://api.example.com/base"));
    let plan = pack
        .check(&looking, NODE, INPUT, preview)
        .await
        .expect("plan");
    let request: Value = serde_json::from_str(&plan.request.expect("request")).expect("JSON");
    assert_eq!(request["url"], "https://api.example.com/base/v1/jobs");
}

#[tokio::test]
async fn check_with_an_invalid_input_returns_the_components_error() {
    let pack = pack();
    let offline = CallContext::offline();
    for (node, input, expected) in [
        (NODE, "{}", "invalid_input"),
        (NODE, "[", "invalid_input"),
        ("image_to_music", "{}", "unknown_node_type"),
    ] {
        let refused = pack.check(&offline, node, input, STRICT).await;
        assert_eq!(kind(refused), (expected, Charge::No));
    }
}

#[tokio::test]
async fn run_is_started_and_polled() {
    let server = Server::start([
        Act::ok(&json!({"id": "j1", "status": "queued"}).to_string()),
        Act::ok(&json!({"id": "j1", "status": "running", "progress": 0.5}).to_string()),
    ])
    .await;
    let (pack, context) = (pack(), online(&server));
    let report = pack.start(&context, NODE, INPUT, "key-1").await;
    assert_ne!(report.sent, Sent::Nothing);
    let Ok(Started::Accepted(acceptance)) = report.judged() else {
        panic!("not accepted")
    };
    assert_eq!(acceptance.provider_job_id, "j1");
    let state = pack
        .poll(&context, &acceptance.ticket)
        .await
        .expect("state");
    assert!(matches!(state, JobState::Waiting(progress) if progress.fraction == Some(0.5)));
    let seen = server.seen();
    assert!(seen[0].head.contains("idempotency-key: key-1\r\n"));
    assert!(seen[1].head.starts_with("get /v1/jobs/j1 "));
}

#[tokio::test]
async fn start_without_a_connection_is_not_sent_and_not_charged() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let base = format!("http://{}", listener.local_addr().expect("address"));
    drop(listener);
    let context = CallContext::online(&narrow(), connection(&base));
    let report = pack().start(&context, NODE, INPUT, "key-1").await;
    assert_eq!(report.sent, Sent::Nothing);
    match report.judged() {
        Err(CallError::Node(error)) => {
            assert_eq!(error.charge, Charge::No);
            let ErrorCause::NotSent(why) = error.cause else {
                panic!("{:?}", error.cause)
            };
            assert!(why.starts_with("no connection to `127.0.0.1`"), "{why}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn start_without_a_reply_has_an_unknown_outcome() {
    for act in [Act::close(), Act::Silence] {
        let server = Server::start([act]).await;
        let context = CallContext::online(&impatient(), connection(&server.url("")));
        let report = pack().start(&context, NODE, INPUT, "key-1").await;
        assert_ne!(report.sent, Sent::Nothing);
        assert_eq!(kind(report.judged()), ("outcome_unknown", Charge::Unknown));
    }
}

#[tokio::test]
async fn session_answers_like_fresh_instances() {
    let mut session = CheckSession::new(pack(), CallContext::offline());
    for round in 0..600 {
        let (input, good) = if round % 3 == 0 {
            ("{}", false)
        } else {
            (INPUT, true)
        };
        let checked = session.check(NODE, input, STRICT).await;
        assert_eq!(checked.is_ok(), good, "{round}: {checked:?}");
    }
}

#[tokio::test]
async fn calls_beyond_the_instance_limit_wait() {
    let settings = EngineSettings {
        concurrent_instances: 2,
        ..EngineSettings::default()
    };
    let pack = Pack::load(
        &Engine::new(settings).expect("engine"),
        COMPONENT,
        &Policy::default().trusting(DIGEST),
    );
    let pack = pack.expect("pack");
    let offline = CallContext::offline();
    let checks = (0..20).map(|_| pack.check(&offline, NODE, INPUT, STRICT));
    for checked in futures::future::join_all(checks).await {
        checked.expect("checked");
    }
}

#[test]
fn compiled_code_is_cached_once() {
    let folder = tempfile::tempdir().expect("folder");
    let settings = || EngineSettings {
        cache_dir: Some(folder.path().join("code")),
        ..EngineSettings::default()
    };
    let files = || {
        std::fs::read_dir(folder.path().join("code"))
            .expect("folder")
            .count()
    };
    for _ in 0..2 {
        let engine = Engine::new(settings()).expect("engine");
        Pack::load(&engine, COMPONENT, &Policy::default().trusting(DIGEST)).expect("pack");
        assert_eq!(files(), 1);
    }
}

#[test]
fn bytes_that_are_no_pack_are_rejected_with_their_kind() {
    let engine = Engine::new(EngineSettings::default()).expect("engine");
    let empty = b"\0asm\x0d\0\x01\0";
    let digest = Sha256Digest::from(Sha256::digest(empty));
    let not_allowed = Pack::load(&engine, empty, &Policy::default()).err();
    assert!(matches!(not_allowed, Some(PackError::NotAllowed(_))));
    let policy = Policy::default().with(digest, Grant::as_asked(&Manifest::default()));
    let error_of = |bytes: &[u8]| match Pack::load(&engine, bytes, &policy) {
        Ok(_) => panic!("loaded"),
        Err(error) => error,
    };
    for (bytes, expected) in [
        (&b""[..], "an empty file"),
        (b"\x7fELF", "something else"),
        (b"\0asm\x01\0\0\0", "a core WebAssembly module"),
    ] {
        assert!(matches!(error_of(bytes), PackError::NotAComponent { what } if what == expected));
    }
    let torn = &COMPONENT[..COMPONENT.len() / 2];
    assert!(matches!(error_of(torn), PackError::Manifest(_)));
    assert!(matches!(error_of(empty), PackError::MissingExports { missing } if missing.len() == 3));
}
