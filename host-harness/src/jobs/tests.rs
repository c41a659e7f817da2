//! Tests of commands, on a ledger in a temporary folder and without a network.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tempfile::TempDir;
use zoetrope_bundled_pack::{COMPONENT, DIGEST};

use super::*;
use crate::component::Pack;
use crate::config::Config;
use crate::contract::Charge;
use crate::driver::{Driver, now};
use crate::engine::{Engine, EngineSettings};
use crate::error::ErrorKind;
use crate::ledger::testing::{queued, stage};
use crate::ledger::{Job, JobError, Ledger, RemovedJob, Stage, State};
use crate::media::MediaError;
use crate::policy::Policy;

const NODE: &str = "image_to_video_v3";
const INPUT: &str = r#"{"prompt": "waves", "image": "https://example.com/sea.png"}"#;
const OTHER: &str = r#"{"prompt": "dunes", "image": "https://example.com/sea.png"}"#;

/// No server listens on this port: every request fails.
const CONFIG: &str =
    "[connections.mine]\ncategory = \"pixelml\"\nbase_url = \"http://127.0.0.1:9\"";

static PACK: LazyLock<Pack> = LazyLock::new(|| {
    let engine = Engine::new(EngineSettings::default()).expect("engine");
    Pack::load(&engine, COMPONENT, &Policy::default().trusting(DIGEST)).expect("pack")
});

struct Scene {
    folder: TempDir,
    jobs: Jobs,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let config = Config::parse(CONFIG, Path::new("zoetrope.toml")).expect("configuration");
        let driver = Driver::builder(folder.path(), &PACK, Arc::new(config)).build();
        let jobs = Jobs::new(driver.expect("driver"), COMPONENT);
        Self { folder, jobs }
    }

    async fn checked(&self, input: &str) -> Result<Checked, JobsError> {
        let node = self.jobs.node_type(NODE).await?;
        self.jobs.check(&CheckRequest::new(&node, input)).await
    }

    fn request<'a>(&self, checked: &'a Checked, key: &str) -> SubmitRequest<'a> {
        let clips = Destination::Folder(self.folder.path().join("clips"));
        SubmitRequest::new(checked, "mine", key, clips, Duration::from_mins(1))
    }

    async fn submit(&self, input: &str, key: &str) -> Result<Job, JobsError> {
        let checked = self.checked(input).await?;
        self.jobs.submit(&self.request(&checked, key)).await
    }

    fn ledger(&self) -> &Ledger {
        self.jobs.ledger()
    }

    fn rows(&self) -> usize {
        self.ledger().jobs().expect("jobs").len()
    }
}

#[tokio::test]
async fn same_key_returns_the_same_job_or_a_conflict_for_another_input() {
    let scene = Scene::new();
    let first = scene.submit(INPUT, "k").await.expect("job");
    assert_eq!((first.state(), first.submits()), (State::Queued, 0));
    let again = scene.submit(INPUT, "k").await.expect("job");
    assert_eq!(again.spec.id, first.spec.id);
    assert!(again.schedule.deadline_at >= first.schedule.deadline_at);
    match scene.submit(OTHER, "k").await {
        Err(JobsError::KeyConflict { job, .. }) => assert_eq!(job, first.spec.id),
        other => panic!("{other:?}"),
    }
    assert_eq!(scene.rows(), 1);
}

#[tokio::test]
async fn batch_with_a_taken_key_inserts_no_job() {
    let scene = Scene::new();
    let checked = scene.checked(INPUT).await.expect("input");
    let prepared = [
        scene.jobs.prepare(&scene.request(&checked, "one")).await,
        scene.jobs.prepare(&scene.request(&checked, "two")).await,
    ];
    let taken = scene.submit(OTHER, "two").await.expect("job");
    let prepared = prepared.into_iter().map(|one| one.expect("prepared"));
    match scene.jobs.insert(prepared.collect()).await {
        Err(JobsError::KeyConflict { job, .. }) => assert_eq!(job, taken.spec.id),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        scene.rows(),
        1,
        "the job with the free key is not inserted either"
    );
}

#[tokio::test]
async fn batch_is_inserted_in_order() {
    let scene = Scene::new();
    let (first, second) = (scene.checked(INPUT).await, scene.checked(OTHER).await);
    let (first, second) = (first.expect("input"), second.expect("input"));
    let requests = [scene.request(&first, "1"), scene.request(&second, "2")];
    let jobs = scene.jobs.submit_all(&requests).await.expect("jobs");
    let keys: Vec<_> = jobs.iter().map(|job| job.spec.key.as_str()).collect();
    assert_eq!(keys, ["1", "2"]);
    assert_eq!(scene.rows(), 2);
}

