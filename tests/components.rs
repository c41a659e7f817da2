//! Imports, exports and size of the embedded component, and invalid or misbehaving components: each
//! ends in its own error, and none harms the host.

use std::time::Duration;

use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;
use zoetrope_bundled_pack::{COMPONENT, DIGEST};
use zoetrope_host::component::{CallContext, CallError, Limits, Pack, TrapKind};
use zoetrope_host::contract::{CheckOptions, Profile};
use zoetrope_host::engine::{Engine, EngineSettings};
use zoetrope_host::policy::Policy;

use crate::support::guests::{
    ACCEPTS, ANSWERS_NONSENSE, EATS, EATS_AND_LOOPS, Guest, LISTS_ONLY, LOOPS, PLANS, RECURSES,
    allowing, component, policy,
};
use crate::support::outcome::Outcome;
use crate::support::provider::{Script, Server};
use crate::support::sandbox::Sandbox;

const INPUT: &str = r#"{"prompt": "p", "image": "https://p.example/a.png"}"#;

/// The names of the imports and exports of the embedded component.
fn interfaces() -> (Vec<String>, Vec<String>) {
    let engine = wasmtime::Engine::default();
    let component = Component::new(&engine, COMPONENT).expect("a component");
    let shape = component.component_type();
    (
        shape
            .imports(&engine)
            .map(|(name, _)| name.to_owned())
            .collect(),
        shape
            .exports(&engine)
            .map(|(name, _)| name.to_owned())
            .collect(),
    )
}

/// The interfaces that the embedded component imports, and why. Rust's standard library imports
/// `wasi:cli` for panics and exits; the attack "read the environment from wasi:cli" shows that it
/// gives nothing.
const IMPORTS: [(&str, &str); 18] = [
    ("zoetrope:workflow-node/types", "vocabulary"),
    ("zoetrope:workflow-node/connections", "where"),
    ("wasi:http/types", "requests"),
    ("wasi:http/outgoing-handler", "sending"),
    ("wasi:io/streams", "bodies"),
    ("wasi:io/error", "failures"),
    ("wasi:io/poll", "waiting"),
    ("wasi:clocks/monotonic-clock", "patience"),
    ("wasi:cli/environment", "empty"),
    ("wasi:cli/exit", "stopping"),
    ("wasi:cli/stdin", "ended"),
    ("wasi:cli/stdout", "captured"),
    ("wasi:cli/stderr", "panics"),
    ("wasi:cli/terminal-input", "none"),
    ("wasi:cli/terminal-output", "none"),
    ("wasi:cli/terminal-stdin", "none"),
    ("wasi:cli/terminal-stdout", "none"),
    ("wasi:cli/terminal-stderr", "none"),
];

#[test]
fn embedded_component_imports_exactly_the_listed_interfaces() {
    let (imports, _) = interfaces();
    for import in &imports {
        println!("{import}");
    }
    let names = imports.iter().filter_map(|import| import.split('@').next());
    let mut names: Vec<_> = names.collect();
    let mut known = IMPORTS.map(|(name, _)| name);
    names.sort_unstable();
    known.sort_unstable();
    assert_eq!(names, known);
}

#[test]
fn embedded_component_exports_the_contract() {
    let (_, exports) = interfaces();
    for interface in [
        "catalog",
        "jobs",
        "media",
        "image-to-video",
        "image-to-video-v3",
    ] {
        let name = format!("zoetrope:workflow-node/{interface}@0.2.0");
        assert!(exports.contains(&name), "{name} is not in {exports:?}");
    }
}

#[test]
fn embedded_component_exports_a_run_function_per_typed_node() {
    let engine = wasmtime::Engine::default();
    let component = Component::new(&engine, COMPONENT).expect("a component");
    for interface in ["image-to-video", "image-to-video-v3"] {
        let name = format!("zoetrope:workflow-node/{interface}@0.2.0");
        let (item, _) = component.get_export(None, &name).expect("an interface");
        let ComponentItem::ComponentInstance(instance) = item else {
            panic!("{name} is no interface")
        };
        let run = instance
            .get_export(&engine, "run")
            .expect("its function")
            .ty;
        assert!(matches!(run, ComponentItem::ComponentFunc(_)), "{name}");
    }
}

