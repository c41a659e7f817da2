//! The hostile component in the host, a provider that records what arrives, and a connection with a
//! credential between them.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use zoetrope_host::component::{CallContext, CallError, Limits, Pack, StartReport, Trap, TrapKind};
use zoetrope_host::connections::{
    Connection, Credential, CredentialPlacement, OpenConnection, SecretSource,
};
use zoetrope_host::contract::{
    CheckOptions, ErrorCause, JobState, LocalFile, MediaKind, Plan, Profile, Started, Step,
};
use zoetrope_host::download::Download;
use zoetrope_host::egress::{Egress, HttpLimits};
use zoetrope_host::engine::{Engine, EngineSettings};
use zoetrope_host::policy::{Grant, PackLimit, PackLimits, Policy};

use crate::support::guests::{digest_of, grant, policy};
use crate::support::hostile::{hostile, hostile_asking};
use crate::support::recorder::Recorder;
use crate::support::sandbox::CANARY_KEY;

pub(super) const NODE: &str = "hostile";

/// Fewer instances than attacks, so that leaked instances make later attacks fail.
const INSTANCES: u32 = 6;

/// An engine that all attacks share, so that harm done by one fails the later ones.
pub(super) fn engine() -> &'static Engine {
    // The code cache serves the same component under another grant.
    static ENGINE: OnceLock<(Engine, TempDir)> = OnceLock::new();
    let (engine, _) = ENGINE.get_or_init(|| {
        let code = tempfile::tempdir().expect("a folder");
        let settings = EngineSettings {
            concurrent_instances: INSTANCES,
            cache_dir: Some(code.path().to_owned()),
            ..EngineSettings::default()
        };
        (Engine::new(settings).expect("an engine"), code)
    });
    engine
}

pub(super) fn pack() -> &'static Pack {
    static PACK: OnceLock<Pack> = OnceLock::new();
    PACK.get_or_init(|| {
        let component = hostile();
        Pack::load(engine(), component, &policy(component)).expect("the hostile component")
    })
}

/// Runs a call to its end.
pub(super) fn wait<F: Future>(call: F) -> F::Output {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| Runtime::new().expect("a runtime"))
        .block_on(call)
}

pub(super) struct Fixture {
    pub(super) provider: Recorder,
    pack: Pack,
    context: CallContext,
}

impl Fixture {
    pub(super) fn new() -> Self {
        Self::answering("", "{}")
    }

    /// With a provider that sends this answer; see [`Recorder::start`].
    pub(super) fn answering(headers: &str, body: &str) -> Self {
        let provider = Recorder::start(headers, body);
        let egress = Egress::new(HttpLimits {
            total: Duration::from_secs(20),
            ..HttpLimits::default()
        });
        let connection = connection(&provider.url());
        Self {
            context: CallContext::online(&egress, connection),
            provider,
            pack: pack().clone(),
        }
    }

    /// With this component.
    pub(super) fn with_component(mut self, component: &[u8]) -> Self {
        self.pack = Pack::load(engine(), component, &policy(component)).expect("a pack");
        self
    }

    /// With a pack whose manifest asks for no limit and whose grant sets this one.
    pub(super) fn with_pack_limit(self, limit: PackLimit, amount: u64) -> Self {
        let limits = PackLimits::default().with(limit, amount);
        self.with_grant(hostile(), |grant| Grant { limits, ..grant })
    }

    /// With a pack whose manifest and grant name these hosts.
    pub(super) fn with_hosts(self, asked: &[&str], granted: &[&str]) -> Self {
        let manifest = json!({
            "format": 1,
            "name": "hostile",
            "version": "1",
            "connections": ["pixelml"],
            "hosts": asked,
        });
        let granted = granted.iter().map(|rule| rule.parse().expect("a rule"));
        let hosts = granted.collect();
        let component = hostile_asking(&manifest.to_string());
        self.with_grant(&component, |grant| Grant { hosts, ..grant })
    }

    fn with_grant(mut self, component: &[u8], change: impl FnOnce(Grant) -> Grant) -> Self {
        let policy = Policy::default().with(digest_of(component), change(grant(component)));
        self.pack = Pack::load(engine(), component, &policy).expect("a pack");
        self
    }

    /// With this broker.
    pub(super) fn with_egress(mut self, egress: &Egress) -> Self {
        let connection = connection(&self.provider.url());
        self.context = CallContext::online(egress, connection).with_limits(*self.context.limits());
        self
    }

    pub(super) fn with_limits(mut self, limits: Limits) -> Self {
        self.context = self.context.with_limits(limits);
        self
    }

    /// With this time limit of an exchange.
    pub(super) fn with_exchanges_of(self, total: Duration) -> Self {
        self.with_egress(&Egress::new(HttpLimits {
            total,
            ..HttpLimits::default()
        }))
    }

