//! What a broker asks and dials, as a test sees it: answers by plan, every question and every
//! connection counted, and listeners that would notice one that was not.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, OnceLock};

use futures::future::BoxFuture;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use zoetrope_host::egress::{Connect, Egress, HttpLimits, Resolve};

/// An address on the internet that tests lead to this machine.
pub(crate) const PUBLIC: &str = "93.184.216.34";

/// Runs a future on a runtime that outlives every test, so that a connection is closed by who
/// should close it and not by the end of a test.
pub(crate) fn wait_for<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_all();
        builder.build().expect("a runtime")
    });
    runtime.block_on(future)
}

/// The names and the network that a broker sees.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    answers: HashMap<String, VecDeque<Vec<IpAddr>>>,
    detours: HashMap<IpAddr, SocketAddr>,
    asked: Vec<String>,
    dialled: Vec<SocketAddr>,
}

impl World {
    /// A broker in this world.
    pub(crate) fn egress(&self, limits: HttpLimits) -> Egress {
        Egress::with_parts(limits, self.clone(), self.clone())
    }

    /// Lets a name have these addresses: one list after the other, the last again and again.
    pub(crate) fn name(&self, name: &str, answers: &[&[&str]]) {
        let parsed = answers.iter().map(|answer| {
            let addresses = answer.iter();
            addresses
                .map(|address| address.parse().expect("an address"))
                .collect()
        });
        let mut state = self.0.lock().expect("the world");
        state.answers.insert(name.to_owned(), parsed.collect());
    }

    /// Leads an address, whatever the port, to a server on this machine.
    pub(crate) fn detour(&self, address: &str, to: SocketAddr) {
        let address = address.parse().expect("an address");
        let mut state = self.0.lock().expect("the world");
        state.detours.insert(address, to);
    }

    /// The names asked for so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.lock().expect("the world").asked.clone()
    }

    /// The addresses dialled so far.
    pub(crate) fn dialled(&self) -> Vec<SocketAddr> {
        self.0.lock().expect("the world").dialled.clone()
    }
}

impl Resolve for World {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let mut state = self.0.lock().expect("the world");
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

impl Connect for World {
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        let mut state = self.0.lock().expect("the world");
        state.dialled.push(address);
        let target = state.detours.get(&address.ip()).copied();
        // Nothing beyond this machine is dialled, not even where a defence fails.
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

/// Somebody who listens on every loopback address at one port, and never says a word.
pub(crate) struct Listeners {
    port: u16,
    listeners: Vec<TcpListener>,
}

impl Listeners {
    pub(crate) fn start() -> Self {
        let first = TcpListener::bind("0.0.0.0:0").expect("a port");
        let port = first.local_addr().expect("an address").port();
        let mut listeners = vec![first];
        // A machine may have no IPv6, or the port be taken there; the connectors' count holds.
        listeners.extend(TcpListener::bind(("::1", port)));
        for listener in &listeners {
            listener.set_nonblocking(true).expect("a listener");
        }
        Self { port, listeners }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whether nobody has come; whoever has, counts once.
    pub(crate) fn are_alone(&self) -> bool {
        let came = |listener: &TcpListener| listener.accept().is_ok();
        !self.listeners.iter().any(came)
    }
}
