//! Complete calls: `cargo bench -p zoetrope-benches --bench call`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its measurements")]

mod connections;
mod only;

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use zoetrope_benches::bench::{Bench, ZOETROPE};
use zoetrope_benches::jsonl::{self, Lines};
use zoetrope_benches::measure::Group;
use zoetrope_benches::minimal_host::{Client, MinimalHost};
use zoetrope_benches::native::{Nowhere, Submit};
use zoetrope_benches::peers::{Peer, Peers, Platform, Program};
use zoetrope_benches::provider::Provider;
use zoetrope_benches::report::{self, Throughput};
use zoetrope_benches::{Failure, INPUT, NODE};
use zoetrope_bundled_pack::{COMPONENT, DIGEST};
use zoetrope_host::component::{CallContext, CallError, CheckSession, Pack};
use zoetrope_host::egress::Egress;
use zoetrope_host::engine::{Engine, EngineSettings};
use zoetrope_host::policy::Policy;
use zoetrope_node_sdk::{bindings as native, job};
use zoetrope_plugin::nodes::PACK;

use connections::{CREDENTIAL, KEY, STRICT, connection, keyed_connection, previewed, started};
use only::{ONLY, SECONDS};

/// The number of lines for `check --jsonl`.
const LINES: usize = 200_000;

/// The baseline of [`requests`].
const NATIVE_SUBMIT: &str = "native: hyper, the POST alone, new connection";

fn main() -> ExitCode {
    Bench::main("call", &[ZOETROPE, ONLY, SECONDS], measure)
}

fn measure(bench: &Bench) -> Result<Value, Failure> {
    if let Some(name) = bench.value(ONLY) {
        return only::measure(bench, name);
    }
    let workspace = bench.workspace().canonicalize()?;
    let zoetrope = bench.zoetrope()?;
    let mut peers = Peers::find(&workspace)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let engine = Engine::new(EngineSettings::default())?;
    let pack = Pack::load(&engine, COMPONENT, &Policy::default().trusting(DIGEST))?;
    let work = json!({
        "node": NODE,
        "input": INPUT,
        "models": workspace.join("tests/pydantic"),
        "schema": workspace.join("schemas").join(NODE).join("input.json"),
    });
    let checks = runtime.block_on(checks(&pack, &mut peers, &work))?;
    println!("{}", report::table(&checks));
    let provider = Provider::start(CREDENTIAL)?;
    let requests = runtime.block_on(requests(&pack, &provider, &mut peers, work))?;
    println!("{}", report::table(&requests));
    let title = "200,000 lines through `check --jsonl`, a process from start to end";
    let throughput = throughput(&Lines::write(zoetrope, LINES)?, &mut peers, &workspace)?;
    print!("{}", report::throughput_table(title, &throughput));
    let is_reached = throughput[0].slowest() >= jsonl::TARGET;
    let result = if is_reached { "reached" } else { "MISSED" };
    println!("  target: {} lines a second, {result}\n", jsonl::TARGET);
    println!("{peers}");
    Ok(json!({
        "tables": [report::group_json(&checks), report::group_json(&requests)],
        "lines": report::throughput_json(title, &throughput),
        "peers": peers.to_json(),
    }))
}

