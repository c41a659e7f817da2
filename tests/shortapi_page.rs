//! The samples of ShortAPI's page, in curl, JavaScript and Python, as the page has them: only its line
//! breaks are restored, and host, key, picture and callback replaced. They run against the practice
//! provider, and the component sends the same requests.

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

use crate::published_documents::SHORTAPI;
use crate::support::document::Document;
use crate::support::provider::{Arrived, Reply, Script, Server};
use crate::support::samples::{Language, with_line_breaks};
use crate::support::sandbox::{CANARY_KEY, KEY_VARIABLE, Sandbox};
#[cfg(unix)]
use crate::support::{mp4::Clip, pictures::picture};

/// What is replaced in the samples.
const HOST: &str = "https://api.shortapi.ai";
const PICTURE: &str =
    "https://file.shortapi.ai/assets/examples/shortapi/poppy-v1.0/image-to-video-image.webp";
const CALLBACK: &str = "CALLBACK_URL";

/// The replacement of [`CALLBACK`].
const CALLBACK_URL: &str = "https://me.example/hook";

/// How a sample is run.
struct Sample {
    language: Language,
    /// The name of its file.
    file: &'static str,
    program: &'static str,
    /// The arguments of the program that tell whether the sample can be run.
    probe: [&'static str; 2],
    /// How the sample writes the key; in a shell it is a variable.
    key: Option<&'static str>,
}

const SAMPLES: [Sample; 3] = [
    Sample {
        language: Language::Bash,
        file: "sample.sh",
        program: "bash",
        probe: ["-c", "command -v curl"],
        key: None,
    },
    Sample {
        language: Language::JavaScript,
        file: "sample.mjs",
        program: "node",
        probe: ["--eval", "fetch.name"],
        key: Some("${SHORTAPI_KEY}"),
    },
    Sample {
        language: Language::Python,
        file: "sample.py",
        program: "python3",
        probe: ["-c", "import requests"],
        key: Some("{SHORTAPI_KEY}"),
    },
];

/// Where a sample runs.
struct Place<'a> {
    sandbox: &'a Sandbox,
    base_url: &'a str,
    key: &'a str,
    picture: &'a str,
}

impl<'a> Place<'a> {
    fn scripted(sandbox: &'a Sandbox, base_url: &'a str) -> Self {
        Self {
            sandbox,
            base_url,
            key: CANARY_KEY,
            picture: "https://pictures.example/koala.webp",
        }
    }
}

impl Sample {
    /// The sample's code, for this place.
    fn code(&self, place: &Place) -> String {
        let page = Document::open(SHORTAPI.0);
        let code = &page.code(self.language.name()).text;
        let lines = with_line_breaks(self.language, code);
        // Line breaks alone were changed.
        assert!(lines.split_whitespace().eq(code.split_whitespace()));
        let replacements = [
            (HOST, place.base_url),
            (PICTURE, place.picture),
            (CALLBACK, CALLBACK_URL),
        ];
        let key = self.key.map(|written| (written, place.key));
        let mut code = lines;
        for (written, replacement) in replacements.into_iter().chain(key) {
            assert!(code.contains(written), "{}: no {written}", self.file);
            code = code.replace(written, replacement);
        }
        code
    }

    /// The output of the sample; `None` if it cannot be run on this machine.
    fn run(&self, place: &Place) -> Option<String> {
        let probed = Command::new(self.program).args(self.probe).output();
        if !probed.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: {} cannot be run here", self.file);
            return None;
        }
        let file = place.sandbox.write(self.file, self.code(place));
        let output = Command::new(self.program)
            .arg(file)
            .env("SHORTAPI_KEY", place.key)
            .env("NO_PROXY", "127.0.0.1")
            .output()
            .expect("the sample runs");
        assert!(output.status.success(), "{}: {output:?}", self.file);
        Some(String::from_utf8(output.stdout).expect("text"))
    }
}

/// The body of the create request, from the sample in curl.
fn page_body(place: &Place) -> Value {
    let code = SAMPLES[0].code(place);
    let (_, body) = code.split_once("--data '").expect("the body");
    let (body, _) = body.split_once('\'').expect("its end");
    serde_json::from_str(body).expect("JSON")
}

