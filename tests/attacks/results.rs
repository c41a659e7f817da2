//! Providers whose results and ids lead elsewhere, or are too large: relative URLs to forbidden
//! addresses, ids in headers that climb, clips inside of endless replies, and downloads that decode to
//! far more than was sent. The job stays collectable, and nothing is submitted again.

use std::fs;

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use zoetrope_host::download::{self, DownloadError};
use zoetrope_host::egress::HttpLimits;

use super::Family;
use super::fixture::{clip, connection};
use super::replies::BUFFERED;
use crate::support::encoding::{Coding, bomb};
use crate::support::mp4;
use crate::support::network::{Network, wait_for};
use crate::support::outcome::Outcome;
use crate::support::provider::{self, Reply, Script, Server};
use crate::support::raw_http::{Answer, Raw};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{
    POLL, RUN, SUBMIT, end_the_job, run_next_command, slow_provider,
};

/// The limit on a reply that may hold a clip: 32 MiB in base64, and 8 MiB of text.
const REPLY: u64 = 52 << 20;

/// Relative URLs whose authority is forbidden, by RFC 3986.
const FORBIDDEN: [&str; 6] = [
    "//169.254.169.254/",
    "//169.254.169.254/latest/meta-data/",
    "//169.254.169.254:80/clip.mp4?a=b",
    "//metadata.google.internal/clip.mp4",
    "//[fd00:ec2::254]/clip.mp4",
    "//10.0.0.1/clip.mp4",
];

/// Relative URLs that lenient readers resolve to a forbidden authority, or whose authority has
/// another notation.
const LENIENT: [&str; 10] = [
    "///169.254.169.254/clip.mp4",
    "/\\169.254.169.254/clip.mp4",
    "\\\\169.254.169.254\\clip.mp4",
    "http:169.254.169.254/clip.mp4",
    "http:\\\\169.254.169.254/clip.mp4",
    "/\t/169.254.169.254/clip.mp4",
    "//2852039166/clip.mp4",
    "//0xa9.0xfe.0xa9.0xfe/clip.mp4",
    "//169.254.169.254%2f@127.0.0.1/clip.mp4",
    "//user@169.254.169.254/clip.mp4",
];

/// Values of `Location` whose last segment is no id, or whose path climbs.
const CLIMBING: [&str; 14] = [
    "/v1/jobs/../../admin",
    "/v1/jobs/..",
    "/v1/jobs/../",
    "/v1/jobs/.",
    "/v1/jobs/%2e%2e",
    "/v1/jobs/..%2f..%2fadmin",
    "/v1/jobs/%2e%2e%2f%2e%2e%2fadmin",
    "/v1/jobs/%252e%252e%252fadmin",
    "/v1/jobs/..\\..\\admin",
    "/v1/jobs/..;/admin",
    "https://elsewhere.example/v1/jobs/..%2fadmin?id=../admin#../admin",
    "../../admin",
    "..",
    "/",
];

pub(super) fn family() -> Family {
    let mut family = Family::new("results");
    for url in FORBIDDEN {
        family.attack(format!("a relative URL to {url}"), move || {
            let kind = ended_and_was_collected(url);
            assert_eq!(kind, "download_failed");
        });
    }
    for url in LENIENT {
        family.attack(
            format!("a relative URL that may lead to {url}"),
            move || {
                ended_and_was_collected(url);
            },
        );
    }
    for location in CLIMBING {
        family.attack(format!("a `Location` of {location}"), move || {
            stays_below_the_jobs("Location", location);
            stays_below_the_jobs("X-Job-Id", location);
        });
    }
    endless_replies(&mut family);
    for coding in [Coding::Gzip, Coding::Deflate, Coding::Zstd] {
        let name = coding.name();
        family.attack(format!("a download that is a bomb of {name}"), move || {
            is_cut_at_the_limit(coding);
        });
    }
    family
}

