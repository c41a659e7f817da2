//! Upgrades from an earlier version: its ledger, in `ledgers/`, with a job in each state; a killed
//! migration; a job in flight of another component.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::sync::watch;
use zoetrope_bundled_pack::COMPONENT;
use zoetrope_host::component::Pack;
use zoetrope_host::config::Config;
use zoetrope_host::digest::Sha256Digest;
use zoetrope_host::driver::{DriveMode, Driver, WaitFor};
use zoetrope_host::engine::{Engine, EngineSettings};
use zoetrope_host::jobs::{CheckRequest, Destination, Jobs, SubmitRequest, node_type};

use crate::support::root;
use crate::support::sandbox::{CANARY_KEY, KEY_VARIABLE, Sandbox};
use crate::support::slow_server::{SUBMIT, end_the_job, slow_provider};

/// A data directory with the ledger of this dump.
fn sandbox_with_ledger(name: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let path = sandbox.data_dir().join("ledger.sqlite3");
    fs::create_dir_all(sandbox.data_dir()).expect("the data directory");
    let dump = root().join(format!("tests/ledgers/{name}.sql"));
    let dump = fs::read_to_string(dump).expect("the dump");
    let ledger = Connection::open(&path).expect("a ledger");
    ledger.execute_batch(&dump).expect("the dump's statements");
    sandbox
}

/// Every job of the ledger, with every field that the command line shows.
fn everything(sandbox: &Sandbox) -> Vec<Value> {
    let listed = sandbox.run(["--json", "jobs"]).json();
    let jobs = listed.as_array().expect("an array").iter();
    jobs.map(|job| {
        let id = job["id"].as_str().expect("an id");
        sandbox
            .run(["--json", "jobs", "show", id, "--input"])
            .json()
    })
    .collect()
}

/// The version that the program writes.
const PRESENT: i64 = 6;

/// The versions with a dump.
const EARLIER: [i64; 4] = [2, 3, 4, 5];

#[test]
fn ledger_of_an_earlier_version_reads_as_its_own_program_showed_it() {
    let read =
        EARLIER.map(|version| everything(&sandbox_with_ledger(&format!("schema_{version}"))));
    // The other dumps are that of version 2, migrated by the programs of their versions.
    assert_eq!(read[0], read[1]);
    assert_eq!(read[0], read[2]);
    assert_eq!(read[0], read[3]);
    let [jobs, ..] = read;
    let states: Vec<_> = jobs.iter().map(|job| job["state"].clone()).collect();
    assert_eq!(
        states,
        [
            "succeeded",
            "succeeded",
            "failed",
            "outcome_unknown",
            "queued",
            "cancelled",
            "started",
            "submitting"
        ]
    );
    // As text: a serializer of another format shows how `serde_json` passes numbers on.
    let jobs = serde_json::to_string_pretty(&jobs).expect("JSON");
    insta::assert_snapshot!(jobs);
}

/// Variables of the child process: the ledger, its version, and the number of statements before it
/// aborts.
const LEDGER: &str = "ZOETROPE_MIGRATION_LEDGER";
const VERSION: &str = "ZOETROPE_MIGRATION_VERSION";
const STATEMENTS: &str = "ZOETROPE_MIGRATION_STATEMENTS";

/// The statements that bring a ledger of this version to the next one.
fn statements_after(version: i64) -> Vec<String> {
    let file = format!("host-harness/src/ledger/schema_{}.sql", version + 1);
    let schema = fs::read_to_string(root().join(file)).expect("the migration");
    let statements = schema.split_inclusive(';').map(str::to_owned);
    statements.filter(|one| one.ends_with(';')).collect()
}

fn user_version(ledger: &Path) -> i64 {
    let ledger = Connection::open(ledger).expect("the ledger");
    let version = ledger.pragma_query_value(None, "user_version", |row| row.get(0));
    version.expect("a version")
}

#[test]
fn killed_migration_is_completed_at_the_next_open() {
    let cases = EARLIER.into_iter().flat_map(|version| {
        let all = statements_after(version).len();
        assert!(all > 2);
        [0, 1, all / 2, all].map(|count| (version, count))
    });
    for (version, count) in cases {
        let dump = format!("schema_{version}");
        let whole = everything(&sandbox_with_ledger(&dump));
        let sandbox = sandbox_with_ledger(&dump);
        let ledger = sandbox.data_dir().join("ledger.sqlite3");
        let this = std::env::current_exe().expect("this test");
        let died = Command::new(this)
            .args(["--exact", "upgrade::dying_migration"])
            .args(["--ignored", "--nocapture"])
            .env(LEDGER, &ledger)
            .env(VERSION, version.to_string())
            .env(STATEMENTS, count.to_string())
            .output();
        assert!(!died.expect("this test").status.success(), "it was killed");
        assert_eq!(user_version(&ledger), version, "after {count} statements");
        assert_eq!(everything(&sandbox), whole, "after {count} statements");
        assert_eq!(user_version(&ledger), PRESENT);
    }
}