/// A server with the replies that the page shows, with the ids and URLs that it leaves out.
/// Two samples read the job's id at the top of the reply, where the page's reply does not have it.
fn server(is_id_at_the_top: bool) -> Server {
    let page = Document::open(SHORTAPI.0);
    let replies = page.code_blocks("json");
    let replies: Vec<Value> = replies
        .iter()
        .map(|block| serde_json::from_str(&block.text).expect("JSON"))
        .collect();
    let [mut created, mut done] = <[Value; 2]>::try_from(replies).expect("two replies");
    assert_eq!(created["data"]["job_id"], "");
    created["data"]["job_id"] = "j-1".into();
    if is_id_at_the_top {
        created["job_id"] = "j-1".into();
    }
    let url = &mut done["data"]["result"]["images"][0]["url"];
    assert_eq!(*url, "https://...");
    *url = "{cdn}/1.mp4".into();
    let replies = [
        ("POST /api/v1/job/create", created),
        ("GET /api/v1/job/query", done),
    ];
    let script = replies.map(|(line, json)| (line.to_owned(), vec![Reply::json(200, json)]));
    Server::start(Script::from(script))
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

/// The requests of a run of the component with the page's input.
fn requests_of_the_component(body: &Value) -> Vec<Value> {
    let cdn = Server::start(Script::from([("GET /1.mp4".into(), vec![Reply::clip()])]));
    let provider = server(false);
    provider.name("cdn", cdn.url());
    let sandbox = Sandbox::new();
    sandbox.configure(&format!(
        "[connections.short]\ncategory = \"shortapi\"\nbase_url = \"{}\"\n\
         credential = {{ env = \"{KEY_VARIABLE}\" }}\n\
         options = {{ callback_url = \"{CALLBACK_URL}\" }}\n{}\n",
        provider.url(),
        cdn.as_result_origin()
    ));
    sandbox.write("input.json", body["args"].to_string());
    let command = ["--json", "run", SHORTAPI.1, "--input", "input.json"];
    let answer = sandbox.run(command).answer();
    assert_eq!(answer["cost"], json!({"amount": "0.02", "unit": "USD"}));
    provider.arrived().iter().map(essence).collect()
}

#[test]
fn component_sends_the_same_requests_as_the_samples() {
    let sandbox = Sandbox::new();
    let body = page_body(&Place::scripted(&sandbox, HOST));
    let mut ours = requests_of_the_component(&body);
    assert_eq!(ours.len(), 2);
    // The only difference: the component fills in a default of the page's schema.
    let args = ours[0]["body"]["args"].as_object_mut().expect("args");
    assert_eq!(args.remove("aspect_ratio"), Some("16:9".into()));
    assert_eq!(ours[0]["body"], body);

    for sample in SAMPLES {
        let provider = server(sample.language != Language::Bash);
        if sample
            .run(&Place::scripted(&sandbox, &provider.url()))
            .is_none()
        {
            continue;
        }
        let mut theirs: Vec<_> = provider.arrived().iter().map(essence).collect();
        // A GET has no body; only some of the samples send a content type for it.
        theirs[1]["content_type"] = Value::Null;
        assert_eq!(theirs, ours, "{}", sample.file);
    }
}

/// A member of an object in JSON, in JavaScript's notation or in Python's.
#[cfg(unix)]
#[track_caller]
fn member<'a>(printed: &'a str, name: &str) -> &'a str {
    let found = printed.split_once(name);
    let (_, value) = found.unwrap_or_else(|| panic!("no {name}: {printed}"));
    let value = value.trim_start_matches(['"', '\'', ':', ' ']);
    let ends = |letter: char| letter.is_whitespace() || "\"',}".contains(letter);
    value.split(ends).next().unwrap_or_default()
}

#[cfg(unix)]
#[test]
fn samples_run_verbatim() {
    let sandbox = Sandbox::new();
    let mut practice = sandbox.start(sandbox.command(["practice", "--json"]));
    let said: Value = serde_json::from_str(&practice.line()).expect("JSON");
    let base_url = said["base_url"].as_str().expect("a URL");
    let key_file = said["credential_file"].as_str().expect("a path");
    let key = fs::read_to_string(key_file).expect("the key");
    let key = key.trim();
    let place = Place {
        sandbox: &sandbox,
        base_url,
        key,
        picture: &uploaded(base_url, key, &picture(ImageFormat::Png)),
    };
    for sample in SAMPLES {
        let file = sample.file;
        let Some(printed) = sample.run(&place) else {
            continue;
        };
        assert_eq!(member(&printed, "code"), "0", "{file}: {printed}");
        let job = member(&printed, "job_id");
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
