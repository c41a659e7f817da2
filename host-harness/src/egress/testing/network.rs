//! Names and addresses that lead to servers on this machine.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use tokio::net::TcpStream;

use super::super::dial::Connect;
use super::super::resolver::Resolve;

/// A resolver and a connector. A name that was not added cannot be resolved, an address
/// without a detour refuses the connection.
#[derive(Clone, Default)]
pub(in crate::egress) struct Network(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    names: HashMap<String, IpAddr>,
    detours: HashMap<IpAddr, SocketAddr>,
    dialled: Vec<SocketAddr>,
}

impl Network {
    /// Gives a name this address.
    pub(in crate::egress) fn name(&self, name: &str, address: &str) {
        let address = address.parse().expect(address);
        let mut state = self.0.lock().expect("lock");
        state.names.insert(name.into(), address);
    }

    /// Leads an address, at any port, to a server on this machine.
    pub(in crate::egress) fn detour(&self, address: &str, to: SocketAddr) {
        let address = address.parse().expect(address);
        let mut state = self.0.lock().expect("lock");
        state.detours.insert(address, to);
    }

    /// The addresses that were dialled.
    pub(in crate::egress) fn dialled(&self) -> Vec<String> {
        let state = self.0.lock().expect("lock");
        state.dialled.iter().map(ToString::to_string).collect()
    }
}

impl Resolve for Network {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let found = self.0.lock().expect("lock").names.get(name).copied();
        let found = found.ok_or(io::ErrorKind::NotFound);
        Box::pin(async move { Ok(vec![found?]) })
    }
}

impl Connect for Network {
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        let mut state = self.0.lock().expect("lock");
        state.dialled.push(address);
        let target = state.detours.get(&address.ip()).copied();
        let target = target.or_else(|| address.ip().is_loopback().then_some(address));
        Box::pin(async move {
            match target {
                Some(target) => TcpStream::connect(target).await,
                None => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        })
    }
}