    pub(super) fn node_types(&self) -> Result<usize, CallError> {
        wait(self.pack.node_types(&self.context)).map(|nodes| nodes.len())
    }

    pub(super) fn check(&self, instruction: &Value) -> Result<Plan, CallError> {
        let options = CheckOptions {
            profile: Profile::Strict,
            preview_request: false,
        };
        let input = json!({ "check": instruction }).to_string();
        wait(self.pack.check(&self.context, NODE, &input, options))
    }

    pub(super) fn start(&self, instruction: &Value) -> StartReport {
        let input = json!({ "start": instruction }).to_string();
        wait(self.pack.start(&self.context, NODE, &input, "key-1"))
    }

    pub(super) fn poll(&self, instruction: &Value) -> Result<JobState, CallError> {
        let ticket = json!({ "poll": instruction }).to_string();
        wait(self.pack.poll(&self.context, &ticket))
    }

    pub(super) fn plan_upload(&self, instruction: &Value) -> Result<Step, CallError> {
        let file = LocalFile {
            media_type: "image/png".into(),
            byte_length: 4,
            file_name: instruction.to_string(),
        };
        wait(self.pack.plan_upload(&self.context, NODE, "/image", &file))
    }

    /// The observations of these actions in `poll`.
    #[track_caller]
    pub(super) fn seen(&self, actions: &Value) -> Vec<String> {
        seen_by(&self.pack, &self.context, actions)
    }

    /// Asserts that the provider got no byte and no connection.
    #[track_caller]
    pub(super) fn nothing_arrived(&self) {
        assert_eq!(self.provider.arrived(), [""; 0]);
    }

    /// Asserts that a complete run on the same engine succeeds.
    #[track_caller]
    pub(super) fn is_unharmed() {
        let fixture = Self::new();
        let plan = fixture.check(&json!({})).expect("a plan");
        assert!(plan.input.contains("check"));
        let request = json!({"do": [{"request": {"body": {"text": "{}"}}}]});
        let report = fixture.start(&request);
        assert!(matches!(report.judged(), Ok(Started::Accepted(_))));
        assert_eq!(fixture.provider.arrived().len(), 1);
        let polled = fixture.poll(&json!({}));
        assert!(matches!(polled, Ok(JobState::Succeeded(_))), "{polled:?}");
    }
}

/// The download of a clip from `url` over `connection`.
pub(super) fn clip<'a>(
    url: &'a str,
    connection: &'a OpenConnection,
    part: &'a Path,
) -> Download<'a> {
    Download {
        url,
        kind: MediaKind::Video,
        connection: Some(connection),
        needs_credential: true,
        sha256: None,
        part,
        limit: 1 << 20,
    }
}

pub(super) fn connection(url: &str) -> Arc<OpenConnection> {
    connection_naming(url, &[])
}

/// The same, whose results may also be at these origins.
pub(super) fn connection_naming(url: &str, origins: &[String]) -> Arc<OpenConnection> {
    let origins = origins.iter().map(|url| url.parse().expect("an origin"));
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key");
    std::fs::write(&key, CANARY_KEY).expect("a file");
    let connection = Connection::new(
        "scripted".parse().expect("an id"),
        "pixelml",
        url.parse().expect("a URL"),
    )
    .with_result_origins(origins.collect())
    .with_credential(Credential {
        source: SecretSource::File(key),
        header: Some("x-canary".into()),
        prefix: Some(String::new()),
    });
    let open = Arc::new(connection).open(&CredentialPlacement::default());
    Arc::new(open.expect("a connection"))
}

/// The observations of these actions in the hostile component's `poll`.
#[track_caller]
pub(super) fn seen_by(pack: &Pack, context: &CallContext, actions: &Value) -> Vec<String> {
    let then = json!({"error": {"message": "{seen}"}});
    let ticket = json!({"poll": {"do": actions, "then": then}}).to_string();
    match wait(pack.poll(context, &ticket)) {
        Err(CallError::Node(error)) => match error.cause {
            ErrorCause::Unsupported(seen) => seen.split(" | ").map(str::to_owned).collect(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// The kind of the trap that ended a call. Panics on any other outcome.
#[track_caller]
pub(super) fn stopped<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> TrapKind {
    match outcome {
        Err(CallError::Trap(Trap { kind, message })) => {
            assert!(
                !message.is_empty() && message.len() < 200 && !message.contains(char::is_control),
                "one sentence: {message}"
            );
            kind
        }
        other => panic!("{}", short(&format!("{other:?}"))),
    }
}

/// The first 300 characters of a text.
pub(super) fn short(text: &str) -> String {
    text.chars().take(300).collect()
}