/// Calls that send nothing.
async fn checks(pack: &Pack, peers: &mut Peers, work: &Value) -> Result<Group, Failure> {
    const NATIVE: &str = "native: the plugin's code, no sandbox";
    let offline = CallContext::offline();
    let mut session = CheckSession::new(pack.clone(), offline.clone());
    let plan = pack.check(&offline, NODE, INPUT, STRICT).await?;
    let expected: Value = serde_json::from_str(&plan.input)?;
    let is_right =
        |answer: &str| serde_json::from_str(answer).is_ok_and(|answer: Value| answer == expected);
    let mut others = Vec::new();
    for program in [Program::Pydantic, Program::Jsonschema] {
        others.extend(peers.start(program, work, is_right)?);
    }
    let mut group = Group::new("check of one input, nothing sent", NATIVE);
    while group.next_round() {
        group.turn(NATIVE, async || natively_checked()).await?;
        let warm = async || session.check(NODE, INPUT, STRICT).await;
        group.turn("warm instance (session)", warm).await?;
        let smallest = async || refused(pack.check(&offline, "none", "", STRICT).await);
        group
            .turn("fresh instance, smallest call: an unknown node", smallest)
            .await?;
        let ticket = async || refused(pack.poll(&offline, "no ticket").await);
        group
            .turn("fresh instance, small call: poll of a bad ticket", ticket)
            .await?;
        let fresh = async || pack.check(&offline, NODE, INPUT, STRICT).await;
        group.turn("fresh instance", fresh).await?;
        take_turns(&mut group, &mut others)?;
    }
    Ok(group)
}

/// Runs a turn of each peer and returns the number of operations.
fn take_turns(group: &mut Group, peers: &mut [Peer]) -> Result<usize, Failure> {
    let mut operations = 0;
    for peer in peers {
        let taken = peer.turn()?;
        operations += taken.len();
        group.record(peer.name(), taken);
    }
    Ok(operations)
}

fn natively_checked() -> Result<native::Plan, Failure> {
    let options = native::CheckOptions {
        profile: native::Profile::Strict,
        preview_request: false,
    };
    job::check(&PACK, &Nowhere, NODE, INPUT, options).map_err(|error| format!("{error:?}").into())
}

/// Expects an error of the node.
fn refused<T>(outcome: Result<T, CallError>) -> Result<(), Failure> {
    match outcome {
        Err(CallError::Node(_)) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Err("accepted what it must refuse".into()),
    }
}

/// Calls that send a request over loopback.
async fn requests(
    pack: &Pack,
    provider: &Provider,
    peers: &mut Peers,
    work: Value,
) -> Result<Group, Failure> {
    let own = OwnContestants::new(pack, provider).await?;
    let mut others = node_peers(provider, peers, work)?;
    let mut submits = 1 + others.len();
    let mut group = Group::new("start and poll over loopback", NATIVE_SUBMIT);
    while group.next_round() {
        own.native_turns(&mut group, &mut submits).await?;
        own.start_turns(&mut group, &mut submits).await?;
        own.minimal_host_turns(&mut group, &mut submits).await?;
        own.poll_turn(&mut group).await?;
        submits += take_turns(&mut group, &mut others)?;
    }
    match provider.submits() {
        arrived if arrived == submits => Ok(group),
        arrived => Err(format!("{submits} submits sent, {arrived} arrived").into()),
    }
}

/// The peers, which must submit the same body as this host.
fn node_peers(
    provider: &Provider,
    peers: &mut Peers,
    mut work: Value,
) -> Result<Vec<Peer>, Failure> {
    let submitted: Value = serde_json::from_slice(&provider.last_submit())?;
    work["url"] = format!("http://{}/v1/jobs", provider.address()).into();
    work["headers"] = json!({
        "accept": "application/json", "authorization": CREDENTIAL, "idempotency-key": KEY,
    });
    let mut others = Vec::new();
    for program in [Program::PythonNode, Program::NodeJsNode] {
        let peer = peers.start(program, &work, |job| job == "job-1")?;
        let same = serde_json::from_slice(&provider.last_submit()).ok() == Some(submitted.clone());
        if !same {
            return Err(format!("{} submits something else", program.name()).into());
        }
        others.extend(peer);
    }
    Ok(others)
}

/// The contestants of this repository.
struct OwnContestants<'a> {
    pack: &'a Pack,
    context: CallContext,
    /// To a provider that honours idempotency keys.
    keyed: CallContext,
    submit: Submit,
    minimal_host: MinimalHost,
    ticket: String,
}

