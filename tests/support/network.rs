//! A resolver and a connector for a broker, with planned answers. Both count their calls, and
//! listeners notice connections that bypass them.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, OnceLock};

use futures::future::BoxFuture;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use zoetrope_host::egress::{Connect, Egress, HttpLimits, Resolve};

/// An address on the internet that tests redirect to this machine.
pub(crate) const PUBLIC: &str = "93.184.216.34";

/// Runs a future on a runtime that outlives every test, so that the end of a test closes no
/// connection.
pub(crate) fn wait_for<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_all();
        builder.build().expect("a runtime")
    });
    runtime.block_on(future)
}

/// The names and addresses that a broker reaches.
#[derive(Clone, Default)]
pub(crate) struct Network(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    answers: HashMap<String, VecDeque<Vec<IpAddr>>>,
    detours: HashMap<IpAddr, SocketAddr>,
    asked: Vec<String>,
    dialled: Vec<SocketAddr>,
}

impl Network {
    /// A broker that uses this network.
    pub(crate) fn egress(&self, limits: HttpLimits) -> Egress {
        Egress::with_parts(limits, self.clone(), self.clone())
    }

    /// Sets the addresses of a name: one list for each lookup, the last one repeats.
    pub(crate) fn name(&self, name: &str, answers: &[&[&str]]) {
        let parsed = answers.iter().map(|answer| {
            let addresses = answer.iter();
            addresses
                .map(|address| address.parse().expect("an address"))
                .collect()
        });
        let mut state = self.0.lock().expect("the network");
        state.answers.insert(name.to_owned(), parsed.collect());
    }

    /// Redirects an address, at any port, to a server on this machine.
    pub(crate) fn detour(&self, address: &str, to: SocketAddr) {
        let address = address.parse().expect("an address");
        let mut state = self.0.lock().expect("the network");
        state.detours.insert(address, to);
    }

    /// The names that were looked up.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.lock().expect("the network").asked.clone()
    }

    /// The addresses that were dialled.
    pub(crate) fn dialled(&self) -> Vec<SocketAddr> {
        self.0.lock().expect("the network").dialled.clone()
    }
}

impl Resolve for Network {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let mut state = self.0.lock().expect("the network");
        state.asked.push(name.to_owned());
        let answer = state.answers.get_mut(name).and_then(|answers| {
            let next = answers.front().cloned();
            if answers.len() > 1 {
                answers.pop_front();
            }
            next
        });
        let answer = answer.ok_or_else(|| io::ErrorKind::NotFound.into());
        Box::pin(async move { answer })
    }
}

impl Connect for Network {
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        let mut state = self.0.lock().expect("the network");
        state.dialled.push(address);
        let target = state.detours.get(&address.ip()).copied();
        // Only loopback is dialled, even if a defence fails.
        let target =
            target.or_else(|| address.ip().to_canonical().is_loopback().then_some(address));
        Box::pin(async move {
            match target {
                Some(target) => TcpStream::connect(target).await,
                None => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        })
    }
}

/// Listeners at one port of every loopback address, which send nothing.
pub(crate) struct Listeners {
    port: u16,
    listeners: Vec<TcpListener>,
}

impl Listeners {
    pub(crate) fn start() -> Self {
        let first = TcpListener::bind("0.0.0.0:0").expect("a port");
        let port = first.local_addr().expect("an address").port();
        let mut listeners = vec![first];
        // IPv6 may be missing, or the port taken there; the connector still counts.
        listeners.extend(TcpListener::bind(("::1", port)));
        for listener in &listeners {
            listener.set_nonblocking(true).expect("a listener");
        }
        Self { port, listeners }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whether no connection arrived since the last call.
    pub(crate) fn got_no_connection(&self) -> bool {
        let came = |listener: &TcpListener| listener.accept().is_ok();
        !self.listeners.iter().any(came)
    }
}
