//! The peak memory of the program under the pack that makes the host hold as much as it can: 32
//! requests of 48 MiB in each call, and replies of nearly 8 MiB that it never reads.
//!
//! The limits are those of `docs/concepts/packs.md`, *Memory*, above what the same calls take without
//! any request: the program, its threads, and the instances of the component.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::guests::allowing;
use crate::support::hostile::hostile;
use crate::support::memory::peak_of;
use crate::support::provider::connection;
use crate::support::sandbox::Sandbox;

/// The share of a call.
const CALL: u64 = 64 << 20;

/// The share of a pack, and that of the one call that may exceed it.
const PACK: u64 = (256 + 64) << 20;

/// What buffers of sockets and the allocator take in addition.
const ALLOWANCE: u64 = 64 << 20;

/// A provider that reads request bodies without keeping them, and answers with nearly 8 MiB.
struct Sink {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Sink {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(AtomicUsize::new(0));
        let body = format!("\"{}\"", "x".repeat((8 << 20) - 1024));
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        let reply = Arc::new([head, body].concat());
        let count = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (reply, count) = (Arc::clone(&reply), Arc::clone(&count));
                std::thread::spawn(move || answer_all(&stream, reply.as_bytes(), &count));
            }
        });
        Self { address, requests }
    }
}

/// Answers the requests of a connection until it ends.
fn answer_all(mut stream: &TcpStream, reply: &[u8], count: &AtomicUsize) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(said) = line.strip_prefix("content-length:") {
                length = said.trim().parse().ok()?;
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
        count.fetch_add(1, Ordering::Relaxed);
        stream.write_all(reply).ok()?;
    }
}

/// How long the memory is measured once the polls are under way.
const MEASURED: Duration = Duration::from_secs(6);

/// The peak memory of a batch of this many jobs whose `poll` does this, until some time after `least`
/// requests were answered; and the requests that were. `None` where the system does not tell.
fn peak_of_batch(jobs: usize, actions: &Value, least: usize) -> Option<(u64, usize)> {
    let sink = Sink::start();
    let sandbox = Sandbox::new();
    let url = format!("http://{}", sink.address);
    sandbox.configure(&format!("{}{}", connection(&url, ""), allowing(hostile())));
    sandbox.write("hostile.wasm", hostile());
    // Compiles the component, so that a run does not.
    let listed = sandbox.run(["nodes", "--component", "hostile.wasm"]);
    assert_eq!(listed.code, 0, "{listed:?}");
    let submit = json!([{"request": {"body": {"text": "{}"}}}]);
    let line = json!({"start": {"do": submit}, "poll": {"do": actions, "then": {"wait": {"poll_after_ms": 60_000}}}});
    sandbox.write("lines.jsonl", format!("{line}\n").repeat(jobs));
    let mut running = sandbox.start(sandbox.command([
        "--json",
        "--component",
        "hostile.wasm",
        "run",
        "hostile",
        "--batch",
        "lines.jsonl",
        "--out-dir",
        "clips",
        "--deadline",
        "80s",
    ]));
    let mut peak = None;
    let mut polled: Option<Instant> = None;
    while !running.has_ended() {
        peak = peak_of(running.id()).max(peak);
        std::thread::sleep(Duration::from_millis(20));
        if polled.is_none() && sink.requests.load(Ordering::Relaxed) >= least {
            polled = Some(Instant::now());
        }
        if polled.is_some_and(|polled| polled.elapsed() > MEASURED) {
            running.interrupt();
            break;
        }
    }
    let outcome = running.end();
    assert_eq!(outcome.code, 9, "{outcome:?}");
    Some((peak?, sink.requests.load(Ordering::Relaxed)))
}

/// 32 requests of 48 MiB, all begun before the first reply is awaited, whose replies are not read.
fn worst() -> Value {
    json!([{"request": {"url": "{base}/v1/state", "times": 32, "body": {"bytes": 48 << 20}, "unread": true}}])
}

#[track_caller]
fn is_bounded(jobs: usize, most: u64) {
    let Some((idle, _)) = peak_of_batch(jobs, &json!([{"sleep_ms": 2_000}]), jobs) else {
        println!("skipped: this system does not tell the memory of a process");
        return;
    };
    let (peak, requests) = peak_of_batch(jobs, &worst(), jobs + 1).expect("the same system");
    println!(
        "{jobs} calls: {} MiB, {} MiB without requests; {requests} requests",
        peak >> 20,
        idle >> 20
    );
    assert!(requests > jobs, "the polls sent nothing");
    assert!(
        peak < idle + most,
        "{} MiB above {} MiB",
        (peak - idle) >> 20,
        idle >> 20
    );
}

#[test]
fn memory_of_one_call_with_32_requests_of_48_mib_is_bounded() {
    is_bounded(1, CALL + ALLOWANCE);
}

#[test]
fn memory_of_24_such_calls_is_bounded() {
    is_bounded(24, PACK + 2 * ALLOWANCE);
}
