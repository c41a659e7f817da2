//! Clips inside of large replies: up to the limit on a decoded reply they are written to their file,
//! above it they are a named error.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::mp4;
use crate::support::provider::{Reply, Script};
use crate::support::slow_server::{
    POLL, RUN, SUBMIT, end_the_job, run_next_command, slow_provider,
};

/// A job that has succeeded with a clip of about this many bytes in a `data:` URL.
fn job_with_a_clip_of(bytes: usize) -> (Vec<u8>, Value) {
    let clip = mp4::marked_clip(&"x".repeat(bytes));
    let url = format!("data:video/mp4;base64,{}", STANDARD.encode(&clip));
    let job =
        json!({"id": "j-1", "status": "succeeded", "output": {"video": url}, "charged": true});
    (clip, job)
}

#[test]
fn clip_of_20_mib_in_a_reply_is_written_to_its_file() {
    let (provider, sandbox) = slow_provider();
    let (clip, job) = job_with_a_clip_of(20 << 20);
    provider.script(Script::from([(POLL.into(), vec![Reply::json(200, job)])]));
    let answer = sandbox.run(RUN).answer();
    let written = std::fs::read(sandbox.path("clip.mp4")).expect("the clip");
    assert!(written == clip, "{} bytes", written.len());
    let video = answer["output"]["video"].as_str().expect("a URL");
    assert!(video.starts_with("file:"), "{video}");
    let ledger = ["ledger.sqlite3", "ledger.sqlite3-wal"].map(|name| {
        let file = std::fs::metadata(sandbox.data_dir().join(name));
        file.map_or(0, |file| file.len())
    });
    assert!(ledger.iter().sum::<u64>() < 4 << 20, "{ledger:?}");
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn clip_above_the_limit_of_a_reply_is_a_named_error_and_stays_collectable() {
    let (provider, sandbox) = slow_provider();
    let (_, job) = job_with_a_clip_of(33 << 20);
    provider.script(Script::from([(POLL.into(), vec![Reply::json(200, job)])]));
    let outcome = sandbox.run(RUN.into_iter().chain(["--deadline", "5s"]));
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let error = outcome.json()["error"].take();
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.contains("32 MiB") || message.contains("33554432"),
        "{error}"
    );
    assert!(!sandbox.path("clip.mp4").exists());
    end_the_job(&provider);
    run_next_command(&sandbox, &error).answer();
    assert!(sandbox.path("clip.mp4").is_file());
    assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
}
