//! One job, whose process dies on both sides of each of its commits: right after it, and right
//! before it, when all that led to it has been done already.
//!
//! The process is this test binary: it embeds the library as any program may, and ends itself
//! when the driver tells of the commit. For the other side the ledger of the commit before is put
//! back; nothing else has changed on the disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use uuid::Uuid;
use zoetrope_host::EMBEDDED_COMPONENT;
use zoetrope_host::config::Config;
use zoetrope_host::contract::ConnectionRequirement;
use zoetrope_host::digest::Sha256Digest;
use zoetrope_host::driver::{
    Driver, DriverSettings, Listener, News, Reach, Reached, Until, Work, now,
};
use zoetrope_host::egress::Egress;
use zoetrope_host::engine::{Engine, EngineSettings};
use zoetrope_host::ledger::{Job, Ledger, Order, State, Target, Trouble};
use zoetrope_host::pack::Pack;

use crate::support::books::copy_ledger;
use crate::support::scene::{Scene, number};

/// What the process that dies is told: its folder, and the commit that it dies at.
const FOLDER: &str = "ZOETROPE_CRASH_FOLDER";
const COMMIT: &str = "ZOETROPE_CRASH_COMMIT";

/// Where it leaves the ledger of the commit before.
const EARLIER: &str = "earlier";

const KEY: &str = "one-job";

/// More deaths than it takes.
const MANY: usize = 40;

#[test]
fn killed_at_every_commit_with_idempotency() {
    killed_at_every_commit(true);
}

#[test]
fn killed_at_every_commit_without_idempotency() {
    killed_at_every_commit(false);
}

fn killed_at_every_commit(honoured: bool) {
    let mut places = BTreeSet::new();
    let mut deaths = 0;
    let mut commit = 0;
    for _ in 0..MANY {
        let survived = [Side::After, Side::Before].into_iter().any(|side| {
            // Nothing is before the row.
            if commit == 0 && side == Side::Before {
                return false;
            }
            let place = killed_once(honoured, commit, side);
            deaths += usize::from(place.is_some());
            places.extend(place);
            place.is_none()
        });
        if !survived {
            commit += 1;
        } else if places == durable_places() {
            println!("{deaths} deaths, {commit} commits: {places:?}");
            return;
        } else {
            // This time there was one poll less than before: its last commits were missed.
            commit -= 1;
        }
    }
    panic!("each durable place is a place of death: {places:?}");
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    After,
    Before,
}

/// Where a row was when its process died.
type Place = (State, bool, bool);

fn place_of(job: &Job) -> Place {
    (job.state, job.file.is_some(), job.placed)
}

/// Every place where a row can be found after a crash of a run that goes well.
fn durable_places() -> BTreeSet<Place> {
    let states = [
        State::Queued,
        State::Submitting,
        State::Started,
        State::Succeeded,
    ];
    let mut durable: BTreeSet<Place> = states.map(|state| (state, false, false)).into();
    durable.insert((State::Succeeded, true, false));
    durable.insert((State::Succeeded, true, true));
    durable
}

/// The place of its death; `None` when the job was done first.
#[track_caller]
fn killed_once(honoured: bool, commit: usize, side: Side) -> Option<Place> {
    let rules = json!([
        {"method": "GET", "path": "/v1/clips/*", "drip_ms": 1, "drip_bytes": 2048},
    ]);
    let mut scene = Scene::new(honoured, Duration::from_millis(100), &rules);
    scene.wanted.insert(KEY.into(), scene.desk.path("clip.mp4"));
    let folder = scene.desk.path("");
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    let output = command
        .args(["--exact", "crash::steps::the_process_that_dies"])
        .args(["--ignored", "--nocapture"])
        .env(FOLDER, &folder)
        .env(COMMIT, commit.to_string())
        .output()
        .expect("this test");
    if output.status.success() {
        scene.comes_to_its_end(Some(&BTreeSet::new()));
        return None;
    }
    let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
    assert_eq!(signal, Some(9), "{output:?}");
    if side == Side::Before {
        copy_ledger(&folder.join(EARLIER), &scene.desk.data_dir());
    }
    let jobs = scene.ledger().jobs();
    let [job] = jobs.as_slice() else {
        panic!("not one row: {jobs:?}");
    };
    let in_doubt = (job.state == State::Submitting).then(|| KEY.to_owned());
    scene.comes_to_its_end(Some(&in_doubt.into_iter().collect()));
    Some(place_of(job))
}

