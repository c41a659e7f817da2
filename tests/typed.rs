//! The typed nodes in a host without job driver and broker: plain wasmtime with its own HTTP client.
//! The host passes the credential with the connection.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::ImageFormat;
use serde_json::{Value, json};
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use zoetrope_bundled_pack::COMPONENT;
use zoetrope_emulator::{Practice, Settings};

use crate::support::cases::accepted;
use crate::support::mp4::Clip;
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server, unused_url};
use crate::support::sandbox::{CANARY_KEY, CANARY_PROMPT};

use pack::ImageToVideoPack;
use pack::exports::zoetrope::workflow_node::image_to_video::{
    Input, Model, Output, PromptOptimizer, Size,
};
use pack::exports::zoetrope::workflow_node::image_to_video_v3::{
    Input as InputV3, Output as OutputV3,
};
use pack::exports::zoetrope::workflow_node::jobs::JobState;
use pack::zoetrope::workflow_node::connections::{Connection, ConnectionError};
use pack::zoetrope::workflow_node::types::{Charge, ErrorCause, NextStep, RunError, RunOptions};

mod pack {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "zoetrope:workflow-node/image-to-video-pack",
        exports: { default: async },
        with: {
            "wasi:http": wasmtime_wasi_http::p2::bindings::http,
            "wasi": wasmtime_wasi::p2::bindings,
        },
    });
}

const SUBMIT: &str = "POST /v1/jobs";
const POLL: &str = "GET /v1/jobs/j-1";

/// A host with one connection, credential included.
struct Plain {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    connection: Option<Connection>,
}

impl WasiView for Plain {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Plain {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: wasmtime_wasi_http::default_hooks(),
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl pack::zoetrope::workflow_node::types::Host for Plain {}

impl pack::zoetrope::workflow_node::connections::Host for Plain {
    fn get(&mut self, category: String) -> Result<Connection, ConnectionError> {
        assert_eq!(category, "pixelml");
        self.connection
            .clone()
            .ok_or(ConnectionError::NotConfigured)
    }
}

/// An instance of the pack.
struct Instance {
    store: Store<Plain>,
    pack: ImageToVideoPack,
}

impl Instance {
    /// Over a connection to this URL with this key, or over none.
    async fn new(connection: Option<(&str, &str)>) -> Self {
        static COMPILED: std::sync::OnceLock<(Engine, Component)> = std::sync::OnceLock::new();
        let (engine, component) = COMPILED.get_or_init(|| {
            let engine = Engine::new(&Config::new()).expect("an engine");
            let component = Component::new(&engine, COMPONENT).expect("a component");
            (engine, component)
        });
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI");
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).expect("HTTP");
        pack::zoetrope::workflow_node::types::add_to_linker::<_, HasSelf<_>>(
            &mut linker,
            |state| state,
        )
        .expect("types");
        pack::zoetrope::workflow_node::connections::add_to_linker::<_, HasSelf<_>>(
            &mut linker,
            |state| state,
        )
        .expect("connections");
        let connection = connection.map(|(base_url, key)| Connection {
            id: "typed".into(),
            base_url: base_url.into(),
            options: "{}".into(),
            headers: vec![("authorization".into(), format!("Bearer {key}"))],
        });
        let state = Plain {
            wasi: WasiCtx::builder().build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            connection,
        };
        let mut store = Store::new(engine, state);
        let pack = ImageToVideoPack::instantiate_async(&mut store, component, &linker)
            .await
            .expect("an instance");
        Self { store, pack }
    }

    async fn over(server: &Server) -> Self {
        Self::new(Some((&server.url(), CANARY_KEY))).await
    }

    async fn run(&mut self, input: &Input) -> Result<Output, RunError> {
        let node = self.pack.zoetrope_workflow_node_image_to_video();
        node.call_run(&mut self.store, input, &options(30_000))
            .await
            .expect("no trap")
    }

    async fn run_v3(&mut self, input: &InputV3, deadline_ms: u64) -> Result<OutputV3, RunError> {
        let node = self.pack.zoetrope_workflow_node_image_to_video_v3();
        node.call_run(&mut self.store, input, &options(deadline_ms))
            .await
            .expect("no trap")
    }

