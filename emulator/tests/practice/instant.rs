//! The instant mode.

use std::time::Duration;

use axum::http::StatusCode;
use futures::{StreamExt, stream};
use tempfile::tempdir;
use zoetrope_emulator::Settings;

use crate::support::frames::decode;
use crate::support::mp4::Clip;
use crate::support::{id, quick, settings, start};

/// More jobs than the default queue holds.
const MANY: usize = 2000;

pub(crate) fn instant(settings: Settings) -> Settings {
    Settings {
        instant: true,
        ..settings
    }
}

#[tokio::test]
async fn every_job_gets_the_same_real_clip_without_its_picture() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(instant(settings(&folder))).await;
    let one = api.job(&quick("https://example.com/a.png")).await;
    let other = api.job(&quick("https://example.com/b.png")).await;
    let clip = api.clip(&one).await;
    assert_eq!(api.clip(&other).await, clip);
    let read = Clip::read(&clip);
    assert_eq!(decode(&read, &clip).len(), 4);
    practice.shutdown().await;

    // A provider without instant mode serves these results too.
    let (practice, api) = start(settings(&folder)).await;
    assert_eq!(api.clip(&one).await, clip);
    assert_eq!(practice.billing().totals.charged, 2);
}

#[tokio::test]
async fn instant_mode_keeps_queue_time_and_queues_more_jobs() {
    let folder = tempdir().expect("a folder");
    let mut settings = instant(settings(&folder));
    settings.queue_time = Duration::from_hours(1);
    let (practice, api) = start(settings).await;
    let body = quick("https://example.com/a.png");
    let answers = stream::iter(0..MANY).map(|_| api.submit(&body, None));
    let answers: Vec<_> = answers.buffer_unordered(64).collect().await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == StatusCode::CREATED)
    );
    let billing = practice.billing();
    assert_eq!(billing.jobs.len(), MANY);
    assert!(billing.jobs.iter().all(|job| job.status == "queued"));
    let job = id(&answers[0]);
    assert_eq!(api.cancel(&job).await.json()["status"], "cancelled");
}
