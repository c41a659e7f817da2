//! The samples of ShortAPI's page, in curl, JavaScript and Python, with host and picture on this
//! machine. They run against the practice provider, and the component sends the same requests.
//! `data/shortapi-page/` has them, rewritten, with the page's requests.

use std::process::Command;
#[cfg(unix)]
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

#[cfg(unix)]
use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::provider::{Arrived, Reply, Script, Server};
use crate::support::root;
use crate::support::sandbox::{CANARY_KEY, CANARY_PROMPT, KEY_VARIABLE, Sandbox};
#[cfg(unix)]
use crate::support::{mp4::Clip, pictures::picture};

const NODE: &str = "shortapi/poppy-v1.0/image-to-video";

/// Each sample: its file, the program that runs it, and a command that probes the program.
const SAMPLES: [(&str, &str, &[&str]); 3] = [
    ("sample.sh", "bash", &["-c", "command -v curl"]),
    ("sample.mjs", "node", &["--eval", "fetch.name"]),
    ("sample.py", "python3", &["-c", "import requests"]),
];

/// The output of each sample that can be run here, for this provider and body.
fn printed(base_url: &str, key: &str, body: &Value) -> Vec<(&'static str, Value)> {
    let runs = |program: &str, probe: &[&str]| {
        let probed = Command::new(program).args(probe).output();
        probed.is_ok_and(|output| output.status.success())
    };
    let mut printed = Vec::new();
    for (file, program, probe) in SAMPLES {
        if !runs(program, probe) {
            eprintln!("skipped: {file} cannot be run here");
            continue;
        }
        let output = Command::new(program)
            .arg(root().join("tests/data/shortapi-page").join(file))
            .env("BASE_URL", base_url)
            .env("SHORTAPI_KEY", key)
            .env("BODY", body.to_string())
            .env("NO_PROXY", "127.0.0.1")
            .output()
            .expect("the sample runs");
        assert!(output.status.success(), "{file}: {output:?}");
        let reply = serde_json::from_slice(&output.stdout);
        printed.push((file, reply.unwrap_or_else(|_| panic!("{file}: {output:?}"))));
    }
    printed
}

/// The page's body, for this picture.
fn body(image: &str) -> Value {
    json!({
        "model": NODE,
        "args": { "prompt": CANARY_PROMPT, "image": image },
        "callback_url": "https://me.example/hook",
    })
}

/// The parts of a request that a provider acts on.
fn essence(request: &Arrived) -> Value {
    json!({
        "method": request.method,
        "target": request.path,
        "authorization": request.header("authorization"),
        "content_type": request.header("content-type"),
        "body": serde_json::from_slice::<Value>(&request.body).ok(),
    })
}

#[test]
fn component_sends_the_same_requests_as_the_samples() {
    let image = "https://pictures.example/koala.webp";
    let created = json!({"code": 0, "job_id": "j-1", "data": {"amount": "0.02", "job_id": "j-1"}});
    let done =
        json!({"code": 0, "data": {"status": 2, "result": {"images": [{"url": "{cdn}/1.mp4"}]}}});
    let provider = || {
        Server::start(Script::from([
            (
                "POST /api/v1/job/create".into(),
                vec![Reply::json(200, created.clone())],
            ),
            (
                "GET /api/v1/job/query".into(),
                vec![Reply::json(200, done.clone())],
            ),
        ]))
    };
    let cdn = Server::start(Script::from([("GET /1.mp4".into(), vec![Reply::clip()])]));
    let ours = provider();
    ours.name("cdn", cdn.url());
    let sandbox = Sandbox::new();
    sandbox.configure(&format!(
        "[connections.short]\ncategory = \"shortapi\"\nbase_url = \"{}\"\n\
         credential = {{ env = \"{KEY_VARIABLE}\" }}\n\
         options = {{ callback_url = \"https://me.example/hook\" }}\n",
        ours.url()
    ));
    let prompt = format!("prompt={CANARY_PROMPT}");
    let image_setting = format!("image={image}");
    let answer = sandbox
        .run([
            "--json",
            "run",
            NODE,
            "--set",
            &prompt,
            "--set",
            &image_setting,
        ])
        .answer();
    assert_eq!(answer["cost"], json!({"amount": "0.02", "unit": "USD"}));
    let mut ours: Vec<_> = ours.arrived().iter().map(essence).collect();

    // The only difference: the component fills in a default of the page's schema.
    let args = ours[0]["body"]["args"].as_object_mut().expect("args");
    assert_eq!(args.remove("aspect_ratio"), Some("16:9".into()));
    assert_eq!(ours.len(), 2);

    let theirs = provider();
    for (index, (file, _)) in printed(&theirs.url(), CANARY_KEY, &body(image))
        .into_iter()
        .enumerate()
    {
        let arrived = theirs.arrived();
        let asked: Vec<_> = arrived[index * 2..][..2].iter().map(essence).collect();
        assert_eq!(asked.len(), 2, "{file}");
        for (ours, theirs) in ours.iter().zip(asked) {
            let mut theirs = theirs;
            // A GET has no body; only some of the samples send a content type for it.
            if theirs["method"] == "GET" {
                theirs["content_type"] = Value::Null;
            }
            assert_eq!(*ours, theirs, "{file}");
        }
    }
}