#[test]
#[ignore = "a part of the tests above: the process that dies"]
fn the_process_that_dies() {
    // Whoever asks for all ignored tests does not mean this one.
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let commit = number(COMMIT).expect("a commit");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run_one_job(&folder, commit));
}

/// Runs a job to its end, or to this commit: 0 is the one that adds it.
async fn run_one_job(folder: &Path, last: usize) {
    let data_dir = folder.join("data");
    let settings = EngineSettings {
        cache_dir: Some(data_dir.join("code")),
        ..EngineSettings::default()
    };
    let engine = Engine::new(settings).expect("an engine");
    let pack = Pack::load(&engine, EMBEDDED_COMPONENT).expect("the component");
    let config = Config::read(&folder.join("zoetrope.toml")).expect("the configuration");
    let ledger = Arc::new(Ledger::open(&data_dir).expect("the ledger"));
    let driver = Driver::new(
        &data_dir,
        ledger,
        &pack,
        &Egress::default(),
        Arc::new(Configured(config)),
        mortal(folder, last),
        DriverSettings::default(),
    );
    let driver = driver.expect("a driver");
    let asker = driver.asker().to_owned();
    let target = Target::File(folder.join("clip.mp4"));
    let job = Job::new(order(folder, &pack), target, asker, now() + 600_000);
    let added = driver.add(&job, &pack, EMBEDDED_COMPONENT);
    added.expect("a row");
    if last == 0 {
        die();
    }
    keep_ledger(folder);
    let (_on, work) = watch::channel(Work::On);
    let waited = driver.wait([job.order.id], Until::Settled, work).await;
    waited.expect("the job's end");
}

/// Dies when it is told of the last commit, and keeps the ledger of the one before.
fn mortal(folder: &Path, last: usize) -> Listener {
    let folder = folder.to_owned();
    let commits = AtomicUsize::new(0);
    Arc::new(move |_, news| {
        if matches!(news, News::Committed(_)) {
            let commit = commits.fetch_add(1, Ordering::SeqCst) + 1;
            if commit == last {
                die();
            }
            keep_ledger(&folder);
        }
    })
}

fn keep_ledger(folder: &Path) {
    let earlier = folder.join(EARLIER);
    std::fs::create_dir_all(&earlier).expect("a folder");
    copy_ledger(&folder.join("data"), &earlier);
}

fn die() -> ! {
    let this = rustix::process::getpid();
    rustix::process::kill_process(this, rustix::process::Signal::KILL).expect("a signal");
    loop {
        std::thread::park();
    }
}

fn order(folder: &Path, pack: &Pack) -> Order {
    let input = json!({ "prompt": "pan", "image": "https://p.example/a.png" }).to_string();
    let config = Config::read(&folder.join("zoetrope.toml")).expect("the configuration");
    let connection = config.connections().next().expect("a connection");
    let window = connection.idempotency().unwrap_or_default();
    Order {
        id: Uuid::now_v7().to_string(),
        node: "image_to_video_v3".into(),
        given_sha256: Sha256Digest::from(Sha256::digest(&input)).to_string(),
        given: input.clone(),
        input,
        component: pack.digest().to_string(),
        connection: connection.id().to_string(),
        place: connection.base_url().origin().to_string(),
        key: KEY.into(),
        idempotency_ms: i64::try_from(window.as_millis()).expect("a window"),
        created_at: now(),
    }
}

/// The connections of a configuration.
struct Configured(Config);

impl Reach for Configured {
    fn open<'a>(
        &'a self,
        connection: &'a str,
        requirement: &'a ConnectionRequirement,
    ) -> BoxFuture<'a, Result<Reached, Trouble>> {
        let found = self.0.select(&requirement.category, Some(connection));
        let found = Arc::clone(found.expect("one").expect("the configured one"));
        let place = found.base_url().origin().to_string();
        let requests_per_second = found.requests_per_second();
        let connection = Arc::new(found.open(requirement).expect("its credential"));
        Box::pin(std::future::ready(Ok(Reached {
            connection,
            place,
            requests_per_second,
        })))
    }
}