impl<'a> OwnContestants<'a> {
    /// Starts one job to get a ticket.
    async fn new(pack: &'a Pack, provider: &Provider) -> Result<Self, Failure> {
        let base_url = format!("http://{}", provider.address());
        let open = connection(pack, &base_url).await?;
        let preview = previewed(pack, &open).await?;
        let egress = Egress::default();
        let context = CallContext::online(&egress, open);
        let keyed = keyed_connection(pack, &base_url).await?;
        let keyed = CallContext::online(&egress, keyed);
        let submit = Submit::of_preview(&preview.request.ok_or("no preview")?, CREDENTIAL)?;
        let minimal_host = MinimalHost::load(COMPONENT, &base_url, CREDENTIAL)?;
        let ticket = started(pack, &context).await?;
        Ok(Self {
            pack,
            context,
            keyed,
            submit,
            minimal_host,
            ticket,
        })
    }

    /// The same requests without a component.
    async fn native_turns(&self, group: &mut Group, submits: &mut usize) -> Result<(), Failure> {
        let native = async || {
            *submits += 1;
            self.submit.on_a_new_connection().await
        };
        group.turn(NATIVE_SUBMIT, native).await?;
        let kept = async || {
            *submits += 1;
            self.submit.on_a_kept_connection().await
        };
        group
            .turn("native: hyper, the POST alone, kept connection", kept)
            .await?;
        Ok(())
    }

    /// A start in this host.
    async fn start_turns(&self, group: &mut Group, submits: &mut usize) -> Result<(), Failure> {
        let start = async || {
            *submits += 1;
            started(self.pack, &self.context).await
        };
        group
            .turn("start, fresh instance, this host (new connection)", start)
            .await?;
        let keyed_start = async || {
            *submits += 1;
            started(self.pack, &self.keyed).await
        };
        group
            .turn(
                "start, fresh instance, this host (kept connection)",
                keyed_start,
            )
            .await?;
        Ok(())
    }

    /// A start in the minimal host.
    async fn minimal_host_turns(
        &self,
        group: &mut Group,
        submits: &mut usize,
    ) -> Result<(), Failure> {
        let default = async || {
            *submits += 1;
            self.minimal_host
                .start(Client::Default, NODE, INPUT, KEY)
                .await
        };
        group
            .turn("start, fresh instance, wasmtime's default client", default)
            .await?;
        let memory = async || {
            self.minimal_host
                .start(Client::Memory, NODE, INPUT, KEY)
                .await
        };
        group
            .turn("start, fresh instance, answered from memory", memory)
            .await?;
        let parts = async || {
            *submits += 1;
            self.submit.on_a_new_connection().await?;
            self.minimal_host
                .start(Client::Memory, NODE, INPUT, KEY)
                .await
        };
        group
            .turn("the parts: native POST, then a start from memory", parts)
            .await?;
        Ok(())
    }

    /// A poll in this host.
    async fn poll_turn(&self, group: &mut Group) -> Result<(), Failure> {
        let poll = async || self.pack.poll(&self.context, &self.ticket).await;
        group
            .turn("poll, fresh instance, this host (kept connection)", poll)
            .await?;
        Ok(())
    }
}

/// Runs whole processes in turn; pydantic last, if it is installed.
fn throughput(
    list: &Lines,
    peers: &mut Peers,
    workspace: &Path,
) -> Result<Vec<Throughput>, Failure> {
    const PYDANTIC: &str = "pydantic, one thread, without its start";
    let is_installed = peers.have(Platform::Python, PYDANTIC);
    // Compiles the component into the cache that the measured runs use.
    list.zoetrope()?;
    let (mut own, mut pydantic) = (Vec::new(), Vec::new());
    for _ in 0..jsonl::RUNS {
        own.push(list.a_second(list.zoetrope()?));
        if is_installed {
            pydantic.push(list.a_second(list.pydantic(peers, workspace)?));
        }
    }
    let mut all = vec![Throughput {
        name: "zoetrope check --jsonl, all cores".into(),
        runs: own,
    }];
    if is_installed {
        all.push(Throughput {
            name: PYDANTIC.into(),
            runs: pydantic,
        });
    }
    Ok(all)
}