#[cfg(unix)]
#[test]
fn samples_of_the_page_run_against_the_practice_provider() {
    let sandbox = Sandbox::new();
    let mut practice = sandbox.start(sandbox.command(["practice", "--json"]));
    let said: Value = serde_json::from_str(&practice.line()).expect("JSON");
    let base_url = said["base_url"].as_str().expect("a URL");
    let key_file = said["credential_file"].as_str().expect("a path");
    let key = fs::read_to_string(key_file).expect("the key");
    let key = key.trim();

    let image = uploaded(base_url, key, &picture(ImageFormat::Png));
    for (file, reply) in printed(base_url, key, &body(&image)) {
        assert_eq!(reply["code"], 0, "{file}");
        let job = reply["data"]["job_id"].as_str().expect("the job asked for");
        // The samples poll once, so the test polls until the job ends.
        let clip = loop {
            let job = get(base_url, &format!("/api/v1/job/query?id={job}"), key);
            let job: Value = serde_json::from_slice(&job).expect("JSON");
            let data = &job["data"];
            match data["status"].as_u64() {
                Some(0 | 1) => std::thread::yield_now(),
                Some(2) => break data["result"]["videos"][0]["url"].clone(),
                _ => panic!("{file}: {job}"),
            }
        };
        let clip = clip.as_str().and_then(|url| url.strip_prefix(base_url));
        let path = sandbox.write("clip.mp4", get(base_url, clip.expect("its own URL"), key));
        assert_eq!(Clip::open(&path).milliseconds, 4000, "{file}");
    }
    practice.interrupt();
    practice.end();
}

/// Uploads a picture to the practice provider. Returns its URL.
#[cfg(unix)]
fn uploaded(base_url: &str, key: &str, picture: &[u8]) -> String {
    let mut form =
        b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n"
            .to_vec();
    form.extend_from_slice(picture);
    form.extend_from_slice(b"\r\n--b--\r\n");
    let head = format!(
        "POST /v1/files HTTP/1.0\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: {}\r\n",
        form.len()
    );
    let reply = answer(base_url, key, &head, &form);
    let reply: Value = serde_json::from_slice(&reply).expect("JSON");
    reply["url"].as_str().expect("a URL").to_owned()
}

/// Fetches a path of the practice provider.
#[cfg(unix)]
fn get(base_url: &str, target: &str, key: &str) -> Vec<u8> {
    answer(base_url, key, &format!("GET {target} HTTP/1.0\r\n"), b"")
}

/// Sends a request. Returns the body of the reply.
#[cfg(unix)]
#[track_caller]
fn answer(base_url: &str, key: &str, head: &str, body: &[u8]) -> Vec<u8> {
    let address = base_url.strip_prefix("http://").expect("an HTTP URL");
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!("{head}host: {address}\r\nauthorization: Bearer {key}\r\n\r\n");
    let sent = stream.write_all(head.as_bytes());
    sent.and_then(|()| stream.write_all(body))
        .expect("the request");
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).expect("the reply");
    let end = reply.windows(4).position(|part| part == b"\r\n\r\n");
    reply.split_off(end.expect("a head") + 4)
}