#[test]
#[ignore = "the child process of the test above"]
fn dying_migration() {
    // An explicit run of all ignored tests has no ledger for this one.
    let Some(ledger) = std::env::var_os(LEDGER) else {
        return;
    };
    let number = |name| std::env::var(name).expect(name).parse().expect("a number");
    let (version, count): (i64, i64) = (number(VERSION), number(STATEMENTS));
    let count = usize::try_from(count).expect("a count");
    let ledger = Connection::open(ledger).expect("the ledger");
    // With so small a cache, SQLite writes pages of an open transaction to the disk.
    let begin = "PRAGMA journal_mode = wal; PRAGMA cache_size = 1; BEGIN IMMEDIATE";
    ledger.execute_batch(begin).expect("a transaction");
    for statement in statements_after(version).iter().take(count) {
        ledger.execute_batch(statement).expect("a statement");
    }
    std::process::abort();
}

/// The embedded component with another digest: one more custom section, as another build has.
fn other_build() -> Vec<u8> {
    let (name, content) = (b"build", b"earlier");
    let mut component = COMPONENT.to_vec();
    let length = 1 + name.len() + content.len();
    component.extend([0, u8::try_from(length).expect("one byte")]);
    component.push(u8::try_from(name.len()).expect("one byte"));
    component.extend(name);
    component.extend(content);
    component
}

/// Submits a job as a program does that embeds another build of the component, and ends.
async fn submit_with(component: Vec<u8>, sandbox: &Sandbox) -> String {
    // The environment of this process has no credential.
    let secret = tempfile::NamedTempFile::new().expect("a file");
    fs::write(secret.path(), CANARY_KEY).expect("the credential");
    let path = sandbox.path("zoetrope.toml");
    let text = fs::read_to_string(&path).expect("the configuration");
    let in_environment = format!("{{ env = \"{KEY_VARIABLE}\" }}");
    let in_file = format!("{{ file = {} }}", json!(secret.path()));
    let config = Config::parse(&text.replace(&in_environment, &in_file), &path);
    let config = config.expect("the configuration");
    let config = Arc::new(config.trusting(Sha256Digest::of(&component)));
    let engine = Engine::new(EngineSettings::default()).expect("an engine");
    let pack = Pack::load(&engine, &component, config.policy()).expect("the component");
    let driver = Driver::builder(&sandbox.data_dir(), &pack, Arc::clone(&config) as _);
    let driver = driver.policy(config.policy()).build().expect("a driver");
    let jobs = Jobs::new(driver, component);
    let node = node_type(&pack, "image_to_video_v3")
        .await
        .expect("the node");
    let input = json!({"prompt": "pan", "image": "https://p.example/a.png"}).to_string();
    let checked = jobs.check(&CheckRequest::new(&node, &input)).await;
    let checked = checked.expect("a good input");
    let connection = config.connections().next().expect("a connection");
    let id = connection.id().to_string();
    let clip = Destination::File(sandbox.path("clip.mp4"));
    let request = SubmitRequest::new(&checked, &id, "order-66", clip, Duration::from_mins(10));
    let job = jobs.submit(&request).await.expect("a row");
    let (_sender, mode) = watch::channel(DriveMode::Normal);
    let waited = jobs
        .wait([job.spec.id.clone()], WaitFor::Accepted, mode)
        .await;
    waited.expect("an accepted job");
    job.spec.id.clone()
}

#[test]
fn job_in_flight_of_an_earlier_component_is_collected() {
    let (provider, sandbox) = slow_provider();
    fs::create_dir_all(sandbox.data_dir()).expect("the data directory");
    let component = other_build();
    let digest = Sha256Digest::of(&component).to_string();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let id = runtime.block_on(submit_with(component, &sandbox));

    let shown = sandbox.run(["--json", "jobs", "show", &id]).json();
    assert_eq!(
        (&shown["state"], &shown["component"]),
        (&json!("started"), &json!(digest))
    );
    end_the_job(&provider);
    let resumed = sandbox.run(["--json", "jobs", "resume", "--all"]).answer();
    assert_eq!(resumed["summary"]["finalized"], 1, "{resumed}");
    assert!(sandbox.path("clip.mp4").exists());
    assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
}
