//! A server that records every byte that arrives, and answers each complete request.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// The server. It listens until it is dropped.
pub(crate) struct Recorder {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    reply: String,
    connections: Mutex<Vec<Vec<u8>>>,
    stopped: AtomicBool,
}

impl Recorder {
    /// Answers every request with 200, these headers (`name: value\r\n` each) and this body.
    pub(crate) fn start(headers: &str, body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let length = body.len();
        let shared = Arc::new(Shared {
            reply: format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n{headers}\r\n{body}"),
            connections: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let accepting = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming().flatten() {
                    if shared.stopped.load(Ordering::SeqCst) {
                        break;
                    }
                    let shared = Arc::clone(&shared);
                    std::thread::spawn(move || keep(stream, &shared));
                }
            }
        });
        Self {
            address,
            shared,
            accepting: Some(accepting),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What arrived over each connection, as text.
    pub(crate) fn arrived(&self) -> Vec<String> {
        let connections = self.shared.connections.lock().expect("the connections");
        connections
            .iter()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .collect()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }
}

/// Records the bytes of a connection until it ends. A request is recorded before it is answered.
fn keep(mut stream: TcpStream, shared: &Shared) {
    let place = {
        let mut connections = shared.connections.lock().expect("the connections");
        connections.push(Vec::new());
        connections.len() - 1
    };
    let mut answered = 0;
    let mut piece = [0; 1 << 14];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        let whole = {
            let mut connections = shared.connections.lock().expect("the connections");
            let kept = &mut connections[place];
            kept.extend_from_slice(&piece[..count]);
            end_of_request(&kept[answered..])
        };
        if let Some(end) = whole {
            answered += end;
            if stream.write_all(shared.reply.as_bytes()).is_err() {
                break;
            }
        }
    }
}

/// Where the first request in `bytes` ends, by its `content-length`.
fn end_of_request(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |length| length.trim().parse().unwrap_or(0));
    (bytes.len() >= end + length).then_some(end + length)
}
