//! A call's whole way: `cargo bench -p zoetrope-benches --bench call`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use zoetrope_benches::Failure;
use zoetrope_benches::environment::Environment;
use zoetrope_benches::lines::{self, Lines};
use zoetrope_benches::measure::Group;
use zoetrope_benches::native::{Nowhere, Submit};
use zoetrope_benches::plain_host::{Client, PlainHost};
use zoetrope_benches::provider::Provider;
use zoetrope_benches::report::{self, Throughput};
use zoetrope_host::EMBEDDED_COMPONENT;
use zoetrope_host::call::{CallContext, CallError};
use zoetrope_host::connections::{Connection, Credential, OpenConnection};
use zoetrope_host::contract::{CheckOptions, Plan, Profile, Started};
use zoetrope_host::egress::Egress;
use zoetrope_host::engine::{Engine, EngineSettings};
use zoetrope_host::pack::Pack;
use zoetrope_host::policy::Policy;
use zoetrope_host::secret::SecretSource;
use zoetrope_host::session::Session;
use zoetrope_plugin::{bindings as native, job};

const USAGE: &str =
    "cargo bench -p zoetrope-benches --bench call [-- [--json FILE] [--zoetrope FILE]]";

const NODE: &str = "image_to_video_v3";

/// Every field given, so that what is read is what is sent.
const INPUT: &str = r#"{"prompt": "Slow push in over the harbour at dusk; gulls, calm water, lights coming on one by one", "image": "https://pictures.example/harbour.png", "negative_prompt": "text, frames, flicker", "steps": 30, "guidance_scale": 4, "frame_rate": 24}"#;

const KEY: &str = "bench-0001";
const CREDENTIAL: &str = "Bearer sk-bench";

/// How long the list of `check --jsonl` is.
const LINES: usize = 200_000;

const STRICT: CheckOptions = CheckOptions {
    profile: Profile::Strict,
    preview_request: false,
};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut measures, mut json_file, mut zoetrope) = (false, None, None);
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), arguments.len()) {
            ("--bench", _) => measures = true,
            ("--json", 1..) => json_file = arguments.next().map(PathBuf::from),
            ("--zoetrope", 1..) => zoetrope = arguments.next().map(PathBuf::from),
            _ => {
                eprintln!("usage: {USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    if !measures {
        eprintln!("measures under `cargo bench` alone");
        return ExitCode::SUCCESS;
    }
    match run(json_file.as_deref(), zoetrope) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(json_file: Option<&Path>, zoetrope: Option<PathBuf>) -> Result<(), Failure> {
    // Cargo runs this in the package's folder; people are in the workspace's.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let zoetrope = match zoetrope {
        Some(given) => workspace.join(given),
        None => lines::build_zoetrope(&workspace)?,
    };
    let environment = Environment::of(&workspace, EMBEDDED_COMPONENT.len());
    println!("{environment}\n");

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let engine = Engine::new(EngineSettings::default())?;
    let pack = Pack::load(&engine, EMBEDDED_COMPONENT, &Policy::default())?;
    let checks = runtime.block_on(checks(&pack))?;
    println!("{}", report::table(&checks));
    let requests = runtime.block_on(requests(&pack, &Provider::start()?))?;
    println!("{}", report::table(&requests));
    let title = "200,000 lines through `check --jsonl`, a process from start to end";
    let throughput = throughput(&Lines::write(zoetrope, LINES)?, &workspace)?;
    print!("{}", report::throughput_table(title, &throughput));
    let reached = throughput[0].slowest() >= lines::TARGET;
    let verdict = if reached { "reached" } else { "MISSED" };
    println!("  target: {} lines a second, {verdict}", lines::TARGET);

    if let Some(path) = json_file {
        let document = json!({
            "environment": environment.to_json(),
            "tables": [report::group_json(&checks), report::group_json(&requests)],
            "lines": report::throughput_json(title, &throughput),
        });
        std::fs::write(workspace.join(path), format!("{document:#}\n"))?;
    }
    Ok(())
}

/// Calls that send nothing.
async fn checks(pack: &Pack) -> Result<Group, Failure> {
    const NATIVE: &str = "native: the plugin's code, no sandbox";
    let offline = CallContext::offline();
    let mut session = Session::new(pack.clone(), offline.clone());
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
    }
    Ok(group)
}

fn natively_checked() -> Result<native::Plan, Failure> {
    let options = native::CheckOptions {
        profile: native::Profile::Strict,
        preview_request: false,
    };
    job::check(&Nowhere, NODE, INPUT, options).map_err(|error| format!("{error:?}").into())
}

