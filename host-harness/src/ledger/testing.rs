//! A job, and stages of every state.

use std::num::NonZeroU32;

use super::local_pictures::{LocalPicture, LocalPictures};
use super::row::{Job, JobSpec, Target};
use super::stage::{
    Attempts, ClipFile, Millis, PastSubmits, ProviderJob, ResultFile, Stage, Submit,
};
use super::state::State;

/// A queued job, made at 1,000 ms with the deadline at 1,800,000 ms, over a connection that honours
/// keys for this time.
pub(crate) fn queued(idempotency_ms: Millis) -> Job {
    let spec = JobSpec {
        id: "j".into(),
        node: "image_to_video".into(),
        raw_input: "{}".into(),
        raw_input_sha256: String::new(),
        input: "{}".into(),
        component: "c".into(),
        connection: "pixelml".into(),
        provider_origin: "https://p.example".into(),
        key: "k".into(),
        idempotency_ms,
        created_at: 1_000,
    };
    let target = Target::File("/clips/j.mp4".into());
    Job::new(spec, target, "requester".into(), 1_800_000)
}

/// One picture that is not handed over.
pub(crate) fn local_pictures() -> LocalPictures {
    LocalPictures::new(vec![LocalPicture {
        field: "/image".into(),
        sha256: "a".repeat(64),
        name: "a.png".into(),
        value: None,
    }])
}

/// A stage of this state; if succeeded, with a file that has its final name or without one.
pub(crate) fn stage(state: State, is_finalized: bool) -> Stage {
    let attempts = Attempts {
        count: NonZeroU32::MIN,
        sha256: "s".into(),
        keyed: true,
        account: None,
    };
    let submit = Submit {
        attempts,
        first_at: 150,
    };
    let job = ProviderJob {
        ticket: "{}".into(),
        id: Some("p".into()),
        is_unconfirmed: false,
    };
    let submits = PastSubmits::Sent(submit.clone());
    match state {
        State::Queued => Stage::default(),
        State::Submitting => Stage::Submitting {
            submit,
            uncertain: false,
        },
        State::OutcomeUnknown => Stage::OutcomeUnknown { submit },
        State::Started => Stage::Started { job, submits },
        State::Succeeded => Stage::Succeeded {
            job,
            submits,
            output: "{}".into(),
            media: None,
            file: if is_finalized {
                ResultFile::Finalized(file())
            } else {
                ResultFile::Missing
            },
        },
        State::Failed => Stage::Failed {
            job: Some(job),
            submits,
        },
        State::Cancelled => Stage::Cancelled {
            job: Some(job),
            submits,
        },
    }
}

/// A file with its final name.
pub(crate) fn file() -> ClipFile {
    ClipFile {
        path: "/clips/b.mp4".into(),
        sha256: "f".into(),
        bytes: 12,
        media_type: "video/mp4".into(),
        others: Vec::new(),
        left_out: Vec::new(),
    }
}
