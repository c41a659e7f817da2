//! A server that sends given bytes, valid HTTP or not, until the client closes the connection.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A limit on any wait, with a margin for slow machines.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The pause between two bytes of [`Answer::Slowly`].
const PAUSE: Duration = Duration::from_millis(10);

/// The answer to one request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// These bytes; the connection stays open.
    Say(Vec<u8>),
    /// These bytes; the connection is closed.
    Last(Vec<u8>),
    /// These bytes, once so many bytes of the request's body have come; then the connection is closed.
    /// The client's `Expect` is answered if bytes are wanted.
    Early {
        wanted: usize,
        bytes: Vec<u8>,
        /// Whether the server ends its bytes before it closes. Linux resets a connection that is
        /// closed with unread bytes.
        finishes: bool,
    },
    /// The first bytes, then the others repeated until the client closes the connection.
    Forever(Vec<u8>, Vec<u8>),
    /// The same, with a pause after each byte of the others.
    Slowly(Vec<u8>, Vec<u8>),
}

impl Answer {
    /// A complete reply: status and reason, headers, body.
    pub(crate) fn reply(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let reply = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
        Self::Say(reply.into_bytes())
    }

    /// A complete reply that comes early, after so many bytes of the body.
    pub(crate) fn early(status: &str, body: &str, wanted: usize, finishes: bool) -> Self {
        let length = body.len();
        Self::Early {
            wanted,
            bytes: format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}").into(),
            finishes,
        }
    }

    /// A redirect.
    pub(crate) fn redirect(status: u16, location: &str) -> Self {
        let header = format!("location: {location}\r\n");
        Self::reply(&format!("{status} Elsewhere"), &header, "")
    }
}

/// The body of the answer when no other is planned.
pub(crate) const GOOD: &str = "good";

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// The number of its connection, from 0.
    pub(crate) connection: usize,
    /// Request line and header in lower case.
    pub(crate) head: String,
    /// How many bytes of its body the server read.
    pub(crate) body: usize,
}

pub(crate) struct Raw {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    state: Mutex<State>,
    news: Condvar,
    stopped: AtomicBool,
}

#[derive(Default)]
struct State {
    heard: Vec<Heard>,
    /// Connections that are being served.
    open: usize,
    /// Bytes of endless answers that were written.
    taken: u64,
}

impl Raw {
    /// A server that sends these answers in order over all connections, then [`GOOD`].
    pub(crate) fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        shared.plan(answers);
        std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for (connection, stream) in listener.incoming().flatten().enumerate() {
                    if shared.stopped.load(Ordering::SeqCst) {
                        break;
                    }
                    let shared = Arc::clone(&shared);
                    shared.state.lock().expect("the state").open += 1;
                    std::thread::spawn(move || {
                        serve(stream, connection, &shared);
                        shared.state.lock().expect("the state").open -= 1;
                        shared.news.notify_all();
                    });
                }
            }
        });
        Self { address, shared }
    }

    /// Appends answers.
    pub(crate) fn then(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.plan(answers);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.shared.state.lock().expect("the state").heard.clone()
    }

    /// Waits until every connection is closed. Returns the bytes of endless answers that were written.
    pub(crate) fn bytes_taken(&self) -> u64 {
        let state = self.shared.state.lock().expect("the state");
        let busy = |state: &mut State| state.open > 0;
        let waited = self.shared.news.wait_timeout_while(state, TIMEOUT, busy);
        let (state, waited) = waited.expect("the state");
        assert!(!waited.timed_out(), "{} connections stay open", state.open);
        state.taken
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn plan(&self, answers: impl IntoIterator<Item = Answer>) {
        self.answers.lock().expect("the answers").extend(answers);
    }

    fn next(&self) -> Answer {
        let planned = self.answers.lock().expect("the answers").pop_front();
        planned.unwrap_or_else(|| Answer::reply("200 OK", "", GOOD))
    }
}

fn serve(mut stream: TcpStream, connection: usize, shared: &Shared) {
    stream.set_read_timeout(Some(TIMEOUT)).expect("a stream");
    stream.set_write_timeout(Some(TIMEOUT)).expect("a stream");
    while let Some((head, come)) = request(&mut stream) {
        let answer = shared.next();
        let Some(body) = read_body(&mut stream, &head, come, &answer) else {
            return;
        };
        let heard = Heard {
            connection,
            head,
            body,
        };
        shared.state.lock().expect("the state").heard.push(heard);
        let goes_on = match answer {
            Answer::Say(bytes) => stream.write_all(&bytes).is_ok(),
            Answer::Last(bytes) => {
                drop(stream.write_all(&bytes));
                false
            }
            Answer::Early {
                bytes, finishes, ..
            } => {
                drop(stream.write_all(&bytes));
                if finishes {
                    drop(stream.shutdown(Shutdown::Write));
                }
                false
            }
            Answer::Forever(first, again) => {
                let mut taken = stream.write(&first).unwrap_or(0);
                while let Ok(more @ 1..) = stream.write(&again) {
                    taken += more;
                }
                shared.state.lock().expect("the state").taken += taken as u64;
                false
            }
            Answer::Slowly(first, again) => {
                let bytes = first.iter().map(|byte| (byte, Duration::ZERO));
                let rest = again.iter().cycle().map(|byte| (byte, PAUSE));
                for (byte, pause) in bytes.chain(rest) {
                    std::thread::sleep(pause);
                    if stream.write_all(&[*byte]).is_err() {
                        break;
                    }
                    shared.state.lock().expect("the state").taken += 1;
                }
                false
            }
        };
        if !goes_on {
            return;
        }
    }
}

/// The next request's line and header, and how many bytes of its body came with it.
fn request(stream: &mut TcpStream) -> Option<(String, usize)> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        match stream.read(&mut piece) {
            Ok(count @ 1..) => bytes.extend_from_slice(&piece[..count]),
            _ => return None,
        }
    };
    let come = bytes.split_off(end).len();
    let head = String::from_utf8(bytes).ok()?.to_ascii_lowercase();
    Some((head, come))
}

/// The announced length of a request's body.
fn length_of(head: &str) -> usize {
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length: "));
    length.map_or(0, |length| length.parse().unwrap_or(0))
}

/// Reads as much of a body as comes before the answer, and drops it. Returns how much has come.
fn read_body(
    stream: &mut TcpStream,
    head: &str,
    mut come: usize,
    answer: &Answer,
) -> Option<usize> {
    let wanted = match answer {
        Answer::Early { wanted, .. } => *wanted,
        _ => length_of(head),
    };
    if come < wanted && head.contains("\r\nexpect: 100-continue\r\n") {
        drop(stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n"));
    }
    let mut piece = [0; 4096];
    while come < wanted {
        match stream.read(&mut piece) {
            Ok(count @ 1..) => come += count,
            _ => return None,
        }
    }
    Some(come)
}