#[tokio::test]
async fn queued_job_is_cancelled_without_a_submit() {
    let scene = Scene::new();
    let job = scene.submit(INPUT, "k").await.expect("job");
    let cancelled = match scene.jobs.cancel(&job, now() + 60_000).await {
        Ok(CancelOutcome::Wanted(job)) => job,
        other => panic!("{other:?}"),
    };
    assert_eq!(cancelled.state(), State::Cancelled);
    assert_eq!((cancelled.submits(), cancelled.charge()), (0, Charge::No));
    let job = cancelled.spec.id.clone();
    assert_eq!(NextStep::of(&cancelled, now()), NextStep::Retry { job });
    let again = scene.jobs.cancel(&cancelled, now() + 60_000).await;
    assert!(matches!(again, Ok(CancelOutcome::LeftAlone(_))));
}

#[tokio::test]
async fn prune_removes_only_jobs_that_are_done() {
    let scene = Scene::new();
    let done = scene.submit(INPUT, "done").await.expect("job");
    let queued = scene.submit(INPUT, "queued").await.expect("job");
    let cancelled = scene.jobs.cancel(&done, now() + 60_000).await;
    cancelled.expect("cancelled");
    let early = scene.jobs.prune(done.spec.created_at).expect("pruned");
    assert_eq!((early.deleted, early.kept), (0, 2));
    let pruned = scene.jobs.prune(now() + 1).expect("pruned");
    assert_eq!((pruned.deleted, pruned.kept), (1, 1));
    let left = scene.jobs.find(&queued.spec.id).expect("job");
    assert_eq!(left.state(), State::Queued);
}

#[tokio::test]
async fn key_of_a_removed_job_that_cost_nothing_can_be_freed() {
    let scene = Scene::new();
    let job = scene.submit(INPUT, "k").await.expect("job");
    let cancelled = scene.jobs.cancel(&job, now() + 60_000).await;
    cancelled.expect("cancelled");
    scene.jobs.prune(now() + 1).expect("pruned");
    let conflict = scene.submit(OTHER, "k").await.expect_err("a conflict");
    let job = job.spec.id.clone();
    assert_eq!(conflict.next_step(), NextStep::FreeKey { job });
    let again = scene.submit(INPUT, "k").await.expect("job");
    assert_eq!(again.retries, 1);
    let row = scene.ledger().job(&again.spec.id).expect("read");
    assert_eq!(row, Some(again), "as it was returned");
}

/// A removed job of this node, whose component is not the pack of the scene.
fn removed_job_of(scene: &Scene, node: &str) -> RemovedJob {
    let mut job = queued(0);
    Arc::make_mut(&mut job.spec).node = node.into();
    job.stage = stage(State::Succeeded, true);
    scene.ledger().insert_all(&[job]).expect("insert");
    scene.jobs.prune(now()).expect("pruned");
    let removed = scene.ledger().removed_job("j").expect("read");
    removed.expect("a removed job")
}

#[tokio::test]
async fn removed_job_is_restored_as_one_of_its_component_or_of_its_node_type() {
    let scene = Scene::new();
    let removed = removed_job_of(&scene, "of_another_pack");
    let refused = scene.jobs.restore(removed.clone()).await;
    let refused = refused.expect_err("another component");
    assert!(
        matches!(refused, JobsError::OtherComponent { .. }),
        "{refused:?}"
    );
    let still = scene.ledger().removed_job("j").expect("read");
    assert_eq!(still, Some(removed.clone()));
    let stored = scene.folder.path().join("components/c.wasm");
    std::fs::create_dir_all(stored.parent().expect("a folder")).expect("folder");
    std::fs::write(stored, "").expect("write");
    let restored = scene.jobs.restore(removed).await.expect("restored");
    assert_eq!(restored.spec.component, "c");

    let scene = Scene::new();
    let removed = removed_job_of(&scene, NODE);
    let restored = scene.jobs.restore(removed).await.expect("restored");
    assert_eq!(restored.spec.component, PACK.digest().to_string());
    assert_eq!(scene.rows(), 1);
}

