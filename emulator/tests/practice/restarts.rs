//! Restarts, kills, and several processes on one data directory.

use axum::http::StatusCode;
use tempfile::tempdir;
use zoetrope_emulator::{Practice, PracticeError};

use crate::support::{Api, id, idle, png, quick, restart, settings, start};

#[tokio::test]
async fn jobs_survive_a_restart_on_another_port() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(settings(&folder)).await;
    let picture = api.picture(&png()).await;
    let done = api.job(&quick(&picture)).await;
    let clip = api.clip(&done).await;
    practice.shutdown().await;

    let (practice, api) = start(idle(&folder)).await;
    let body = quick(&picture);
    let waiting = id(&api.submit(&body, Some("key")).await);
    let cancelled = api.job(&body).await;
    assert_eq!(api.cancel(&cancelled).await.status, StatusCode::OK);
    let address = practice.base_url();
    practice.shutdown().await;

    // The port is taken by another listener.
    let port = address.strip_prefix("http://").expect("a URL");
    let _taken = std::net::TcpListener::bind(port).expect("the port is free");
    let (_practice, later) = start(settings(&folder)).await;
    assert_ne!(later.base_url, address);
    assert_eq!(later.key, api.key);
    assert_eq!(later.clip(&done).await, clip);
    assert_eq!(
        later.clip(&waiting).await,
        clip,
        "the picture's URL has the old port"
    );
    assert_eq!(later.poll(&cancelled).await["status"], "cancelled");
    let again = later.submit(&body, Some("key")).await;
    assert_eq!((again.status, id(&again)), (StatusCode::OK, waiting));
}

#[tokio::test]
async fn jobs_survive_a_kill() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(idle(&folder)).await;
    let picture = api.picture(&png()).await;
    let job = api.job(&quick(&picture)).await;

    // A copy of the directory at this moment is the state after a kill.
    let copy = tempdir().expect("a folder");
    copy_folder(
        &folder.path().join("practice"),
        &copy.path().join("practice"),
    );
    let journal = copy.path().join("practice/journal.jsonl");
    let torn = std::fs::read_to_string(&journal).expect("a journal") + "{\"at\":\"20";
    std::fs::write(&journal, torn).expect("a journal");
    std::fs::write(copy.path().join("practice/clips/x.mp4.part"), "half").expect("a file");
    let (_practice, api) = start(settings(&copy)).await;
    api.until(&job, "succeeded").await;
    assert!(!copy.path().join("practice/clips/x.mp4.part").exists());
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

#[tokio::test]
async fn second_process_joins_and_takes_over() {
    let folder = tempdir().expect("a folder");
    let first = Practice::start_or_join(idle(&folder))
        .await
        .expect("a practice provider");
    let second = Practice::start_or_join(settings(&folder))
        .await
        .expect("a practice provider");
    assert!(first.is_own().await && !second.is_own().await);
    assert_eq!(second.base_url(), first.base_url());
    assert_eq!(second.api_key(), first.api_key());
    let in_use = Practice::start(settings(&folder))
        .await
        .expect_err("it is in use");
    assert!(matches!(in_use, PracticeError::InUse { base_url } if base_url == first.base_url()));

    let api = Api::new(second.ensure().await.expect("an owner"), &second.api_key());
    let picture = api.picture(&png()).await;
    let job = api.job(&quick(&picture)).await;
    first.shutdown().await;
    let api = Api::new(
        second.ensure().await.expect("a new owner"),
        &second.api_key(),
    );
    assert!(second.is_own().await);
    api.until(&job, "succeeded").await;
    second.shutdown().await;
}

#[tokio::test]
async fn dropped_provider_frees_its_directory() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(idle(&folder)).await;
    api.job(&quick("https://example.com/a.png")).await;
    drop(practice);
    restart(settings(&folder)).await;
}