#[test]
fn embedded_component_is_at_most_450_000_bytes() {
    assert!(COMPONENT.len() <= 450_000, "{} bytes", COMPONENT.len());
}

/// Runs a command with this component, over a connection to which nothing may be sent.
fn with_component(component: &[u8], arguments: &[&str]) -> Outcome {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::new();
    sandbox.configure(&format!(
        "{}{}",
        provider.connection(""),
        allowing(component)
    ));
    sandbox.write("input.json", INPUT);
    let file = sandbox.write("guest.wasm", component);
    let mut all = vec!["--json", "--component", file.to_str().expect("a path")];
    all.extend_from_slice(arguments);
    let outcome = sandbox.run(all);
    assert_eq!(provider.arrived().len(), 0, "nothing is sent");
    outcome
}

const NODES: &[&str] = &["nodes"];
const CHECK: &[&str] = &["check", "image_to_video_v3", "--input", "input.json"];
const RUN: &[&str] = &[
    "run",
    "image_to_video_v3",
    "--input",
    "input.json",
    "--out",
    "clip.mp4",
];

/// A component with the contract's names and other types.
fn other_types() -> Vec<u8> {
    component(
        r#"(module
            (func (export "zoetrope:workflow-node/catalog@0.2.0#node-types") (result i32) i32.const 1)
            (func (export "zoetrope:workflow-node/jobs@0.2.0#check"))
            (func (export "zoetrope:workflow-node/media@0.2.0#plan-upload")))"#,
        "package zoetrope:workflow-node@0.2.0;
         interface catalog { node-types: func() -> u32; }
         interface jobs { check: func(); }
         interface media { plan-upload: func(); }
         world w { export catalog; export jobs; export media; }",
    )
}

/// A pack that imports the file system.
fn with_files() -> Vec<u8> {
    component(
        r#"(module
            (import "wasi:filesystem/preopens@0.2.12" "open" (func $open))
            (func (export "zoetrope:workflow-node/catalog@0.2.0#node-types") (call $open))
            (func (export "zoetrope:workflow-node/jobs@0.2.0#check"))
            (func (export "zoetrope:workflow-node/media@0.2.0#plan-upload")))"#,
        "package zoetrope:workflow-node@0.2.0;
         interface catalog { node-types: func(); }
         interface jobs { check: func(); }
         interface media { plan-upload: func(); }
         world w { import wasi:filesystem/preopens@0.2.12; export catalog; export jobs; export media; }
         package wasi:filesystem@0.2.12 { interface preopens { open: func(); } }",
    )
}

#[test]
fn file_that_is_not_a_pack_is_refused_by_every_command() {
    let other_world = component(
        r#"(module (func (export "f")))"#,
        "package other:thing@1.0.0; world w { export f: func(); }",
    );
    let cut = COMPONENT[..COMPONENT.len() / 2].to_vec();
    for (what, bytes) in [
        ("a text", b"not a component".to_vec()),
        ("an empty file", Vec::new()),
        (
            "a core module",
            wat::parse_str("(module)").expect("a module"),
        ),
        ("half a component", cut),
        (
            "an empty component",
            wat::parse_str("(component)").expect("a component"),
        ),
        ("another world", other_world),
        ("the contract's names with other types", other_types()),
        ("a pack that asks for files", with_files()),
        ("the contract's next version", LISTS_ONLY.speaking("0.3.0")),
    ] {
        for command in [NODES, CHECK, RUN] {
            let outcome = with_component(&bytes, command);
            let error = outcome.error("bad_component");
            assert_eq!(
                (outcome.code, &error["charged"]),
                (2, &"no".into()),
                "{what}: {outcome:?}"
            );
        }
    }
    let sandbox = Sandbox::new();
    assert_eq!(
        sandbox
            .run(["--json", "--component", "nowhere.wasm", "nodes"])
            .error("bad_component")["phase"],
        "setup"
    );
}