/// A call that the component refuses by its own word.
fn refused<T>(outcome: Result<T, CallError>) -> Result<(), Failure> {
    match outcome {
        Err(CallError::Node(_)) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Err("accepted what it must refuse".into()),
    }
}

/// Calls that send a request over loopback.
async fn requests(pack: &Pack, provider: &Provider) -> Result<Group, Failure> {
    const NATIVE: &str = "native: hyper, the POST alone, new connection";
    let base_url = format!("http://{}", provider.address());
    let open = connection(pack, &base_url).await?;
    let preview = previewed(pack, &open).await?;
    let context = CallContext::online(&Egress::default(), open);
    let submit = Submit::of_preview(&preview.request.ok_or("no preview")?, CREDENTIAL)?;
    let plain = PlainHost::load(EMBEDDED_COMPONENT, &base_url, CREDENTIAL)?;
    let ticket = started(pack, &context).await?;

    let mut submits = 1;
    let mut group = Group::new("start and poll over loopback", NATIVE);
    while group.next_round() {
        let native = async || {
            submits += 1;
            submit.on_a_new_connection().await
        };
        group.turn(NATIVE, native).await?;
        let kept = async || {
            submits += 1;
            submit.on_a_kept_connection().await
        };
        group
            .turn("native: hyper, the POST alone, kept connection", kept)
            .await?;
        let start = async || {
            submits += 1;
            started(pack, &context).await
        };
        group
            .turn("start, fresh instance, this host (new connection)", start)
            .await?;
        let default = async || {
            submits += 1;
            plain.start(Client::Default, NODE, INPUT, KEY).await
        };
        group
            .turn("start, fresh instance, wasmtime's default client", default)
            .await?;
        let memory = async || plain.start(Client::Memory, NODE, INPUT, KEY).await;
        group
            .turn("start, fresh instance, answered from memory", memory)
            .await?;
        let parts = async || {
            submits += 1;
            submit.on_a_new_connection().await?;
            plain.start(Client::Memory, NODE, INPUT, KEY).await
        };
        group
            .turn("the parts: native POST, then a start from memory", parts)
            .await?;
        let poll = async || pack.poll(&context, &ticket).await;
        group
            .turn("poll, fresh instance, this host (kept connection)", poll)
            .await?;
    }
    match provider.submits() {
        arrived if arrived == submits => Ok(group),
        arrived => Err(format!("{submits} submits sent, {arrived} arrived").into()),
    }
}

/// The connection as a user configures it, its credential in a file.
async fn connection(pack: &Pack, base_url: &str) -> Result<Arc<OpenConnection>, Failure> {
    let nodes = pack.node_types(&CallContext::offline()).await?;
    let node = nodes
        .iter()
        .find(|node| node.name == NODE)
        .ok_or("no node")?;
    let requirement = node.connection.as_ref().ok_or("a node without provider")?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), CREDENTIAL)?;
    let credential = Credential {
        source: SecretSource::File(file.path().to_owned()),
        header: None,
        prefix: Some(String::new()),
    };
    let connection = Connection::new(
        "bench".parse()?,
        requirement.category.as_str(),
        base_url.parse()?,
    );
    let connection = connection.with_credential(credential);
    Ok(Arc::new(Arc::new(connection).open(requirement)?))
}

async fn previewed(pack: &Pack, open: &Arc<OpenConnection>) -> Result<Plan, CallError> {
    let context = CallContext::previewing(Arc::clone(open));
    let options = CheckOptions {
        preview_request: true,
        ..STRICT
    };
    pack.check(&context, NODE, INPUT, options).await
}

/// Starts a run; its ticket.
async fn started(pack: &Pack, context: &CallContext) -> Result<String, Failure> {
    match pack.start(context, NODE, INPUT, KEY).await.judged()? {
        Started::Accepted(acceptance) => Ok(acceptance.ticket),
        Started::Finished(_) => Err("finished at once".into()),
    }
}

/// Whole processes, in turn; pydantic last where it is there.
fn throughput(list: &Lines, workspace: &Path) -> Result<Vec<Throughput>, Failure> {
    // Compiles the component, once, into the folder that the runs use.
    list.zoetrope()?;
    let (mut ours, mut theirs, mut version) = (Vec::new(), Vec::new(), String::new());
    for _ in 0..lines::RUNS {
        ours.push(list.a_second(list.zoetrope()?));
        if let Some((taken, found)) = list.pydantic(workspace) {
            theirs.push(list.a_second(taken));
            version = found;
        }
    }
    let mut all = vec![Throughput {
        name: "zoetrope check --jsonl, all cores".into(),
        runs: ours,
    }];
    if !theirs.is_empty() {
        let name = format!("pydantic {version}, one thread, without its start");
        all.push(Throughput { name, runs: theirs });
    }
    Ok(all)
}