    async fn poll(&mut self, ticket: &String) -> JobState {
        let jobs = self.pack.zoetrope_workflow_node_jobs();
        let polled = jobs
            .call_poll(&mut self.store, ticket)
            .await
            .expect("no trap");
        polled.expect("a state")
    }
}

fn options(deadline_ms: u64) -> RunOptions {
    RunOptions {
        idempotency_key: "order-66".into(),
        deadline_ms,
    }
}

fn input_v3(image: &str) -> InputV3 {
    InputV3 {
        prompt: CANARY_PROMPT.into(),
        image: image.into(),
        negative_prompt: None,
        steps: None,
        guidance_scale: None,
        frame_rate: Some(1),
    }
}

fn succeeded() -> Reply {
    let video = "https://cdn.example/1.mp4?sig=1";
    Reply::json(
        200,
        json!({"id": "j-1", "status": "succeeded", "output": {"video": video}, "charged": true}),
    )
}

fn provider(submit: Reply, polls: Vec<Reply>) -> Server {
    Server::start(Script::from([
        (SUBMIT.into(), vec![submit]),
        (POLL.into(), polls),
    ]))
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_run_at_the_practice_provider_makes_a_clip() {
    let folder = tempfile::tempdir().expect("a folder");
    let practice = Practice::start(Settings::new(folder.path()))
        .await
        .expect("the practice provider");
    let key = practice.api_key().to_owned();
    let mut instance = Instance::new(Some((&practice.base_url(), &key))).await;
    let image = format!(
        "data:image/png;base64,{}",
        STANDARD.encode(picture(ImageFormat::Png))
    );
    let output = instance
        .run_v3(&input_v3(&image), 60_000)
        .await
        .expect("a clip");

    let name = output.video.rsplit('/').next().expect("a name");
    assert_eq!(
        output.video,
        format!("{}/v1/clips/{name}", practice.base_url())
    );
    let clip = Clip::open(&folder.path().join("clips").join(name));
    assert_eq!(
        clip,
        Clip {
            width: 1080,
            height: 720,
            frames: 4,
            milliseconds: 4000
        }
    );
    practice.shutdown().await;
}

#[tokio::test]
async fn typed_fields_are_those_of_the_published_input() {
    let server = provider(accepted(), vec![succeeded()]);
    let mut instance = Instance::over(&server).await;
    let output = instance
        .run(&Input {
            model: Some(Model::PixelM),
            prompt: "p".into(),
            image: "https://p.example/a.png".into(),
            negative_prompt: None,
            size: Some(Size::PortraitFullHdThreeFour),
            prompt_optimizer: Some(PromptOptimizer::Null),
        })
        .await
        .expect("a clip");
    assert_eq!(output.video, "https://cdn.example/1.mp4?sig=1");

    let [submit, poll] = &server.arrived()[..] else {
        panic!("{:?}", server.counts())
    };
    assert_eq!(
        submit.json(),
        json!({"action": "image_to_video", "input": {
            "model": "Pixel M", "prompt": "p", "image": "https://p.example/a.png", "negative_prompt": null,
            "size": "Portrait FullHD (3:4)", "prompt_optimizer": null,
        }})
    );
    assert_eq!(submit.header("idempotency-key"), Some("order-66"));
    for request in [submit, poll] {
        assert_eq!(
            request.header("authorization"),
            Some(&*format!("Bearer {CANARY_KEY}"))
        );
    }
}

#[tokio::test]
async fn error_before_acceptance_has_no_ticket() {
    let refused = Reply::json(
        422,
        json!({"error": {"code": "bad_picture", "message": "no picture there"}}),
    );
    let server = provider(refused, Vec::new());
    let error = Instance::over(&server)
        .await
        .run_v3(&input_v3("i"), 5_000)
        .await
        .expect_err("a refusal");
    assert!(error.ticket.is_none());
    assert_eq!(error.error.charge, Charge::No);
    match error.error.cause {
        ErrorCause::Rejected(fault) => assert_eq!(fault.code.as_deref(), Some("bad_picture")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn input_that_breaks_the_schema_is_not_sent() {
    let server = provider(accepted(), Vec::new());
    let input = InputV3 {
        steps: Some(51),
        ..input_v3("i")
    };
    let error = Instance::over(&server)
        .await
        .run_v3(&input, 5_000)
        .await
        .expect_err("a refusal");
    match error.error.cause {
        ErrorCause::InvalidInput(violations) => {
            let [only] = &violations[..] else {
                panic!("{violations:?}")
            };
            assert_eq!(
                (only.instance_path.as_str(), only.keyword.as_str()),
                ("/steps", "maximum")
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.arrived().len(), 0);
}

#[tokio::test]
async fn error_after_acceptance_has_the_ticket() {
    let failed =
        json!({"id": "j-1", "status": "failed", "error": {"message": "late"}, "charged": true});
    let server = provider(accepted(), vec![Reply::json(200, failed)]);
    let mut instance = Instance::over(&server).await;
    let error = instance
        .run_v3(&input_v3("i"), 5_000)
        .await
        .expect_err("a failure");
    assert_eq!(
        (error.error.charge, error.error.next),
        (Charge::Yes, NextStep::Stop)
    );
    let ticket = error.ticket.expect("a ticket");
    assert!(
        !ticket.contains(CANARY_KEY) && !ticket.contains(&server.url()),
        "{ticket}"
    );
    assert!(matches!(instance.poll(&ticket).await, JobState::Failed(_)));
}

#[tokio::test]
async fn typed_run_past_its_deadline_is_resumed_by_its_ticket() {
    let running = Reply::json(
        200,
        json!({"id": "j-1", "status": "running", "poll_after_ms": 50}),
    );
    let server = provider(accepted(), vec![running]);
    let error = Instance::over(&server)
        .await
        .run_v3(&input_v3("i"), 400)
        .await
        .expect_err("the deadline");
    assert_eq!(
        (error.error.charge, error.error.next),
        (Charge::Unknown, NextStep::PollAgain)
    );
    assert!(
        matches!(error.error.cause, ErrorCause::Unavailable(_)),
        "{:?}",
        error.error.cause
    );
    let ticket = error.ticket.expect("a ticket");

    server.script(Script::from([(POLL.into(), vec![succeeded()])]));
    match Instance::over(&server).await.poll(&ticket).await {
        JobState::Succeeded(success) => {
            let output: Value = serde_json::from_str(&success.output).expect("JSON");
            assert_eq!(output, json!({"video": "https://cdn.example/1.mp4?sig=1"}));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.counts()[SUBMIT], 1);
}

#[tokio::test]
async fn component_without_broker_reports_whether_the_submit_was_sent() {
    let mut unreachable = Instance::new(Some((&unused_url(), CANARY_KEY))).await;
    let error = unreachable
        .run_v3(&input_v3("i"), 5_000)
        .await
        .expect_err("no server")
        .error;
    assert!(
        matches!(error.cause, ErrorCause::NotSent(_)),
        "{:?}",
        error.cause
    );
    assert_eq!((error.charge, error.next), (Charge::No, NextStep::Retry));

    let closing: Reply = serde_json::from_value(json!({"instead": "close"})).expect("a reply");
    let server = provider(closing, Vec::new());
    let error = Instance::over(&server)
        .await
        .run_v3(&input_v3("i"), 5_000)
        .await
        .expect_err("closed")
        .error;
    assert!(
        matches!(error.cause, ErrorCause::OutcomeUnknown(_)),
        "{:?}",
        error.cause
    );
    assert_eq!(
        (error.charge, error.next),
        (Charge::Unknown, NextStep::RetrySameKey)
    );
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn typed_run_without_a_connection_is_refused() {
    let mut instance = Instance::new(None).await;
    let error = instance
        .run_v3(&input_v3("i"), 5_000)
        .await
        .expect_err("no connection")
        .error;
    assert!(
        matches!(error.cause, ErrorCause::ConnectionUnavailable(_)),
        "{:?}",
        error.cause
    );
    assert_eq!(
        (error.charge, error.next),
        (Charge::No, NextStep::FixConnection)
    );
}