#[test]
fn component_of_another_contract_version_is_refused_with_that_version() {
    let error = with_component(&LISTS_ONLY.speaking("0.3.0"), NODES).error("bad_component");
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.contains("zoetrope:workflow-node@0.3.0"),
        "{message}"
    );
    // A later patch version is compatible.
    let listed = with_component(&LISTS_ONLY.speaking("0.2.7"), NODES);
    assert_eq!(listed.json()[0]["name"], "image_to_video_v3", "{listed:?}");
}

#[test]
fn trap_in_node_types_or_check_ends_the_command_uncharged() {
    let in_the_list = Guest {
        node_types: "unreachable",
        ..LISTS_ONLY
    };
    let nonsense = Guest {
        check: ANSWERS_NONSENSE,
        ..LISTS_ONLY
    };
    for (guest, command, phase) in [
        (in_the_list, NODES, "setup"),
        (LISTS_ONLY, CHECK, "check"),
        (LISTS_ONLY, RUN, "check"),
        (nonsense, CHECK, "check"),
    ] {
        let outcome = with_component(&guest.component(), command);
        let error = outcome.error("component_trap");
        let said = (outcome.code, &error["phase"], &error["charged"]);
        assert_eq!(said, (1, &phase.into(), &"no".into()), "{outcome:?}");
    }
}

#[test]
fn trap_before_the_submit_is_sent_ends_the_run_uncharged() {
    let guest = Guest {
        check: PLANS,
        ..LISTS_ONLY
    };
    let outcome = with_component(&guest.component(), RUN);
    let error = outcome.error("component_trap");
    let said = (outcome.code, &error["phase"], &error["charged"]);
    assert_eq!(said, (1, &"submit".into(), &"no".into()), "{outcome:?}");
}

#[test]
fn trap_after_acceptance_leaves_the_job_resumable() {
    let guest = Guest {
        check: PLANS,
        start: ACCEPTS,
        ..LISTS_ONLY
    };
    let outcome = with_component(&guest.component(), RUN);
    let error = outcome.error("component_trap");
    let said = (outcome.code, &error["phase"], &error["charged"]);
    assert_eq!(said, (1, &"poll".into(), &"unknown".into()), "{outcome:?}");
    assert_eq!(error["provider_job_id"], "{}");
    assert!(
        error["next"]
            .as_str()
            .is_some_and(|next| next.contains("zoetrope jobs resume ")),
        "{outcome:?}"
    );
}

#[test]
fn trap_in_a_jsonl_check_fails_only_its_own_line() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::new();
    let component = LISTS_ONLY.component();
    sandbox.configure(&format!(
        "{}{}",
        provider.connection(""),
        allowing(&component)
    ));
    let file = sandbox.write("guest.wasm", &component);
    sandbox.write("input.jsonl", "{}\n{}\n");
    let path = file.to_str().expect("a path");
    let outcome = sandbox.run([
        "check",
        "image_to_video_v3",
        "--component",
        path,
        "--input",
        "input.jsonl",
        "--jsonl",
    ]);
    assert_eq!(
        (outcome.code, outcome.stdout.lines().count()),
        (3, 2),
        "{outcome:?}"
    );
    for line in outcome.stdout.lines() {
        let answer: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(answer["error"]["kind"], "component_trap");
    }
}

/// Calls `check` of a guest under small limits.
async fn checked(guest: Guest, memory_bytes: usize, limits: Limits) -> Result<(), CallError> {
    let settings = EngineSettings {
        memory_bytes,
        ..EngineSettings::default()
    };
    let engine = Engine::new(settings).expect("an engine");
    let component = guest.component();
    let pack = Pack::load(&engine, &component, &policy(&component)).expect("a pack");
    let context = CallContext::offline().with_limits(limits);
    let options = CheckOptions {
        profile: Profile::Strict,
        preview_request: false,
    };
    let checked = pack
        .check(&context, "image_to_video_v3", INPUT, options)
        .await;
    // The next call on the same host succeeds.
    assert_eq!(
        pack.node_types(&CallContext::offline())
            .await
            .expect("a list")
            .len(),
        1
    );
    checked.map(drop)
}