/// Replies that hold a clip of 1 GB or more.
fn endless_replies(family: &mut Family) {
    let open = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let announced = format!("{open}content-length: 1073741824\r\n");
    for (name, head) in [("without a length", open), ("of 1 GB", announced.as_str())] {
        for (clip, begins) in [
            ("a `data:` URL", "data:video/mp4;base64,AAAAGGZ0eXBpc29t"),
            ("base64", "AAAAGGZ0eXBpc29t"),
        ] {
            let document = format!(
                "{{\"id\":\"j-1\",\"status\":\"succeeded\",\"output\":{{\"video\":\"{begins}"
            );
            let first = format!("{head}\r\n{document}").into_bytes();
            let answer = Answer::Forever(first, vec![b'A'; 64 << 10]);
            let polled = answer.clone();
            family.attack(format!("{clip} {name} in a poll"), move || {
                is_not_read_whole(polled);
            });
            family.attack(format!("{clip} {name} in a submit"), move || {
                leaves_the_outcome_unknown(answer);
            });
        }
    }
    for coding in [Coding::Gzip, Coding::Deflate, Coding::Zstd] {
        let document =
            br#"{"id":"j-1","status":"succeeded","output":{"video":"data:video/mp4;base64,"#;
        let (first, again) = bomb(coding, document).expect("a bomb");
        let name = coding.name();
        let head = format!("{open}content-encoding: {name}\r\n\r\n");
        let first = [head.as_bytes(), &first].concat();
        let answer = Answer::Forever(first, again.repeat(256));
        family.attack(format!("a poll that is a bomb of {name}"), move || {
            is_not_read_whole(answer);
        });
    }
}

/// Runs a job whose result is at this URL. The run must fail, send no other request than its submit
/// and its polls, and be collectable at a good URL. Returns the kind of the error.
#[track_caller]
fn ended_and_was_collected(url: &str) -> String {
    let (provider, sandbox) = slow_provider();
    let job =
        json!({"id": "j-1", "status": "succeeded", "output": {"video": url}, "charged": true});
    provider.script(Script::from([(POLL.into(), vec![Reply::json(200, job)])]));
    let outcome = sandbox.run(RUN.into_iter().chain(["--deadline", "3s"]));
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let error = outcome.json()["error"].take();
    assert!(!sandbox.path("clip.mp4").exists());
    let is_read = |line: &String| line.starts_with("GET ") && !line.contains("..");
    let mut others = provider.counts().into_keys();
    assert!(others.all(|line| line == SUBMIT || is_read(&line)));
    is_collected(&provider, &sandbox, &error);
    error["kind"].as_str().expect("a kind").to_owned()
}

/// Asserts that the next command downloads the clip once the provider names a good URL.
#[track_caller]
fn is_collected(provider: &Server, sandbox: &Sandbox, error: &Value) {
    end_the_job(provider);
    run_next_command(sandbox, error).answer();
    assert!(sandbox.path("clip.mp4").is_file());
    assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
}

/// Runs a job whose acceptance has no body, and this value in a header that has its id.
#[track_caller]
fn stays_below_the_jobs(header: &str, value: &str) {
    let (provider, sandbox) = slow_provider();
    let mut accepted = Reply::text(202, "");
    accepted.header(header, value);
    provider.script(Script::from([(SUBMIT.into(), vec![accepted])]));
    sandbox.configure(&provider.connection(&format!("options = {{ id_header = \"{header}\" }}")));
    let outcome = sandbox.run(RUN.into_iter().chain(["--deadline", "2s"]));
    assert_ne!(outcome.code, 0, "{outcome:?}");
    // The option is known, and the job was submitted.
    assert_eq!(provider.counts()[SUBMIT], 1, "{outcome:?}");
    for request in provider.arrived().into_iter().skip(1) {
        let path = decoded(&decoded(request.path.split('?').next().unwrap_or_default()));
        assert!(path.starts_with("/v1/jobs/"), "{path}");
        let mut segments = path.split(['/', '\\', ';']);
        assert!(!segments.any(|segment| segment == ".."), "{path}");
    }
}