/// Its input is not kept, and what led to its charge is not known any more.
#[tokio::test]
async fn restored_job_keeps_its_charge_and_is_not_submitted_again() {
    let scene = Scene::new();
    let mut job = queued(0);
    job.stage = stage(State::Failed, true);
    job.last_error = Some(JobError::new(ErrorKind::NoResult, "no result"));
    job.billing.charge = Charge::Yes;
    Arc::make_mut(&mut job.spec).node = NODE.into();
    scene.ledger().insert_all(&[job]).expect("insert");
    scene.jobs.prune(now()).expect("pruned");
    let removed = scene.ledger().removed_job("j").expect("read");
    let removed = removed.expect("a removed job");
    let restored = scene.jobs.restore(removed).await.expect("restored");
    assert_eq!((restored.charge(), restored.submits()), (Charge::Yes, 1));
    let mut unpaid = restored.clone();
    unpaid.billing.charge = Charge::No;
    assert_eq!(unpaid.charge(), Charge::Yes, "a report takes nothing back");
    for again in [false, true] {
        let refused = scene.jobs.retry(&restored, now() + 60_000, again).await;
        let refused = refused.expect_err("without an input");
        assert!(
            matches!(refused, JobsError::WithoutInput { .. }),
            "{refused:?}"
        );
        assert_eq!(refused.next_step(), NextStep::NewRun);
    }
}

#[tokio::test]
async fn removed_job_is_not_submitted_again() {
    let scene = Scene::new();
    let mut job = queued(0);
    job.stage = stage(State::Failed, true);
    job.billing.charge = Charge::Yes;
    scene
        .ledger()
        .insert_all(std::slice::from_ref(&job))
        .expect("insert");
    scene.jobs.prune(now()).expect("pruned");
    for again in [false, true] {
        let refused = scene.jobs.retry(&job, now() + 60_000, again).await;
        let refused = refused.expect_err("it was removed");
        assert!(matches!(refused, JobsError::Removed { .. }), "{refused:?}");
        let job = job.spec.id.clone();
        assert_eq!(refused.next_step(), NextStep::OtherKey { job });
    }
    assert_eq!(scene.rows(), 0);
}

#[tokio::test]
async fn resolve_of_a_job_with_known_outcome_is_refused() {
    let scene = Scene::new();
    let job = scene.submit(INPUT, "k").await.expect("job");
    for resolved in [
        scene.jobs.mark_never_started(&job).await,
        scene.jobs.adopt(&job, "theirs", true).await,
    ] {
        let error = resolved.expect_err("a known outcome");
        assert!(matches!(error, JobsError::OutcomeKnown { .. }), "{error:?}");
        let job = job.spec.id.clone();
        assert_eq!(error.next_step(), NextStep::Show { job });
    }
    let row = scene.ledger().job(&job.spec.id).expect("read");
    assert_eq!(row, Some(job), "the row has not changed");
}

#[tokio::test]
async fn fetch_of_a_queued_job_changes_nothing() {
    let scene = Scene::new();
    let job = scene.submit(INPUT, "k").await.expect("job");
    let out = scene.folder.path().join("out.mp4");
    let fetched = scene.jobs.fetch(&job, &out, false, now() + 60_000).await;
    assert!(matches!(fetched, Ok(Fetched::LeftAlone(_))), "{fetched:?}");
    assert!(!out.exists());
}

#[tokio::test]
async fn job_is_found_by_its_id_its_beginning_and_last() {
    let scene = Scene::new();
    let empty = scene.jobs.find(LAST);
    assert!(matches!(empty, Err(JobsError::NoSuchJob { .. })));
    let first = scene.submit(INPUT, "1").await.expect("job");
    let id = first.spec.id.clone();
    for name in [&id[..], &id[..20], &id[..4], LAST] {
        assert_eq!(scene.jobs.find(name).expect("job").spec.id, id, "{name}");
    }
    for name in [&id[..3], "none"] {
        let none = scene.jobs.find(name);
        assert!(matches!(none, Err(JobsError::NoSuchJob { .. })), "{name}");
    }
    let missing = scene.jobs.find(&id[..3]).expect_err("too short");
    assert!(missing.to_string().contains("4 characters"), "{missing}");
    let second = scene.submit(INPUT, "2").await.expect("job");
    assert_eq!(scene.jobs.find(LAST).expect("job"), second);
    // A wrong character at the end.
    let end = if id.ends_with('0') { "1" } else { "0" };
    let wrong = format!("{}{end}", &id[..35]);
    let missing = scene.jobs.find(&wrong).expect_err("no such job");
    assert!(missing.to_string().contains(&id), "{missing}");
}

