//! What the tests stand on.
//!
//! - [`sandbox`]: the real binary, with an environment and a folder of its own; [`outcome`]: what a run
//!   came to, and the promises that hold for every one; [`stream`]: what it says
//! - [`provider`]: a scripted provider, a real server on a loopback port
//! - [`practice`]: the practice provider in the test's process; [`billing`]: what it says, beside the ledger;
//!   [`fixture`]: both at a desk whose processes are killed, and what must hold at the end
//! - [`cases`]: cases that are folders of data; [`steps`]: those that are a history
//! - [`canary`]: the forms of a text that must not be seen again
//! - [`slow_server`]: a job that does not end until it is told to
//! - [`guests`]: components that are not what a pack should be; [`hostile`]: one that does what its
//!   input tells it to; [`packages`]: packages of this workspace as components; [`recorder`]: a server that keeps every byte it gets
//! - [`raw_http`]: a server that says any bytes; [`watch`]: names and a network for a broker, counted
//! - [`random`]: numbers that a seed gives again
//! - [`pictures`], [`mp4`]: pictures to start from, and clips read back

#[cfg(unix)]
pub(crate) mod billing;
pub(crate) mod canary;
pub(crate) mod cases;
#[cfg(unix)]
pub(crate) mod fixture;
pub(crate) mod guests;
pub(crate) mod hostile;
pub(crate) mod mp4;
pub(crate) mod outcome;
pub(crate) mod packages;
pub(crate) mod pictures;
#[cfg(unix)]
pub(crate) mod practice;
pub(crate) mod provider;
#[cfg(unix)]
pub(crate) mod random;
pub(crate) mod raw_http;
pub(crate) mod recorder;
pub(crate) mod sandbox;
pub(crate) mod slow_server;
pub(crate) mod steps;
pub(crate) mod stream;
pub(crate) mod watch;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use zoetrope_bundled_pack::{COMPONENT, DIGEST};
use zoetrope_host::component::Pack;
use zoetrope_host::engine::{Engine, EngineSettings};
use zoetrope_host::policy::Policy;

/// The repository.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let parent = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        parent.expect("a workspace").to_owned()
    })
}

/// A published schema, as text.
pub(crate) fn schema(node: &str, which: &str) -> String {
    let path = root().join(format!("schemas/{node}/{which}.json"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The embedded component, compiled once for all tests of this process.
pub(crate) fn pack() -> Pack {
    static PACK: OnceLock<Pack> = OnceLock::new();
    let load = || {
        Pack::load(&engine(), COMPONENT, &Policy::default().trusting(DIGEST))
            .expect("the embedded component")
    };
    PACK.get_or_init(load).clone()
}

/// An engine with the settings of the binary, without its cache.
pub(crate) fn engine() -> Engine {
    Engine::new(EngineSettings::default()).expect("an engine")
}
