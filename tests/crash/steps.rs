//! One job, whose process is killed on both sides of each of its commits: right after it, and right
//! before it, when the work before the commit is done.
//!
//! The process is this test binary, which embeds the library and kills itself when the driver
//! reports the commit. For the other side, the test restores the ledger of the previous commit;
//! nothing else changed on the disk.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use image::ImageFormat;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use uuid::Uuid;
use zoetrope_bundled_pack::{COMPONENT, DIGEST};
use zoetrope_host::component::Pack;
use zoetrope_host::config::Config;
use zoetrope_host::digest::Sha256Digest;
use zoetrope_host::driver::{DriveMode, Driver, JobUpdate, Listener, WaitFor, now};
use zoetrope_host::engine::{Engine, EngineSettings};
use zoetrope_host::ledger::{Job, JobSpec, LocalPicture, LocalPictures, State, Target};
use zoetrope_host::policy::Policy;

use crate::support::billing::copy_ledger;
use crate::support::fixture::Fixture;
use crate::support::pictures::picture;

/// The variables of the child process: its folder, and the commit at which it kills itself.
const FOLDER: &str = "ZOETROPE_CRASH_FOLDER";
const COMMIT: &str = "ZOETROPE_CRASH_COMMIT";

/// The child's copy of the ledger of the previous commit, and its list of commits.
const EARLIER: &str = "earlier";
const NAMES: &str = "commits";

const KEY: &str = "one-job";

/// The name of the commit that adds the row.
const ADDED: &str = "added";

/// Every commit of a job that ends, in order. Of several with one name, the first is used.
const COMMITS: [&str; 8] = [
    ADDED,
    "handed_over",
    "submitting",
    "started",
    "waiting",
    "succeeded",
    "fetched",
    "finalized",
];

/// The name of a commit after the one with the name `before`.
fn name_of(job: &Job, before: &str) -> &'static str {
    match job.state() {
        State::Queued if !job.local_pictures.are_pending() => "handed_over",
        State::Submitting => "submitting",
        State::Started if ["started", "waiting"].contains(&before) => "waiting",
        State::Started => "started",
        State::Succeeded if job.is_finalized() => "finalized",
        State::Succeeded if job.file().is_some() => "fetched",
        State::Succeeded => "succeeded",
        _ => "not in the list",
    }
}

#[test]
fn killed_at_every_commit_with_idempotency() {
    killed_at_every_commit(true);
}

#[test]
fn killed_at_every_commit_without_idempotency() {
    killed_at_every_commit(false);
}

