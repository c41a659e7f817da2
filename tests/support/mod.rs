//! Shared parts of the tests.
//!
//! - [`sandbox`]: a folder, a data directory and an environment for the real binary; [`outcome`]: the
//!   result of a run and the invariants of every run; [`stream`]: its output line by line
//! - [`provider`]: a scripted provider, a real server on a loopback port; [`reply`]: its replies
//! - [`practice`]: the practice provider in the test's process; [`billing`]: its account compared
//!   with the ledger; [`fixture`]: both with a sandbox whose processes are killed
//! - [`cases`]: test cases in folders of data; [`steps`]: cases of several commands
//! - [`canary`]: the encoded forms of a secret text; [`encoding`]: bodies in other encodings
//! - [`slow_server`]: a job that runs until the test ends it
//! - [`guests`]: invalid and misbehaving components; [`hostile`]: a component that is controlled by
//!   its input; [`packages`]: packages of this workspace as components
//! - [`raw_http`]: a server that sends any bytes; [`recorder`]: a server that records every byte
//! - [`network`]: a resolver and a connector for a broker, which count their calls
//! - [`document`]: a reader of the published documents; [`samples`]: the code of a page without line
//!   breaks; [`shell`]: command lines in documents; [`test_names`]: the names of the tests
//! - [`preload`]: libraries that answer calls of the program to libc; [`wall_clock`]: one that sets the
//!   clock
//! - [`disk`]: a small file system that a test fills
//! - [`random`]: reproducible random numbers
//! - [`python`]: the comparisons with Python packages
//! - [`pictures`], [`mp4`]: input pictures, and a reader of clips

#[cfg(unix)]
pub(crate) mod billing;
pub(crate) mod canary;
pub(crate) mod cases;
#[cfg(target_os = "linux")]
pub(crate) mod disk;
pub(crate) mod document;
pub(crate) mod encoding;
#[cfg(unix)]
pub(crate) mod fixture;
pub(crate) mod guests;
pub(crate) mod hostile;
#[cfg(target_os = "linux")]
pub(crate) mod limited;
#[cfg(unix)]
pub(crate) mod memory;
pub(crate) mod mp4;
pub(crate) mod network;
pub(crate) mod outcome;
pub(crate) mod packages;
pub(crate) mod pictures;
#[cfg(unix)]
pub(crate) mod practice;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) mod preload;
pub(crate) mod provider;
pub(crate) mod python;
#[cfg(unix)]
pub(crate) mod random;
pub(crate) mod raw_http;
pub(crate) mod recorder;
mod reply;
pub(crate) mod samples;
pub(crate) mod sandbox;
pub(crate) mod shell;
pub(crate) mod slow_server;
pub(crate) mod steps;
pub(crate) mod stream;
pub(crate) mod test_names;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) mod wall_clock;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use zoetrope_bundled_pack::{COMPONENT, DIGEST};
use zoetrope_host::component::Pack;
use zoetrope_host::engine::{Engine, EngineSettings};
use zoetrope_host::policy::Policy;

/// The root of the repository.
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
