//! A scripted provider: a real HTTP/1.1 server on a loopback port that sends scripted replies and
//! records the requests.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::mp4;
use super::reply::Instead;
use super::sandbox::KEY_VARIABLE;

pub(crate) use super::reply::Reply;

/// A limit on any wait, with a margin for slow machines.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The replies to each request, by method and path without query (`POST /v1/jobs`), in order; the
/// last one repeats.
pub(crate) type Script = BTreeMap<String, Vec<Reply>>;

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) reply: Reply,
}

impl Arrived {
    /// Method and path without query, such as `POST /v1/jobs`.
    pub(crate) fn line(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {path}", self.method)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// The remaining replies, and the time at which the first of them was first sent.
#[derive(Default)]
struct Replies {
    queue: VecDeque<Reply>,
    since: Option<Instant>,
}

impl Replies {
    fn next(&mut self) -> Option<Reply> {
        let first = self.queue.front()?.clone();
        if self.queue.len() == 1 {
            return Some(first);
        }
        if let Some(lasts) = first.lasts_ms {
            let since = *self.since.get_or_insert_with(Instant::now);
            if since.elapsed() < Duration::from_millis(lasts) {
                return Some(first);
            }
            self.queue.pop_front();
            self.since = None;
            return self.next();
        }
        self.queue.pop_front()
    }
}

impl From<Vec<Reply>> for Replies {
    fn from(replies: Vec<Reply>) -> Self {
        Self {
            queue: replies.into(),
            since: None,
        }
    }
}

#[derive(Default)]
struct Shared {
    script: Mutex<BTreeMap<String, Replies>>,
    arrived: Mutex<Vec<Arrived>>,
    changed: Condvar,
    names: Mutex<HashMap<&'static str, String>>,
    hanging: Mutex<Vec<TcpStream>>,
    stopped: AtomicBool,
}

impl Server {
    pub(crate) fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let accepting = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming().flatten() {
                    if shared.stopped.load(Ordering::SeqCst) {
                        break;
                    }
                    let shared = Arc::clone(&shared);
                    std::thread::spawn(move || serve(&stream, &shared));
                }
            }
        });
        let server = Self {
            address,
            shared,
            accepting: Some(accepting),
        };
        server.name("provider", server.url());
        server.name("provider_host", server.host());
        server.name("clip_base64", STANDARD.encode(mp4::short_clip()));
        server.script(script);
        server
    }

    /// Replaces or adds the replies to these requests.
    pub(crate) fn script(&self, script: Script) {
        let mut lock = self.shared.script.lock().expect("the script");
        lock.extend(
            script
                .into_iter()
                .map(|(line, replies)| (line, replies.into())),
        );
    }

    /// Sets the text that replaces `{name}` in replies.
    pub(crate) fn name(&self, name: &'static str, url: String) {
        self.shared
            .names
            .lock()
            .expect("the names")
            .insert(name, url);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The host and port of its URL.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// The line of a connection's table by which results may be at this server.
    pub(crate) fn as_result_origin(&self) -> String {
        format!("result_origins = [\"{}\"]", self.url())
    }

    /// The table of a PixelML connection to this server, with `more` lines and the canary credential.
    pub(crate) fn connection(&self, more: &str) -> String {
        connection(&self.url(), more)
    }

    /// All requests so far.
    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.shared.arrived.lock().expect("the requests").clone()
    }

    /// The number of requests by [`Arrived::line`].
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for request in self.arrived() {
            *counts.entry(request.line()).or_default() += 1;
        }
        counts
    }

    /// Answers all hanging requests.
    pub(crate) fn release(&self, reply: &Reply) {
        let bytes = reply.bytes(&self.shared.names.lock().expect("the names"));
        for mut stream in self
            .shared
            .hanging
            .lock()
            .expect("the connections")
            .drain(..)
        {
            drop(stream.write_all(&bytes));
        }
    }

    /// Waits until this many requests of this line have arrived.
    #[track_caller]
    pub(crate) fn wait_for(&self, line: &str, count: usize) {
        let arrived = self.shared.arrived.lock().expect("the requests");
        let few = |arrived: &mut Vec<Arrived>| {
            arrived
                .iter()
                .filter(|request| request.line() == line)
                .count()
                < count
        };
        let waited = self
            .shared
            .changed
            .wait_timeout_while(arrived, TIMEOUT, few);
        let (arrived, waited) = waited.expect("the requests");
        assert!(!waited.timed_out(), "{count} times {line}: {arrived:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }
}

/// The table of a PixelML connection to `url`, with `more` lines and the canary credential.
pub(crate) fn connection(url: &str, more: &str) -> String {
    connection_of("pixelml", url, more)
}

/// The same of any category.
pub(crate) fn connection_of(category: &str, url: &str, more: &str) -> String {
    format!(
        "[connections.scripted]\ncategory = \"{category}\"\nbase_url = \"{url}\"\n\
         credential = {{ env = \"{KEY_VARIABLE}\" }}\n{more}\n"
    )
}

/// A URL at which no server listens.
pub(crate) fn unused_url() -> String {
    // No system assigns port 1 to a listener, and its service is obsolete.
    "http://127.0.0.1:1".into()
}

fn serve(stream: &TcpStream, shared: &Shared) {
    let Some(mut request) = read(stream) else {
        return;
    };
    let reply = {
        let mut script = shared.script.lock().expect("the script");
        script.get_mut(&request.line()).and_then(Replies::next)
    };
    let unscripted = Reply::text(418, "unscripted");
    let reply = reply.unwrap_or(unscripted);
    if reply.instead == Some(Instead::Hang) {
        let kept = stream.try_clone().expect("a handle");
        shared.hanging.lock().expect("the connections").push(kept);
    }
    request.reply = reply.clone();
    // Counted before the reply, so that a client with a reply finds its request counted.
    shared.arrived.lock().expect("the requests").push(request);
    shared.changed.notify_all();
    if reply.instead.is_none() {
        std::thread::sleep(Duration::from_millis(reply.delay_ms));
        let bytes = reply.bytes(&shared.names.lock().expect("the names"));
        let mut stream = stream;
        // The client may have closed the connection.
        drop(stream.write_all(&bytes));
    }
}

fn read(stream: &TcpStream) -> Option<Arrived> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let field = line()?;
        let Some((name, value)) = field.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, length)| length.parse().unwrap_or(0));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Arrived {
        method,
        path,
        headers,
        body,
        reply: Reply::default(),
    })
}