fn decoded(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// A sandbox whose connection is this server, and the outcome of a run in it.
fn run_over(server: &Raw) -> (Sandbox, Outcome) {
    let sandbox = Sandbox::new();
    sandbox.configure(&provider::connection(&server.url(""), ""));
    let input = json!({"prompt": "push in", "image": "https://p.example/a.png"});
    sandbox.write("input.json", input.to_string());
    let outcome = sandbox.run(RUN.into_iter().chain(["--deadline", "4s"]));
    (sandbox, outcome)
}

/// Asserts that an error says that a reply exceeds a limit.
#[track_caller]
fn names_the_limit(error: &Value) {
    let message = error["message"].as_str().expect("a message");
    let message = message.to_lowercase();
    let is_named = ["mib", "bytes", "larger", "longer", "too long", "too large"];
    assert!(
        is_named.iter().any(|words| message.contains(words)),
        "{error}"
    );
}

/// Runs a job whose polls have this answer. The job must stay collectable, and only a bounded part of
/// the answers may be read.
#[track_caller]
fn is_not_read_whole(answer: Answer) {
    // More than fit into the deadline.
    const POLLS: usize = 8;
    let accepted = json!({"id": "j-1", "status": "queued", "poll_after_ms": 100}).to_string();
    let server = Raw::start([Answer::reply("201 Created", "", &accepted)]);
    server.then(vec![answer; POLLS]);
    let (sandbox, outcome) = run_over(&server);
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let error = outcome.json()["error"].take();
    names_the_limit(&error);
    let next = error["next"].as_str().expect("the next command");
    assert!(next.contains("zoetrope jobs resume"), "{error}");
    assert_eq!(sandbox.jobs()[0]["state"], "started");
    assert!(!sandbox.path("clip.mp4").exists());
    let polls = server.heard().len() as u64 - 1;
    let bounded = polls * (REPLY + BUFFERED);
    assert!(server.bytes_taken() < bounded, "reading stopped");
}

/// Runs a job whose submit has this answer: the provider may have accepted it.
#[track_caller]
fn leaves_the_outcome_unknown(answer: Answer) {
    let server = Raw::start([answer]);
    let (sandbox, outcome) = run_over(&server);
    assert_eq!(outcome.code, 8, "{outcome:?}");
    let error = outcome.error("outcome_unknown");
    assert_eq!(error["charged"], "unknown", "{error}");
    names_the_limit(&error);
    assert_eq!(sandbox.jobs()[0]["state"], "outcome_unknown");
    assert_eq!(server.heard().len(), 1, "submitted once");
    assert!(server.bytes_taken() < REPLY + BUFFERED, "reading stopped");
}

/// Downloads a clip that decodes without end, with a limit of 1 MiB. The limit of a run is 2 GiB, so
/// the host's function is tried instead.
#[track_caller]
fn is_cut_at_the_limit(coding: Coding) {
    let (first, again) = bomb(coding, &mp4::short_clip()).expect("a bomb");
    let name = coding.name();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-encoding: {name}\r\n\r\n");
    let first = [head.as_bytes(), &first].concat();
    let server = Raw::start([Answer::Forever(first, again.repeat(256))]);
    let base = connection(&server.url(""));
    let folder = tempfile::tempdir().expect("a folder");
    let part = folder.path().join("part");
    let egress = Network::default().egress(HttpLimits::default());
    let url = server.url("/clip.mp4");
    let wanted = clip(&url, &base, &part);
    let outcome = wait_for(download::fetch(&egress, &wanted, |_| {}));
    let error = outcome.expect_err("a bomb");
    assert!(matches!(error, DownloadError::TooLong { .. }), "{error:?}");
    let kept = fs::metadata(&part).map_or(0, |part| part.len());
    assert!(kept <= wanted.limit, "{kept} bytes on disk");
    assert!(server.bytes_taken() < BUFFERED, "reading stopped");
}

#[test]
fn relative_url_to_a_metadata_address_is_refused_and_the_job_is_collected() {
    for url in ["//169.254.169.254/", "//metadata.google.internal/clip.mp4"] {
        assert_eq!(ended_and_was_collected(url), "download_failed", "{url}");
    }
}

#[test]
fn location_that_climbs_is_not_requested() {
    for value in [
        "/v1/jobs/../../admin",
        "../../admin",
        "/v1/jobs/%2e%2e%2fadmin",
    ] {
        stays_below_the_jobs("Location", value);
    }
}