#[tokio::test]
async fn job_is_found_by_the_id_of_its_provider_and_own_ids_count_first() {
    let scene = Scene::new();
    let insert = |id: &str, key: &str, connection: &str, provider_job_id: Option<&str>| {
        let mut job = queued(0);
        let spec = Arc::make_mut(&mut job.spec);
        (spec.id, spec.key, spec.connection) = (id.into(), key.into(), connection.into());
        if let Some(provider_job_id) = provider_job_id {
            job.stage = stage(State::Started, false);
            if let Stage::Started { job, .. } = &mut job.stage {
                job.id = Some(provider_job_id.into());
            }
        }
        scene.ledger().insert_all(&[job]).expect("insert");
    };
    insert("aaaa-1", "1", "a", Some("p7"));
    insert("aaaa-2", "2", "a", Some("twice"));
    insert("bbbb-3", "3", "b", Some("twice"));
    insert("cccc-4", "4", "b", Some("aaaa-1"));
    let found = |name| scene.jobs.find(name).map(|job| job.spec.id.clone());
    assert_eq!(
        found("p7").expect("job"),
        "aaaa-1",
        "shorter than a beginning"
    );
    assert_eq!(
        found("aaaa-1").expect("job"),
        "aaaa-1",
        "own ids count first"
    );
    for (name, expected) in [
        ("aaaa", ["aaaa-1", "aaaa-2"]),
        ("twice", ["aaaa-2", "bbbb-3"]),
    ] {
        match found(name) {
            Err(JobsError::AmbiguousId { candidates, .. }) => {
                let ids: Vec<_> = candidates.iter().map(|job| job.spec.id.as_str()).collect();
                assert_eq!(ids, expected);
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn check_reports_unknown_node_invalid_input_and_missing_picture() {
    let scene = Scene::new();
    let unknown = scene.jobs.node_type("nothing").await;
    match unknown {
        Err(JobsError::UnknownNodeType { known, .. }) => {
            assert!(known.iter().any(|name| name == NODE));
        }
        other => panic!("{other:?}"),
    }
    let refused = scene.checked(r#"{"prompt": 1}"#).await.err();
    let node = NODE.to_owned();
    assert_eq!(
        refused.expect("an error").next_step(),
        NextStep::CorrectInput { node }
    );
    let missing = r#"{"prompt": "waves", "image": "file:///nowhere/a.png"}"#;
    let missing = scene.checked(missing).await.err();
    assert!(matches!(
        missing,
        Some(JobsError::Picture(MediaError::Read { .. }))
    ));
    assert_eq!(scene.rows(), 0);
}

#[tokio::test]
async fn existing_destination_is_refused_before_a_row_is_inserted() {
    let scene = Scene::new();
    let out = scene.folder.path().join("out.mp4");
    std::fs::write(&out, "mine").expect("write");
    let checked = scene.checked(INPUT).await.expect("input");
    let mut request = scene.request(&checked, "k");
    request.destination = Destination::File(out);
    let refused = scene.jobs.submit(&request).await.expect_err("taken");
    assert!(matches!(refused, JobsError::Target(_)), "{refused:?}");
    assert_eq!(refused.next_step(), NextStep::OtherDestination);
    assert_eq!(scene.rows(), 0);
    // With a job of the key, it is the failure of that job: it may have been charged.
    let taken = request.destination.clone();
    request.destination = Destination::File(scene.folder.path().join("free.mp4"));
    let known = scene.jobs.submit(&request).await.expect("a row");
    request.destination = taken;
    let refused = scene.jobs.submit(&request).await.expect_err("taken");
    assert_eq!(refused.next_step(), NextStep::OtherDestination);
    match refused {
        JobsError::OfJob { job, .. } => assert_eq!(job.spec.id, known.spec.id),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn destination_without_a_folder_is_refused_with_the_folder_to_create() {
    let scene = Scene::new();
    let folder = scene.folder.path().join("missing");
    let checked = scene.checked(INPUT).await.expect("input");
    let mut request = scene.request(&checked, "k");
    request.destination = Destination::File(folder.join("out.mp4"));
    let refused = scene.jobs.submit(&request).await.expect_err("no folder");
    assert_eq!(refused.next_step(), NextStep::CreateFolder { folder });
    let text = crate::error::chain(&refused);
    assert!(!text.contains("out.mp4-99"), "the file of the test: {text}");
    request.destination = Destination::File(scene.folder.path().to_owned());
    let refused = scene.jobs.submit(&request).await.expect_err("a folder");
    assert_eq!(refused.next_step(), NextStep::FreeDestination);
    assert_eq!(scene.rows(), 0);
}
