//! Half a clip that a server sends without its length does not pass for the whole one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::support::cases::accepted;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{SUBMIT, run_next_command};

/// A server of one file. Until `is_whole`, it ignores ranges and closes the connection after half.
struct Files {
    url: String,
    is_whole: Arc<AtomicBool>,
}

impl Files {
    fn start(head: &'static str, file: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let is_whole = Arc::new(AtomicBool::new(false));
        let state = Arc::clone(&is_whole);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                drop(answer(&stream, head, &file, state.load(Ordering::SeqCst)));
            }
        });
        Self { url, is_whole }
    }
}

fn answer(mut stream: &TcpStream, head: &str, file: &[u8], is_whole: bool) -> std::io::Result<()> {
    let mut from = 0;
    for line in BufReader::new(stream).lines() {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().expect("a number");
        }
    }
    let (head, body) = match from {
        _ if !is_whole => (head.to_owned(), &file[..file.len() / 2]),
        from if from >= file.len() => (
            format!(
                "HTTP/1.1 416 No more\r\ncontent-range: bytes */{}",
                file.len()
            ),
            &[][..],
        ),
        from => {
            let last = file.len() - 1;
            let range = format!("content-range: bytes {from}-{last}/*");
            (format!("HTTP/1.1 206 Part\r\n{range}"), &file[from..])
        }
    };
    stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes())?;
    stream.write_all(body)
}

/// An MP4 of 400 KiB with all of its boxes.
fn movie() -> Vec<u8> {
    let boxed = |name: &[u8; 4], content: &[u8]| {
        let length = u32::try_from(content.len() + 8).expect("a short box");
        [&length.to_be_bytes()[..], name, content].concat()
    };
    let data: Vec<_> = (0..400_u32 << 10)
        .map(|index| u8::try_from(index % 251).expect("a byte"))
        .collect();
    [
        boxed(b"ftyp", b"isom\0\0\x02\0isommp41"),
        boxed(b"moov", &boxed(b"mvhd", &[0; 100])),
        boxed(b"mdat", &data),
    ]
    .concat()
}

#[test]
fn half_a_clip_without_a_length_is_never_reported_as_done_and_is_resumed() {
    for head in [
        "HTTP/1.0 200 OK",
        "HTTP/1.1 200 OK\r\ncontent-type: video/mp4",
    ] {
        let files = Files::start(head, movie());
        let ended = json!({
            "id": "j-1", "status": "succeeded", "charged": true,
            "output": {"video": format!("{}/1.mp4", files.url)},
        });
        let provider = Server::start(Script::from([
            (SUBMIT.into(), vec![accepted()]),
            ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
        ]));
        let sandbox = Sandbox::new();
        let more = format!("result_origins = [\"{}\"]", files.url);
        sandbox.configure(&provider.connection(&more));
        let run = ["--json", "run", "image_to_video_v3", "--set", "prompt=p"];
        let image = [
            "--set",
            "image=https://p.example/a.png",
            "--out",
            "clip.mp4",
        ];
        let run = run.into_iter().chain(image);
        let outcome = sandbox.run(run.chain(["--deadline", "3s"]));
        assert_eq!(outcome.code, 9, "{outcome:?}");
        let error = outcome.error("download_failed");
        assert_eq!(error["charged"], "yes");
        assert!(!sandbox.path("clip.mp4").exists());
        let job = error["job"].as_str().expect("an id");
        let part = sandbox.path(format!("clip.mp4.{job}.part"));
        let part = std::fs::read(part).expect("the part is kept");
        assert!(part == movie()[..movie().len() / 2]);

        files.is_whole.store(true, Ordering::SeqCst);
        run_next_command(&sandbox, &error).answer();
        assert!(std::fs::read(sandbox.path("clip.mp4")).expect("the clip") == movie());
        assert_eq!(provider.counts()[SUBMIT], 1);
    }
}