#[track_caller]
fn stopped_by(outcome: Result<(), CallError>) -> TrapKind {
    match outcome {
        Err(CallError::Trap(trap)) => {
            assert!(
                !trap.message.is_empty() && !trap.message.contains('\n'),
                "one sentence: {trap}"
            );
            trap.kind
        }
        other => panic!("{other:?}"),
    }
}

fn short() -> Limits {
    Limits {
        cpu: Duration::from_millis(50),
        wall: Duration::from_secs(20),
        ..Limits::default()
    }
}

#[tokio::test]
async fn looping_component_is_stopped_by_its_time_limit() {
    let guest = Guest {
        check: LOOPS,
        ..LISTS_ONLY
    };
    assert_eq!(
        stopped_by(checked(guest, 8 << 20, short()).await),
        TrapKind::OutOfTime
    );
}

#[tokio::test]
async fn component_that_allocates_without_end_is_stopped() {
    let guest = Guest {
        check: EATS,
        ..LISTS_ONLY
    };
    assert_eq!(
        stopped_by(checked(guest, 8 << 20, short()).await),
        TrapKind::OutOfMemory
    );
}

#[tokio::test]
async fn component_that_loops_after_a_refused_allocation_is_out_of_time() {
    let guest = Guest {
        check: EATS_AND_LOOPS,
        ..LISTS_ONLY
    };
    assert_eq!(
        stopped_by(checked(guest, 8 << 20, short()).await),
        TrapKind::OutOfTime
    );
}

#[tokio::test]
async fn component_that_recurses_without_end_is_stopped() {
    let guest = Guest {
        check: RECURSES,
        ..LISTS_ONLY
    };
    assert_eq!(
        stopped_by(checked(guest, 8 << 20, short()).await),
        TrapKind::StackOverflow
    );
}

#[tokio::test]
async fn looping_components_do_not_block_another_component() {
    let engine = Engine::new(EngineSettings {
        concurrent_instances: 4,
        ..EngineSettings::default()
    })
    .expect("an engine");
    let looping = Guest {
        check: LOOPS,
        ..LISTS_ONLY
    };
    let looping = looping.component();
    let looping = Pack::load(&engine, &looping, &policy(&looping)).expect("a pack");
    let good = Pack::load(&engine, COMPONENT, &Policy::default().trusting(DIGEST))
        .expect("the embedded component");
    let options = CheckOptions {
        profile: Profile::Strict,
        preview_request: false,
    };
    let context = CallContext::offline().with_limits(short());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (looping, context) = (looping.clone(), context.clone());
        calls.spawn(async move {
            looping
                .check(&context, "image_to_video_v3", INPUT, options)
                .await
                .map(drop)
        });
    }
    good.check(&CallContext::offline(), "image_to_video_v3", INPUT, options)
        .await
        .expect("a plan");
    while let Some(call) = calls.join_next().await {
        assert_eq!(stopped_by(call.expect("a call")), TrapKind::OutOfTime);
    }
}

#[test]
fn looping_or_allocating_component_ends_the_command_uncharged() {
    // Under the binary's own limits: ten seconds, and 256 MiB. In parallel, since both mostly wait.
    std::thread::scope(|scope| {
        for check in [LOOPS, EATS] {
            scope.spawn(move || {
                let outcome = with_component(
                    &Guest {
                        check,
                        ..LISTS_ONLY
                    }
                    .component(),
                    RUN,
                );
                let error = outcome.error("component_trap");
                let said = (outcome.code, &error["phase"], &error["charged"]);
                assert_eq!(said, (1, &"check".into(), &"no".into()), "{outcome:?}");
            });
        }
    });
}
