//! What does not stop other jobs: a component's lie, a slow provider or download server, and another
//! process that writes to the ledger.

use serde_json::json;

use crate::support::cases::accepted;
use crate::support::hostile::{hostile, sandbox_with};
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::{KEY_VARIABLE, Running, Sandbox};
use crate::support::slow_server::{POLL, RUN, SUBMIT, end_the_job, slow_provider};

const CLIP: &str = "GET /clips/1.mp4";

fn provider() -> Server {
    let provider = Server::start(Script::from([
        (SUBMIT.into(), vec![accepted()]),
        (CLIP.into(), vec![Reply::clip()]),
        ("GET /told".into(), vec![Reply::json(200, json!({}))]),
    ]));
    end_the_job(&provider);
    provider
}

/// A run of the embedded component, which is to succeed beside others.
#[track_caller]
fn succeeds(sandbox: &Sandbox, more: &[&str]) {
    let input = [
        "--set",
        "prompt=waves",
        "--set",
        "image=https://p.example/a.png",
    ];
    let run = ["--json", "run", "image_to_video_v3", "--out", "good.mp4"];
    sandbox.run(run.iter().chain(&input).chain(more)).answer();
    assert!(sandbox.path("good.mp4").is_file());
}

/// Two connections, `slow` and `fast`.
fn two_connections(slow: &Server, fast: &Server) -> Sandbox {
    let sandbox = Sandbox::new();
    let table = |name: &str, server: &Server| {
        format!(
            "[connections.{name}]\ncategory = \"pixelml\"\nbase_url = \"{}\"\n\
             credential = {{ env = \"{KEY_VARIABLE}\" }}\nrequests_per_second = 10000\n",
            server.url()
        )
    };
    sandbox.configure(&format!("{}{}", table("slow", slow), table("fast", fast)));
    sandbox
}

/// A batch over the connection `slow`.
fn slow_batch(sandbox: &Sandbox, lines: usize) -> Running<'_> {
    let line = json!({"prompt": "dunes", "image": "https://p.example/a.png"});
    sandbox.write("lines.jsonl", format!("{line}\n").repeat(lines));
    let batch = ["run", "image_to_video_v3", "--batch", "lines.jsonl"];
    let rest = [
        "--out-dir",
        "clips",
        "--connection",
        "slow",
        "--key",
        "slow",
    ];
    sandbox.start(sandbox.command(batch.iter().chain(&rest)))
}

#[test]
fn delay_that_an_unbundled_component_tells_does_not_hold_its_neighbours() {
    let provider = provider();
    let sandbox = sandbox_with(hostile(), &provider);
    let told = json!([{"request": {"method": "GET", "url": "{base}/told"}}]);
    let lie = json!({"error": {
        "cause": "unavailable", "message": "later", "retry_after_ms": u64::MAX,
    }});
    let submit = json!([{"request": {"body": {"text": "{}"}}}]);
    let instructions = json!({
        "start": {"do": submit}, "poll": {"do": told, "then": lie},
    });
    sandbox.write("input.json", instructions.to_string());
    let run = [
        "run",
        "hostile",
        "--component",
        "hostile.wasm",
        "--input",
        "input.json",
    ];
    let liar = sandbox.start(sandbox.command(run.iter().chain(&["--out", "clip.mp4"])));
    provider.wait_for("GET /told", 1);
    // The driver has heard the lie once the row has it.
    let heard = || sandbox.jobs().iter().any(|job| !job["error"].is_null());
    assert!((0..200).any(|_| heard()), "{:?}", sandbox.jobs());
    succeeds(&sandbox, &["--deadline", "30s"]);
    liar.kill();
}

#[test]
fn slow_provider_does_not_hold_the_jobs_of_another() {
    let (slow, fast) = (provider(), provider());
    slow.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
    let sandbox = two_connections(&slow, &fast);
    let batch = slow_batch(&sandbox, 100);
    // The first call has not ended, and the others do not wait for it.
    slow.wait_for(SUBMIT, 56);
    succeeds(&sandbox, &["--connection", "fast", "--deadline", "30s"]);
    batch.kill();
}

#[test]
fn slow_download_server_does_not_hold_the_downloads_of_another() {
    let (slow, fast) = (provider(), provider());
    slow.script(Script::from([(CLIP.into(), vec![Reply::hang()])]));
    let sandbox = two_connections(&slow, &fast);
    let batch = slow_batch(&sandbox, 10);
    slow.wait_for(CLIP, 4);
    succeeds(&sandbox, &["--connection", "fast", "--deadline", "30s"]);
    batch.kill();
}

/// Half a minute, after which a write to the ledger fails.
#[test]
fn driver_waits_while_another_process_holds_the_write_lock() {
    let (provider, sandbox) = slow_provider();
    let mut running = sandbox.start(sandbox.command(RUN));
    provider.wait_for(POLL, 1);
    let path = sandbox.data_dir().join("ledger.sqlite3");
    let other = rusqlite::Connection::open(path).expect("the ledger");
    other
        .busy_timeout(std::time::Duration::from_secs(10))
        .expect("a setting");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    while !running.error_line().contains("waits for the ledger") {}
    end_the_job(&provider);
    other.execute_batch("COMMIT").expect("its end");
    let answer = running.end().answer();
    assert_eq!(answer["charged"], "yes");
    assert!(sandbox.path("clip.mp4").is_file());
    assert_eq!(provider.counts()[SUBMIT], 1);
}