fn killed_at_every_commit(honoured: bool) {
    no_commit_is_missing_in_the_list(honoured);
    for commit in COMMITS {
        is_killed(honoured, commit, Side::After);
        // No commit precedes the row.
        if commit != ADDED {
            is_killed(honoured, commit, Side::Before);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    After,
    Before,
}

#[track_caller]
fn no_commit_is_missing_in_the_list(honoured: bool) {
    let fixture = fixture(honoured);
    let output = process(&fixture, "none");
    assert!(output.status.success(), "{output:?}");
    let names = std::fs::read_to_string(fixture.sandbox.path(NAMES)).expect("the names");
    let mut names: Vec<_> = names.lines().collect();
    // `waiting` is committed once for each poll.
    names.dedup();
    assert_eq!(names, COMMITS);
    fixture.finish_and_check(Some(&BTreeSet::new()));
}

#[track_caller]
fn is_killed(honoured: bool, commit: &str, side: Side) {
    let fixture = fixture(honoured);
    let output = process(&fixture, commit);
    let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
    assert_eq!(signal, Some(9), "{commit}: {output:?}");
    if side == Side::Before {
        copy_ledger(&fixture.sandbox.path(EARLIER), &fixture.sandbox.data_dir());
    }
    let jobs = fixture.ledger().jobs();
    let [job] = jobs.as_slice() else {
        panic!("{commit}: not one row: {jobs:?}");
    };
    let in_doubt = (job.state() == State::Submitting).then(|| KEY.to_owned());
    let ending = fixture.finish_and_check(Some(&in_doubt.into_iter().collect()));
    let found = match (commit, side) {
        _ if honoured => (0, 0),
        // Killed before the submit was sent, or before its reply was committed.
        ("submitting", Side::After) => (1, 0),
        ("started", Side::Before) => (1, 1),
        _ => (0, 0),
    };
    assert_eq!((ending.unknown, ending.found), found, "{commit}");
}

fn fixture(honoured: bool) -> Fixture {
    // The job ends at once, but the replies to the submit and to the first poll report it as running.
    let rules = json!([
        {"method": "POST", "path": "/v1/jobs", "status_word": "queued", "patch": {"poll_after_ms": 100}},
        {"method": "GET", "path": "/v1/jobs/{id}", "times": 1, "status_word": "running",
         "patch": {"poll_after_ms": 100}},
        {"method": "GET", "path": "/v1/clips/*", "drip_ms": 1, "drip_bytes": 2048},
    ]);
    let mut fixture = Fixture::new(honoured, Duration::ZERO, &rules);
    fixture
        .targets
        .insert(KEY.into(), fixture.sandbox.path("clip.mp4"));
    fixture
}

/// Runs the job in a child process, which kills itself at this commit.
fn process(fixture: &Fixture, commit: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command
        .args([
            "--exact",
            "crash::steps::child_process_exits_at_the_given_commit",
        ])
        .args(["--ignored", "--nocapture"])
        .env(FOLDER, fixture.sandbox.path(""))
        .env(COMMIT, commit);
    command.output().expect("this test")
}

#[test]
#[ignore = "the child process of the tests above"]
fn child_process_exits_at_the_given_commit() {
    // A run of all ignored tests does not set the variable.
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let commit = std::env::var(COMMIT).expect("a commit");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run_one_job(&folder, &commit));
}

/// Runs a job to its end or to this commit.
async fn run_one_job(folder: &Path, last: &str) {
    let data_dir = folder.join("data");
    let settings = EngineSettings {
        cache_dir: Some(data_dir.join("code")),
        ..EngineSettings::default()
    };
    let engine = Engine::new(settings).expect("an engine");
    let pack =
        Pack::load(&engine, COMPONENT, &Policy::default().trusting(DIGEST)).expect("the component");
    let config = Config::read(&folder.join("zoetrope.toml")).expect("the configuration");
    let driver = Driver::builder(&data_dir, &pack, Arc::new(config))
        .policy(&Policy::default().trusting(DIGEST))
        .listener(exiting_listener(folder, last.to_owned()))
        .build()
        .expect("a driver");
    let requester = driver.requester().to_owned();
    let target = Target::File(folder.join("clip.mp4"));
    let mut job = Job::new(order(folder, &pack), target, requester, now() + 600_000);
    job.local_pictures = stored_picture(&data_dir);
    let added = driver.add(std::slice::from_ref(&job), &pack, COMPONENT);
    added.expect("a row");
    committed(folder, ADDED, last);
    let (_on, work) = watch::channel(DriveMode::Normal);
    let waited = driver
        .wait([job.spec.id.clone()], WaitFor::Settled, work)
        .await;
    waited.expect("the job's end");
}

/// A listener that kills the process when the driver reports the commit `last`.
fn exiting_listener(folder: &Path, last: String) -> Listener {
    let folder = folder.to_owned();
    let before = Mutex::new((ADDED, 0));
    Arc::new(move |_, news| {
        let mut before = before.lock().expect("the commit before");
        // A new driver reports each row again without a commit.
        if let JobUpdate::Committed(job) = news
            && job.revision > before.1
        {
            *before = (name_of(job, before.0), job.revision);
            committed(&folder, before.0, &last);
        }
    })
}

/// Records a commit and copies the ledger for a test of the next commit. Kills the process if the
/// commit is the last one.
fn committed(folder: &Path, name: &str, last: &str) {
    if name == last {
        kill_this_process();
    }
    let mut names = File::options();
    let names = names.append(true).create(true).open(folder.join(NAMES));
    let mut names = names.expect("a file");
    writeln!(names, "{name}").expect("a line");
    let earlier = folder.join(EARLIER);
    std::fs::create_dir_all(&earlier).expect("a folder");
    copy_ledger(&folder.join("data"), &earlier);
}

fn kill_this_process() -> ! {
    let this = rustix::process::getpid();
    rustix::process::kill_process(this, rustix::process::Signal::KILL).expect("a signal");
    loop {
        std::thread::park();
    }
}

/// A picture that is uploaded, and its copy in the data directory.
fn stored_picture(data_dir: &Path) -> LocalPictures {
    let png = picture(ImageFormat::Png);
    let sha256 = Sha256Digest::from(Sha256::digest(&png)).to_string();
    let pictures = data_dir.join("pictures");
    std::fs::create_dir_all(&pictures).expect("a folder");
    std::fs::write(pictures.join(&sha256), png).expect("a copy");
    LocalPictures::new(vec![LocalPicture {
        field: "/image".into(),
        sha256,
        name: "a.png".into(),
        value: None,
    }])
}

fn order(folder: &Path, pack: &Pack) -> JobSpec {
    let input = json!({ "prompt": "pan", "image": "https://p.example/a.png" }).to_string();
    let config = Config::read(&folder.join("zoetrope.toml")).expect("the configuration");
    let connection = config.connections().next().expect("a connection");
    let window = connection.idempotency().unwrap_or_default();
    JobSpec {
        id: Uuid::now_v7().to_string(),
        node: "image_to_video_v3".into(),
        raw_input_sha256: Sha256Digest::from(Sha256::digest(&input)).to_string(),
        raw_input: input.clone(),
        input,
        component: pack.digest().to_string(),
        connection: connection.id().to_string(),
        provider_origin: connection.base_url().origin().to_string(),
        key: KEY.into(),
        idempotency_ms: i64::try_from(window.as_millis()).expect("a window"),
        created_at: now(),
    }
}
